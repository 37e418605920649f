//! Threads that wait at an address of a shared memory, and those that wake them.
//!
//! A thread waits at one address at most, so a table holds no more entries than there are
//! threads. The comparison with the expected value is made while the table is locked, as is
//! every notification: a notification that comes after the comparison finds the waiter.
//!
//! Source: threads proposal, "Wait and notify operators".

use crate::interrupt::Interrupt;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering::SeqCst};
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Instant;

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
pub(crate) enum WaitError {
    /// The machine was interrupted.
    Interrupted,
    /// The platform cannot wait.
    #[allow(dead_code)] // Where there is no standard library.
    CannotWait,
}

/// Who waits, by address, the first comer first.
#[derive(Debug, Default)]
pub(crate) struct Waiters(Mutex<BTreeMap<usize, VecDeque<Arc<Waiter>>>>);

#[derive(Debug)]
struct Waiter {
    thread: Thread,
    woken: AtomicBool,
}

impl Waiters {
    /// Waits at an address while `expected` finds the expected value there, for `timeout` at
    /// most, or until the interruption.
    pub fn wait(
        &self,
        at: usize,
        expected: impl FnOnce() -> bool,
        timeout: Option<Duration>,
        interrupt: Option<&Interrupt>,
    ) -> Result<WaitResult, WaitError> {
        // A moment that the host cannot name never comes.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let waiter = Arc::new(Waiter { thread: thread::current(), woken: AtomicBool::new(false) });
        {
            let mut waiters = self.lock();
            if !expected() {
                return Ok(WaitResult::Mismatch);
            }
            waiters.entry(at).or_default().push_back(waiter.clone());
        }
        if let Some(interrupt) = interrupt {
            interrupt.set_waiting(true);
        }
        let result = waiter.park(deadline, interrupt);
        if let Some(interrupt) = interrupt {
            interrupt.set_waiting(false);
        }
        match result {
            Ok(WaitResult::Ok) => Ok(WaitResult::Ok),
            // A notification that came since has counted this waiter.
            _ if !self.remove(at, &waiter) => Ok(WaitResult::Ok),
            result => result,
        }
    }

    /// Wakes up to `count` threads that wait at an address, and gives how many.
    pub fn notify(&self, at: usize, count: u32) -> u32 {
        let mut waiters = self.lock();
        let Some(queue) = waiters.get_mut(&at) else { return 0 };
        let woken = queue.len().min(count as usize);
        for waiter in queue.drain(..woken) {
            waiter.woken.store(true, SeqCst);
            waiter.thread.unpark();
        }
        if queue.is_empty() {
            waiters.remove(&at);
        }
        woken as u32
    }

    /// Takes a waiter out; `false` if it was not there any more.
    fn remove(&self, at: usize, waiter: &Arc<Waiter>) -> bool {
        let mut waiters = self.lock();
        let Some(queue) = waiters.get_mut(&at) else { return false };
        let Some(place) = queue.iter().position(|other| Arc::ptr_eq(other, waiter)) else {
            return false;
        };
        queue.remove(place);
        if queue.is_empty() {
            waiters.remove(&at);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, VecDeque<Arc<Waiter>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    /// Parks until one of the three happens; threads may also wake up for nothing.
    fn park(
        &self,
        deadline: Option<Instant>,
        interrupt: Option<&Interrupt>,
    ) -> Result<WaitResult, WaitError> {
        loop {
            if self.woken.load(SeqCst) {
                return Ok(WaitResult::Ok);
            }
            if interrupt.is_some_and(Interrupt::take) {
                return Err(WaitError::Interrupted);
            }
            match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return Ok(WaitResult::TimedOut),
                Some(rest) => thread::park_timeout(rest),
                None => thread::park(),
            }
        }
    }
}
