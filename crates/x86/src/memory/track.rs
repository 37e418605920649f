//! Checks, and what has to be noted when pages change: touched pages, decoded code.

use super::{AddressSpace, Invalidations, PAGE_SIZE, page};
use crate::exit::{Access, Fault};
use crate::memory::MapError;
use core::ops::Range;

impl AddressSpace {
    /// Whether all of a range may be accessed; else the fault of its first bad byte.
    pub(crate) fn check(&self, addr: u64, len: u64, access: Access) -> Result<(), Fault> {
        let need = match access {
            Access::Read => page::FAST_READ,
            Access::Write => page::WRITE,
            Access::Execute => page::EXEC,
        };
        self.check_bits(addr, len, access, need)
    }

    pub(super) fn check_mapped(&self, addr: u64, len: u64, access: Access) -> Result<(), Fault> {
        self.check_bits(addr, len, access, page::MAPPED)
    }

    fn check_bits(&self, addr: u64, len: u64, access: Access, need: u8) -> Result<(), Fault> {
        if len == 0 {
            return Ok(());
        }
        let mut at = addr;
        let end = addr.checked_add(len);
        loop {
            let state = usize::try_from(at / PAGE_SIZE).ok().and_then(|page| self.pages.get(page));
            let state = state.copied().unwrap_or(0);
            if state & need == 0 {
                return Err(Fault { addr: at, access, present: state & page::MAPPED != 0 });
            }
            at = (at & !(PAGE_SIZE - 1)) + PAGE_SIZE;
            if end.is_some_and(|end| at >= end) {
                return Ok(());
            }
        }
    }

    /// Copies bytes into mapped pages.
    pub(crate) fn store(&mut self, addr: u64, bytes: &[u8]) {
        self.content_mut(addr, bytes.len() as u64).copy_from_slice(bytes);
    }

    /// Mapped bytes, whatever their pages allow.
    pub(crate) fn content(&self, addr: u64, len: u64) -> &[u8] {
        if len == 0 {
            return &[];
        }
        self.memory.bytes(addr as usize..(addr + len) as usize)
    }

    /// Mapped bytes that are about to be written, whatever their pages allow.
    pub(super) fn content_mut(&mut self, addr: u64, len: u64) -> &mut [u8] {
        if len == 0 {
            return &mut [];
        }
        self.note_write(addr, len);
        self.memory.bytes_mut(addr as usize..(addr + len) as usize)
    }

    /// Marks the pages of a mapped range as written, and its code as changed.
    pub(crate) fn note_write(&mut self, addr: u64, len: u64) {
        if len == 0 {
            return;
        }
        let mut code = false;
        for number in (addr / PAGE_SIZE) as usize..=((addr + len - 1) / PAGE_SIZE) as usize {
            let state = self.pages[number];
            code |= state & page::CODE != 0;
            if state & page::TOUCHED == 0 {
                self.touched += 1;
                self.pages[number] = page::touched(state);
            }
        }
        if code {
            self.invalid.add(addr..addr + len);
        }
    }

    /// From now on stores to this page are noted.
    pub(crate) fn mark_code(&mut self, number: usize) {
        self.pages[number] = page::with_code(self.pages[number]);
    }

    /// Nothing is decoded of this page any more.
    pub(crate) fn unmark_code(&mut self, number: usize) {
        let state = self.pages[number];
        if state & page::MAPPED != 0 {
            self.pages[number] = page::without_code(state);
        }
    }

    /// Code that changed since the last call.
    pub(crate) fn invalidations(&mut self) -> &mut Invalidations {
        &mut self.invalid
    }

    /// The first byte of the memory and of the table of pages.
    pub(crate) fn raw_parts(&mut self) -> (*mut u8, *const u8) {
        (self.memory.base(), self.pages.as_ptr())
    }

    pub(super) fn forget_code(&mut self, pages: Range<usize>) {
        let code = |state: &u8| state & page::CODE != 0;
        if self.pages[pages.clone()].iter().any(code) {
            self.invalid.add(pages.start as u64 * PAGE_SIZE..pages.end as u64 * PAGE_SIZE);
        }
    }

    /// Before a range gets new content: forgets the old one.
    pub(super) fn drop_content(&mut self, pages: Range<usize>) -> Result<(), MapError> {
        self.forget_code(pages.clone());
        self.remove_shared(pages.clone())?;
        let touched = |state: &&u8| *state & page::TOUCHED != 0;
        let count = self.pages[pages.clone()].iter().filter(touched).count();
        if count > 0 {
            // Beyond what was ever mapped there may be no memory.
            let end = pages.end.min(self.top) as u64;
            self.memory.zero(pages.start as u64 * PAGE_SIZE..end * PAGE_SIZE)?;
            self.touched -= count;
        }
        Ok(())
    }
}
