//! Shared pages for hosts that cannot have one piece of memory in two address spaces.

use crate::memory::MapError;

/// Pages for several address spaces: none can be made.
#[derive(Clone, Debug)]
pub struct Shared(());

impl Shared {
    /// Not available.
    pub fn new(_: u64) -> Result<Self, MapError> {
        Err(MapError::Unsupported)
    }

    /// Whether both are one object.
    pub fn is_same(&self, _: &Self) -> bool {
        true
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
