//! Validation of function bodies. (Interface; the checks follow.)

use crate::{Instr, Module, Reader, Result, Span, ValType};

/// Follows the validation of one function body, to translate it in the same pass.
pub trait Visitor {
    /// The body of function `index` begins; `locals` has its parameters and its locals.
    fn begin(&mut self, module: &Module, index: u32, locals: &[ValType]) -> Result<()>;

    /// `instr`, which begins at module offset `at` and ends before `next`, is valid; `state`
    /// is how things stand after it. The last `end` is visited too.
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

/// How things stand after an instruction.
#[derive(Debug)]
pub struct State<'a> {
    /// The operand stack's height, in values, in the whole function.
    pub height: u32,
    /// Whether the instruction itself could be reached.
    pub reachable: bool,
    /// The number of open blocks, the function's body included.
    pub depth: u32,
    /// To be replaced by whatever the checks need.
    pub(crate) _private: core::marker::PhantomData<&'a ()>,
}

/// Memory that is used again from one body to the next.
#[derive(Debug, Default)]
pub struct Scratch {}

/// Validates the body of function `index`, which lies in `body`.
///
/// # Errors
/// What is wrong, with its offset and the function's index.
pub fn validate_body<V: Visitor>(
    _reader: Reader<'_>,
    _module: &Module,
    _index: u32,
    _body: &Span,
    _scratch: &mut Scratch,
    _visitor: &mut V,
) -> Result<()> {
    todo!()
}
