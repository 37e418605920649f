//! Memory inside a WebAssembly module's own: it lies behind everything that the module was
//! given at its start, and grows as pages are mapped.
//!
//! Invariant: the module's allocator takes no new pages (its heap is an array), so that
//! whatever `memory.grow` gives belongs to the one [`Memory`] that may exist.

use crate::memory::MapError;
use core::arch::wasm32::{memory_grow, memory_size};
use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

#[path = "unshared.rs"]
mod unshared;
pub use unshared::{Pages, Reservation, Shared};

/// Room behind the last page, so that an access checked by its first byte stays inside.
const SLACK: u64 = 4096;
const WASM_PAGE: u64 = 65536;

/// Whether the module's memory is in use as an address space.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// One address space's bytes.
pub struct Memory {
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
        Ok((Self { base: base as usize, len: 0 }, unshared::pages()))
    }

    /// No other code can reach it.
    pub fn reservation(&self) -> Option<&alloc::sync::Arc<Reservation>> {
        None
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
