//! The handlers of the classic interpreter.
//!
//! `DEPTH` is the number of operands in registers when the handler begins: see
//! [`regs`](super::regs).

pub(super) mod call;
pub(super) mod control;
#[cfg_attr(not(feature = "exceptions"), path = "exception_absent.rs")]
pub(super) mod exception;
#[cfg(sampan_tail_calls)]
pub(super) mod fused;
#[cfg_attr(sampan_small, path = "memory_small.rs")]
pub(super) mod memory;
pub(super) mod misc;
pub(super) mod numeric;
#[cfg(sampan_small)]
pub(super) mod numeric_small;
pub(super) mod reference;
pub(super) mod trap;
pub(super) mod variable;
#[cfg(feature = "simd")]
pub(super) mod vector;
