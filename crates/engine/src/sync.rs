//! What is shared, in one place: a counted pointer whose allocation may fail, and flags.
//!
//! The standard library's `Arc` ends the program where memory runs out; this one says so. It has
//! no weak references, so that its header is one word. A processor without compare-and-swap
//! (ARMv6-M, RISC-V without `A`) has one core: there counts are plain, and so what holds an
//! [`Arc`] stays in one thread, as the compiler checks.

use crate::HostFn;
use alloc::boxed::Box;
use core::fmt;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use sampan_wasm::room::{OutOfMemory, boxed};

/// The standard library's, for what only hosts with an operating system share.
#[cfg(not(target_has_atomic = "ptr"))]
pub use alloc::rc::Rc as StdArc;
#[cfg(target_has_atomic = "ptr")]
pub use alloc::sync::Arc as StdArc;

#[cfg(all(feature = "backtrace", not(target_has_atomic = "ptr")))]
compile_error!("errors with backtraces hold modules, which stay in one thread on this target");

/// A value with as many owners as there are clones of this.
pub struct Arc<T: ?Sized>(NonNull<Counted<T>>);

struct Counted<T: ?Sized> {
    owners: AtomicUsize,
    value: T,
}

// SAFETY: owners in several threads have shared access to the value, and the last, whichever
// that is, drops it. The count is atomic.
#[cfg(target_has_atomic = "ptr")]
unsafe impl<T: ?Sized + Send + Sync> Send for Arc<T> {}
// SAFETY: as above.
#[cfg(target_has_atomic = "ptr")]
unsafe impl<T: ?Sized + Send + Sync> Sync for Arc<T> {}

impl<T> Arc<T> {
    /// A value with one owner.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn try_new(value: T) -> Result<Arc<T>, OutOfMemory> {
        Ok(Arc::of(boxed(Counted { owners: AtomicUsize::new(1), value })?))
    }
}

impl Arc<HostFn> {
    /// A host function.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn host<F>(call: F) -> Result<Arc<HostFn>, OutOfMemory>
    where
        F: Fn(
                &mut crate::Machine,
                &mut dyn core::any::Any,
                Option<crate::InstanceId>,
                &mut [u64],
            ) -> Result<(), crate::Trap>
            + Send
            + Sync
            + 'static,
    {
        Ok(Arc::of(boxed(Counted { owners: AtomicUsize::new(1), value: call })?))
    }
}

impl<T: ?Sized> Arc<T> {
    fn of(counted: Box<Counted<T>>) -> Arc<T> {
        Arc(NonNull::from(Box::leak(counted)))
    }

    fn counted(&self) -> &Counted<T> {
        // SAFETY: it lives as long as it has an owner.
        unsafe { self.0.as_ref() }
    }

    /// Where the value is.
    pub fn as_ptr(this: &Arc<T>) -> *const T {
        &raw const this.counted().value
    }

    /// Whether both own the same value.
    pub fn ptr_eq(this: &Arc<T>, other: &Arc<T>) -> bool {
        core::ptr::addr_eq(this.0.as_ptr(), other.0.as_ptr())
    }

    /// How many owners there are.
    pub fn strong_count(this: &Arc<T>) -> usize {
        this.counted().owners.load(Ordering::Acquire)
    }
}

impl<T: ?Sized> Clone for Arc<T> {
    fn clone(&self) -> Arc<T> {
        let before = add(&self.counted().owners, 1);
        // As many clones do not fit into memory, but can be forgotten.
        assert!(before < isize::MAX as usize, "too many owners");
        Arc(self.0)
    }
}

impl<T: ?Sized> Drop for Arc<T> {
    fn drop(&mut self) {
        if add(&self.counted().owners, usize::MAX) == 1 {
            #[cfg(target_has_atomic = "ptr")]
            core::sync::atomic::fence(Ordering::Acquire);
            // SAFETY: made from a box, and the last owner is gone.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

impl<T: ?Sized> Deref for Arc<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.counted().value
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Arc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Adds to a count and gives what it was.
fn add(count: &AtomicUsize, more: usize) -> usize {
    #[cfg(target_has_atomic = "ptr")]
    return count.fetch_add(more, Ordering::Release);
    #[cfg(not(target_has_atomic = "ptr"))]
    {
        let was = count.load(Ordering::Relaxed);
        count.store(was.wrapping_add(more), Ordering::Relaxed);
        was
    }
}

/// Clears a flag and gives what it was.
pub(crate) fn take(flag: &AtomicBool) -> bool {
    #[cfg(target_has_atomic = "8")]
    return flag.swap(false, Ordering::Relaxed);
    // A request that comes from an interrupt between the two is taken with the one before.
    #[cfg(not(target_has_atomic = "8"))]
    {
        let was = flag.load(Ordering::Relaxed);
        if was {
            flag.store(false, Ordering::Relaxed);
        }
        was
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_owner_drops() {
        let inner = Arc::try_new(1u8).expect("there is memory");
        let outer = Arc::try_new(inner.clone()).expect("there is memory");
        let other = outer.clone();
        assert_eq!((Arc::strong_count(&inner), Arc::strong_count(&outer)), (2, 2));
        assert!(Arc::ptr_eq(&outer, &other) && **other == 1);
        drop(outer);
        assert_eq!((Arc::strong_count(&inner), Arc::strong_count(&other)), (2, 1));
        drop(other);
        assert_eq!(Arc::strong_count(&inner), 1);
    }
}
