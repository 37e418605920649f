//! Pages of a file that processes share: one object for all mappings of an inode. A page is
//! read from the file when somebody needs it; from then on reads and writes of the file go
//! through it, too.

use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};
use core::ops::Range;

use super::{page_down, page_up};
use crate::errno::SysResult;
use crate::fs::InodeRef;
use crate::kernel::Context;
use crate::machine::{PAGE_SIZE, SharedPages};

/// Pages that one word of [`Present`] is about.
const GROUP: u64 = 64;

/// What mappings share.
pub struct SharedFile {
    /// The pages.
    pub pages: SharedPages,
    /// The file that they came from and go back to.
    pub inode: Option<InodeRef>,
    bytes: Cell<u64>,
    present: RefCell<Present>,
}

/// Which pages were read from the file, 64 of them a word. All others are zeros.
#[derive(Default)]
struct Present(BTreeMap<u64, u64>);

impl Present {
    fn contains(&self, page: u64) -> bool {
        self.0.get(&(page / GROUP)).is_some_and(|word| word >> (page % GROUP) & 1 != 0)
    }

    fn insert(&mut self, page: u64) {
        *self.0.entry(page / GROUP).or_default() |= 1 << (page % GROUP);
    }

    /// Those of a range of bytes, as the parts of the range that lie in them.
    fn parts(&self, range: Range<u64>) -> alloc::vec::Vec<Range<u64>> {
        let (first, last) = (range.start / PAGE_SIZE, range.end.div_ceil(PAGE_SIZE));
        let groups = self.0.range(first / GROUP..last.div_ceil(GROUP));
        let pages = groups.flat_map(|(group, word)| {
            (0..GROUP).filter(move |bit| word >> bit & 1 != 0).map(move |bit| group * GROUP + bit)
        });
        pages
            .filter(|page| (first..last).contains(page))
            .map(|page| {
                let at = page * PAGE_SIZE;
                at.max(range.start)..(at + PAGE_SIZE).min(range.end)
            })
            .collect()
    }
}

impl SharedFile {
    /// Pages of their own (`MAP_SHARED | MAP_ANONYMOUS`).
    pub fn anonymous(len: u64) -> SysResult<Rc<SharedFile>> {
        SharedFile::new(None, page_up(len))
    }

    /// The pages of a file.
    pub fn of_inode(cx: &mut Context, inode: &InodeRef) -> SysResult<Rc<SharedFile>> {
        if let Some(shared) = SharedFile::existing(inode) {
            return Ok(shared);
        }
        let size = inode.stat(cx)?.size;
        let shared = SharedFile::new(Some(inode.clone()), page_up(size).max(PAGE_SIZE))?;
        *inode.extra().pages.borrow_mut() = Rc::downgrade(&shared);
        Ok(shared)
    }

    fn new(inode: Option<InodeRef>, len: u64) -> SysResult<Rc<SharedFile>> {
        let pages = SharedPages::new((len / PAGE_SIZE) as usize)?;
        let (bytes, present) = (Cell::new(len), RefCell::default());
        Ok(Rc::new(SharedFile { pages, inode, bytes, present }))
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

    /// Reads those pages of a range from the file that nobody needed before.
    pub fn load(&self, cx: &mut Context, offset: u64, len: u64) -> SysResult<()> {
        let Some(inode) = &self.inode else { return Ok(()) };
        let end = offset.saturating_add(len).min(self.len());
        let mut page = [0; PAGE_SIZE as usize];
        let mut at = page_down(offset);
        while at < end {
            if !self.present.borrow().contains(at / PAGE_SIZE) {
                let mut done = 0;
                while done < page.len() {
                    match inode.read_at(cx, at + done as u64, &mut page[done..])? {
                        0 => break,
                        count => done += count,
                    }
                }
                // It is zeros so far; a page of a hole shall not take memory.
                if page[..done].iter().any(|&byte| byte != 0) {
                    self.pages.write(at, &page[..done]);
                }
                self.present.borrow_mut().insert(at / PAGE_SIZE);
            }
            at += PAGE_SIZE;
        }
        Ok(())
    }

    /// Lays what programs have written over what was read from the file at `pos`.
    pub fn overlay(&self, pos: u64, buf: &mut [u8]) {
        let range = pos..pos.saturating_add(buf.len() as u64);
        for part in self.present.borrow().parts(range) {
            let inside = (part.start - pos) as usize..(part.end - pos) as usize;
            self.pages.read(part.start, &mut buf[inside]);
        }
    }

    /// The file was written at `pos`.
    pub fn written(&self, pos: u64, bytes: &[u8]) -> SysResult<()> {
        let end = pos.saturating_add(bytes.len() as u64);
        if end > self.len() {
            self.resize(end)?;
        }
        for part in self.present.borrow().parts(pos..end) {
            let inside = (part.start - pos) as usize..(part.end - pos) as usize;
            self.pages.write(part.start, &bytes[inside]);
        }
        Ok(())
    }

    /// A part of the file became zeros.
    pub fn zero(&self, range: Range<u64>) {
        let zeros = [0; PAGE_SIZE as usize];
        for part in self.present.borrow().parts(range) {
            self.pages.write(part.start, &zeros[..(part.end - part.start) as usize]);
        }
    }

    /// The file grew or shrank.
    pub fn resize(&self, size: u64) -> SysResult<()> {
        let len = page_up(size).max(PAGE_SIZE);
        // It never shrinks below what programs have mapped; what is cut is zeroed.
        if len > self.bytes.get() {
            self.pages.resize((len / PAGE_SIZE) as usize)?;
            self.bytes.set(len);
        }
        self.zero(size..self.bytes.get());
        Ok(())
    }

    /// Writes back what programs changed in a range.
    pub fn write_back(&self, cx: &mut Context, offset: u64, len: u64) -> SysResult<()> {
        let Some(inode) = &self.inode else { return Ok(()) };
        let size = inode.stat(cx)?.size;
        let end = offset.saturating_add(len).min(size);
        let parts = self.present.borrow().parts(offset..end.max(offset));
        let (mut page, mut old) = ([0; PAGE_SIZE as usize], [0; PAGE_SIZE as usize]);
        for part in parts {
            let (at, len) = (part.start, (part.end - part.start) as usize);
            self.pages.read(at, &mut page[..len]);
            let count = inode.read_at(cx, at, &mut old[..len])?;
            if old[..count] != page[..len] {
                inode.write_at(cx, at, &page[..len])?;
            }
        }
        Ok(())
    }
}
