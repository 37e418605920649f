//! A context that the threads of one guest share.
//!
//! One call at a time has the context. A call that would wait (for input, for a connection,
//! for time) gives it back instead and is tried again a little later, so that a thread that
//! waits holds up no other, and can be stopped. What cannot tell that it would wait does hold
//! up the others: a reader or writer that the embedder gave, and the opening of a named pipe.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::{Errno, Function, GuestMemory, Halt, WasiCtx};

/// A [`WasiCtx`] for several threads; clones are the same.
#[derive(Clone, Debug)]
pub struct SharedWasiCtx(Arc<Mutex<WasiCtx>>);

/// How a call may wait, which the context says.
#[derive(Debug, Default)]
pub(crate) enum Waiting {
    /// In the host.
    #[default]
    Here,
    /// Not at all.
    Never {
        /// When the call was first tried.
        since: Instant,
        /// Set by a call that would wait.
        wanted: bool,
    },
}

/// How soon a call is tried again: at first, and at last.
const SHORT: Duration = Duration::from_micros(50);
const LONG: Duration = Duration::from_millis(5);

impl SharedWasiCtx {
    /// Makes a context one that threads share.
    pub fn new(ctx: WasiCtx) -> SharedWasiCtx {
        SharedWasiCtx(Arc::new(Mutex::new(ctx)))
    }

    /// Calls a function. `stopped` is asked while it waits; once it says yes, the call ends
    /// with [`Halt::Stopped`].
    ///
    /// # Errors
    /// As the function; and that.
    pub fn call(
        &self,
        function: &Function,
        mem: &mut GuestMemory<'_>,
        args: &[u64],
        stopped: impl Fn() -> bool,
    ) -> Result<Errno, Halt> {
        let since = Instant::now();
        let mut pause = SHORT;
        loop {
            {
                let mut ctx = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                ctx.waiting = Waiting::Never { since, wanted: false };
                let result = (function.call)(&mut ctx, mem, args);
                if !matches!(ctx.waiting, Waiting::Never { wanted: true, .. }) {
                    return result;
                }
            }
            if stopped() {
                return Err(Halt::Stopped);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONG);
        }
    }
}

impl WasiCtx {
    /// When the call that is being made was begun.
    pub(crate) fn begun(&self) -> Instant {
        match self.waiting {
            Waiting::Here => Instant::now(),
            Waiting::Never { since, .. } => since,
        }
    }

    /// Whether a call may wait. If it may not, the caller gives up, and the call is made again.
    pub(crate) fn may_wait(&mut self) -> bool {
        match &mut self.waiting {
            Waiting::Here => true,
            Waiting::Never { wanted, .. } => {
                *wanted = true;
                false
            }
        }
    }

    /// Whether no call may wait.
    pub(crate) fn never_waits(&self) -> bool {
        matches!(self.waiting, Waiting::Never { .. })
    }
}
