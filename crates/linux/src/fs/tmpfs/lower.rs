//! A tmpfs over another file system, which stays as it is: a system whose changes live in
//! memory, as overlayfs(5) has it, but page by page.
//!
//! A file gets a node here when it is first asked for; its pages are read from below until
//! they are written. Hard links of the lower file system become files of their own.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use core::cell::Cell;

use super::directory::{Directory, Slot};
use super::{Data, Node, PAGE, Tmpfs};
use crate::errno::{Errno, SysResult};
use crate::fs::{FileSystem, FileType, InodeRef};
use crate::kernel::Context;
use crate::time::Timespec;

/// The ordinary file below one.
pub struct LowerFile {
    inode: InodeRef,
    /// How much of it still shows through.
    len: Cell<u64>,
}

impl LowerFile {
    /// What is behind `size` will never show again.
    pub fn cut(&self, size: u64) {
        self.len.set(self.len.get().min(size));
    }

    /// Pages that show through or did before they were written.
    pub fn pages(&self) -> u64 {
        self.len.get().div_ceil(PAGE as u64)
    }

    /// Whether something of it is in a page.
    pub fn covers(&self, page: u64) -> bool {
        page < self.pages()
    }

    /// Sees to it that what shows through of a part can be read at once.
    pub fn prepare(&self, cx: &mut Context, pos: u64, len: u64) -> SysResult<()> {
        self.inode.prepare(cx, pos, len.min(self.len.get().saturating_sub(pos)))
    }

    /// Reads; zeros behind its end.
    pub fn read(&self, cx: &mut Context, pos: u64, buf: &mut [u8]) -> SysResult<()> {
        let there = self.len.get().saturating_sub(pos).min(buf.len() as u64) as usize;
        let (there, rest) = buf.split_at_mut(there);
        let count = if there.is_empty() { 0 } else { self.inode.read_at(cx, pos, there)? };
        there[count..].fill(0);
        rest.fill(0);
        Ok(())
    }
}

impl Tmpfs {
    /// A file system that shows `lower` and keeps changes of it, of at most so many bytes.
    ///
    /// # Errors
    /// What the lower root says to being looked at.
    pub fn over(
        cx: &mut Context,
        dev: u64,
        bytes_max: u64,
        lower: &Rc<dyn FileSystem>,
    ) -> SysResult<Rc<Tmpfs>> {
        let fs = Tmpfs::named("overlay", dev, 0o755, bytes_max, Timespec::default());
        let root = fs.node_over(cx, lower.root(), None)?;
        *fs.root.borrow_mut() = Some(root);
        Ok(fs)
    }

    fn node_over(
        self: &Rc<Tmpfs>,
        cx: &mut Context,
        inode: InodeRef,
        ino: Option<u64>,
    ) -> SysResult<Rc<Node>> {
        let mut attr = inode.stat(cx)?;
        let kind = inode.kind();
        (attr.dev, attr.ino) = (self.dev, ino.unwrap_or_else(|| self.new_ino()));
        if kind != FileType::Directory {
            attr.nlink = 1;
        }
        let mut below = None;
        let data = match kind {
            FileType::Regular => {
                below = Some(LowerFile { inode, len: Cell::new(attr.size) });
                Data::File(BTreeMap::new())
            }
            FileType::Directory => Data::Directory(Directory::over(inode)),
            FileType::Symlink => Data::Symlink(inode.readlink(cx)?),
            _ => Data::Special,
        };
        Ok(self.node_of(kind, attr, data, below))
    }
}

impl Node {
    /// Sees to it that a name has its node here, if there is a file of that name.
    pub(super) fn uncover(&self, cx: &mut Context, name: &[u8]) -> SysResult<()> {
        let Some(lower) = self.directory(|directory| Ok(directory.below(name)))? else {
            return Ok(());
        };
        let found = match lower.lookup(cx, name) {
            Err(Errno::ENOENT) => {
                // It may have gone below since it was listed.
                return self.directory(|directory| {
                    directory.remove(name);
                    Ok(())
                });
            }
            found => found?,
        };
        let ino = self.directory(|directory| match directory.slot(name) {
            Some(Slot::Lower { ino, .. }) => Ok(Some(*ino)),
            _ => Ok(None),
        })?;
        let node = self.fs()?.node_over(cx, found, ino)?;
        self.directory(|directory| {
            directory.insert(name, node);
            Ok(())
        })
    }

    /// Sees to it that all names of the directory below have a slot here.
    pub(super) fn uncover_all(&self, cx: &mut Context) -> SysResult<()> {
        let lower = self.directory(|directory| {
            let lower = directory.lower.as_ref().filter(|lower| !lower.listed);
            Ok(lower.map(|lower| lower.inode.clone()))
        })?;
        let Some(lower) = lower else { return Ok(()) };
        let mut list = alloc::vec::Vec::new();
        lower.readdir(cx, 0, &mut |entry| {
            list.push((entry.name.to_vec(), entry.kind));
            true
        })?;
        let fs = self.fs()?;
        self.directory(|directory| {
            for (name, kind) in list {
                if directory.slot(&name).is_none() && directory.below(&name).is_some() {
                    directory.put(&name, Slot::Lower { ino: fs.new_ino(), kind });
                }
            }
            if let Some(lower) = &mut directory.lower {
                lower.listed = true;
            }
            Ok(())
        })
    }

    /// `ENOTEMPTY` if the directory has entries.
    pub(super) fn must_be_empty(&self, cx: &mut Context) -> SysResult<()> {
        self.uncover_all(cx)?;
        self.directory(|victim| if victim.len() == 0 { Ok(()) } else { Err(Errno::ENOTEMPTY) })
    }

    /// Brings a page of the file below up, if it is not here yet.
    pub(super) fn fault(&self, cx: &mut Context, number: u64) -> SysResult<()> {
        let Some(lower) = self.lower.as_ref().filter(|lower| lower.covers(number)) else {
            return Ok(());
        };
        let has = |data: &Data| match data {
            Data::File(pages) => pages.contains_key(&number),
            _ => true,
        };
        if has(&self.data.borrow()) {
            return Ok(());
        }
        let mut page = self.fs()?.take_page()?;
        if let Err(error) = lower.read(cx, number * PAGE as u64, &mut page[..]) {
            self.fs()?.give_pages(1);
            return Err(error);
        }
        if let Data::File(pages) = &mut *self.data.borrow_mut() {
            pages.insert(number, page);
        }
        Ok(())
    }
}
