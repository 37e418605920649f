//! Time: clocks, sleeping, and what expires later.

pub mod calls;
pub mod posix;
pub mod timers;
pub mod usage;

/// A moment or a span, as `timespec` has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timespec {
    /// Whole seconds.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanos: u32,
}

/// Nanoseconds of a second.
pub const SECOND: u64 = 1_000_000_000;

impl Timespec {
    /// From nanoseconds.
    pub fn from_ns(ns: u64) -> Timespec {
        Timespec { seconds: (ns / SECOND) as i64, nanos: (ns % SECOND) as u32 }
    }

    /// In nanoseconds; as far away as possible where that does not fit, and zero
    /// before the epoch.
    pub fn as_ns(self) -> u64 {
        match u64::try_from(self.seconds) {
            Ok(seconds) => seconds.saturating_mul(SECOND).saturating_add(u64::from(self.nanos)),
            Err(_) => 0,
        }
    }
}
