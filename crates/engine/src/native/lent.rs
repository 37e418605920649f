//! Bytes that something else keeps where they are: a file that is mapped, or a vector.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use core::ops::{Deref, Range};
use core::ptr::NonNull;

/// Bytes that stay where they are, unchanged, as long as any part of them is held.
#[derive(Clone)]
pub struct Lent {
    bytes: NonNull<[u8]>,
    owner: Arc<dyn Any + Send + Sync>,
}

// SAFETY: bytes that nobody writes, kept by an owner that any thread may drop.
unsafe impl Send for Lent {}
// SAFETY: as above.
unsafe impl Sync for Lent {}

impl Lent {
    /// Bytes that an owner keeps.
    ///
    /// # Safety
    /// As long as the owner exists they are valid, and nobody writes them.
    pub unsafe fn new(bytes: NonNull<[u8]>, owner: Arc<dyn Any + Send + Sync>) -> Lent {
        Lent { bytes, owner }
    }

    /// Some of the bytes, with the same owner; `None` if they are not all there.
    pub fn part(&self, range: Range<usize>) -> Option<Lent> {
        Some(Lent { bytes: NonNull::from(self.get(range)?), owner: self.owner.clone() })
    }

    /// What keeps the bytes.
    pub fn owner(&self) -> &Arc<dyn Any + Send + Sync> {
        &self.owner
    }
}

impl Deref for Lent {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the promise of `new`.
        unsafe { self.bytes.as_ref() }
    }
}

impl From<Vec<u8>> for Lent {
    fn from(bytes: Vec<u8>) -> Lent {
        let owner = Arc::new(bytes);
        // SAFETY: nothing writes the vector or gives it away.
        unsafe { Lent::new(NonNull::from(owner.as_slice()), owner) }
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lent({} bytes)", self.len())
    }
}
