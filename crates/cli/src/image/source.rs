//! What an image is made of: an archive, a directory that is read as if it were one, or the
//! archives of an OCI image.

use super::{directory, oci};
use sampan_disk::ext2::{Kind, Timestamp};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// Where files come from.
pub enum Source {
    /// An archive of tar, not compressed.
    Tar(PathBuf),
    /// A directory of the host.
    Directory(PathBuf),
    /// The layers of an OCI image.
    Layers(oci::Layers),
}

/// A file on its way into the image.
pub struct Item {
    /// Its path; what it means is the image's to say.
    pub path: Vec<u8>,
    pub what: What,
    /// Permission bits.
    pub perm: u16,
    pub uid: u32,
    pub gid: u32,
    pub modified: Timestamp,
    /// Bytes of a regular file.
    pub size: u64,
    /// Extended attributes, those that images have: names and values.
    pub attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What it is.
pub enum What {
    /// A new file; of a device, its number as Linux encodes it.
    New(Kind, u32),
    Symlink(Vec<u8>),
    /// Another name of a file that came before.
    Link(Vec<u8>),
    /// What came before is taken away.
    Nothing,
    /// What came before into this directory is taken away.
    Empty,
}

/// Takes files one after the other, with what is in them.
pub type Take<'a> = dyn FnMut(&Item, &mut dyn Read) -> Result<(), String> + 'a;

impl Source {
    /// Shows all files, always in the same order; says which one cannot be read.
    pub fn visit(&self, take: &mut Take<'_>) -> Result<(), String> {
        match self {
            Source::Directory(root) => directory::visit(root, take),
            Source::Tar(file) => {
                let problem = |error: io::Error| format!("{}: {error}", file.display());
                let open = File::open(file).map_err(problem)?;
                let mut archive = tar::Archive::new(BufReader::with_capacity(1 << 18, open));
                entries(archive.entries_with_seek().map_err(problem)?, file, take)
            }
            Source::Layers(layers) => layers.visit(take),
        }
    }
}

/// Shows the entries of an archive, which is in this file.
pub fn entries<R: Read>(
    list: tar::Entries<'_, R>,
    file: &Path,
    take: &mut Take<'_>,
) -> Result<(), String> {
    const ATTRIBUTE: &[u8] = b"SCHILY.xattr.";
    let problem = |error: io::Error| format!("{}: {error}", file.display());
    for entry in list {
        let mut entry = entry.map_err(problem)?;
        let link = entry.link_name_bytes().map(|name| name.into_owned());
        let path = entry.path_bytes().into_owned();
        let Some(mut item) = item(path, entry.header(), link).map_err(problem)? else { continue };
        for extension in entry.pax_extensions().map_err(problem)?.into_iter().flatten() {
            let extension = extension.map_err(problem)?;
            if let Some(name) = extension.key_bytes().strip_prefix(ATTRIBUTE)
                && is_kept(name)
            {
                item.attributes.push((name.to_vec(), extension.value_bytes().to_vec()));
            }
        }
        item.size = entry.size();
        take(&item, &mut entry)?;
    }
    Ok(())
}

/// Whether an attribute means the same on another machine.
pub fn is_kept(name: &[u8]) -> bool {
    name.starts_with(b"user.") || name == b"security.capability"
}

/// What a header of tar says; nothing for what is no file.
pub fn item(
    path: Vec<u8>,
    header: &tar::Header,
    link: Option<Vec<u8>>,
) -> io::Result<Option<Item>> {
    use tar::EntryType;
    let device = |kind| -> io::Result<What> {
        let (major, minor) = (header.device_major()?, header.device_minor()?);
        let (major, minor) = (major.unwrap_or(0), minor.unwrap_or(0));
        Ok(What::New(kind, minor & 0xff | (major & 0xfff) << 8 | (minor & 0xfff00) << 12))
    };
    let shown = String::from_utf8_lossy(&path).into_owned();
    let named = |link: Option<Vec<u8>>| {
        link.ok_or_else(|| io::Error::other(format!("{shown}: a link that leads nowhere")))
    };
    let what = match header.entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            What::New(Kind::File, 0)
        }
        EntryType::Directory => What::New(Kind::Directory, 0),
        EntryType::Fifo => What::New(Kind::Fifo, 0),
        EntryType::Char => device(Kind::CharDevice)?,
        EntryType::Block => device(Kind::BlockDevice)?,
        EntryType::Symlink => What::Symlink(named(link)?),
        EntryType::Link => What::Link(named(link)?),
        EntryType::XGlobalHeader => return Ok(None),
        other => {
            let code = char::from(other.as_byte());
            return Err(io::Error::other(format!("{shown}: entries of type '{code}'")));
        }
    };
    Ok(Some(Item {
        path,
        what,
        perm: (header.mode()? & 0o7777) as u16,
        uid: header.uid()? as u32,
        gid: header.gid()? as u32,
        modified: Timestamp { seconds: header.mtime()? as i64, nanoseconds: 0 },
        size: 0,
        attributes: Vec::new(),
    }))
}
