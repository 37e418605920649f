//! A file system in the kernel's own memory: `tmpfs(5)`, the minimal root, and
//! what is behind `memfd_create` and System V shared memory.
//!
//! A file is a map of 4 KiB pages, so holes cost nothing. Pages count against a
//! limit of the file system.
//!
//! It may lie over another file system, which it never changes ([`Tmpfs::over`]): see
//! `lower.rs`.

mod directory;
mod inode;
mod lower;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use directory::Directory;
use lower::LowerFile;

use super::{Create, FileSystem, FileType, InodeExtra, InodeRef, Stat, StatFs};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::time::Timespec;

const PAGE: usize = 4096;
type Page = Box<[u8; PAGE]>;

/// Largest size of a file: the kernel's own for pages that are numbered in 32 bits.
const SIZE_MAX: u64 = (1 << 44) - 1;

/// Bytes of names and values of a file's extended attributes: room for one of the largest.
const XATTRS_MAX: usize = (64 << 10) + 4096;

/// An instance.
pub struct Tmpfs {
    dev: u64,
    root: RefCell<Option<Rc<Node>>>,
    last_ino: Cell<u64>,
    pages: Cell<u64>,
    nodes: Cell<u64>,
    pages_max: u64,
    name: &'static str,
}

impl Tmpfs {
    /// An empty one, whose root has this mode; it may hold so many bytes.
    pub fn new(dev: u64, mode: u32, bytes_max: u64, now: Timespec) -> Rc<Tmpfs> {
        Tmpfs::named("tmpfs", dev, mode, bytes_max, now)
    }

    /// As [`Tmpfs::new`], under the name of another type (`devtmpfs`, `rootfs`).
    pub fn named(
        name: &'static str,
        dev: u64,
        mode: u32,
        bytes_max: u64,
        now: Timespec,
    ) -> Rc<Tmpfs> {
        let fs = Rc::new(Tmpfs {
            dev,
            root: RefCell::new(None),
            last_ino: Cell::new(0),
            pages: Cell::new(0),
            nodes: Cell::new(0),
            pages_max: bytes_max / PAGE as u64,
            name,
        });
        let what = Create { kind: FileType::Directory, mode, uid: 0, gid: 0, rdev: 0 };
        let root = fs.node(&what, Data::Directory(Directory::default()), now);
        *fs.root.borrow_mut() = Some(root);
        fs
    }

    /// A file without a name.
    pub fn anonymous(self: &Rc<Tmpfs>, what: &Create, now: Timespec) -> InodeRef {
        let node = self.node(what, Data::File(BTreeMap::new()), now);
        node.attr.borrow_mut().nlink = 0;
        node
    }

    /// Whether there may be one more file.
    fn has_room(&self) -> SysResult<()> {
        if self.nodes.get() >= self.pages_max { Err(Errno::ENOSPC) } else { Ok(()) }
    }

    fn new_ino(&self) -> u64 {
        self.last_ino.set(self.last_ino.get() + 1);
        self.last_ino.get()
    }

    fn node(self: &Rc<Tmpfs>, what: &Create, data: Data, now: Timespec) -> Rc<Node> {
        let mut attr = Stat::new(self.dev, self.new_ino(), what.kind as u32 | what.mode);
        (attr.uid, attr.gid, attr.rdev) = (what.uid, what.gid, what.rdev);
        (attr.atime, attr.mtime, attr.ctime, attr.btime) = (now, now, now, Some(now));
        if what.kind == FileType::Directory {
            attr.nlink = 2;
        }
        self.node_of(what.kind, attr, data, None)
    }

    fn node_of(
        self: &Rc<Tmpfs>,
        kind: FileType,
        attr: Stat,
        data: Data,
        lower: Option<LowerFile>,
    ) -> Rc<Node> {
        self.nodes.set(self.nodes.get() + 1);
        let extra = InodeExtra::default();
        if kind == FileType::Regular && lower.is_none() {
            extra.seals.set(Some(crate::fs::seals::SEAL));
        }
        Rc::new_cyclic(|me| Node {
            me: me.clone(),
            fs: Rc::downgrade(self),
            kind,
            attr: RefCell::new(attr),
            data: RefCell::new(data),
            lower,
            xattrs: RefCell::default(),
            extra,
        })
    }

    fn take_page(&self) -> SysResult<Page> {
        if self.pages.get() >= self.pages_max {
            return Err(Errno::ENOSPC);
        }
        self.pages.set(self.pages.get() + 1);
        Ok(Box::new([0; PAGE]))
    }

    fn give_pages(&self, count: u64) {
        self.pages.set(self.pages.get() - count);
    }
}

impl FileSystem for Tmpfs {
    fn name(&self) -> &'static str {
        self.name
    }

    fn root(&self) -> InodeRef {
        self.root.borrow().clone().expect("made with a root")
    }

    fn dev(&self) -> u64 {
        self.dev
    }

    fn statfs(&self, _: &mut Context) -> SysResult<StatFs> {
        let free = self.pages_max - self.pages.get();
        Ok(StatFs {
            magic: 0x0102_1994,
            bsize: PAGE as u32,
            blocks: self.pages_max,
            bfree: free,
            bavail: free,
            files: self.pages_max,
            ffree: self.pages_max.saturating_sub(self.nodes.get()),
            namelen: 255,
        })
    }
}

impl Drop for Tmpfs {
    /// Takes the tree apart level by level: dropping it from its root would recurse.
    fn drop(&mut self) {
        let mut level: Vec<Rc<Node>> = self.root.take().into_iter().collect();
        while let Some(node) = level.pop() {
            if let Data::Directory(directory) = &mut *node.data.borrow_mut() {
                level.extend(directory.take_nodes());
            }
        }
    }
}

enum Data {
    File(BTreeMap<u64, Page>),
    Directory(Directory),
    Symlink(Vec<u8>),
    Special,
}

struct Node {
    me: Weak<Node>,
    fs: Weak<Tmpfs>,
    kind: FileType,
    attr: RefCell<Stat>,
    data: RefCell<Data>,
    /// What is under an ordinary file.
    lower: Option<LowerFile>,
    xattrs: RefCell<BTreeMap<Vec<u8>, Vec<u8>>>,
    extra: InodeExtra,
}

impl Node {
    /// The file system, which is there as long as anything is mounted or open.
    fn fs(&self) -> SysResult<Rc<Tmpfs>> {
        self.fs.upgrade().ok_or(Errno::EIO)
    }

    fn directory<R>(&self, work: impl FnOnce(&mut Directory) -> SysResult<R>) -> SysResult<R> {
        match &mut *self.data.borrow_mut() {
            Data::Directory(directory) => work(directory),
            _ => Err(Errno::ENOTDIR),
        }
    }

    fn add(&self, cx: &mut Context, name: &[u8], what: &Create, data: Data) -> SysResult<InodeRef> {
        if self.attr.borrow().nlink == 0 {
            return Err(Errno::ENOENT);
        }
        self.uncover(cx, name)?;
        let now = cx.kernel.now();
        let fs = self.fs()?;
        fs.has_room()?;
        let node = fs.node(what, data, now);
        self.directory(|directory| {
            if directory.get(name).is_some() {
                return Err(Errno::EEXIST);
            }
            directory.insert(name, node.clone());
            Ok(())
        })?;
        if what.kind == FileType::Directory {
            self.attr.borrow_mut().nlink += 1;
        }
        self.changed(now);
        Ok(node)
    }

    fn changed(&self, now: Timespec) {
        let mut attr = self.attr.borrow_mut();
        (attr.mtime, attr.ctime) = (now, now);
        if let Data::Directory(directory) = &*self.data.borrow() {
            attr.size = directory.len() as u64 * 20;
        }
    }

    /// One name less.
    fn unlinked(&self, now: Timespec) {
        let mut attr = self.attr.borrow_mut();
        let names = if self.kind == FileType::Directory { 2 } else { 1 };
        attr.nlink = attr.nlink.saturating_sub(names);
        attr.ctime = now;
    }

    fn set_size(&self, size: u64) -> SysResult<()> {
        if size > SIZE_MAX {
            return Err(Errno::EFBIG);
        }
        let Data::File(pages) = &mut *self.data.borrow_mut() else { return Err(Errno::EINVAL) };
        let first_gone = size.div_ceil(PAGE as u64);
        let gone = pages.split_off(&first_gone);
        self.fs()?.give_pages(gone.len() as u64);
        if let Some(page) = pages.get_mut(&(size / PAGE as u64)) {
            page[size as usize % PAGE..].fill(0);
        }
        if let Some(lower) = &self.lower {
            lower.cut(size);
        }
        let mut attr = self.attr.borrow_mut();
        attr.size = size;
        attr.blocks = self.blocks(pages.len());
        Ok(())
    }

    /// In units of 512 bytes, with so many pages of its own.
    fn blocks(&self, pages: usize) -> u64 {
        let below = self.lower.as_ref().map_or(0, LowerFile::pages);
        (pages as u64).max(below) * 8
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let Some(fs) = self.fs.upgrade() else { return };
        fs.nodes.set(fs.nodes.get() - 1);
        if let Data::File(pages) = &*self.data.borrow() {
            fs.give_pages(pages.len() as u64);
        }
    }
}
