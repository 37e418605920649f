//! Hosts of the Unix family.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirEntryExt, PermissionsExt};

use cap_std::fs::{Dir, DirEntry, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use sampan_linux::Errno;
use sampan_linux::fs::{FileType, Stat, StatFs};
use sampan_linux::time::Timespec;

/// Who runs sampan.
#[derive(Clone, Copy)]
pub struct Owner {
    uid: u32,
    gid: u32,
}

impl Owner {
    /// The user and group of this process.
    pub fn current() -> Owner {
        Owner { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() }
    }

    /// Whether files may be given to anyone.
    pub fn is_root(self) -> bool {
        self.uid == 0
    }

    fn shown(self, uid: u32, gid: u32) -> (u32, u32) {
        if self.is_root() {
            return (uid, gid);
        }
        (if uid == self.uid { 0 } else { uid }, if gid == self.gid { 0 } else { gid })
    }
}

/// The bytes of a name.
pub fn bytes(name: &OsStr) -> Vec<u8> {
    name.as_bytes().to_vec()
}

/// A name of these bytes; none if the host can have none such.
pub fn name(bytes: &[u8]) -> Option<OsString> {
    Some(OsString::from_vec(bytes.to_vec()))
}

/// Device and number.
pub fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Attributes; `dev` and `ino` are left zero.
pub fn stat(metadata: &Metadata, owner: Owner) -> Stat {
    let time = |seconds, nanos: i64| Timespec { seconds, nanos: nanos as u32 };
    let (uid, gid) = owner.shown(metadata.uid(), metadata.gid());
    Stat {
        nlink: metadata.nlink() as u32,
        uid,
        gid,
        rdev: metadata.rdev(),
        size: metadata.size(),
        blksize: metadata.blksize() as u32,
        blocks: metadata.blocks(),
        atime: time(metadata.atime(), metadata.atime_nsec()),
        mtime: time(metadata.mtime(), metadata.mtime_nsec()),
        ctime: time(metadata.ctime(), metadata.ctime_nsec()),
        ..Stat::new(0, 0, metadata.mode())
    }
}

/// Number and type of a directory's entry.
pub fn entry(entry: &DirEntry) -> (u64, Option<FileType>) {
    use cap_std::fs::FileTypeExt;
    let kind = entry.file_type().ok().and_then(|kind| {
        Some(match kind {
            _ if kind.is_dir() => FileType::Directory,
            _ if kind.is_file() => FileType::Regular,
            _ if kind.is_symlink() => FileType::Symlink,
            _ if kind.is_char_device() => FileType::CharDevice,
            _ if kind.is_block_device() => FileType::BlockDevice,
            _ if kind.is_fifo() => FileType::Fifo,
            _ if kind.is_socket() => FileType::Socket,
            _ => return None,
        })
    });
    (entry.ino(), kind)
}

/// Lets opening neither wait nor follow a link that came in between.
pub fn options(options: &mut OpenOptions) {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    options.custom_flags(flags.bits() as _);
}

/// Permissions of these bits.
pub fn permissions(mode: u32) -> Option<cap_std::fs::Permissions> {
    Some(cap_std::fs::Permissions::from_std(std::fs::Permissions::from_mode(mode)))
}

/// Gives a file to someone.
pub fn change_owner(file: &File, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
    use rustix::fs::{Gid, Uid};
    Ok(rustix::fs::fchown(file, uid.map(Uid::from_raw), gid.map(Gid::from_raw))?)
}

/// Reads at a position.
pub fn read_at(file: &File, buf: &mut [u8], pos: u64) -> io::Result<usize> {
    cap_std::fs::FileExt::read_at(file, buf, pos)
}

/// Writes at a position.
pub fn write_at(file: &File, bytes: &[u8], pos: u64) -> io::Result<usize> {
    cap_std::fs::FileExt::write_at(file, bytes, pos)
}

/// The number of an error, which is the same wherever Linux runs.
#[cfg(target_os = "linux")]
pub fn errno(error: &io::Error) -> Option<Errno> {
    // Paths that would lead outside are an error of cap-std's own, without a number.
    error.raw_os_error().and_then(|number| u16::try_from(number).ok()).map(Errno)
}

/// Other systems number errors differently.
#[cfg(not(target_os = "linux"))]
pub fn errno(_: &io::Error) -> Option<Errno> {
    None
}

/// Sizes and counts of the file system that a directory is on.
pub fn statfs(dir: &Dir) -> io::Result<StatFs> {
    let found = rustix::fs::fstatvfs(dir)?;
    Ok(StatFs {
        // What FUSE says, as this is just as foreign.
        magic: 0x6573_5546,
        bsize: found.f_bsize as u32,
        blocks: found.f_blocks,
        bfree: found.f_bfree,
        bavail: found.f_bavail,
        files: found.f_files,
        ffree: found.f_ffree,
        namelen: found.f_namemax as u32,
    })
}

/// Whether a directory is one in which the host's kernel tells of itself: `proc`, `sysfs`,
/// `debugfs`, `tracefs`, `securityfs`, `cgroup`, and the directory of terminals. What cannot
/// be looked at counts as such.
#[cfg(target_os = "linux")]
pub fn is_private(dir: &Dir, path: &std::path::Path) -> bool {
    const PRIVATE: [i64; 8] = [
        0x9fa0,
        0x6265_6572,
        0x6462_6720,
        0x7472_6163,
        0x7363_6673,
        0x0027_e0eb,
        0x6367_7270,
        0x1cd1,
    ];
    let found = dir.open_dir(path).and_then(|dir| Ok(rustix::fs::fstatfs(&dir)?));
    // The field is narrower on 32-bit hosts.
    #[allow(clippy::useless_conversion)]
    found.map_or(true, |found| PRIVATE.contains(&i64::from(found.f_type)))
}

/// Other systems have none.
#[cfg(not(target_os = "linux"))]
pub fn is_private(_: &Dir, _: &std::path::Path) -> bool {
    false
}
