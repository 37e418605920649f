//! In the place of waiting where there is no standard library: nobody waits, so nobody is
//! woken, and a wait that would last is refused.

use crate::interrupt::Interrupt;
use core::time::Duration;

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitResult {
    /// Another thread notified.
    Ok = 0,
    /// The value was not the expected one; the thread did not wait.
    Mismatch = 1,
    /// Nobody notified in time.
    TimedOut = 2,
}

/// Why a wait ended otherwise.
#[allow(dead_code)] // Not all happen here.
pub(crate) enum WaitError {
    Interrupted,
    CannotWait,
}

#[derive(Debug, Default)]
#[allow(dead_code)] // Only atomic instructions wait.
pub(crate) struct Waiters;

#[allow(dead_code)]
impl Waiters {
    pub fn wait(
        &self,
        _: usize,
        expected: impl FnOnce() -> bool,
        timeout: Option<Duration>,
        _: Option<&Interrupt>,
    ) -> Result<WaitResult, WaitError> {
        match timeout {
            _ if !expected() => Ok(WaitResult::Mismatch),
            Some(Duration::ZERO) => Ok(WaitResult::TimedOut),
            _ => Err(WaitError::CannotWait),
        }
    }

    pub fn notify(&self, _: usize, _: u32) -> u32 {
        0
    }
}
