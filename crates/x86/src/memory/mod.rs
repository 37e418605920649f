//! The memory of a process: one flat range of addresses, in pages of 4 KiB.
//!
//! Guest address `a` is byte `a` of one host allocation, so an access is an addition. Each
//! page has a byte: what the program may do with it, and what the interpreter may do
//! without asking ([`page`]). The interpreter tests that byte before every access.
//!
//! A page is *touched* once it has been written. Untouched pages read as zero and take no
//! memory of the host; only touched ones are copied by [`AddressSpace::fork`].

#[cfg_attr(target_family = "wasm", path = "wasm.rs")]
#[cfg_attr(all(not(target_family = "wasm"), feature = "std"), path = "host.rs")]
#[cfg_attr(all(not(target_family = "wasm"), not(feature = "std")), path = "portable.rs")]
mod host;
pub(crate) mod page;
mod shared;
mod track;

use crate::exit::{Access, Fault};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::ops::{BitOr, Range};
pub use host::Reservation;
pub use shared::SharedPages;

/// Bytes in a page.
pub const PAGE_SIZE: u64 = 4096;
/// Pages below 4 GiB.
const PAGES: usize = 1 << 20;
/// Above so many pending invalidations everything decoded is dropped.
const MAX_INVALIDATIONS: usize = 64;

/// What a program may do with a page. As on the processor, a page that may be written or
/// executed may also be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prot(u8);

impl Prot {
    /// Mapped, but every access faults.
    pub const NONE: Self = Self(0);
    /// Loads.
    pub const READ: Self = Self(page::READ);
    /// Stores.
    pub const WRITE: Self = Self(page::WRITE);
    /// Instruction fetches.
    pub const EXEC: Self = Self(page::EXEC);

    /// Whether all of `other` is allowed.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Prot {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a run of pages allows, and whether it was touched; see [`AddressSpace::runs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageState(u8);

impl PageState {
    /// As a byte, for [`PageState::from_bits`].
    pub fn bits(self) -> u8 {
        self.0
    }

    /// From [`PageState::bits`]; a mapped state whatever the byte is.
    pub fn from_bits(bits: u8) -> Self {
        Self(page::without_code(bits))
    }

    /// Whether the pages hold something else than zeros.
    pub fn is_touched(self) -> bool {
        self.0 & page::TOUCHED != 0
    }
}

/// Why a range could not be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// Not within the address space's limit, or empty.
    OutOfRange,
    /// Not on page boundaries.
    Misaligned,
    /// The host has no memory for it.
    OutOfMemory,
    /// Part of it is not mapped.
    NotMapped,
    /// This host cannot share pages between address spaces.
    Unsupported,
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfRange => "range outside the address space",
            Self::Misaligned => "range not on page boundaries",
            Self::OutOfMemory => "host out of memory",
            Self::NotMapped => "part of the range is not mapped",
            Self::Unsupported => "shared pages are not available on this host",
        })
    }
}

impl core::error::Error for MapError {}

/// A process's memory.
pub struct AddressSpace {
    memory: host::Memory,
    /// A byte for each page below 4 GiB.
    pages: host::Pages,
    limit: u64,
    /// One past the highest page that was ever mapped.
    top: usize,
    touched: usize,
    /// Shared runs by first page: length in pages, object, page in the object.
    shared: BTreeMap<usize, (usize, SharedPages, u64)>,
    invalid: Invalidations,
}

/// Code that may have changed since something was decoded.
#[derive(Default)]
pub(crate) struct Invalidations {
    pub ranges: Vec<Range<u64>>,
    pub everything: bool,
}

impl Invalidations {
    fn add(&mut self, range: Range<u64>) {
        if self.ranges.len() < MAX_INVALIDATIONS {
            self.ranges.push(range);
        } else {
            self.everything = true;
        }
    }
}

impl fmt::Debug for AddressSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressSpace")
            .field("limit", &self.limit)
            .field("touched", &self.touched)
            .finish_non_exhaustive()
    }
}

impl AddressSpace {
    /// An empty one, whose mappings all lie below `limit` (at most 4 GiB, rounded down to
    /// pages).
    ///
    /// # Errors
    /// [`MapError::OutOfMemory`] if the host refuses the reservation.
    pub fn new(limit: u64) -> Result<Self, MapError> {
        let limit = limit.min((PAGES as u64) * PAGE_SIZE) & !(PAGE_SIZE - 1);
        let (memory, pages) = host::Memory::new(limit)?;
        Ok(Self {
            memory,
            pages,
            limit,
            top: 0,
            touched: 0,
            shared: BTreeMap::new(),
            invalid: Invalidations::default(),
        })
    }

    /// A copy: touched private pages are copied, shared ones stay shared.
    ///
    /// # Errors
    /// [`MapError::OutOfMemory`].
    pub fn fork(&self) -> Result<Self, MapError> {
        let mut child = Self::new(self.limit)?;
        child.shared = self.shared.clone();
        for (&first, (count, object, page)) in &self.shared {
            let range = first as u64 * PAGE_SIZE..(first + count) as u64 * PAGE_SIZE;
            child.memory.share(range, &object.0, page * PAGE_SIZE)?;
        }
        for (range, state) in self.runs() {
            child.adopt(range.clone(), state)?;
            if state.is_touched() {
                for part in self.private(range.start as usize..range.end as usize) {
                    child.memory.bytes_mut(part.clone()).copy_from_slice(self.memory.bytes(part));
                }
            }
        }
        Ok(child)
    }

    /// What is mapped, in runs of equal state and in the order of addresses. Whoever moves
    /// an address space to another machine sends these, and the bytes of touched ones.
    pub fn runs(&self) -> impl Iterator<Item = (Range<u64>, PageState)> {
        let mut first = 0;
        core::iter::from_fn(move || {
            let rest = &self.pages[first..self.top];
            first += rest.iter().position(|&state| state != 0)?;
            let state = self.pages[first];
            let same = |&&other: &&u8| other == state;
            let run = self.pages[first..self.top].iter().take_while(same).count();
            let start = first as u64 * PAGE_SIZE;
            first += run;
            Some((start..start + run as u64 * PAGE_SIZE, PageState(page::without_code(state))))
        })
    }

    /// Takes over a run of another address space, whose range is free here. The bytes of a
    /// touched one are the caller's to copy.
    ///
    /// # Errors
    /// As for [`AddressSpace::map_zero`].
    pub fn adopt(&mut self, range: Range<u64>, state: PageState) -> Result<(), MapError> {
        let pages = self.page_range(&range)?;
        self.memory.commit(range.end)?;
        self.top = self.top.max(pages.end);
        if state.is_touched() {
            self.touched += pages.len();
        }
        self.pages[pages].fill(state.0);
        Ok(())
    }

    /// Where address 0 lies in the host's memory, for whoever copies bytes from outside.
    #[cfg(target_family = "wasm")]
    pub fn base(&self) -> usize {
        self.memory.base().addr()
    }

    /// The address space of the host in which everything lies, if other code can reach it.
    pub fn reservation(&self) -> Option<&alloc::sync::Arc<Reservation>> {
        self.memory.reservation()
    }

    /// The address below which everything lies.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Maps zeros, replacing what was there.
    ///
    /// # Errors
    /// [`MapError::OutOfRange`], [`MapError::Misaligned`], [`MapError::OutOfMemory`].
    pub fn map_zero(&mut self, range: Range<u64>, prot: Prot) -> Result<(), MapError> {
        let pages = self.page_range(&range)?;
        self.drop_content(pages.clone())?;
        self.memory.commit(range.end)?;
        self.top = self.top.max(pages.end);
        self.pages[pages].fill(page::state(prot.0, 0));
        Ok(())
    }

    /// Removes what is mapped; holes are no error.
    ///
    /// # Errors
    /// [`MapError::OutOfRange`], [`MapError::Misaligned`].
    pub fn unmap(&mut self, range: Range<u64>) -> Result<(), MapError> {
        let pages = self.page_range(&range)?;
        self.drop_content(pages.clone())?;
        self.pages[pages].fill(0);
        Ok(())
    }

    /// Changes what may be done.
    ///
    /// # Errors
    /// [`MapError::NotMapped`] if there is a hole (nothing is changed then),
    /// [`MapError::OutOfRange`], [`MapError::Misaligned`].
    pub fn protect(&mut self, range: Range<u64>, prot: Prot) -> Result<(), MapError> {
        let pages = self.page_range(&range)?;
        if self.pages[pages.clone()].iter().any(|state| state & page::MAPPED == 0) {
            return Err(MapError::NotMapped);
        }
        if !prot.contains(Prot::EXEC) {
            self.forget_code(pages.clone());
        }
        for state in &mut self.pages[pages] {
            *state = page::state(prot.0, *state & page::KEPT);
        }
        Ok(())
    }

    /// Changes what may be done with what is mapped of a range; holes stay.
    ///
    /// # Errors
    /// [`MapError::OutOfRange`], [`MapError::Misaligned`].
    pub fn protect_mapped(&mut self, range: Range<u64>, prot: Prot) -> Result<(), MapError> {
        let pages = self.page_range(&range)?;
        if !prot.contains(Prot::EXEC) {
            self.forget_code(pages.clone());
        }
        for state in self.pages[pages].iter_mut().filter(|state| **state & page::MAPPED != 0) {
            *state = page::state(prot.0, *state & page::KEPT);
        }
        Ok(())
    }

    /// Moves what is mapped at `from` to `to`, replacing what was there; `from` is unmapped
    /// then. The ranges may not overlap.
    ///
    /// # Errors
    /// As for [`AddressSpace::map_zero`]; [`MapError::OutOfRange`] also if they overlap or
    /// their lengths differ.
    pub fn move_pages(&mut self, from: Range<u64>, to: Range<u64>) -> Result<(), MapError> {
        let (old, new) = (self.page_range(&from)?, self.page_range(&to)?);
        if old.len() != new.len() || (old.start < new.end && new.start < old.end) {
            return Err(MapError::OutOfRange);
        }
        self.drop_content(new.clone())?;
        self.memory.commit(to.end)?;
        self.split_shared(old.start);
        self.split_shared(old.end);
        self.forget_code(old.clone());
        for (source, target) in old.clone().zip(new.clone()) {
            let state = self.pages[source];
            self.pages[target] = state;
            if state & page::TOUCHED != 0 {
                self.pages[source] = page::without_touch(state);
                self.touched -= 1;
                self.touched += 1;
            }
        }
        let runs: Vec<_> =
            self.shared.range(old.clone()).map(|(&first, run)| (first, run.clone())).collect();
        let size = PAGE_SIZE as usize;
        for part in self.private(old.start * size..old.end * size) {
            let target = part.start - old.start * size + new.start * size;
            for offset in (0..part.len()).step_by(size) {
                if self.pages[(target + offset) / size] & page::TOUCHED != 0 {
                    self.memory.copy_within(part.start + offset, target + offset, size);
                }
            }
        }
        for (first, (count, object, page)) in runs {
            let at = first - old.start + new.start;
            let range = at as u64 * PAGE_SIZE..(at + count) as u64 * PAGE_SIZE;
            self.memory.share(range, &object.0, page * PAGE_SIZE)?;
            self.shared.insert(at, (count, object, page));
        }
        self.top = self.top.max(new.end);
        let count = self.touched;
        self.memory.zero(from)?;
        self.remove_shared(old.clone())?;
        self.pages[old].fill(0);
        self.touched = count;
        Ok(())
    }

    /// Drops the content of private pages, which then read as zero again; shared ones keep it.
    ///
    /// # Errors
    /// As for [`AddressSpace::map_zero`].
    pub fn discard(&mut self, range: Range<u64>) -> Result<(), MapError> {
        let pages = self.page_range(&range)?;
        self.forget_code(pages.clone());
        let size = PAGE_SIZE as usize;
        for part in self.private(pages.start * size..pages.end * size) {
            self.memory.zero(part.start as u64..part.end as u64)?;
            for state in &mut self.pages[part.start / size..part.end / size] {
                if *state & page::TOUCHED != 0 {
                    self.touched -= 1;
                    *state = page::without_touch(*state);
                }
            }
        }
        Ok(())
    }

    /// What may be done with the page at an address, or `None` if nothing is mapped.
    pub fn prot_at(&self, addr: u64) -> Option<Prot> {
        let state = *self.pages.get(usize::try_from(addr / PAGE_SIZE).ok()?)?;
        (state & page::MAPPED != 0).then_some(Prot(state & page::PROT))
    }

    /// How many pages have been written, and so take memory (shared ones count as written).
    pub fn touched_pages(&self) -> usize {
        self.touched
    }

    /// Whether a page has been written, as `mincore` asks.
    pub fn is_touched(&self, addr: u64) -> bool {
        usize::try_from(addr / PAGE_SIZE)
            .ok()
            .and_then(|page| self.pages.get(page))
            .is_some_and(|state| state & page::TOUCHED != 0)
    }

    /// Copies bytes out as a load would.
    ///
    /// # Errors
    /// The fault of the first byte that may not be read; `bytes` is unspecified then.
    pub fn read(&self, addr: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        bytes.copy_from_slice(self.readable(addr, bytes.len() as u64)?);
        Ok(())
    }

    /// Copies bytes in as a store would.
    ///
    /// # Errors
    /// The fault of the first byte that may not be written; nothing is written then.
    pub fn write(&mut self, addr: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.writable(addr, bytes.len() as u64)?.copy_from_slice(bytes);
        Ok(())
    }

    /// How many of `len` bytes from `addr` on may be accessed.
    pub fn accessible(&self, addr: u64, len: u64, access: Access) -> u64 {
        match self.check(addr, len, access) {
            Ok(()) => len,
            Err(fault) => fault.addr.wrapping_sub(addr),
        }
    }

    /// Copies bytes out whatever their pages allow, as a debugger does.
    ///
    /// # Errors
    /// The fault of the first byte that is not mapped.
    pub fn peek(&self, addr: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        bytes.copy_from_slice(self.bytes(addr, bytes.len() as u64)?);
        Ok(())
    }

    /// Copies bytes in whatever their pages allow, as a loader or a debugger does.
    ///
    /// # Errors
    /// The fault of the first byte that is not mapped; nothing is written then.
    pub fn poke(&mut self, addr: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.bytes_mut(addr, bytes.len() as u64)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Bytes to be read in place, as a load would.
    ///
    /// # Errors
    /// The fault of the first byte that may not be read.
    pub fn readable(&self, addr: u64, len: u64) -> Result<&[u8], Fault> {
        self.check(addr, len, Access::Read)?;
        Ok(self.content(addr, len))
    }

    /// Bytes to be written in place, as a store would. They count as written.
    ///
    /// # Errors
    /// The fault of the first byte that may not be written.
    pub fn writable(&mut self, addr: u64, len: u64) -> Result<&mut [u8], Fault> {
        self.check(addr, len, Access::Write)?;
        Ok(self.content_mut(addr, len))
    }

    /// Mapped bytes, whatever their pages allow.
    ///
    /// # Errors
    /// The fault of the first byte that is not mapped.
    pub fn bytes(&self, addr: u64, len: u64) -> Result<&[u8], Fault> {
        self.check_mapped(addr, len, Access::Read)?;
        Ok(self.content(addr, len))
    }

    /// Mapped bytes to be filled in place, whatever their pages allow: a file is read
    /// straight into them. They count as written.
    ///
    /// # Errors
    /// The fault of the first byte that is not mapped.
    pub fn bytes_mut(&mut self, addr: u64, len: u64) -> Result<&mut [u8], Fault> {
        self.check_mapped(addr, len, Access::Write)?;
        Ok(self.content_mut(addr, len))
    }

    /// Replaces the 32 bits at an address, if they are `old`; gives back what was there.
    ///
    /// # Errors
    /// The fault that a locked instruction would meet.
    pub fn compare_exchange_u32(&mut self, addr: u64, old: u32, new: u32) -> Result<u32, Fault> {
        self.check(addr, 4, Access::Write)?;
        let mut bytes = [0; 4];
        self.peek(addr, &mut bytes)?;
        let found = u32::from_le_bytes(bytes);
        if found == old {
            self.store(addr, &new.to_le_bytes());
        }
        Ok(found)
    }

    fn page_range(&self, range: &Range<u64>) -> Result<Range<usize>, MapError> {
        if range.start >= range.end || range.end > self.limit {
            return Err(MapError::OutOfRange);
        }
        if !range.start.is_multiple_of(PAGE_SIZE) || !range.end.is_multiple_of(PAGE_SIZE) {
            return Err(MapError::Misaligned);
        }
        Ok((range.start / PAGE_SIZE) as usize..(range.end / PAGE_SIZE) as usize)
    }
}
