//! Shared pages for hosts that cannot have one piece of memory in two address spaces.

use crate::memory::MapError;
use alloc::boxed::Box;

/// The table of pages.
pub type Pages = Box<[u8]>;

/// A byte for each page below 4 GiB.
pub fn pages() -> Pages {
    alloc::vec![0; 1 << 20].into_boxed_slice()
}

/// Address space that other code can reach: there is none.
#[derive(Debug)]
pub enum Reservation {}

impl Reservation {
    /// Where things are in it: words for the processor, the table of pages, guest address 0.
    pub const LAYOUT: [u32; 3] = [0; 3];

    /// Its first byte.
    pub fn start(&self) -> core::ptr::NonNull<u8> {
        match *self {}
    }
}

/// Pages for several address spaces: none can be made.
#[derive(Clone, Debug)]
pub struct Shared(());

impl Shared {
    /// Not available.
    pub fn new(_: u64) -> Result<Self, MapError> {
        Err(MapError::Unsupported)
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        0
    }

    /// Not available.
    pub fn resize(&self, _: u64) -> Result<(), MapError> {
        Err(MapError::Unsupported)
    }

    /// Nothing is inside.
    pub fn read(&self, _: u64, bytes: &mut [u8]) -> bool {
        bytes.is_empty()
    }

    /// Nothing fits.
    pub fn write(&self, _: u64, bytes: &[u8]) -> bool {
        bytes.is_empty()
    }
}
