//! ext2 of `sampan-disk` as a file system of the kernel. A node is held in the image as long
//! as someone holds it here, so that files outlive their names.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::cell::RefCell;

use sampan_disk::ext2::{
    self, Attr, AttributeMode, Ext2, Ino, Kind, Options, ROOT, RenameMode, Timestamp,
};
use sampan_disk::{Device, Error};

use super::{
    Create, DirEntry, DirSink, FileSystem, FileType, Inode, InodeExtra, InodeRef, Rename, SetAttr,
    Stat, StatFs,
};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::time::Timespec;

/// Bytes that are read at once to see whether they are there.
const PREPARE: u64 = 1 << 16;

/// A mounted image.
pub struct Ext2Fs {
    disk: RefCell<Ext2<Box<dyn Device>>>,
    nodes: RefCell<BTreeMap<Ino, Weak<Node>>>,
    /// Inodes of nodes that were dropped while the image was at work.
    dropped: RefCell<Vec<Ino>>,
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
            dropped: RefCell::default(),
            root,
            dev,
            me: me.clone(),
        }))
    }

    /// Whether the image was in use when its last user stopped.
    pub fn was_interrupted(&self) -> bool {
        self.disk.borrow().was_interrupted()
    }

    /// Whether no changes wait to be written.
    pub fn is_clean(&self) -> bool {
        self.disk.borrow().is_clean()
    }

    /// Makes all changes survive a crash. Errors: `NotReady`, and what the device says.
    pub fn sync_now(&self) -> Result<(), Error> {
        self.release_dropped();
        self.disk.borrow_mut().sync()
    }

    /// Writes everything for the last time, and frees what was held without a name.
    pub fn finish(&self) -> Result<(), Error> {
        self.disk.borrow_mut().finish()
    }

    fn release_dropped(&self) {
        let mut disk = self.disk.borrow_mut();
        for ino in self.dropped.borrow_mut().drain(..) {
            disk.release(ino);
        }
    }

    /// Does something that may change the image, now.
    fn change<R>(
        &self,
        cx: &mut Context,
        work: impl FnOnce(&mut Ext2<Box<dyn Device>>) -> Result<R, Error>,
    ) -> SysResult<R> {
        let now = cx.kernel.now();
        let mut disk = self.disk.borrow_mut();
        disk.set_now(Timestamp { seconds: now.seconds, nanoseconds: now.nanos });
        work(&mut disk).map_err(errno)
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
        self.disk.borrow_mut().hold(attr.ino);
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

    fn sync(&self, cx: &mut Context) -> SysResult<()> {
        self.release_dropped();
        self.change(cx, Ext2::sync)
    }

    fn reap(&self, _: &mut Context) {
        self.release_dropped();
        self.disk.borrow_mut().reap();
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
        let mut nodes = self.fs.nodes.borrow_mut();
        // The number may have a new node already.
        if nodes.get(&self.ino).is_some_and(|node| node.strong_count() == 0) {
            nodes.remove(&self.ino);
        }
        match self.fs.disk.try_borrow_mut() {
            Ok(mut disk) => disk.release(self.ino),
            Err(_) => self.fs.dropped.borrow_mut().push(self.ino),
        }
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

    fn prepare(&self, _: &mut Context, pos: u64, len: u64) -> SysResult<()> {
        let mut disk = self.fs.disk.borrow_mut();
        let (mut at, end) = (pos, pos.saturating_add(len));
        let mut buf = alloc::vec![0; len.min(PREPARE) as usize];
        while at < end {
            let part = (end - at).min(buf.len() as u64) as usize;
            match disk.read(self.ino, at, &mut buf[..part]).map_err(errno)? {
                0 => break,
                count => at += count as u64,
            }
        }
        Ok(())
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

    fn write_at(&self, cx: &mut Context, pos: u64, bytes: &[u8]) -> SysResult<usize> {
        self.fs.change(cx, |disk| {
            let mut done = 0;
            while done < bytes.len() {
                match disk.write(self.ino, pos.saturating_add(done as u64), &bytes[done..]) {
                    Ok(count) => done += count,
                    Err(_) if done > 0 => break,
                    Err(error) => return Err(error),
                }
            }
            Ok(done)
        })
    }

    fn set_attr(&self, cx: &mut Context, attr: &SetAttr) -> SysResult<()> {
        let stamp = |time: Timespec| Timestamp { seconds: time.seconds, nanoseconds: time.nanos };
        self.fs.change(cx, |disk| {
            if let Some(size) = attr.size {
                disk.truncate(self.ino, size)?;
            }
            let change = ext2::SetAttr {
                perm: attr.mode.map(|mode| mode as u16),
                uid: attr.uid,
                gid: attr.gid,
                atime: attr.atime.map(stamp),
                mtime: attr.mtime.map(stamp),
                ctime: attr.ctime.map(stamp),
                flags: None,
            };
            if change == ext2::SetAttr::default() {
                Ok(())
            } else {
                disk.setattr(self.ino, &change)
            }
        })
    }

    fn create(&self, cx: &mut Context, name: &[u8], what: &Create) -> SysResult<InodeRef> {
        let attr = self.fs.change(cx, |disk| {
            let ino = disk.create(self.ino, name, &of_create(what))?;
            disk.getattr(ino)
        })?;
        Ok(self.fs.node(&attr)?)
    }

    fn nameless(&self, cx: &mut Context, what: &Create) -> SysResult<InodeRef> {
        let attr = self.fs.change(cx, |disk| {
            let ino = disk.tmpfile(self.ino, &of_create(what))?;
            disk.getattr(ino)
        })?;
        Ok(self.fs.node(&attr)?)
    }

    fn symlink(
        &self,
        cx: &mut Context,
        name: &[u8],
        target: &[u8],
        what: &Create,
    ) -> SysResult<InodeRef> {
        let attr = self.fs.change(cx, |disk| {
            let ino = disk.symlink(self.ino, name, target, &of_create(what))?;
            disk.getattr(ino)
        })?;
        Ok(self.fs.node(&attr)?)
    }

    fn link(&self, cx: &mut Context, name: &[u8], inode: &InodeRef) -> SysResult<()> {
        let other = same_kind(inode)?.ino;
        self.fs.change(cx, |disk| disk.link(other, self.ino, name))
    }

    fn unlink(&self, cx: &mut Context, name: &[u8]) -> SysResult<()> {
        self.fs.change(cx, |disk| disk.unlink(self.ino, name))
    }

    fn rmdir(&self, cx: &mut Context, name: &[u8]) -> SysResult<()> {
        self.fs.change(cx, |disk| disk.rmdir(self.ino, name))
    }

    fn rename(
        &self,
        cx: &mut Context,
        name: &[u8],
        dir: &InodeRef,
        to: &[u8],
        how: Rename,
    ) -> SysResult<()> {
        let dir = same_kind(dir)?.ino;
        let mode = match how {
            Rename::Replace => RenameMode::Replace,
            Rename::Exchange => RenameMode::Exchange,
        };
        self.fs.change(cx, |disk| disk.rename(self.ino, name, dir, to, mode))
    }

    fn get_xattr(&self, _: &mut Context, name: &[u8]) -> SysResult<Vec<u8>> {
        self.fs.disk.borrow_mut().get_attribute(self.ino, name).map_err(errno)
    }

    fn set_xattr(
        &self,
        cx: &mut Context,
        name: &[u8],
        value: Option<&[u8]>,
        flags: u32,
    ) -> SysResult<()> {
        let mode = match flags {
            1 => AttributeMode::Create,
            2 => AttributeMode::Replace,
            0 => AttributeMode::Any,
            // Both at once can't be met.
            _ => return Err(Errno::EINVAL),
        };
        self.fs.change(cx, |disk| disk.set_attribute(self.ino, name, value, mode))
    }

    fn list_xattrs(&self, _: &mut Context) -> SysResult<Vec<u8>> {
        let names = self.fs.disk.borrow_mut().attribute_names(self.ino).map_err(errno)?;
        Ok(names.iter().flat_map(|name| name.iter().copied().chain([0])).collect())
    }

    fn sync(&self, cx: &mut Context, _: bool) -> SysResult<()> {
        self.fs.change(cx, Ext2::sync)
    }
}

fn same_kind(inode: &InodeRef) -> SysResult<&Node> {
    inode.as_any().downcast_ref::<Node>().ok_or(Errno::EXDEV)
}

fn of_create(what: &Create) -> ext2::Create {
    // Numbers of devices have 32 bits in an image: 12 of the major, 20 of the minor one.
    let mode = (what.kind as u32 | what.mode & 0o7777) as u16;
    ext2::Create { mode, uid: what.uid, gid: what.gid, rdev: what.rdev as u32 }
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
