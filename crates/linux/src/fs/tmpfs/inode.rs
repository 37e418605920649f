//! The kernel's view of a file of a tmpfs.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::ops::Range;

use super::directory::{Directory, Slot};
use super::{Data, Node, PAGE, SIZE_MAX, XATTRS_MAX};
use crate::errno::{Errno, SysResult};
use crate::fs::{
    Create, DirEntry, DirSink, FileType, Inode, InodeExtra, InodeRef, Rename, SetAttr, Stat,
};
use crate::kernel::Context;

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

    fn lookup(&self, cx: &mut Context, name: &[u8]) -> SysResult<InodeRef> {
        self.uncover(cx, name)?;
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

    fn nameless(&self, cx: &mut Context, what: &Create) -> SysResult<InodeRef> {
        let fs = self.fs()?;
        fs.has_room()?;
        Ok(fs.anonymous(what, cx.kernel.now()))
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
        self.uncover(cx, name)?;
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
        self.uncover(cx, name)?;
        let now = cx.kernel.now();
        let node = self.directory(|directory| directory.remove(name).ok_or(Errno::ENOENT))?;
        node.unlinked(now);
        self.changed(now);
        Ok(())
    }

    fn rmdir(&self, cx: &mut Context, name: &[u8]) -> SysResult<()> {
        self.uncover(cx, name)?;
        let victim = self.directory(|dir| dir.get(name).cloned().ok_or(Errno::ENOENT))?;
        victim.must_be_empty(cx)?;
        let now = cx.kernel.now();
        victim.unlinked(now);
        self.directory(|directory| Ok(directory.remove(name)))?;
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
        self.uncover(cx, name)?;
        dir.uncover(cx, to)?;
        let node = self.directory(|from| from.get(name).cloned().ok_or(Errno::ENOENT))?;
        let old = dir.directory(|into| Ok(into.get(to).cloned()))?;
        if let Some(old) = &old
            && how == Rename::Replace
            && old.kind == FileType::Directory
        {
            old.must_be_empty(cx)?;
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

    fn readdir(&self, cx: &mut Context, from: u64, sink: &mut DirSink) -> SysResult<()> {
        self.uncover_all(cx)?;
        self.directory(|directory| {
            for (cookie, name, slot) in directory.range(from) {
                let (ino, kind) = match slot {
                    Slot::Node(node) => (node.attr.borrow().ino, Some(node.kind)),
                    Slot::Lower { ino, kind } => (*ino, *kind),
                };
                if !sink(DirEntry { name, ino, kind, next: cookie + 1 }) {
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

    fn prepare(&self, cx: &mut Context, pos: u64, len: u64) -> SysResult<()> {
        self.lower.as_ref().map_or(Ok(()), |lower| lower.prepare(cx, pos, len))
    }

    fn read_at(&self, cx: &mut Context, pos: u64, buf: &mut [u8]) -> SysResult<usize> {
        let size = self.attr.borrow().size;
        let count = size.saturating_sub(pos).min(buf.len() as u64) as usize;
        let buf = &mut buf[..count];
        let mut holes = Vec::new();
        {
            let Data::File(pages) = &*self.data.borrow() else { return Err(Errno::EINVAL) };
            let mut done = 0;
            while done < count {
                let at = pos + done as u64;
                let (page, offset) = (at / PAGE as u64, at as usize % PAGE);
                let len = (PAGE - offset).min(count - done);
                match pages.get(&page) {
                    Some(page) => {
                        buf[done..done + len].copy_from_slice(&page[offset..offset + len]);
                    }
                    None => join(&mut holes, done..done + len),
                }
                done += len;
            }
        }
        for hole in holes {
            let at = pos + hole.start as u64;
            match &self.lower {
                Some(lower) => lower.read(cx, at, &mut buf[hole])?,
                None => buf[hole].fill(0),
            }
        }
        Ok(count)
    }

    fn write_at(&self, cx: &mut Context, pos: u64, bytes: &[u8]) -> SysResult<usize> {
        let end = pos.checked_add(bytes.len() as u64).filter(|end| *end <= SIZE_MAX);
        let end = end.ok_or(Errno::EFBIG)?;
        if !bytes.is_empty() {
            // What is written in part must be there as a whole.
            for at in [pos, end] {
                if !at.is_multiple_of(PAGE as u64) {
                    self.fault(cx, at / PAGE as u64)?;
                }
            }
        }
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
        attr.blocks = self.blocks(pages.len());
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
                    let below = self.lower.as_ref().is_some_and(|lower| lower.covers(number));
                    if part == PAGE && !below {
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

/// Adds a range to a list, joined to the last one if they meet.
fn join(list: &mut Vec<Range<usize>>, range: Range<usize>) {
    match list.last_mut() {
        Some(last) if last.end == range.start => last.end = range.end,
        _ => list.push(range),
    }
}

fn same_kind(inode: &InodeRef) -> SysResult<&Node> {
    inode.as_any().downcast_ref::<Node>().ok_or(Errno::EXDEV)
}
