//! The classic interpreter: executes the module's own bytes where they are, which may be
//! flash, with a small side table for branches.
//!
//! - [`code`]: what is kept of a function; [`prepare`](mod@prepare) makes it.
//! - [`regs`]: the registers, and how handlers pass on to each other; [`context`]: what
//!   they reach beside.
//! - [`run`](mod@run): entering and leaving; the frame.
//! - [`ops`]: the handlers; [`tables`]: which opcode has which.
//!
//! A frame lies on the machine's stack: parameters and locals, the linkage (where to
//! return to: address, side table, frame, function), operands. The caller's operands that
//! are the arguments become the callee's first locals, and the results end up where they
//! began. No guest call makes the host's stack grow, but by way of a host function.
//!
//! Fuel: one unit for each instruction executed, but none for `block`, `loop`, `else`,
//! `end` and `nop`.

#[cfg(feature = "backtrace")]
mod backtrace;
mod code;
mod context;
#[cfg_attr(sampan_small, path = "leb_small.rs")]
mod leb;
#[cfg(feature = "reference-types")]
mod maps;
#[allow(clippy::needless_borrow)] // The registers are handed on by value or by reference.
mod ops;
mod prepare;
mod regs;
mod run;
mod tables;
#[cfg_attr(not(feature = "exceptions"), path = "unwind_absent.rs")]
mod unwind;

pub(crate) use code::Code;
pub(crate) use prepare::prepare;
pub(crate) use run::run;
