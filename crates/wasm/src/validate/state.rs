//! What a visitor is told about the state of validation.

use super::Frame;
use super::stack::Slot;
use crate::{Module, ValType};

/// How things stand after an instruction.
#[derive(Debug)]
pub struct State<'a> {
    /// The operand stack's height, in values, in the whole function.
    pub height: u32,
    /// Whether the instruction itself could be reached. For `else` and `end`: whether the
    /// end of the part of the block before it could.
    pub reachable: bool,
    /// The number of open blocks, the function's body included.
    pub depth: u32,
    /// For `drop` and `select`: the type of the value, if the code is reachable.
    pub operand: Option<ValType>,
    /// For `else`, `end`, `catch`, `catch_all` and `delegate`: the block, or the part of
    /// it, that ended.
    pub ended: Option<&'a Frame>,
    /// The module.
    pub module: &'a Module,
    pub(super) frames: &'a [Frame],
    pub(super) operands: &'a [Slot],
}

impl<'a> State<'a> {
    /// The block that label `relative` denotes: 0 is the innermost one.
    ///
    /// # Panics
    /// If `relative` is not below [`State::depth`]. The labels of a validated instruction
    /// that opens or ends no block are.
    #[inline]
    pub fn frame(&self, relative: u32) -> &'a Frame {
        &self.frames[self.frames.len() - 1 - relative as usize]
    }

    /// The types that a branch to label `relative` passes.
    ///
    /// # Panics
    /// As [`State::frame`].
    #[inline]
    pub fn label_types(&self, relative: u32) -> &'a [ValType] {
        self.frame(relative).label_types(self.module)
    }

    /// The type of the operand below `above` others; `None` beyond the stack's bottom and
    /// for a value that unreachable code makes up.
    pub fn operand_below(&self, above: u32) -> Option<ValType> {
        let index = self.operands.len().checked_sub(above as usize)?.checked_sub(1)?;
        self.operands[index].val()
    }
}
