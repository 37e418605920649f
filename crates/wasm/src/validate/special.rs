//! The instructions whose signature depends on context, and the rule for each.

use super::body::Validator;
use super::frame::FrameKind;
use super::stack::Slot;
use crate::{Error, Feature, Features, Imm, Instr, Opcode, Result, ValType};

impl Validator<'_> {
    /// An instruction that has neither a short way nor a context-free signature.
    #[inline(never)]
    pub(super) fn special(&mut self, instr: &Instr<'_>) -> Result<()> {
        match (instr.op, &instr.imm) {
            // Those that `step` decodes itself where speed counts.
            (Opcode::LocalGet, &Imm::Index(local)) => self.local_get(local),
            (Opcode::LocalSet, &Imm::Index(local)) => self.local_set(local),
            (Opcode::LocalTee, &Imm::Index(local)) => self.local_tee(local),
            (Opcode::End, _) => self.end(),
            (Opcode::Br, &Imm::Label(label)) => self.br(label),
            (Opcode::BrIf, &Imm::Label(label)) => self.br_if(label),
            (Opcode::Call, &Imm::Index(index)) => self.call(index),

            // Control.
            (Opcode::Unreachable, _) => {
                self.unreachable();
                Ok(())
            }
            (Opcode::Block, &Imm::Block(ty)) => self.open(FrameKind::Block, ty),
            (Opcode::Loop, &Imm::Block(ty)) => self.open(FrameKind::Loop, ty),
            (Opcode::If, &Imm::Block(ty)) => {
                self.pop(ValType::I32)?;
                self.open(FrameKind::If, ty)
            }
            (Opcode::Else, _) => self.else_(),
            (Opcode::BrTable, Imm::BrTable(table)) => self.br_table(table),
            (Opcode::Return, _) => self.return_(),
            (Opcode::CallIndirect, &Imm::CallIndirect { ty, table }) => {
                self.call_indirect(ty, table)
            }

            // Parametric and variables.
            (Opcode::Drop, _) => self.drop_(),
            (Opcode::Select, _) => self.select(),
            (Opcode::GlobalGet, &Imm::Index(global)) => self.global_get(global),
            (Opcode::GlobalSet, &Imm::Index(global)) => self.global_set(global),

            // Memories.
            (Opcode::MemorySize, &Imm::Index(memory)) => self.memory_size(memory),
            (Opcode::MemoryGrow, &Imm::Index(memory)) => self.memory_grow(memory),
            _ => self.of_proposal(instr),
        }
    }

    /// An instruction that a proposal brought: each has its rules in a file of its own.
    fn of_proposal(&mut self, instr: &Instr<'_>) -> Result<()> {
        match instr.op.feature() {
            Feature::BulkMemory => self.bulk_instr(instr),
            Feature::ReferenceTypes => self.reference_instr(instr),
            Feature::FunctionReferences => self.function_reference_instr(instr),
            Feature::Gc => self.gc_instr(instr),
            Feature::Exceptions | Feature::LegacyExceptions => self.exception_instr(instr),
            Feature::TailCall => self.tail_call_instr(instr),
            Feature::WideArithmetic => self.wide_instr(instr),
            _ => Err(self.no_rule(instr.op)),
        }
    }

    /// A test walks the opcode table to show that no instruction comes here.
    #[cold]
    pub(super) fn no_rule(&self, op: Opcode) -> Error {
        Error::new(Features::refusal(op.feature()), self.at)
    }

    fn drop_(&mut self) -> Result<()> {
        self.operand = self.pop_any()?.val();
        Ok(())
    }

    /// `select` without a type, which chooses between numbers or vectors.
    fn select(&mut self) -> Result<()> {
        self.pop(ValType::I32)?;
        let (second, first) = (self.pop_any()?, self.pop_any()?);
        let slot = if first == Slot::Bottom { second } else { first };
        if second != Slot::Bottom && second != slot {
            return Err(self.invalid("type mismatch: select has operands of different types"));
        }
        if matches!(slot, Slot::Val(ValType::Ref(_)) | Slot::BottomRef) {
            return Err(self.invalid("type mismatch: select without a type has reference operands"));
        }
        self.operand = slot.val();
        self.push_slot(slot)
    }
}
