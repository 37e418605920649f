//! Files: the tree of names, open files, and the file systems.
//!
//! To add a kind of file, implement [`File`] and hand out
//! `OpenFile::new(Rc::new(MyFile), None, flags)` through
//! [`Context::install`](crate::kernel::Context::install), as `pipe(2)` does; to
//! add a file system, implement [`FileSystem`] and [`Inode`], and name it in
//! `fs/mounting.rs`; to add a character device, implement [`Device`] and register
//! its major number.

pub mod access;
pub mod attributes;
pub mod buffer;
pub mod change;
pub mod copy;
pub mod cwd;
pub mod dentry;
pub mod ext2;
pub mod fd;
pub mod file;
pub mod inode;
pub mod inotify;
pub mod io;
pub mod links;
pub mod lock;
pub mod mount;
pub mod names;
pub mod open;
pub mod pipe;
pub mod poll;
pub mod regular;
pub mod seals;
pub mod space;
pub mod statfs;
pub mod stream;
pub mod tmpfs;
pub mod walk;
pub mod xattr;

use alloc::rc::Rc;
use core::cell::{Cell, RefCell};

pub use access::permission;
pub use dentry::{Dentry, Location};
pub use fd::FdTable;
pub use file::{File, OpenFile, events, flags};
pub use inode::{
    Create, Device, DirEntry, DirSink, FileSystem, FileType, Inode, InodeExtra, InodeRef, Rename,
    SetAttr, Stat, StatFs, makedev, split_dev,
};
pub use mount::{Mount, Mounts};

/// Root, working directory and umask, which threads share (`CLONE_FS`).
pub struct FsContext {
    /// Where paths that begin with a slash start.
    pub root: RefCell<Location>,
    /// Where other paths start.
    pub cwd: RefCell<Location>,
    /// Permissions that new files do not get.
    pub umask: Cell<u32>,
}

impl FsContext {
    /// With both at a place.
    pub fn new(root: Location) -> Rc<FsContext> {
        let cwd = RefCell::new(root.clone());
        Rc::new(FsContext { root: RefCell::new(root), cwd, umask: Cell::new(0o022) })
    }

    /// A copy of its own.
    pub fn copy(&self) -> Rc<FsContext> {
        Rc::new(FsContext {
            root: self.root.clone(),
            cwd: self.cwd.clone(),
            umask: self.umask.clone(),
        })
    }
}
