//! The `sampan` command line, as a library so that tests can use its parts.
//!
//! Nothing here is meant for other programs.

#![forbid(unsafe_code)]

pub mod spec;
