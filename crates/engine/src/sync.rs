//! What is shared between threads, in one place, for targets that lack it.
//!
//! A processor without compare-and-swap (ARMv6-M, RISC-V without `A`) has one core: there
//! counts are plain, and so what holds an [`Arc`] stays in one thread, as the compiler checks.

#[cfg(target_has_atomic = "ptr")]
pub use alloc::sync::Arc;

/// Counts references, without atomics.
#[cfg(not(target_has_atomic = "ptr"))]
pub use alloc::rc::Rc as Arc;

#[cfg(all(feature = "backtrace", not(target_has_atomic = "ptr")))]
compile_error!("errors with backtraces hold modules, which stay in one thread on this target");

use core::sync::atomic::{AtomicBool, Ordering};

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
