//! What the standard library and cap-std don't offer, for each host. Nothing
//! outside this module names an operating system.

use std::fs::File;

#[cfg(not(unix))]
mod other;
#[cfg(target_os = "linux")]
mod storage_linux;
#[cfg(not(target_os = "linux"))]
mod storage_portable;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
mod unix_errno;

#[cfg(not(unix))]
pub(crate) use other::*;
#[cfg(target_os = "linux")]
pub(crate) use storage_linux::{advise, allocate};
#[cfg(not(target_os = "linux"))]
pub(crate) use storage_portable::{advise, allocate};
#[cfg(unix)]
pub(crate) use unix::*;

/// How a guest says it will use part of a file (`advice`).
#[derive(Clone, Copy)]
pub(crate) enum Advice {
    Normal,
    Sequential,
    Random,
    WillNeed,
    DontNeed,
    NoReuse,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// What can be waited for.
#[cfg_attr(not(unix), allow(dead_code, reason = "only files tell there"))]
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    File(&'a File),
    Listener(&'a Listener),
    Stream(&'a Stream),
}

#[derive(Clone, Copy)]
pub(crate) struct Interest<'a> {
    pub source: Source<'a>,
    pub direction: Direction,
}

/// That a source is ready.
pub(crate) struct Readiness {
    /// The other end is gone.
    pub hangup: bool,
}
