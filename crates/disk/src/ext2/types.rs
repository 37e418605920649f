//! What the calls of the file system take and give.

/// The number of an inode.
pub type Ino = u32;

/// The root directory's inode.
pub const ROOT: Ino = 2;

/// A point in time: nanoseconds after seconds since 1970. The image may keep less: whole
/// seconds from 1901 to 2038 with inodes of 128 bytes, nanoseconds until 2446 with larger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Seconds since 1970, negative before.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: u32,
}

/// What kind of file an inode is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A UNIX socket's name.
    Socket,
}

/// The file-type bits of `st_mode`.
pub const S_IFMT: u16 = 0o170000;

impl Kind {
    const TABLE: [(Kind, u16, u8); 7] = [
        (Kind::File, 0o100000, 1),
        (Kind::Directory, 0o040000, 2),
        (Kind::CharDevice, 0o020000, 3),
        (Kind::BlockDevice, 0o060000, 4),
        (Kind::Fifo, 0o010000, 5),
        (Kind::Socket, 0o140000, 6),
        (Kind::Symlink, 0o120000, 7),
    ];

    /// The file-type bits of `st_mode` for it.
    pub fn mode_bits(self) -> u16 {
        Kind::TABLE.iter().find(|row| row.0 == self).map_or(0, |row| row.1)
    }

    /// The kind that a mode's file-type bits name.
    pub fn from_mode(mode: u16) -> Option<Kind> {
        Kind::TABLE.iter().find(|row| row.1 == mode & S_IFMT).map(|row| row.0)
    }

    /// The number of the kind in a directory entry.
    pub(super) fn entry_code(self) -> u8 {
        Kind::TABLE.iter().find(|row| row.0 == self).map_or(0, |row| row.2)
    }

    /// The kind that a directory entry's number names.
    pub(super) fn from_entry_code(code: u8) -> Option<Kind> {
        Kind::TABLE.iter().find(|row| row.2 == code).map(|row| row.0)
    }
}

/// What stat(2) tells of an inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attr {
    /// The inode.
    pub ino: Ino,
    /// The kind of file.
    pub kind: Kind,
    /// Kind and permission bits together, as `st_mode`.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Names that lead to it; 0 if it was removed but is still held.
    pub links: u32,
    /// Bytes; of a symbolic link, of its target.
    pub size: u64,
    /// Room that it takes, in units of 512 bytes.
    pub blocks: u64,
    /// A device's number, as Linux encodes it in 32 bits (`new_encode_dev`).
    pub rdev: u32,
    /// Last access.
    pub atime: Timestamp,
    /// Last change of the content.
    pub mtime: Timestamp,
    /// Last change of the inode.
    pub ctime: Timestamp,
    /// Creation, where the image keeps it.
    pub crtime: Option<Timestamp>,
    /// Flags of chattr(1), as `FS_IOC_GETFLAGS` gives them. Honouring them is the caller's.
    pub flags: u32,
    /// The generation number, for file handles.
    pub generation: u32,
}

/// What to change of an inode. The time of change becomes now unless given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetAttr {
    /// Permission bits (07777).
    pub perm: Option<u16>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Last access.
    pub atime: Option<Timestamp>,
    /// Last change of the content.
    pub mtime: Option<Timestamp>,
    /// Last change of the inode.
    pub ctime: Option<Timestamp>,
    /// Flags of chattr(1) that users may set; others stay.
    pub flags: Option<u32>,
}

/// What a new inode shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Create {
    /// Kind and permission bits, as `st_mode`.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// A device's number, as [`Attr::rdev`].
    pub rdev: u32,
}

/// What rename(2) does with a name that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenameMode {
    /// Replaces it.
    Replace,
    /// Swaps the two, which must both be there (RENAME_EXCHANGE).
    Exchange,
}

/// An entry that `readdir` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its inode.
    pub ino: Ino,
    /// The kind, if the image keeps kinds in directories.
    pub kind: Option<Kind>,
    /// The name: any bytes but `/` and NUL.
    pub name: &'a [u8],
    /// Where to continue after this entry.
    pub next: u64,
}

/// What statfs(2) tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatFs {
    /// Bytes in a block.
    pub block_size: u32,
    /// Blocks for files and directories.
    pub blocks: u64,
    /// Blocks that are free.
    pub free_blocks: u64,
    /// Free blocks without those kept for root.
    pub available_blocks: u64,
    /// Inodes.
    pub inodes: u64,
    /// Inodes that are free.
    pub free_inodes: u64,
    /// A number that tells this file system from others.
    pub fsid: u64,
}

/// How to mount.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Never write.
    pub read_only: bool,
    /// Bytes of blocks that are kept in memory. At least 64 blocks are.
    pub cache_bytes: usize,
    /// Bytes of changes that may wait in memory for a `sync`.
    pub dirty_bytes: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { read_only: false, cache_bytes: 32 << 20, dirty_bytes: 16 << 20 }
    }
}
