//! Exceptions, the final ones and the older ones.

use super::body::Validator;
use super::frame::FrameKind;
use crate::{
    BlockType, Catches, Error, FuncType, HeapType, Imm, Instr, Opcode, RefType, Result, ValType,
};

/// `(ref exn)`
const EXN: ValType = ValType::Ref(RefType::new(false, HeapType::Exn));
/// `exnref`
const EXNREF: ValType = ValType::Ref(RefType::new(true, HeapType::Exn));

impl<'m> Validator<'m> {
    /// An instruction of either exceptions proposal.
    pub(super) fn exception_instr(&mut self, instr: &Instr<'_>) -> Result<()> {
        match (instr.op, &instr.imm) {
            (Opcode::TryTable, Imm::TryTable(ty, catches)) => self.try_table(*ty, catches),
            (Opcode::Throw, &Imm::Index(tag)) => self.throw(tag),
            (Opcode::ThrowRef, _) => self.throw_ref(),
            (Opcode::Try, &Imm::Block(ty)) => self.open(FrameKind::Try, ty),
            (Opcode::Catch, &Imm::Index(tag)) => self.legacy_catch(Some(tag)),
            (Opcode::CatchAll, _) => self.legacy_catch(None),
            (Opcode::Rethrow, &Imm::Label(label)) => self.rethrow(label),
            (Opcode::Delegate, &Imm::Label(label)) => self.delegate(label),
            (op, _) => Err(self.no_rule(op)),
        }
    }

    /// The type of tag `index`.
    fn tag(&self, index: u32) -> Result<&'m FuncType> {
        match self.module.tags.get(index as usize) {
            Some(&ty) => self.func_type(ty),
            None => Err(self.unknown("tag", index)),
        }
    }

    fn throw(&mut self, tag: u32) -> Result<()> {
        let ty = self.tag(tag)?;
        self.pop_all(ty.params())?;
        self.unreachable();
        Ok(())
    }

    fn throw_ref(&mut self) -> Result<()> {
        self.pop(EXNREF)?;
        self.unreachable();
        Ok(())
    }

    fn try_table(&mut self, ty: BlockType, catches: &Catches<'_>) -> Result<()> {
        self.check_block_type(ty)?;
        for catch in catches.iter() {
            let thrown = match catch.tag {
                Some(tag) => self.tag(tag)?.params(),
                None => &[],
            };
            let frame = self.label(catch.label)?;
            let types = frame.label_types(self.module);
            let types = match types.split_last() {
                Some((&last, rest)) if catch.with_ref => {
                    self.module.types.matches(EXN, last).then_some(rest)
                }
                _ if catch.with_ref => None,
                _ => Some(types),
            };
            if !types.is_some_and(|types| self.all_match(thrown, types)) {
                return Err(self.invalid(
                    "type mismatch: the label does not take what the catch clause passes",
                ));
            }
        }
        self.open(FrameKind::TryTable, ty)
    }

    /// `catch` or `catch_all` of the legacy exceptions.
    fn legacy_catch(&mut self, tag: Option<u32>) -> Result<()> {
        if !matches!(self.frames.last().map(|f| f.kind), Some(FrameKind::Try | FrameKind::Catch)) {
            return Err(Error::malformed("END opcode expected: catch without try", self.at));
        }
        let frame = self.pop_frame()?;
        match tag {
            Some(tag) => {
                let ty = self.tag(tag)?;
                self.push_frame(FrameKind::Catch, frame.ty, frame.reachable)?;
                self.push_all(ty.params())
            }
            None => self.push_frame(FrameKind::CatchAll, frame.ty, frame.reachable),
        }
    }

    fn delegate(&mut self, label: u32) -> Result<()> {
        if self.frames.last().map(|f| f.kind) != Some(FrameKind::Try) {
            return Err(Error::malformed("END opcode expected: delegate without try", self.at));
        }
        let frame = self.pop_frame()?;
        // The label counts from outside the try block.
        self.label(label)?;
        self.push_all(frame.results(self.module))
    }

    fn rethrow(&mut self, label: u32) -> Result<()> {
        match self.label(label)?.kind {
            FrameKind::Catch | FrameKind::CatchAll => {
                self.unreachable();
                Ok(())
            }
            _ => Err(self.invalid("invalid rethrow label: not a catch block")),
        }
    }
}
