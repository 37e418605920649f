//! Blocks, branches, calls.

use super::body::Validator;
use super::frame::{Frame, FrameKind, block_params};
use super::locals::check_val_type;
use crate::{BlockType, BrTable, Error, FuncType, RefType, Result, ValType};

/// Blocks.
impl<'m> Validator<'m> {
    pub(super) fn push_frame(
        &mut self,
        kind: FrameKind,
        ty: BlockType,
        reachable: bool,
    ) -> Result<()> {
        self.base = self.operands.len();
        self.polymorphic = false;
        let frame = Frame {
            kind,
            ty,
            height: self.operands.len() as u32,
            reachable,
            polymorphic: false,
            set_locals: self.locals.set_count(),
            checked_by: 0,
        };
        Ok(self.frames.put(frame)?)
    }

    /// `block`, `loop`, `if`, `try` and `try_table`, whose other operands were taken.
    pub(super) fn open(&mut self, kind: FrameKind, ty: BlockType) -> Result<()> {
        self.check_block_type(ty)?;
        let params = block_params(self.module, &ty);
        self.pop_all(params)?;
        let reachable = !self.polymorphic && self.frames.last().is_some_and(|f| f.reachable);
        self.push_frame(kind, ty, reachable)?;
        self.push_all(params)
    }

    pub(super) fn check_block_type(&self, ty: BlockType) -> Result<()> {
        match ty {
            BlockType::Empty => Ok(()),
            BlockType::Val(ty) => check_val_type(&self.module.types, ty, self.at),
            BlockType::Func(index) => self.func_type(index).map(|_| ()),
        }
    }

    /// Checks that the innermost block ends with its results, and takes it and them away.
    pub(super) fn pop_frame(&mut self) -> Result<Frame> {
        let Some(&frame) = self.frames.last() else {
            return Err(Error::malformed("unexpected end", self.at));
        };
        self.pop_all(frame.results(self.module))?;
        if self.operands.len() != self.base {
            return Err(
                self.invalid("type mismatch: values remain on the stack at the end of the block")
            );
        }
        self.locals.undo_to(frame.set_locals);
        self.frames.pop();
        if let Some(outer) = self.frames.last() {
            self.base = outer.height as usize;
            self.polymorphic = outer.polymorphic;
        }
        self.ended = Some(frame);
        Ok(frame)
    }

    pub(super) fn end(&mut self) -> Result<()> {
        let frame = self.pop_frame()?;
        let results = frame.results(self.module);
        if frame.kind == FrameKind::If
            && !self.all_match(block_params(self.module, &frame.ty), results)
        {
            return Err(self.invalid("type mismatch: an if without else must leave what it takes"));
        }
        self.push_all(results)
    }

    pub(super) fn else_(&mut self) -> Result<()> {
        if self.frames.last().map(|f| f.kind) != Some(FrameKind::If) {
            return Err(Error::malformed("END opcode expected: else without if", self.at));
        }
        let frame = self.pop_frame()?;
        self.push_frame(FrameKind::Else, frame.ty, frame.reachable)?;
        self.push_all(block_params(self.module, &frame.ty))
    }

    /// Notes that what follows in the block cannot be reached.
    pub(super) fn unreachable(&mut self) {
        self.operands.truncate(self.base);
        self.polymorphic = true;
        if let Some(frame) = self.frames.last_mut() {
            frame.polymorphic = true;
        }
    }
}

/// Branches.
impl<'m> Validator<'m> {
    #[inline]
    pub(super) fn label(&self, label: u32) -> Result<Frame> {
        // Without the innermost `label` blocks, the block is the last one.
        let outer = self.frames.len().checked_sub(label as usize);
        match outer.and_then(|count| self.frames[..count].last()) {
            Some(&frame) => Ok(frame),
            None => Err(self.unknown("label", label)),
        }
    }

    pub(super) fn br(&mut self, label: u32) -> Result<()> {
        let frame = self.label(label)?;
        self.check_top(frame.label_types(self.module))?;
        self.unreachable();
        Ok(())
    }

    #[inline]
    pub(super) fn br_if(&mut self, label: u32) -> Result<()> {
        self.pop(ValType::I32)?;
        let frame = self.label(label)?;
        self.retype_top(frame.label_types(self.module))
    }

    pub(super) fn br_table(&mut self, table: &BrTable<'_>) -> Result<()> {
        self.pop(ValType::I32)?;
        let default = self.label(table.default)?;
        let arity = default.label_types(self.module).len();
        self.check_top(default.label_types(self.module))?;
        for label in table.labels() {
            let frame = self.label(label)?;
            // The offset tells this br_table from every other of the body.
            if frame.checked_by == self.at as u32 {
                continue;
            }
            let types = frame.label_types(self.module);
            if types.len() != arity {
                return Err(
                    self.invalid("type mismatch: br_table labels take different numbers of values")
                );
            }
            self.check_top(types)?;
            let index = self.frames.len() - 1 - label as usize;
            self.frames[index].checked_by = self.at as u32;
        }
        self.unreachable();
        Ok(())
    }

    pub(super) fn return_(&mut self) -> Result<()> {
        self.br(self.frames.len() as u32 - 1)
    }
}

/// Calls.
impl<'m> Validator<'m> {
    pub(super) fn func_type(&self, index: u32) -> Result<&'m FuncType> {
        match self.module.types.func(index) {
            Some(ty) => Ok(ty),
            None if index < self.module.types.len() => {
                Err(self.invalid("type mismatch: the type is not a function type"))
            }
            None => Err(self.unknown("type", index)),
        }
    }

    /// The type of function `index`.
    pub(super) fn callee(&self, index: u32) -> Result<&'m FuncType> {
        match self.module.funcs.get(index as usize) {
            Some(&ty) => self.func_type(ty),
            None => Err(self.unknown("function", index)),
        }
    }

    /// Takes the index of a `call_indirect`, and yields the callee's type.
    pub(super) fn indirect_callee(&mut self, ty: u32, table: u32) -> Result<&'m FuncType> {
        let table = self.table(table)?;
        if !self.module.types.ref_matches(table.element, RefType::FUNCREF) {
            return Err(self.invalid("type mismatch: the table does not hold functions"));
        }
        let ty = self.func_type(ty)?;
        self.pop(table.addr.val())?;
        Ok(ty)
    }

    #[inline]
    pub(super) fn apply(&mut self, ty: &FuncType) -> Result<()> {
        self.pop_all(ty.params())?;
        self.push_all(ty.results())
    }

    #[cfg(any(feature = "tail-calls", feature = "function-references"))]
    pub(super) fn tail_apply(&mut self, ty: &FuncType) -> Result<()> {
        let frame = self.label(self.frames.len() as u32 - 1)?;
        if !self.all_match(ty.results(), frame.results(self.module)) {
            return Err(self.invalid("type mismatch: the callee's results are not this function's"));
        }
        self.pop_all(ty.params())?;
        self.unreachable();
        Ok(())
    }

    #[inline]
    pub(super) fn call(&mut self, index: u32) -> Result<()> {
        let ty = self.callee(index)?;
        self.apply(ty)
    }

    pub(super) fn call_indirect(&mut self, ty: u32, table: u32) -> Result<()> {
        let ty = self.indirect_callee(ty, table)?;
        self.apply(ty)
    }

    /// Whether values of types `subs` can stand where `sups` are expected.
    pub(super) fn all_match(&self, subs: &[ValType], sups: &[ValType]) -> bool {
        subs.len() == sups.len()
            && subs.iter().zip(sups).all(|(&sub, &sup)| self.module.types.matches(sub, sup))
    }
}
