//! What a file system must offer: [`FileSystem`] and [`Inode`].
//!
//! An inode is reached through an `Rc<dyn Inode>`, and a file system hands out
//! the same object for the same inode as long as someone holds it: locks,
//! watches, FIFOs, bound sockets and shared mappings hang on the object's
//! [`InodeExtra`], whatever the file system is.
//!
//! An operation may fail with [`Errno::NOT_READY`], before it changed anything;
//! the whole system call is then made again when the block is there.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::RefCell;

use super::{File, Location};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::time::Timespec;

/// An inode that someone holds.
pub type InodeRef = Rc<dyn Inode>;

/// The type bits of a mode (`inode(7)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)]
pub enum FileType {
    Fifo = 0o010_000,
    CharDevice = 0o020_000,
    Directory = 0o040_000,
    BlockDevice = 0o060_000,
    Regular = 0o100_000,
    Symlink = 0o120_000,
    Socket = 0o140_000,
}

impl FileType {
    /// The type that a mode says; none if the bits mean nothing.
    pub fn of_mode(mode: u32) -> Option<FileType> {
        use FileType::*;
        [Fifo, CharDevice, Directory, BlockDevice, Regular, Symlink, Socket]
            .into_iter()
            .find(|kind| *kind as u32 == mode & 0o170_000)
    }

    /// `d_type` of a directory entry.
    pub fn dirent_type(self) -> u8 {
        (self as u32 >> 12) as u8
    }
}

/// What `stat(2)` tells.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Stat {
    pub dev: u64,
    pub ino: u64,
    /// Type and permissions.
    pub mode: u32,
    pub nlink: u32,
    pub uid: u32,
    pub gid: u32,
    /// Which device, for device files; see [`makedev`].
    pub rdev: u64,
    pub size: u64,
    pub blksize: u32,
    /// In units of 512 bytes.
    pub blocks: u64,
    pub atime: Timespec,
    pub mtime: Timespec,
    pub ctime: Timespec,
    /// When it was made, where the file system notes that.
    pub btime: Option<Timespec>,
}

impl Stat {
    /// A file of this type and these permissions, owned by root, all else zero.
    pub fn new(dev: u64, ino: u64, mode: u32) -> Stat {
        let zero = Timespec::default();
        Stat {
            dev,
            ino,
            mode,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            size: 0,
            blksize: 4096,
            blocks: 0,
            atime: zero,
            mtime: zero,
            ctime: zero,
            btime: None,
        }
    }

    /// The type; regular where the mode makes no sense.
    pub fn file_type(&self) -> FileType {
        FileType::of_mode(self.mode).unwrap_or(FileType::Regular)
    }
}

/// The number of a device (`makedev(3)`).
pub const fn makedev(major: u32, minor: u32) -> u64 {
    let (major, minor) = (major as u64, minor as u64);
    (minor & 0xff) | (major & 0xfff) << 8 | (minor & !0xff) << 12 | (major & !0xfff) << 32
}

/// Major and minor of a device's number.
pub const fn split_dev(dev: u64) -> (u32, u32) {
    let major = (dev >> 8 & 0xfff) | (dev >> 32 & !0xfff);
    let minor = (dev & 0xff) | (dev >> 12 & !0xff);
    (major as u32, minor as u32)
}

/// What a new inode shall be.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Create {
    pub kind: FileType,
    /// Permissions, the umask already taken away.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub rdev: u64,
}

/// What of an inode shall change.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)]
pub struct SetAttr {
    /// Permissions without type.
    pub mode: Option<u32>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub size: Option<u64>,
    pub atime: Option<Timespec>,
    pub mtime: Option<Timespec>,
    pub ctime: Option<Timespec>,
}

/// An entry of a directory as `readdir` finds it.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct DirEntry<'a> {
    pub name: &'a [u8],
    pub ino: u64,
    pub kind: Option<FileType>,
    /// Where to go on behind this entry.
    pub next: u64,
}

/// Takes entries; says false when it has no room for this one, and the
/// directory stops there.
pub type DirSink<'a> = dyn FnMut(DirEntry<'_>) -> bool + 'a;

/// What hangs on an inode whatever its file system.
#[derive(Default)]
pub struct InodeExtra {
    /// The pipe of a FIFO that someone has open; see `fs/pipe.rs`.
    pub fifo: RefCell<Option<Rc<dyn Any>>>,
    /// The socket bound to this name; see `net/unix`.
    pub socket: RefCell<Option<Rc<dyn Any>>>,
    /// Locks of files and of ranges; see `fs/lock.rs`.
    pub locks: RefCell<Option<Rc<dyn Any>>>,
    /// Those who watch it; see `fs/inotify.rs`.
    pub watches: RefCell<Vec<alloc::rc::Weak<super::inotify::Watch>>>,
    /// How many open files of it there are.
    pub opens: core::cell::Cell<u32>,
    /// Its last name was taken away.
    pub nameless: core::cell::Cell<bool>,
    /// It never had a name, and may get one (`O_TMPFILE` without `O_EXCL`).
    pub may_be_named: core::cell::Cell<bool>,
    /// The pages of it that processes share; see `mm/shared.rs`.
    pub pages: RefCell<alloc::rc::Weak<crate::mm::SharedFile>>,
    /// How many have it open for writing, less those who execute it.
    pub writers: core::cell::Cell<i32>,
    /// Seals of a file that may have some; see `fs/seals.rs`.
    pub seals: core::cell::Cell<Option<u32>>,
}

/// How `rename` treats a name that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rename {
    /// It goes, if the types allow it.
    Replace,
    /// Both names change places.
    Exchange,
}

/// A file of any type, apart from its names. Names that are passed in are one
/// component, neither empty nor `.` nor `..`; permissions were checked before.
#[allow(unused_variables)]
pub trait Inode: Any {
    /// For a file system to find its own kind again in `link` and `rename`.
    fn as_any(&self) -> &dyn Any;

    /// What hangs on every inode.
    fn extra(&self) -> &InodeExtra;

    /// The type, which never changes.
    fn kind(&self) -> FileType;

    /// All attributes.
    fn stat(&self, cx: &mut Context) -> SysResult<Stat>;

    /// Changes attributes. A size is changed for regular files only.
    fn set_attr(&self, cx: &mut Context, attr: &SetAttr) -> SysResult<()> {
        Err(Errno::EPERM)
    }

    /// The file of this name in this directory; `ENOENT` if there is none.
    fn lookup(&self, cx: &mut Context, name: &[u8]) -> SysResult<InodeRef> {
        Err(Errno::ENOTDIR)
    }

    /// Whether names found once may be found again without asking.
    fn names_are_stable(&self) -> bool {
        true
    }

    /// Makes an inode of this name, which does not exist. Symlinks have
    /// [`Inode::symlink`].
    fn create(&self, cx: &mut Context, name: &[u8], what: &Create) -> SysResult<InodeRef> {
        Err(Errno::EPERM)
    }

    /// Makes a symbolic link.
    fn symlink(
        &self,
        cx: &mut Context,
        name: &[u8],
        target: &[u8],
        what: &Create,
    ) -> SysResult<InodeRef> {
        Err(Errno::EPERM)
    }

    /// Makes a regular file without a name, in the file system of this directory.
    fn nameless(&self, cx: &mut Context, what: &Create) -> SysResult<InodeRef> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Gives `inode`, of the same file system, another name.
    fn link(&self, cx: &mut Context, name: &[u8], inode: &InodeRef) -> SysResult<()> {
        Err(Errno::EPERM)
    }

    /// Takes away the name of something that is no directory.
    fn unlink(&self, cx: &mut Context, name: &[u8]) -> SysResult<()> {
        Err(Errno::EPERM)
    }

    /// Takes away an empty directory; `ENOTEMPTY` otherwise.
    fn rmdir(&self, cx: &mut Context, name: &[u8]) -> SysResult<()> {
        Err(Errno::EPERM)
    }

    /// Moves a name to `to` in `dir`, of the same file system. That loops cannot
    /// come about was checked, and that types fit; not that a directory to be
    /// replaced is empty.
    fn rename(
        &self,
        cx: &mut Context,
        name: &[u8],
        dir: &InodeRef,
        to: &[u8],
        how: Rename,
    ) -> SysResult<()> {
        Err(Errno::EPERM)
    }

    /// Tells the entries behind `from` (0 at first), `.` and `..` not among
    /// them. Cookies are at least 2 and stay true while others come and go.
    fn readdir(&self, cx: &mut Context, from: u64, sink: &mut DirSink) -> SysResult<()> {
        Err(Errno::ENOTDIR)
    }

    /// The target of a symbolic link.
    fn readlink(&self, cx: &mut Context) -> SysResult<Vec<u8>> {
        Err(Errno::EINVAL)
    }

    /// Where a link leads that is more than its text: `/proc/self/exe` and the
    /// like.
    fn magic_link(&self, cx: &mut Context) -> SysResult<Option<Location>> {
        Ok(None)
    }

    /// Reads at a position; short only at the end of the file.
    fn read_at(&self, cx: &mut Context, pos: u64, buf: &mut [u8]) -> SysResult<usize> {
        Err(Errno::EINVAL)
    }

    /// Sees to it that this part can be read at once, for callers that cannot begin again in
    /// the middle: `NOT_READY` if it is still on the way, and after `Ok` a read that follows
    /// in the same turn does not say so.
    fn prepare(&self, cx: &mut Context, pos: u64, len: u64) -> SysResult<()> {
        Ok(())
    }

    /// Writes at a position; short only where the disk became full on the way.
    fn write_at(&self, cx: &mut Context, pos: u64, bytes: &[u8]) -> SysResult<usize> {
        Err(Errno::EINVAL)
    }

    /// Changes what is allocated (`fallocate(2)`).
    fn fallocate(&self, cx: &mut Context, mode: u32, pos: u64, len: u64) -> SysResult<()> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Makes what was written safe; `data_only` as `fdatasync(2)`.
    fn sync(&self, cx: &mut Context, data_only: bool) -> SysResult<()> {
        Ok(())
    }

    /// Opens a file that is neither an ordinary one nor handled by type (device
    /// files, FIFOs): files of `proc`, for example. None: the usual [`File`]
    /// over `read_at` and the rest.
    fn open(self: Rc<Self>, cx: &mut Context, flags: u32) -> SysResult<Option<Rc<dyn File>>> {
        Ok(None)
    }

    /// Reads an extended attribute; `ENODATA` if there is none of the name.
    fn get_xattr(&self, cx: &mut Context, name: &[u8]) -> SysResult<Vec<u8>> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Sets (`None`: removes) an extended attribute. `flags` as `setxattr(2)`.
    fn set_xattr(
        &self,
        cx: &mut Context,
        name: &[u8],
        value: Option<&[u8]>,
        flags: u32,
    ) -> SysResult<()> {
        Err(Errno::EOPNOTSUPP)
    }

    /// The names of extended attributes, each with a zero byte behind.
    fn list_xattrs(&self, cx: &mut Context) -> SysResult<Vec<u8>> {
        Ok(Vec::new())
    }
}

/// What `statfs(2)` tells.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)]
pub struct StatFs {
    pub magic: u32,
    pub bsize: u32,
    pub blocks: u64,
    pub bfree: u64,
    pub bavail: u64,
    pub files: u64,
    pub ffree: u64,
    pub namelen: u32,
}

/// A file system, ready to be mounted.
#[allow(unused_variables)]
pub trait FileSystem {
    /// Its type's name, as in `/proc/filesystems`.
    fn name(&self) -> &'static str;

    /// Its root directory.
    fn root(&self) -> InodeRef;

    /// The device's number that `stat` tells for its files.
    fn dev(&self) -> u64;

    /// Sizes and counts.
    fn statfs(&self, cx: &mut Context) -> SysResult<StatFs>;

    /// Writes back all that is dirty.
    fn sync(&self, cx: &mut Context) -> SysResult<()> {
        Ok(())
    }

    /// Called after calls in which the last holder of a file may have gone:
    /// frees what has neither name nor holder any more.
    fn reap(&self, cx: &mut Context) {}
}

/// A driver of character devices; registered by major number with
/// [`Kernel::register_device`](crate::Kernel::register_device).
pub trait Device {
    /// Opens the device of this minor number.
    fn open(
        &self,
        cx: &mut Context,
        minor: u32,
        location: &Location,
        flags: u32,
    ) -> SysResult<Rc<dyn File>>;
}
