//! A file system in the kernel's own memory: `tmpfs(5)`, the minimal root, and
//! what is behind `memfd_create` and System V shared memory.
//!
//! A file is a map of 4 KiB pages, so holes cost nothing. Pages count against a
//! limit of the file system.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};

use super::{
    Create, DirEntry, DirSink, FileSystem, FileType, Inode, InodeExtra, InodeRef, Rename, SetAttr,
    Stat, StatFs,
};
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

    fn node(self: &Rc<Tmpfs>, what: &Create, data: Data, now: Timespec) -> Rc<Node> {
        self.last_ino.set(self.last_ino.get() + 1);
        self.nodes.set(self.nodes.get() + 1);
        let mut attr = Stat::new(self.dev, self.last_ino.get(), what.kind as u32 | what.mode);
        (attr.uid, attr.gid, attr.rdev) = (what.uid, what.gid, what.rdev);
        (attr.atime, attr.mtime, attr.ctime, attr.btime) = (now, now, now, Some(now));
        if what.kind == FileType::Directory {
            attr.nlink = 2;
        }
        Rc::new_cyclic(|me| Node {
            me: me.clone(),
            fs: Rc::downgrade(self),
            kind: what.kind,
            attr: RefCell::new(attr),
            data: RefCell::new(data),
            xattrs: RefCell::default(),
            extra: InodeExtra::default(),
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
                level.extend(core::mem::take(&mut directory.entries).into_values().map(|e| e.1));
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

/// Entries in the order in which they came; the key is the cookie.
struct Directory {
    entries: BTreeMap<u64, (Vec<u8>, Rc<Node>)>,
    names: BTreeMap<Vec<u8>, u64>,
    next: u64,
}

impl Default for Directory {
    fn default() -> Directory {
        Directory { entries: BTreeMap::new(), names: BTreeMap::new(), next: 2 }
    }
}

impl Directory {
    fn get(&self, name: &[u8]) -> Option<&Rc<Node>> {
        Some(&self.entries.get(self.names.get(name)?)?.1)
    }

    fn insert(&mut self, name: &[u8], node: Rc<Node>) {
        self.entries.insert(self.next, (name.to_vec(), node));
        self.names.insert(name.to_vec(), self.next);
        self.next += 1;
    }

    fn remove(&mut self, name: &[u8]) -> Option<Rc<Node>> {
        let key = self.names.remove(name)?;
        self.entries.remove(&key).map(|entry| entry.1)
    }
}

struct Node {
    me: Weak<Node>,
    fs: Weak<Tmpfs>,
    kind: FileType,
    attr: RefCell<Stat>,
    data: RefCell<Data>,
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
        let now = cx.kernel.now();
        let fs = self.fs()?;
        if fs.nodes.get() >= fs.pages_max {
            return Err(Errno::ENOSPC);
        }
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
            attr.size = directory.entries.len() as u64 * 20;
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
        let mut attr = self.attr.borrow_mut();
        attr.size = size;
        attr.blocks = pages.len() as u64 * 8;
        Ok(())
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

fn same_kind(inode: &InodeRef) -> SysResult<&Node> {
    inode.as_any().downcast_ref::<Node>().ok_or(Errno::EXDEV)
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
        Ok(*self.attr.borrow())
    }

    fn set_attr(&self, cx: &mut Context, change: &SetAttr) -> SysResult<()> {
        let now = cx.kernel.now();
        if let Some(size) = change.size {
            self.set_size(size)?;
        }
        let mut attr = self.attr.borrow_mut();
        if let Some(mode) = change.mode {
            attr.mode = attr.mode & 0o170_000 | mode & 0o7777;
        }
        attr.uid = change.uid.unwrap_or(attr.uid);
        attr.gid = change.gid.unwrap_or(attr.gid);
        attr.atime = change.atime.unwrap_or(attr.atime);
        let mtime = if change.size.is_some() { now } else { attr.mtime };
        attr.mtime = change.mtime.unwrap_or(mtime);
        attr.ctime = change.ctime.unwrap_or(now);
        Ok(())
    }

    fn lookup(&self, _: &mut Context, name: &[u8]) -> SysResult<InodeRef> {
        self.directory(|directory| {
            let node = directory.get(name).ok_or(Errno::ENOENT)?;
            Ok(node.clone() as InodeRef)
        })
    }

    fn create(&self, cx: &mut Context, name: &[u8], what: &Create) -> SysResult<InodeRef> {
        let data = match what.kind {
            FileType::Regular => Data::File(BTreeMap::new()),
            FileType::Directory => Data::Directory(Directory::default()),
            FileType::Symlink => return Err(Errno::EINVAL),
            _ => Data::Special,
        };
        self.add(cx, name, what, data)
    }

    fn symlink(
        &self,
        cx: &mut Context,
        name: &[u8],
        target: &[u8],
        what: &Create,
    ) -> SysResult<InodeRef> {
        let inode = self.add(cx, name, what, Data::Symlink(target.to_vec()))?;
        same_kind(&inode)?.attr.borrow_mut().size = target.len() as u64;
        Ok(inode)
    }

    fn link(&self, cx: &mut Context, name: &[u8], inode: &InodeRef) -> SysResult<()> {
        let now = cx.kernel.now();
        let node = same_kind(inode)?;
        let found = node.me.upgrade().ok_or(Errno::ENOENT)?;
        if self.attr.borrow().nlink == 0 {
            return Err(Errno::ENOENT);
        }
        self.directory(|directory| {
            if directory.get(name).is_some() {
                return Err(Errno::EEXIST);
            }
            directory.insert(name, found);
            Ok(())
        })?;
        node.attr.borrow_mut().nlink += 1;
        node.attr.borrow_mut().ctime = now;
        self.changed(now);
        Ok(())
    }

    fn unlink(&self, cx: &mut Context, name: &[u8]) -> SysResult<()> {
        let now = cx.kernel.now();
        let node = self.directory(|directory| directory.remove(name).ok_or(Errno::ENOENT))?;
        node.unlinked(now);
        self.changed(now);
        Ok(())
    }

    fn rmdir(&self, cx: &mut Context, name: &[u8]) -> SysResult<()> {
        let now = cx.kernel.now();
        self.directory(|directory| {
            let node = directory.get(name).ok_or(Errno::ENOENT)?;
            node.directory(
                |victim| {
                    if victim.entries.is_empty() { Ok(()) } else { Err(Errno::ENOTEMPTY) }
                },
            )?;
            node.unlinked(now);
            directory.remove(name);
            Ok(())
        })?;
        self.attr.borrow_mut().nlink -= 1;
        self.changed(now);
        Ok(())
    }

    fn rename(
        &self,
        cx: &mut Context,
        name: &[u8],
        dir: &InodeRef,
        to: &[u8],
        how: Rename,
    ) -> SysResult<()> {
        let now = cx.kernel.now();
        let dir = same_kind(dir)?;
        let node = self.directory(|from| from.get(name).cloned().ok_or(Errno::ENOENT))?;
        let old = dir.directory(|into| Ok(into.get(to).cloned()))?;
        if let Some(old) = &old
            && how == Rename::Replace
            && old.kind == FileType::Directory
        {
            old.directory(
                |victim| {
                    if victim.entries.is_empty() { Ok(()) } else { Err(Errno::ENOTEMPTY) }
                },
            )?;
        }
        self.directory(|from| Ok(from.remove(name)))?;
        dir.directory(|into| {
            into.remove(to);
            into.insert(to, node.clone());
            Ok(())
        })?;
        let is_directory = |node: &Rc<Node>| u32::from(node.kind == FileType::Directory);
        self.attr.borrow_mut().nlink -= is_directory(&node);
        dir.attr.borrow_mut().nlink += is_directory(&node);
        if let Some(old) = old {
            dir.attr.borrow_mut().nlink -= is_directory(&old);
            if how == Rename::Exchange {
                self.attr.borrow_mut().nlink += is_directory(&old);
                old.attr.borrow_mut().ctime = now;
                self.directory(|from| {
                    from.insert(name, old);
                    Ok(())
                })?;
            } else {
                old.unlinked(now);
            }
        }
        node.attr.borrow_mut().ctime = now;
        self.changed(now);
        dir.changed(now);
        Ok(())
    }

    fn readdir(&self, _: &mut Context, from: u64, sink: &mut DirSink) -> SysResult<()> {
        self.directory(|directory| {
            for (&cookie, (name, node)) in directory.entries.range(from..) {
                let ino = node.attr.borrow().ino;
                let entry = DirEntry { name, ino, kind: Some(node.kind), next: cookie + 1 };
                if !sink(entry) {
                    break;
                }
            }
            Ok(())
        })
    }

    fn readlink(&self, _: &mut Context) -> SysResult<Vec<u8>> {
        match &*self.data.borrow() {
            Data::Symlink(target) => Ok(target.clone()),
            _ => Err(Errno::EINVAL),
        }
    }

    fn read_at(&self, _: &mut Context, pos: u64, buf: &mut [u8]) -> SysResult<usize> {
        let Data::File(pages) = &*self.data.borrow() else { return Err(Errno::EINVAL) };
        let size = self.attr.borrow().size;
        let count = size.saturating_sub(pos).min(buf.len() as u64) as usize;
        let mut done = 0;
        while done < count {
            let at = pos + done as u64;
            let (page, offset) = (at / PAGE as u64, at as usize % PAGE);
            let len = (PAGE - offset).min(count - done);
            let part = &mut buf[done..done + len];
            match pages.get(&page) {
                Some(page) => part.copy_from_slice(&page[offset..offset + len]),
                None => part.fill(0),
            }
            done += len;
        }
        Ok(count)
    }

    fn write_at(&self, cx: &mut Context, pos: u64, bytes: &[u8]) -> SysResult<usize> {
        let end = pos.checked_add(bytes.len() as u64).filter(|end| *end <= SIZE_MAX);
        let end = end.ok_or(Errno::EFBIG)?;
        let fs = self.fs()?;
        let now = cx.kernel.now();
        let Data::File(pages) = &mut *self.data.borrow_mut() else { return Err(Errno::EINVAL) };
        let mut done = 0;
        while done < bytes.len() {
            let at = pos + done as u64;
            let (number, offset) = (at / PAGE as u64, at as usize % PAGE);
            let len = (PAGE - offset).min(bytes.len() - done);
            let page = match pages.entry(number) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => match fs.take_page() {
                    Ok(page) => entry.insert(page),
                    Err(error) if done == 0 => return Err(error),
                    Err(_) => break,
                },
            };
            page[offset..offset + len].copy_from_slice(&bytes[done..done + len]);
            done += len;
        }
        let mut attr = self.attr.borrow_mut();
        let end = if done == bytes.len() { end } else { pos + done as u64 };
        attr.size = attr.size.max(end);
        attr.blocks = pages.len() as u64 * 8;
        (attr.mtime, attr.ctime) = (now, now);
        Ok(done)
    }

    fn fallocate(&self, cx: &mut Context, mode: u32, pos: u64, len: u64) -> SysResult<()> {
        const KEEP_SIZE: u32 = 1;
        const PUNCH_HOLE: u32 = 2;
        let end = pos.checked_add(len).filter(|end| *end <= SIZE_MAX).ok_or(Errno::EFBIG)?;
        match mode {
            0 | KEEP_SIZE => {
                let size = self.attr.borrow().size;
                if mode == 0 && end > size {
                    self.set_size(end)?;
                }
                Ok(())
            }
            _ if mode == KEEP_SIZE | PUNCH_HOLE => {
                let size = self.attr.borrow().size;
                let zeros = [0; PAGE];
                let mut at = pos;
                while at < end.min(size) {
                    let offset = at as usize % PAGE;
                    let part = (PAGE - offset).min((end.min(size) - at) as usize);
                    let number = at / PAGE as u64;
                    if part == PAGE {
                        if let Data::File(pages) = &mut *self.data.borrow_mut()
                            && pages.remove(&number).is_some()
                        {
                            self.fs()?.give_pages(1);
                        }
                    } else {
                        self.write_at(cx, at, &zeros[..part])?;
                    }
                    at += part as u64;
                }
                Ok(())
            }
            _ => Err(Errno::EOPNOTSUPP),
        }
    }

    fn get_xattr(&self, _: &mut Context, name: &[u8]) -> SysResult<Vec<u8>> {
        self.xattrs.borrow().get(name).cloned().ok_or(Errno::ENODATA)
    }

    fn set_xattr(
        &self,
        _: &mut Context,
        name: &[u8],
        value: Option<&[u8]>,
        flags: u32,
    ) -> SysResult<()> {
        const CREATE: u32 = 1;
        const REPLACE: u32 = 2;
        let mut xattrs = self.xattrs.borrow_mut();
        let exists = xattrs.contains_key(name);
        match value {
            None if exists => drop(xattrs.remove(name)),
            None => return Err(Errno::ENODATA),
            Some(_) if exists && flags & CREATE != 0 => return Err(Errno::EEXIST),
            Some(_) if !exists && flags & REPLACE != 0 => return Err(Errno::ENODATA),
            Some(value) => {
                let used: usize = xattrs.iter().map(|(name, value)| name.len() + value.len()).sum();
                if used + name.len() + value.len() > XATTRS_MAX {
                    return Err(Errno::ENOSPC);
                }
                xattrs.insert(name.to_vec(), value.to_vec());
            }
        }
        Ok(())
    }

    fn list_xattrs(&self, _: &mut Context) -> SysResult<Vec<u8>> {
        let mut list = Vec::new();
        for name in self.xattrs.borrow().keys() {
            list.extend_from_slice(name);
            list.push(0);
        }
        Ok(list)
    }
}
