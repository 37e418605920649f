//! Archives, tar (plain or gzipped) and zip, and the hash of a file.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// What becomes of the paths inside an archive.
#[derive(Clone, Copy, PartialEq)]
pub enum Strip {
    /// They stay as they are.
    Nothing,
    /// The first folder goes: registries put everything into one.
    FirstFolder,
}

/// Unpacks `archive` into `folder`. Links and paths that lead elsewhere are
/// left out: none of our packages needs them.
pub fn unpack(archive: &Path, folder: &Path, strip: Strip) -> Result<()> {
    let context = || format!("cannot unpack {}", archive.display());
    let mut file = File::open(archive).with_context(context)?;
    let mut magic = [0; 2];
    file.read_exact(&mut magic).with_context(context)?;
    file.seek(SeekFrom::Start(0))?;
    if magic == *b"PK" {
        return unpack_zip(file, folder, strip).with_context(context);
    }
    let reader: Box<dyn Read> = match magic {
        [0x1f, 0x8b] => Box::new(flate2::read::GzDecoder::new(BufReader::new(file))),
        _ => Box::new(BufReader::new(file)),
    };
    std::fs::create_dir_all(folder)?;
    for entry in tar::Archive::new(reader).entries().with_context(context)? {
        let mut entry = entry.with_context(context)?;
        let Some(path) = inside(&entry.path()?, strip) else {
            continue;
        };
        let target = folder.join(path);
        match entry.header().entry_type() {
            tar::EntryType::Directory => std::fs::create_dir_all(&target)?,
            tar::EntryType::Regular => {
                std::fs::create_dir_all(target.parent().expect("joined to a folder"))?;
                // Keeps a program executable.
                entry.unpack(&target).with_context(context)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn unpack_zip(file: File, folder: &Path, strip: Strip) -> Result<()> {
    let mut archive = zip::ZipArchive::new(BufReader::new(file))?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let Some(path) = entry.is_file().then(|| inside(Path::new(entry.name()), strip)).flatten()
        else {
            continue;
        };
        let target = folder.join(path);
        std::fs::create_dir_all(target.parent().expect("joined to a folder"))?;
        std::io::copy(&mut entry, &mut File::create(&target)?)?;
    }
    Ok(())
}

/// The hash of a file in lower-case hexadecimal digits.
pub fn sha256(path: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn inside(path: &Path, strip: Strip) -> Option<PathBuf> {
    let mut parts = path.components().filter(|part| *part != Component::CurDir);
    if strip == Strip::FirstFolder {
        parts.next();
    }
    let mut inside = PathBuf::new();
    for part in parts {
        match part {
            Component::Normal(name) => inside.push(name),
            _ => return None,
        }
    }
    Some(inside).filter(|path| !path.as_os_str().is_empty())
}
