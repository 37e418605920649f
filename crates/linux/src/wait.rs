//! Waiting: the kernel never blocks its host, so a call that cannot go on yet
//! puts its thread on wait queues and returns [`Errno::PARK`](crate::Errno::PARK).
//! When a queue wakes it, the same call is made again from its start, with what
//! it noted in its [`CallState`](crate::syscall::CallState).
//!
//! A thread on several queues has one [`Parked`]; the first wake-up spends it,
//! and what is left of it on other queues is swept out in passing. So nothing
//! has to be taken off queues, and a file may be dropped while someone waits.

use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use crate::task::Tid;

/// Threads that were woken and are not yet on the run queue.
pub type Woken = RefCell<Vec<Tid>>;

/// One wait of one thread.
pub struct Parked {
    tid: Tid,
    active: Cell<bool>,
    woken: Rc<Woken>,
}

impl Parked {
    /// A wait that has not ended.
    pub fn new(tid: Tid, woken: Rc<Woken>) -> Rc<Parked> {
        Rc::new(Parked { tid, active: Cell::new(true), woken })
    }

    /// Ends the wait. False if it had ended before.
    pub fn wake(&self) -> bool {
        let was_active = self.active.replace(false);
        if was_active {
            self.woken.borrow_mut().push(self.tid);
        }
        was_active
    }

    /// Ends the wait without waking: the thread goes on for another reason.
    pub fn cancel(&self) {
        self.active.set(false);
    }

    /// Whether the wait goes on.
    pub fn is_active(&self) -> bool {
        self.active.get()
    }

    /// Who waits.
    pub fn tid(&self) -> Tid {
        self.tid
    }
}

/// Something that wants to hear of every wake-up of a queue, such as an entry of
/// an epoll set.
pub trait Watch {
    /// The queue was woken: what the file's `poll` says may have changed. May be
    /// called in the middle of a call: note it, and wake queues; do no more.
    fn notify(&self);
}

/// Those who wait for something to change.
#[derive(Default)]
pub struct WaitQueue {
    threads: RefCell<Vec<Rc<Parked>>>,
    watches: RefCell<Vec<Weak<dyn Watch>>>,
}

impl WaitQueue {
    /// An empty queue.
    pub fn new() -> WaitQueue {
        WaitQueue::default()
    }

    /// Adds a waiting thread, at the end.
    pub fn push(&self, parked: &Rc<Parked>) {
        let mut threads = self.threads.borrow_mut();
        // Waits that ended elsewhere must not add up on a queue that nobody wakes.
        if threads.len() >= 8 && threads.len() == threads.capacity() {
            threads.retain(|parked| parked.is_active());
        }
        threads.push(parked.clone());
    }

    /// Adds a watch, which stays until it is dropped.
    pub fn watch(&self, watch: &Rc<dyn Watch>) {
        let mut watches = self.watches.borrow_mut();
        watches.retain(|watch| watch.strong_count() > 0);
        watches.push(Rc::downgrade(watch));
    }

    /// Takes a watch away.
    pub fn unwatch(&self, watch: &Rc<dyn Watch>) {
        let gone = Rc::downgrade(watch);
        self.watches.borrow_mut().retain(|watch| !watch.ptr_eq(&gone));
    }

    /// Wakes everyone.
    pub fn wake_all(&self) {
        let threads = core::mem::take(&mut *self.threads.borrow_mut());
        for parked in threads {
            parked.wake();
        }
        if self.watches.borrow().is_empty() {
            return;
        }
        // A watch may touch this queue again.
        let watches: Vec<_> = self.watches.borrow().iter().filter_map(Weak::upgrade).collect();
        for watch in watches {
            watch.notify();
        }
    }

    /// Whether a thread waits here.
    pub fn has_waiters(&self) -> bool {
        self.threads.borrow().iter().any(|parked| parked.is_active())
    }
}
