//! Stopping a machine from another thread, while it executes or waits.

use crate::sync::Arc;
#[cfg(all(feature = "std", feature = "threads"))]
use core::sync::atomic::Ordering::SeqCst;
use core::sync::atomic::{AtomicBool, Ordering};
#[cfg(all(feature = "std", feature = "threads"))]
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What interpreters look at, and who must be woken up to look.
#[derive(Debug, Default)]
pub(crate) struct Interrupt {
    pub flag: AtomicBool,
    /// The thread in which the machine waits for another.
    #[cfg(all(feature = "std", feature = "threads"))]
    waiting: Mutex<Option<std::thread::Thread>>,
}

impl Interrupt {
    /// Whether a stop was asked for. Asking again gives no.
    pub fn take(&self) -> bool {
        self.flag.load(Ordering::Relaxed) && crate::sync::take(&self.flag)
    }
}

#[cfg(all(feature = "std", feature = "threads"))]
impl Interrupt {
    /// Has the current thread unparked at an interruption, or no longer.
    ///
    /// Whoever parks looks at the flag after this: then either it sees the flag, or
    /// `interrupt` sees the thread.
    pub fn set_waiting(&self, waiting: bool) {
        *self.waiting() = waiting.then(std::thread::current);
    }

    fn waiting(&self) -> MutexGuard<'_, Option<std::thread::Thread>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks a machine, from any thread, to stop executing.
#[derive(Clone, Debug)]
pub struct InterruptHandle(pub(crate) Arc<Interrupt>);

impl InterruptHandle {
    /// Whether a stop was asked for; the request is then served. For host functions that
    /// wait: they should end with an error.
    pub fn take(&self) -> bool {
        self.0.take()
    }

    /// The guest that runs, or the next one, traps at its next call or loop; one that waits
    /// for another thread (`memory.atomic.wait`) traps at once.
    pub fn interrupt(&self) {
        #[cfg(all(feature = "std", feature = "threads"))]
        {
            self.0.flag.store(true, SeqCst);
            if let Some(thread) = &*self.0.waiting() {
                thread.unpark();
            }
        }
        #[cfg(not(all(feature = "std", feature = "threads")))]
        self.0.flag.store(true, Ordering::Relaxed);
    }
}
