//! Hosts whose files have no modes and owners: everything is root's, and is as executable
//! as it is readable.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Seek, SeekFrom, Write};

use cap_fs_ext::MetadataExt;
use cap_std::fs::{Dir, DirEntry, File, Metadata, OpenOptions};
use sampan_linux::Errno;
use sampan_linux::fs::{FileType, Stat, StatFs};
use sampan_linux::time::Timespec;

/// Who runs sampan: not known.
#[derive(Clone, Copy)]
pub struct Owner;

impl Owner {
    /// The user of this process.
    pub fn current() -> Owner {
        Owner
    }

    /// Whether files may be given to anyone.
    pub fn is_root(self) -> bool {
        false
    }
}

/// The bytes of a name.
pub fn bytes(name: &OsStr) -> Vec<u8> {
    name.to_string_lossy().into_owned().into_bytes()
}

/// A name of these bytes; none if the host can have none such.
pub fn name(bytes: &[u8]) -> Option<OsString> {
    String::from_utf8(bytes.to_vec()).ok().map(OsString::from)
}

/// Device and number.
pub fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn kind(kind: cap_std::fs::FileType) -> FileType {
    match kind {
        _ if kind.is_dir() => FileType::Directory,
        _ if kind.is_symlink() => FileType::Symlink,
        _ => FileType::Regular,
    }
}

/// Attributes; `dev` and `ino` are left zero.
pub fn stat(metadata: &Metadata, _: Owner) -> Stat {
    let time = |time: io::Result<cap_std::time::SystemTime>| {
        let since =
            time.ok().and_then(|time| time.into_std().duration_since(std::time::UNIX_EPOCH).ok());
        Timespec::from_ns(since.map_or(0, |since| since.as_nanos() as u64))
    };
    let write = if metadata.permissions().readonly() { 0 } else { 0o222 };
    let mode = kind(metadata.file_type()) as u32 | 0o555 | write;
    let modified = time(metadata.modified());
    Stat {
        nlink: metadata.nlink() as u32,
        size: metadata.len(),
        blocks: metadata.len().div_ceil(512),
        atime: time(metadata.accessed()),
        mtime: modified,
        ctime: modified,
        ..Stat::new(0, 0, mode)
    }
}

/// Number and type of a directory's entry.
pub fn entry(entry: &DirEntry) -> (u64, Option<FileType>) {
    let ino = entry.metadata().map_or(0, |metadata| metadata.ino());
    (ino, entry.file_type().ok().map(kind))
}

/// Nothing is needed.
pub fn options(_: &mut OpenOptions) {}

/// There are none to set; the file stays as it is.
pub fn permissions(_: u32) -> Option<cap_std::fs::Permissions> {
    None
}

/// There are no owners.
pub fn change_owner(_: &File, _: Option<u32>, _: Option<u32>) -> io::Result<()> {
    Err(io::ErrorKind::PermissionDenied.into())
}

/// Reads at a position.
pub fn read_at(mut file: &File, buf: &mut [u8], pos: u64) -> io::Result<usize> {
    file.seek(SeekFrom::Start(pos))?;
    file.read(buf)
}

/// Writes at a position.
pub fn write_at(mut file: &File, bytes: &[u8], pos: u64) -> io::Result<usize> {
    file.seek(SeekFrom::Start(pos))?;
    file.write(bytes)
}

/// Numbers of errors are the system's own.
pub fn errno(_: &io::Error) -> Option<Errno> {
    None
}

/// Not known.
pub fn statfs(_: &Dir) -> io::Result<StatFs> {
    Ok(StatFs { magic: 0x6573_5546, bsize: 4096, namelen: 255, ..StatFs::default() })
}

/// There are no such directories.
pub fn is_private(_: &Dir, _: &std::path::Path) -> bool {
    false
}
