//! Memory inside a WebAssembly module's own: it lies behind everything that the module was
//! given at its start, and grows as pages are mapped. Translated code gets this memory as its
//! own, so what it shares with the processor are statics here.
//!
//! Invariant: the module's allocator takes no new pages (its heap is an array), so that
//! whatever `memory.grow` gives belongs to the one [`Memory`] that may exist; the statics
//! belong to it and to its table of pages.

use crate::memory::MapError;
use alloc::sync::Arc;
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut, Range};
use core::sync::atomic::{AtomicBool, Ordering};

#[path = "unshared.rs"]
mod unshared;
pub use unshared::Shared;

/// Room behind the last page, so that an access checked by its first byte stays inside.
const SLACK: u64 = 4096;
const WASM_PAGE: u64 = 65536;

/// Whether the module's memory is in use as an address space.
static TAKEN: AtomicBool = AtomicBool::new(false);

const PAGES: usize = 1 << 20;

/// What translated code and the processor both access.
#[repr(C, align(4096))]
struct Core {
    state: UnsafeCell<[u8; 4096]>,
    jumps: UnsafeCell<[u8; 256 << 10]>,
    pages: UnsafeCell<[u8; PAGES]>,
}

// SAFETY: an instance has one thread.
unsafe impl Sync for Core {}

static CORE: Core = Core {
    state: UnsafeCell::new([0; 4096]),
    jumps: UnsafeCell::new([0; 256 << 10]),
    pages: UnsafeCell::new([0; PAGES]),
};

/// The module's memory, which translated code reaches by addresses from 0 on.
#[derive(Debug)]
pub struct Reservation {
    guest: u32,
}

impl Reservation {
    /// Where things are in it: words for the processor, a table of jumps, the table of pages,
    /// guest address 0. These are the same in every instance of a module.
    pub fn layout(&self) -> [u32; 4] {
        let [state, jumps, pages] =
            [CORE.state.get().addr(), CORE.jumps.get().addr(), CORE.pages.get().addr()];
        [state as u32, jumps as u32, pages as u32, self.guest]
    }

    /// What is at an address.
    pub(crate) fn at(&self, offset: u32) -> *mut u8 {
        core::ptr::with_exposed_provenance_mut(offset as usize)
    }
}

/// The table of pages: a byte for each below 4 GiB.
pub struct Pages(());

impl Deref for Pages {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: there is one such value at a time, and translated code only reads them while
        // nothing else runs.
        unsafe { &*CORE.pages.get() }
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { &mut *CORE.pages.get() }
    }
}

/// One address space's bytes.
pub struct Memory {
    reservation: Arc<Reservation>,
    base: usize,
    /// Bytes behind `base` that exist.
    len: usize,
}

impl Memory {
    /// Nothing yet; up to `len` bytes can be committed.
    pub fn new(len: u64) -> Result<(Self, Pages), MapError> {
        let base = memory_size::<0>() as u64 * WASM_PAGE;
        if base + len + SLACK > 1 << 32 || TAKEN.swap(true, Ordering::Relaxed) {
            return Err(MapError::OutOfMemory);
        }
        let mut pages = Pages(());
        pages.fill(0);
        // Their addresses become known to code that does not see where they come from.
        CORE.state.get().expose_provenance();
        CORE.jumps.get().expose_provenance();
        let reservation = Arc::new(Reservation { guest: base as u32 });
        Ok((Self { reservation, base: base as usize, len: 0 }, pages))
    }

    /// The memory that translated code reaches.
    pub fn reservation(&self) -> Option<&Arc<Reservation>> {
        Some(&self.reservation)
    }

    /// Makes all bytes below `end` exist.
    pub fn commit(&mut self, end: u64) -> Result<(), MapError> {
        if end <= self.len as u64 {
            return Ok(());
        }
        let have = memory_size::<0>() as u64 * WASM_PAGE;
        let want = self.base as u64 + end + SLACK;
        if want > have {
            let pages = (want - have).div_ceil(WASM_PAGE) as usize;
            if memory_grow::<0>(pages) == usize::MAX {
                return Err(MapError::OutOfMemory);
            }
        }
        self.len = end as usize;
        Ok(())
    }

    /// The first byte.
    pub fn base(&self) -> *mut u8 {
        core::ptr::with_exposed_provenance_mut(self.base)
    }

    /// Bytes of a range inside.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        assert!(range.start <= range.end && range.end <= self.len, "inside what exists");
        // SAFETY: these bytes exist, and nothing but this value knows them.
        unsafe { core::slice::from_raw_parts(self.base().add(range.start), range.len()) }
    }

    /// Bytes of a range inside.
    pub fn bytes_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        assert!(range.start <= range.end && range.end <= self.len, "inside what exists");
        // SAFETY: as above, and borrowed mutably.
        unsafe { core::slice::from_raw_parts_mut(self.base().add(range.start), range.len()) }
    }

    /// Copies bytes; the ranges do not overlap.
    pub fn copy_within(&mut self, from: usize, to: usize, len: usize) {
        let end = from.max(to) + len;
        self.bytes_mut(0..end).copy_within(from..from + len, to);
    }

    /// Makes pages zero again.
    #[allow(clippy::unnecessary_wraps)] // Other hosts can fail here.
    pub fn zero(&mut self, range: Range<u64>) -> Result<(), MapError> {
        self.bytes_mut(range.start as usize..range.end as usize).fill(0);
        Ok(())
    }

    /// Not available.
    pub fn share(&mut self, _: Range<u64>, _: &Shared, _: u64) -> Result<(), MapError> {
        Err(MapError::Unsupported)
    }

    /// Nothing is shared.
    #[allow(clippy::unnecessary_wraps)] // Other hosts can fail here.
    pub fn unshare(&mut self, _: Range<u64>) -> Result<(), MapError> {
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let len = self.len;
        self.bytes_mut(0..len).fill(0);
        TAKEN.store(false, Ordering::Relaxed);
    }
}
