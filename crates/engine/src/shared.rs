//! Linear memories that several machines, and so several threads, have at once.
//!
//! All room that such a memory may ever take is reserved when it is made (zeroed pages that
//! nothing touches cost address space only), so that growing moves nothing: it is one atomic
//! change of the length, by any thread.
//!
//! **Memory model.** No slice of the bytes is ever made, as a reference would claim that
//! nobody else writes them. Plain accesses of guests, and copies by the host, are relaxed
//! atomic accesses ([`crate::relaxed`]); atomic instructions are sequentially consistent ones;
//! `memory.atomic.wait` and `notify` order as a lock does. A copy of several bytes is not
//! atomic as a whole. The order of bytes is little-endian, as in every linear memory.
//!
//! Invariant: `base` is valid for `reserved` bytes, all initialised, for as long as any handle
//! lives; `len` never shrinks and never passes `reserved`.
//!
//! Source: threads proposal, "Shared linear memory" and "Wait and notify operators".

use crate::memory::{allocate, layout, size_in_bytes};
use crate::relaxed;
use crate::sync::Arc;
use crate::wait::Waiters;
use alloc::alloc::dealloc;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst};
use sampan_wasm::{List, MemoryType};

/// A memory that threads share; clones are the same memory.
#[derive(Clone, Debug)]
pub struct SharedMemory(Arc<Bytes>);

#[derive(Debug)]
struct Bytes {
    base: NonNull<u8>,
    reserved: usize,
    len: AtomicUsize,
    ty: MemoryType,
    waiters: Waiters,
}

// SAFETY: the bytes are reached by atomic accesses only, and everything else is Sync.
unsafe impl Send for Bytes {}
// SAFETY: as above.
unsafe impl Sync for Bytes {}

impl Drop for Bytes {
    fn drop(&mut self) {
        if self.reserved > 0 {
            // SAFETY: allocated by `allocate(self.reserved)`; no handle is left.
            unsafe { dealloc(self.base.as_ptr(), layout(self.reserved)) };
        }
    }
}

/// The shared memories that a machine has; others may make them grow.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedMemories(List<SharedMemory>);

impl SharedMemories {
    /// Adds one, if there is memory for that.
    pub(crate) fn add(&mut self, memory: &SharedMemory) -> bool {
        self.0.put(memory.clone()).is_ok()
    }

    /// How many bytes they have now.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.iter().map(|memory| memory.len() as u64).sum()
    }
}

impl SharedMemory {
    /// Whether this build has shared memories on this target.
    pub(crate) const EXISTS: bool = true;

    /// A memory of its type's minimum size that can grow to its maximum, but not beyond
    /// `most` bytes; `None` if the host has no room, or the type is not shared.
    ///
    /// Where the host refuses to reserve the maximum, less is reserved, and growing beyond
    /// that fails as if memory had run out.
    pub fn new(ty: MemoryType, most: u64) -> Option<SharedMemory> {
        if !ty.shared {
            return None;
        }
        let len = size_in_bytes(&ty, ty.limits.min)?;
        let most = most.min(isize::MAX as u64) as usize;
        if len > most {
            return None;
        }
        let max = ty.limits.max.and_then(|max| size_in_bytes(&ty, max)).unwrap_or(most);
        let mut reserved = max.clamp(len, most);
        let base = loop {
            match allocate(reserved) {
                Some(base) => break base,
                None if reserved == len => return None,
                None => reserved = (reserved / 2).max(len),
            }
        };
        let (len, waiters) = (AtomicUsize::new(len), Waiters::default());
        Some(SharedMemory(Arc::try_new(Bytes { base, reserved, len, ty, waiters }).ok()?))
    }

    /// The type, with the current size as its minimum.
    pub fn ty(&self) -> MemoryType {
        let mut ty = self.0.ty;
        ty.limits.min = self.pages();
        ty
    }

    /// The size in pages.
    pub fn pages(&self) -> u64 {
        self.len() as u64 >> self.0.ty.page_log2
    }

    /// The size in bytes. It never shrinks.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len.load(SeqCst)
    }

    /// Whether it has no bytes yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both are the same memory.
    pub fn same(&self, other: &SharedMemory) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Adds `delta` pages and gives the old size in pages; `None` changes nothing.
    pub fn grow(&self, delta: u64) -> Option<u64> {
        self.grow_within(delta, |_| true)
    }

    /// The same, if `allowed` agrees to that many more bytes.
    pub(crate) fn grow_within(&self, delta: u64, allowed: impl Fn(u64) -> bool) -> Option<u64> {
        let Bytes { reserved, len, ty, .. } = &*self.0;
        let mut old = len.load(SeqCst);
        loop {
            let pages = old as u64 >> ty.page_log2;
            let new = size_in_bytes(ty, pages.checked_add(delta)?)?;
            if new > *reserved || !allowed((new - old) as u64) {
                return None;
            }
            match len.compare_exchange(old, new, SeqCst, SeqCst) {
                Ok(_) => return Some(pages),
                Err(now) => old = now,
            }
        }
    }

    /// Where the bytes are. They never move.
    #[inline]
    pub(crate) fn base(&self) -> *mut u8 {
        self.0.base.as_ptr()
    }

    /// The length, which any thread may change, for as long as any handle lives.
    pub(crate) fn len_cell(&self) -> &AtomicUsize {
        &self.0.len
    }

    /// The threads that wait here.
    pub(crate) fn waiters(&self) -> &Waiters {
        &self.0.waiters
    }

    /// The bytes that there are now, as atomics.
    pub fn bytes(&self) -> &[AtomicU8] {
        // SAFETY: valid and initialised for as long as self, and of the same layout; whoever
        // else accesses them does so atomically.
        unsafe { core::slice::from_raw_parts(self.base().cast(), self.len()) }
    }

    /// Copies the bytes from `at` on into `buffer`; `None`, and nothing copied, if they are
    /// not all in the memory.
    pub fn read(&self, at: usize, buffer: &mut [u8]) -> Option<()> {
        let at = self.locate(at, buffer.len())?;
        // SAFETY: located; the buffer is the caller's alone.
        unsafe { relaxed::copy(at, buffer.as_mut_ptr(), buffer.len()) };
        Some(())
    }

    /// Copies `buffer` to `at`; `None`, and nothing copied, if it does not fit.
    pub fn write(&self, at: usize, buffer: &[u8]) -> Option<()> {
        let at = self.locate(at, buffer.len())?;
        // SAFETY: located; nobody writes to the buffer.
        unsafe { relaxed::copy(buffer.as_ptr(), at, buffer.len()) };
        Some(())
    }

    fn locate(&self, at: usize, len: usize) -> Option<*mut u8> {
        let inside = at.checked_add(len)? <= self.len();
        inside.then(|| self.base().wrapping_add(at))
    }
}
