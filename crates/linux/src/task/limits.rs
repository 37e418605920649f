//! Limits of resources (`getrlimit(2)`).

/// How many there are.
pub const COUNT: usize = 16;
/// No limit.
pub const INFINITY: u64 = u64::MAX;

#[allow(missing_docs)]
mod numbers {
    pub const FSIZE: usize = 1;
    pub const STACK: usize = 3;
    pub const NPROC: usize = 6;
    pub const NOFILE: usize = 7;
}
pub use numbers::*;

/// What the first process has: as Debian's.
pub const DEFAULT: [(u64, u64); COUNT] = {
    let mut limits = [(INFINITY, INFINITY); COUNT];
    limits[STACK] = (8 << 20, INFINITY);
    limits[4] = (0, INFINITY); // CORE
    limits[NPROC] = (8192, 8192);
    limits[NOFILE] = (1024, 1 << 20);
    limits[8] = (8 << 20, 8 << 20); // MEMLOCK
    limits[11] = (8192, 8192); // SIGPENDING
    limits[12] = (819_200, 819_200); // MSGQUEUE
    limits[13] = (0, 0); // NICE
    limits[14] = (0, 0); // RTPRIO
    limits
};
