//! What shall happen at a moment of the monotonic clock.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::kernel::Kernel;
use crate::wait::Parked;

/// Something that happens at a moment.
pub trait Alarm {
    /// The moment has come.
    fn fire(self: Rc<Self>, kernel: &mut Kernel);
}

/// What [`Timers::add`] returned; takes the entry away again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerKey {
    when: u64,
    number: u64,
}

/// What happens at the moment.
#[derive(Clone)]
pub enum Target {
    /// A wait ends.
    Wake(Rc<Parked>),
    /// Anything else.
    Alarm(Rc<dyn Alarm>),
}

/// An entry that is taken away when this is dropped.
pub struct Armed {
    key: TimerKey,
    dropped: Rc<RefCell<Vec<TimerKey>>>,
}

impl Drop for Armed {
    /// Files are dropped where the kernel is out of reach, so the key is only noted.
    fn drop(&mut self) {
        self.dropped.borrow_mut().push(self.key);
    }
}

/// All that will happen, earliest first.
#[derive(Default)]
pub struct Timers {
    entries: BTreeMap<TimerKey, Target>,
    last: u64,
    dropped: Rc<RefCell<Vec<TimerKey>>>,
}

impl Timers {
    /// Lets something happen at `when` (monotonic nanoseconds).
    pub fn add(&mut self, when: u64, target: Target) -> TimerKey {
        self.last += 1;
        let key = TimerKey { when, number: self.last };
        self.entries.insert(key, target);
        key
    }

    /// As [`Timers::add`], for as long as the result is held.
    pub fn arm(&mut self, when: u64, target: Target) -> Armed {
        self.sweep();
        Armed { key: self.add(when, target), dropped: self.dropped.clone() }
    }

    /// Takes away what nobody holds any more.
    pub fn sweep(&mut self) {
        for key in core::mem::take(&mut *self.dropped.borrow_mut()) {
            self.entries.remove(&key);
        }
    }

    /// Takes an entry away, if it is still there.
    pub fn cancel(&mut self, key: TimerKey) {
        self.entries.remove(&key);
    }

    /// When the next thing happens.
    pub fn next(&self) -> Option<u64> {
        self.entries.first_key_value().map(|(key, _)| key.when)
    }

    /// Takes out what is due.
    pub fn take_due(&mut self, now: u64) -> Option<Target> {
        let first = self.entries.first_entry()?;
        (first.key().when <= now).then(|| first.remove())
    }
}
