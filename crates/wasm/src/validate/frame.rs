//! The open blocks of a function.

use crate::{BlockType, Module, ValType};

/// What opened a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// The function itself.
    Func,
    /// `block`
    Block,
    /// `loop`
    Loop,
    /// `if`, before its `else`.
    If,
    /// `else`
    Else,
    /// `try_table`
    TryTable,
    /// `try` of the legacy exceptions, before any `catch`.
    Try,
    /// `catch` of the legacy exceptions.
    Catch,
    /// `catch_all` of the legacy exceptions.
    CatchAll,
}

/// An open block.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// What opened it.
    pub kind: FrameKind,
    /// Its type; a function's is its type index.
    pub ty: BlockType,
    /// The operand stack's height below the block's parameters.
    pub height: u32,
    /// Whether the block's start can be reached.
    pub reachable: bool,
    /// Whether a branch, a return or a trap was passed, so that the rest of the block
    /// cannot be reached and its operand stack holds whatever is asked of it.
    pub polymorphic: bool,
    /// How many locals were recorded as set when the block began.
    pub(super) set_locals: u32,
    /// The offset of the last `br_table` that checked this label.
    pub(super) checked_by: u32,
}

impl Frame {
    /// The types that a branch to the block passes.
    #[inline]
    pub fn label_types<'a>(&'a self, module: &'a Module) -> &'a [ValType] {
        match self.kind {
            FrameKind::Loop => block_params(module, &self.ty),
            _ => block_results(module, &self.ty),
        }
    }

    /// The types that the block leaves.
    #[inline]
    pub fn results<'a>(&'a self, module: &'a Module) -> &'a [ValType] {
        block_results(module, &self.ty)
    }
}

/// The types that a block of type `ty` takes; none if the module has no such type.
#[inline]
pub fn block_params<'a>(module: &'a Module, ty: &BlockType) -> &'a [ValType] {
    match *ty {
        BlockType::Empty | BlockType::Val(_) => &[],
        BlockType::Func(index) => module.types.func(index).map_or(&[], |ty| ty.params()),
    }
}

/// The types that a block of type `ty` leaves; none if the module has no such type.
#[inline]
pub fn block_results<'a>(module: &'a Module, ty: &'a BlockType) -> &'a [ValType] {
    match ty {
        BlockType::Empty => &[],
        BlockType::Val(ty) => core::slice::from_ref(ty),
        BlockType::Func(index) => module.types.func(*index).map_or(&[], |ty| ty.results()),
    }
}
