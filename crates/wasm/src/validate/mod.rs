//! Validation of function bodies.
//!
//! One pass over the body's bytes: each instruction is decoded, checked, and shown to a
//! [`Visitor`], which may translate it. The algorithm is that of the specification: a
//! stack of operand types, a stack of frames (the open blocks), and a record of which
//! non-defaultable locals were set.
//!
//! - [`stack`]: the operand types, and the type that code after a branch sees.
//! - [`frame`]: the open blocks.
//! - [`locals`]: the local declarations, and which locals are set.
//! - [`body`]: the loop over instructions, and the short ways of the frequent ones.
//! - [`special`]: which rule each instruction without a context-free signature has.
//! - [`control`], [`memory`], [`table`]: the rules of WebAssembly 1.0; the other files have
//!   those of a proposal each, and [`absent`] stands for those that are not built in.
//!
//! Time is linear in the body's size but for what the limits allow: an instruction can
//! handle [`crate::limits::MAX_PARAMS`] values, a function can declare
//! [`crate::limits::MAX_LOCALS`] locals. Memory is bounded by the body's size,
//! [`crate::limits::MAX_OPERANDS`] and `MAX_LOCALS`.
//!
//! Source: core specification 3.0, section 3.4 and appendix "Validation Algorithm".

mod absent;
mod body;
#[cfg(feature = "bulk-memory")]
mod bulk;
#[cfg(feature = "gc")]
mod cast;
mod control;
#[cfg(feature = "exceptions")]
mod exceptions;
mod frame;
#[cfg(feature = "function-references")]
mod function_reference;
#[cfg(feature = "gc")]
mod gc;
mod locals;
mod memory;
#[cfg(feature = "reference-types")]
mod reference;
mod special;
mod stack;
mod state;
mod table;
#[cfg(feature = "tail-calls")]
mod tail_call;
#[cfg(test)]
mod tests;
#[cfg(feature = "wide-arithmetic")]
mod wide;

pub use body::{Scratch, validate_body};
pub use frame::{Frame, FrameKind, block_params, block_results};
pub use state::State;

use crate::{Instr, Module, Result, ValType};

/// Follows the validation of one function body, to translate it in the same pass.
pub trait Visitor {
    /// The body of function `index` begins; `locals` has its parameters and its locals.
    ///
    /// # Errors
    /// Whatever the visitor objects to; validation ends with it.
    fn begin(&mut self, module: &Module, index: u32, locals: &[ValType]) -> Result<()>;

    /// `instr`, which begins at module offset `at` and ends before `next`, is valid; `state`
    /// is how things stand after it. The last `end` is visited too.
    ///
    /// # Errors
    /// Whatever the visitor objects to; validation ends with it.
    fn instr(&mut self, at: usize, next: usize, instr: &Instr<'_>, state: &State<'_>)
    -> Result<()>;
}

/// Follows nothing.
impl Visitor for () {
    fn begin(&mut self, _: &Module, _: u32, _: &[ValType]) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn instr(&mut self, _: usize, _: usize, _: &Instr<'_>, _: &State<'_>) -> Result<()> {
        Ok(())
    }
}
