//! What shall happen at a moment of the monotonic clock.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;

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

/// All that will happen, earliest first.
#[derive(Default)]
pub struct Timers {
    entries: BTreeMap<TimerKey, Target>,
    last: u64,
}

impl Timers {
    /// Lets something happen at `when` (monotonic nanoseconds).
    pub fn add(&mut self, when: u64, target: Target) -> TimerKey {
        self.last += 1;
        let key = TimerKey { when, number: self.last };
        self.entries.insert(key, target);
        key
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
