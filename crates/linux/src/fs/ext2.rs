//! ext2 of `sampan-disk` as a file system of the kernel. It only reads, so its mounts are
//! read-only.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::cell::RefCell;

use sampan_disk::ext2::{self, Attr, Ext2, Ino, Kind, Options, ROOT, Timestamp};
use sampan_disk::{Device, Error};

use super::{DirEntry, DirSink, FileSystem, FileType, Inode, InodeExtra, InodeRef, Stat, StatFs};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::time::Timespec;

/// A mounted image.
pub struct Ext2Fs {
    disk: RefCell<Ext2<Box<dyn Device>>>,
    nodes: RefCell<BTreeMap<Ino, Weak<Node>>>,
    root: Attr,
    dev: u64,
    me: Weak<Ext2Fs>,
}

impl Ext2Fs {
    /// Mounts an image whose device is ready.
    pub fn open(device: Box<dyn Device>, dev: u64) -> Result<Rc<Ext2Fs>, Error> {
        let mut disk = Ext2::mount(device, Options::default()).map_err(|failed| failed.error)?;
        let root = disk.getattr(ROOT)?;
        if root.kind != Kind::Directory {
            return Err(Error::Corrupt { what: "root directory, inode", at: ROOT.into() });
        }
        Ok(Rc::new_cyclic(|me| Ext2Fs {
            disk: RefCell::new(disk),
            nodes: RefCell::default(),
            root,
            dev,
            me: me.clone(),
        }))
    }

    fn node(&self, attr: &Attr) -> SysResult<Rc<Node>> {
        if let Some(node) = self.nodes.borrow().get(&attr.ino).and_then(Weak::upgrade) {
            return Ok(node);
        }
        let fs = self.me.upgrade().ok_or(Errno::EIO)?;
        let node = Rc::new(Node {
            fs,
            ino: attr.ino,
            kind: file_type(attr.kind),
            extra: InodeExtra::default(),
        });
        self.nodes.borrow_mut().insert(attr.ino, Rc::downgrade(&node));
        Ok(node)
    }
}

impl FileSystem for Ext2Fs {
    fn name(&self) -> &'static str {
        "ext2"
    }

    fn root(&self) -> InodeRef {
        self.node(&self.root).expect("the caller holds the file system")
    }

    fn dev(&self) -> u64 {
        self.dev
    }

    fn statfs(&self, _: &mut Context) -> SysResult<StatFs> {
        let stat = self.disk.borrow().statfs();
        Ok(StatFs {
            magic: 0xef53,
            bsize: stat.block_size,
            blocks: stat.blocks,
            bfree: stat.free_blocks,
            bavail: stat.available_blocks,
            files: stat.inodes,
            ffree: stat.free_inodes,
            namelen: 255,
        })
    }
}

struct Node {
    fs: Rc<Ext2Fs>,
    ino: Ino,
    kind: FileType,
    extra: InodeExtra,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.fs.nodes.borrow_mut().remove(&self.ino);
    }
}

impl Inode for Node {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn extra(&self) -> &InodeExtra {
        &self.extra
    }

    fn kind(&self) -> FileType {
        self.kind
    }

    fn stat(&self, _: &mut Context) -> SysResult<Stat> {
        let mut disk = self.fs.disk.borrow_mut();
        let attr = disk.getattr(self.ino).map_err(errno)?;
        let mut stat = Stat::new(self.fs.dev, attr.ino.into(), attr.mode.into());
        (stat.nlink, stat.uid, stat.gid) = (attr.links, attr.uid, attr.gid);
        (stat.size, stat.blocks, stat.rdev) = (attr.size, attr.blocks, attr.rdev.into());
        stat.blksize = disk.statfs().block_size;
        (stat.atime, stat.mtime, stat.ctime) =
            (time(attr.atime), time(attr.mtime), time(attr.ctime));
        stat.btime = attr.crtime.map(time);
        Ok(stat)
    }

    fn lookup(&self, _: &mut Context, name: &[u8]) -> SysResult<InodeRef> {
        let mut disk = self.fs.disk.borrow_mut();
        let ino = disk.lookup(self.ino, name).map_err(errno)?;
        let attr = disk.getattr(ino).map_err(errno)?;
        drop(disk);
        Ok(self.fs.node(&attr)?)
    }

    fn readdir(&self, _: &mut Context, from: u64, sink: &mut DirSink) -> SysResult<()> {
        let mut show = |entry: ext2::Entry<'_>| {
            let kind = entry.kind.map(file_type);
            // The kernel tells these two itself.
            matches!(entry.name, b"." | b"..")
                || sink(DirEntry {
                    name: entry.name,
                    ino: entry.ino.into(),
                    kind,
                    next: entry.next,
                })
        };
        self.fs.disk.borrow_mut().readdir(self.ino, from, &mut show).map_err(errno)?;
        Ok(())
    }

    fn readlink(&self, _: &mut Context) -> SysResult<Vec<u8>> {
        self.fs.disk.borrow_mut().readlink(self.ino).map_err(errno)
    }

    fn read_at(&self, _: &mut Context, pos: u64, buf: &mut [u8]) -> SysResult<usize> {
        let mut disk = self.fs.disk.borrow_mut();
        let mut done = 0;
        while done < buf.len() {
            match disk.read(self.ino, pos.saturating_add(done as u64), &mut buf[done..]) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) => return Err(errno(error)),
            }
        }
        Ok(done)
    }
}

fn file_type(kind: Kind) -> FileType {
    match kind {
        Kind::File => FileType::Regular,
        Kind::Directory => FileType::Directory,
        Kind::Symlink => FileType::Symlink,
        Kind::CharDevice => FileType::CharDevice,
        Kind::BlockDevice => FileType::BlockDevice,
        Kind::Fifo => FileType::Fifo,
        Kind::Socket => FileType::Socket,
    }
}

fn time(time: Timestamp) -> Timespec {
    Timespec { seconds: time.seconds, nanos: time.nanoseconds }
}

fn errno(error: Error) -> Errno {
    match error {
        Error::NotReady => Errno::NOT_READY,
        other => Errno(other.errno() as u16),
    }
}
