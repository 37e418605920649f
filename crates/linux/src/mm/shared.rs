//! Pages of a file that processes share: one object for all mappings of an inode.

use alloc::rc::{Rc, Weak};
use core::cell::Cell;

use super::page_up;
use crate::errno::SysResult;
use crate::fs::InodeRef;
use crate::kernel::Context;
use crate::machine::{PAGE_SIZE, SharedPages};

/// What mappings share; while it is there, reads and writes go through it, too.
pub struct SharedFile {
    /// The pages.
    pub pages: SharedPages,
    /// The file that they came from and go back to.
    pub inode: Option<InodeRef>,
    bytes: Cell<u64>,
}

impl SharedFile {
    /// Pages of their own (`MAP_SHARED | MAP_ANONYMOUS`).
    pub fn anonymous(len: u64) -> SysResult<Rc<SharedFile>> {
        let pages = SharedPages::new((page_up(len) / PAGE_SIZE) as usize)?;
        Ok(Rc::new(SharedFile { pages, inode: None, bytes: Cell::new(page_up(len)) }))
    }

    /// The pages of a file, which are at least `len` bytes.
    pub fn of_inode(cx: &mut Context, inode: &InodeRef) -> SysResult<Rc<SharedFile>> {
        if let Some(shared) = SharedFile::existing(inode) {
            return Ok(shared);
        }
        let size = inode.stat(cx)?.size;
        let len = page_up(size).max(PAGE_SIZE);
        let pages = SharedPages::new((len / PAGE_SIZE) as usize)?;
        let mut buf = alloc::vec![0; 1 << 16];
        let mut at = 0;
        while at < size {
            let part = buf.len().min((size - at) as usize);
            let count = inode.read_at(cx, at, &mut buf[..part])?;
            if count == 0 {
                break;
            }
            // Fresh pages are zeros; those of a hole shall not take memory.
            if buf[..count].iter().any(|&byte| byte != 0) {
                pages.write(at, &buf[..count]);
            }
            at += count as u64;
        }
        let shared =
            Rc::new(SharedFile { pages, inode: Some(inode.clone()), bytes: Cell::new(len) });
        *inode.extra().pages.borrow_mut() = Rc::downgrade(&shared);
        Ok(shared)
    }

    /// The pages of a file that someone has mapped.
    pub fn existing(inode: &InodeRef) -> Option<Rc<SharedFile>> {
        Weak::upgrade(&inode.extra().pages.borrow())
    }

    /// Bytes of all pages.
    pub fn len(&self) -> u64 {
        self.bytes.get()
    }

    /// Whether there is no page.
    pub fn is_empty(&self) -> bool {
        self.bytes.get() == 0
    }

    /// The file grew or shrank.
    pub fn resize(&self, size: u64) -> SysResult<()> {
        let len = page_up(size).max(PAGE_SIZE);
        // It never shrinks below what programs have mapped; what is cut is zeroed.
        if len > self.bytes.get() {
            self.pages.resize((len / PAGE_SIZE) as usize)?;
            self.bytes.set(len);
        }
        let zeros = [0; PAGE_SIZE as usize];
        let mut at = size;
        while at < self.bytes.get() {
            let part = PAGE_SIZE - at % PAGE_SIZE;
            self.pages.write(at, &zeros[..part as usize]);
            at += part;
        }
        Ok(())
    }

    /// Writes back what programs changed in a range.
    pub fn write_back(&self, cx: &mut Context, offset: u64, len: u64) -> SysResult<()> {
        let Some(inode) = &self.inode else { return Ok(()) };
        let size = inode.stat(cx)?.size;
        let end = offset.saturating_add(len).min(size);
        let (mut page, mut old) = ([0; PAGE_SIZE as usize], [0; PAGE_SIZE as usize]);
        let mut at = offset;
        while at < end {
            let part = (PAGE_SIZE - at % PAGE_SIZE).min(end - at) as usize;
            self.pages.read(at, &mut page[..part]);
            let count = inode.read_at(cx, at, &mut old[..part])?;
            if old[..count] != page[..part] {
                inode.write_at(cx, at, &page[..part])?;
            }
            at += part as u64;
        }
        Ok(())
    }
}
