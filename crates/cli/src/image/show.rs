//! What is in an image, without changing it.

use super::path;
use crate::report::{self, Exit};
use sampan_disk::ext2::{Attr, Ext2, Ino, Kind, Options};
use sampan_disk::{Error, FileDevice};
use std::fmt::Write;
use std::path::Path;

/// Bytes of a file that are in memory at a time.
const PART: usize = 1 << 18;

/// An image that is only read.
pub type Image = Ext2<FileDevice>;

/// Lists a directory, or one file.
pub fn ls(image: &Path, at: &[u8]) -> Result<Exit, String> {
    let mut fs = open(image)?;
    let shown = String::from_utf8_lossy(at).into_owned();
    let problem = |error: Error| format!("{}: {shown}: {error}", image.display());
    let ino = path::find(&mut fs, at, None).map_err(problem)?;
    let attr = fs.getattr(ino).map_err(problem)?;
    let mut text = Vec::new();
    if attr.kind != Kind::Directory {
        line(&mut fs, at, &attr, &mut text).map_err(problem)?;
        return Ok(report::print(&text));
    }
    let mut entries: Vec<(Vec<u8>, Ino)> = Vec::new();
    fs.readdir(ino, 0, &mut |entry| {
        entries.push((entry.name.to_vec(), entry.ino));
        true
    })
    .map_err(problem)?;
    entries.sort();
    for (name, ino) in entries.iter().filter(|entry| !matches!(&entry.0[..], b"." | b"..")) {
        let attr = fs.getattr(*ino).map_err(problem)?;
        line(&mut fs, name, &attr, &mut text).map_err(problem)?;
    }
    Ok(report::print(&text))
}

/// Writes files to standard output.
pub fn cat(image: &Path, paths: &[String]) -> Result<Exit, String> {
    let mut fs = open(image)?;
    let mut part = vec![0; PART];
    for shown in paths {
        let problem = |error: Error| format!("{}: {shown}: {error}", image.display());
        let ino = path::find(&mut fs, shown.as_bytes(), None).map_err(problem)?;
        if fs.getattr(ino).map_err(problem)?.kind != Kind::File {
            return Err(format!("{}: {shown}: not a regular file", image.display()));
        }
        let mut offset = 0;
        loop {
            let count = fs.read(ino, offset, &mut part).map_err(problem)?;
            if count == 0 {
                break;
            }
            let exit = report::print(&part[..count]);
            if exit != Exit::Success {
                return Ok(exit);
            }
            offset += count as u64;
        }
    }
    Ok(Exit::Success)
}

/// Opens an image to read it.
pub fn open(image: &Path) -> Result<Image, String> {
    let shown = image.display();
    let device = FileDevice::open(image, true).map_err(|error| format!("{shown}: {error}"))?;
    Ext2::mount(device, Options { read_only: true, ..Options::default() })
        .map_err(|failed| format!("{shown}: {}", failed.error))
}

/// Major and minor number of a device, as Linux encodes them in 32 bits (`new_decode_dev`).
pub fn device_numbers(rdev: u32) -> (u32, u32) {
    (rdev >> 8 & 0xfff, rdev & 0xff | rdev >> 12 & !0xff)
}

/// A line as `ls -ln` has it, without the time.
fn line(fs: &mut Image, name: &[u8], attr: &Attr, text: &mut Vec<u8>) -> sampan_disk::Result<()> {
    let mut head = String::new();
    let letter = match attr.kind {
        Kind::File => '-',
        Kind::Directory => 'd',
        Kind::Symlink => 'l',
        Kind::CharDevice => 'c',
        Kind::BlockDevice => 'b',
        Kind::Fifo => 'p',
        Kind::Socket => 's',
    };
    head.push(letter);
    for bit in (0..9).rev() {
        let set = attr.mode >> bit & 1 != 0;
        // Set-user, set-group and sticky bits show in place of the three for execution.
        let special = bit % 3 == 0 && attr.mode >> (9 + bit / 3) & 1 != 0;
        head.push(match (special, set, bit) {
            (true, true, 0) => 't',
            (true, false, 0) => 'T',
            (true, true, _) => 's',
            (true, false, _) => 'S',
            (false, true, _) => ['x', 'w', 'r'][bit % 3],
            (false, false, _) => '-',
        });
    }
    let size = match attr.kind {
        Kind::CharDevice | Kind::BlockDevice => {
            let (major, minor) = device_numbers(attr.rdev);
            format!("{major},{minor}")
        }
        _ => attr.size.to_string(),
    };
    let _ = write!(head, " {:>3} {:>5} {:>5} {size:>10} ", attr.links, attr.uid, attr.gid);
    text.extend_from_slice(head.as_bytes());
    text.extend_from_slice(name);
    if attr.kind == Kind::Symlink {
        text.extend_from_slice(b" -> ");
        text.extend_from_slice(&fs.readlink(attr.ino)?);
    }
    text.push(b'\n');
    Ok(())
}
