//! Memory from an ordinary allocation, for hosts without virtual memory of their own: no
//! pages shared between address spaces, and the whole limit is taken at once (where the
//! host hands out zeroed memory lazily, only in name).

use crate::memory::MapError;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

#[path = "unshared.rs"]
mod unshared;
pub use unshared::Shared;

/// Room behind the last page, so that an access checked by its first byte stays inside.
const SLACK: usize = 4096;

/// The table of pages: a byte for each below 4 GiB.
pub type Pages = Box<[u8]>;

/// Address space that other code can reach: there is none.
#[derive(Debug)]
pub enum Reservation {}

impl Reservation {
    /// Where things are in it: words for the processor, a table of jumps, the table of pages,
    /// guest address 0.
    pub const LAYOUT: [u32; 4] = [0; 4];

    /// Its first byte.
    pub fn start(&self) -> core::ptr::NonNull<u8> {
        match *self {}
    }

    /// [`Reservation::LAYOUT`], which elsewhere differs.
    pub fn layout(&self) -> [u32; 4] {
        match *self {}
    }

    /// So many bytes behind its start.
    pub(crate) fn at(&self, _: u32) -> *mut u8 {
        match *self {}
    }
}

/// One address space's bytes.
pub struct Memory(Vec<u8>);

impl Memory {
    /// `len` bytes of zeros.
    pub fn new(len: u64) -> Result<(Self, Pages), MapError> {
        let len = usize::try_from(len).map_err(|_| MapError::OutOfMemory)? + SLACK;
        let mut probe = Vec::<u8>::new();
        probe.try_reserve_exact(len).map_err(|_| MapError::OutOfMemory)?;
        drop(probe);
        // The macro asks the allocator for zeroed memory, which it may have ready.
        Ok((Self(alloc::vec![0; len]), alloc::vec![0; 1 << 20].into_boxed_slice()))
    }

    /// No other code can reach it.
    pub fn reservation(&self) -> Option<&alloc::sync::Arc<Reservation>> {
        None
    }

    /// All bytes exist from the start.
    #[allow(clippy::unnecessary_wraps)] // Other hosts can fail here.
    pub fn commit(&mut self, _: u64) -> Result<(), MapError> {
        Ok(())
    }

    /// The first byte.
    pub fn base(&mut self) -> *mut u8 {
        self.0.as_mut_ptr()
    }

    /// Bytes of a range inside.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.0[range]
    }

    /// Bytes of a range inside.
    pub fn bytes_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        &mut self.0[range]
    }

    /// Copies bytes; the ranges do not overlap.
    pub fn copy_within(&mut self, from: usize, to: usize, len: usize) {
        self.0.copy_within(from..from + len, to);
    }

    /// Makes pages zero again.
    #[allow(clippy::unnecessary_wraps)] // Other hosts can fail here.
    pub fn zero(&mut self, range: Range<u64>) -> Result<(), MapError> {
        self.0[range.start as usize..range.end as usize].fill(0);
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
