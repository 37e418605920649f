//! A box whose content may also be reached through raw pointers.
//!
//! The interpreters keep raw pointers to entities of a machine. A `Box` claims to be the
//! only way to its content; this owner does not.

use alloc::boxed::Box;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use sampan_wasm::room::{OutOfMemory, boxed};

/// Owns a value at an address that does not change.
#[derive(Debug)]
pub(crate) struct Stable<T>(NonNull<T>);

// SAFETY: it owns its content as a Box does.
unsafe impl<T: Send> Send for Stable<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Stable<T> {}

impl<T> Stable<T> {
    pub(crate) fn new(value: T) -> Result<Stable<T>, OutOfMemory> {
        Ok(Stable(NonNull::from(Box::leak(boxed(value)?))))
    }

    /// The content's address, valid until self is dropped.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T> Deref for Stable<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: valid until drop; interpreters, which hold raw pointers, do not run
        // while a reference made here lives, as both need the machine.
        unsafe { self.0.as_ref() }
    }
}

impl<T> DerefMut for Stable<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { self.0.as_mut() }
    }
}

impl<T> Drop for Stable<T> {
    fn drop(&mut self) {
        // SAFETY: made by Box::leak and dropped once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}
