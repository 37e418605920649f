//! A slot that is filled once, from whichever thread comes first.

use alloc::boxed::Box;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};
use sampan_wasm::room::{OutOfMemory, boxed};

/// A value that is computed at its first use. Two threads may both compute it; the first
/// to finish wins, and the other's result is dropped.
#[derive(Debug)]
pub(crate) struct Once<T>(AtomicPtr<T>, core::marker::PhantomData<*mut T>);

impl<T> Once<T> {
    pub(crate) const fn new() -> Once<T> {
        Once(AtomicPtr::new(null_mut()), core::marker::PhantomData)
    }

    /// The value's address; null before it is there. Valid as long as self.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *const T {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn get(&self) -> Option<&T> {
        // SAFETY: null, or a value that lives as long as self and is never written.
        unsafe { self.as_ptr().as_ref() }
    }

    /// Stores `value` unless there is one, and gives what is there now.
    ///
    /// # Errors
    /// There is no memory left.
    pub(crate) fn set(&self, value: T) -> Result<&T, OutOfMemory> {
        let new = Box::into_raw(boxed(value)?);
        Ok(match exchange(&self.0, new) {
            // SAFETY: just made, and now owned by self.
            Ok(_) => unsafe { &*new },
            Err(old) => {
                // SAFETY: nobody else saw `new`.
                drop(unsafe { Box::from_raw(new) });
                // SAFETY: not null, or the exchange had succeeded.
                unsafe { &*old }
            }
        })
    }
}

impl<T> Default for Once<T> {
    fn default() -> Once<T> {
        Once::new()
    }
}

/// Puts `new` where null is; else gives what is there.
#[cfg(target_has_atomic = "ptr")]
fn exchange<T>(place: &AtomicPtr<T>, new: *mut T) -> Result<*mut T, *mut T> {
    place.compare_exchange(null_mut(), new, Ordering::AcqRel, Ordering::Acquire)
}

/// Puts `new` where null is; else gives what is there.
#[cfg(not(target_has_atomic = "ptr"))]
fn exchange<T>(place: &AtomicPtr<T>, new: *mut T) -> Result<*mut T, *mut T> {
    // Whoever holds a module on such a processor is in one thread: see `sync`.
    let old = place.load(Ordering::Relaxed);
    if !old.is_null() {
        return Err(old);
    }
    place.store(new, Ordering::Relaxed);
    Ok(old)
}

impl<T> Drop for Once<T> {
    fn drop(&mut self) {
        let value = *self.0.get_mut();
        if !value.is_null() {
            // SAFETY: made by `set`, owned by self, dropped once.
            drop(unsafe { Box::from_raw(value) });
        }
    }
}

// SAFETY: it hands out shared references to T, and drops it on any thread.
#[cfg(target_has_atomic = "ptr")]
unsafe impl<T: Send + Sync> Sync for Once<T> {}
// SAFETY: as above.
#[cfg(target_has_atomic = "ptr")]
unsafe impl<T: Send + Sync> Send for Once<T> {}
