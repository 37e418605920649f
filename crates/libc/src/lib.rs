//! The built-in subset of a C library, for modules that were linked against none.
//!
//! It has what WAMR's built-in library offers under the module name `env`, so that modules
//! made for that run unchanged: formatted output, strings, memory, conversions, character
//! classes, the `malloc` family, and a little of what compilers of C++ leave open. What the
//! functions do is what ISO C says of them.
//!
//! The crate knows no engine. A function works on integers and on a [`Guest`], whose memory is
//! a slice of bytes; every pointer is a claim until it was checked against that slice.
//! Nothing here allocates from the host.

#![no_std]
#![forbid(unsafe_code)]

mod call;
mod class;
mod error;
#[cfg(feature = "float")]
mod float;
#[cfg(not(feature = "float"))]
#[path = "float_absent.rs"]
mod float;
mod format;
mod guest;
mod heap;
mod number;
mod out;
mod string;
mod table;

pub use call::call;
pub use error::Stop;
pub use guest::{Guest, System};
pub use heap::allocate;
pub use table::{FUNCTIONS, Function, Width, find};
