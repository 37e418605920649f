//! The functions themselves, by the group of their names.
//!
//! Each takes the context, the guest's memory, and its parameters as
//! specified. Where the result goes is checked before anything happens, so a
//! bad pointer never leaves an effect behind.

#![allow(clippy::too_many_arguments, reason = "the interface decides")]

pub(crate) mod args;
pub(crate) mod clock;
pub(crate) mod fd;
pub(crate) mod file;
pub(crate) mod io;
pub(crate) mod open;
pub(crate) mod path;
pub(crate) mod poll;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod readdir;
pub(crate) mod sock;
