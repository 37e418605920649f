//! The clocks a guest sees.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::{Errno, sys};

/// Which clock (`clockid`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockId {
    /// Time since 1970-01-01T00:00:00Z.
    Realtime,
    /// Time since some fixed moment; never goes backwards.
    Monotonic,
    /// Processor time of the whole host process.
    ProcessCputime,
    /// Processor time of the calling host thread.
    ThreadCputime,
}

/// A source of time, to replace the host's, for example by one that makes
/// runs repeatable.
///
/// Waiting (`poll_oneoff`) always takes real time; only what remains until an
/// absolute moment is computed from these clocks.
pub trait Clocks: Send {
    /// Nanoseconds on that clock, or `None` where there is no such clock.
    fn now(&mut self, clock: ClockId) -> Option<u64>;

    /// The smallest step of that clock in nanoseconds, at least 1.
    fn resolution(&mut self, clock: ClockId) -> Option<u64> {
        self.now(clock).map(|_| 1)
    }
}

/// The clocks of the host. The monotonic one begins with the context, so that
/// a guest doesn't learn how long the machine has been up.
pub(crate) struct HostClocks {
    start: Instant,
}

impl HostClocks {
    pub fn new() -> HostClocks {
        HostClocks { start: Instant::now() }
    }
}

impl Clocks for HostClocks {
    fn now(&mut self, clock: ClockId) -> Option<u64> {
        match clock {
            ClockId::Realtime => Some(nanoseconds(SystemTime::now())),
            ClockId::Monotonic => u64::try_from(self.start.elapsed().as_nanos()).ok(),
            ClockId::ProcessCputime | ClockId::ThreadCputime => sys::cpu_time(clock),
        }
    }

    fn resolution(&mut self, clock: ClockId) -> Option<u64> {
        sys::clock_resolution(clock)
    }
}

impl ClockId {
    pub(crate) fn from_raw(raw: u32) -> Result<ClockId, Errno> {
        match raw {
            0 => Ok(ClockId::Realtime),
            1 => Ok(ClockId::Monotonic),
            2 => Ok(ClockId::ProcessCputime),
            3 => Ok(ClockId::ThreadCputime),
            _ => Err(Errno::Inval),
        }
    }
}

/// As WASI counts time: since 1970, anything earlier being 1970.
pub(crate) fn nanoseconds(time: SystemTime) -> u64 {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}
