//! Pages that several address spaces map, and which runs of an address space are such.

use super::{AddressSpace, MapError, PAGE_SIZE, Prot, host, page};
use alloc::vec::Vec;
use core::ops::Range;

/// Pages that several address spaces may map; all see one content.
#[derive(Clone, Debug)]
pub struct SharedPages(pub(super) host::Shared);

impl SharedPages {
    /// `pages` pages of zeros.
    ///
    /// # Errors
    /// [`MapError::OutOfMemory`], or [`MapError::Unsupported`] where the host can't share.
    pub fn new(pages: usize) -> Result<Self, MapError> {
        host::Shared::new(pages as u64 * PAGE_SIZE).map(Self)
    }

    /// Grows or shrinks the object; new pages are zero. Accesses by a program beyond the
    /// end of a shrunk object must be prevented by unmapping first.
    ///
    /// # Errors
    /// As for [`SharedPages::new`].
    pub fn resize(&self, pages: usize) -> Result<(), MapError> {
        self.0.resize(pages as u64 * PAGE_SIZE)
    }

    /// Copies bytes out; `false` if the range is not inside the object.
    pub fn read(&self, offset: u64, bytes: &mut [u8]) -> bool {
        self.0.read(offset, bytes)
    }

    /// Copies bytes in; `false` if the range is not inside the object.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> bool {
        self.0.write(offset, bytes)
    }
}

impl AddressSpace {
    /// Maps pages of a shared object from `page_offset` on, replacing what was there.
    ///
    /// # Errors
    /// As for [`AddressSpace::map_zero`], and [`MapError::Unsupported`].
    pub fn map_shared(
        &mut self,
        range: Range<u64>,
        prot: Prot,
        object: &SharedPages,
        page_offset: u64,
    ) -> Result<(), MapError> {
        let pages = self.page_range(&range)?;
        if (page_offset + pages.len() as u64) * PAGE_SIZE > object.0.len() {
            return Err(MapError::OutOfRange);
        }
        self.drop_content(pages.clone())?;
        self.memory.share(range, &object.0, page_offset * PAGE_SIZE)?;
        let before = self.shared.range_mut(..pages.start).next_back();
        match before {
            // Pages that are mapped as they are touched make one run.
            Some((first, run))
                if first + run.0 == pages.start
                    && run.1.0.is_same(&object.0)
                    && run.2 + run.0 as u64 == page_offset =>
            {
                run.0 += pages.len();
            }
            _ => {
                self.shared.insert(pages.start, (pages.len(), object.clone(), page_offset));
            }
        }
        self.top = self.top.max(pages.end);
        self.touched += pages.len();
        self.pages[pages].fill(page::state(prot.0, page::TOUCHED));
        Ok(())
    }

    /// The parts of a range of bytes that are not shared.
    pub(super) fn private(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let size = PAGE_SIZE as usize;
        let mut parts = Vec::new();
        let mut from = range.start;
        let before = self.shared.range(..range.start / size).next_back().map(|(&first, _)| first);
        let runs = self.shared.range(before.unwrap_or(0)..range.end.div_ceil(size));
        for (&first, (count, ..)) in runs {
            let (start, end) = (first * size, (first + count) * size);
            if end <= from {
                continue;
            }
            if start > from {
                parts.push(from..start);
            }
            from = end;
        }
        if from < range.end {
            parts.push(from..range.end);
        }
        parts
    }

    /// Makes private memory of the shared runs in a range.
    pub(super) fn remove_shared(&mut self, pages: Range<usize>) -> Result<(), MapError> {
        if self.shared.is_empty() {
            return Ok(());
        }
        self.split_shared(pages.start);
        self.split_shared(pages.end);
        while let Some((&first, &(count, ..))) = self.shared.range(pages.clone()).next() {
            self.memory.unshare(first as u64 * PAGE_SIZE..(first + count) as u64 * PAGE_SIZE)?;
            self.shared.remove(&first);
        }
        Ok(())
    }

    /// Cuts a shared run in two at a page, so that runs lie inside or outside a range.
    pub(super) fn split_shared(&mut self, at: usize) {
        let Some((&first, run)) = self.shared.range_mut(..at).next_back() else { return };
        if first + run.0 > at {
            let tail = (first + run.0 - at, run.1.clone(), run.2 + (at - first) as u64);
            run.0 = at - first;
            self.shared.insert(at, tail);
        }
    }
}
