//! Typed function references: calls through them, and null.

use super::body::Validator;
use super::stack::Slot;
use crate::{FuncType, HeapType, Imm, Instr, Opcode, RefType, Result, ValType};

impl<'m> Validator<'m> {
    /// An instruction of the typed function references proposal.
    pub(super) fn function_reference_instr(&mut self, instr: &Instr<'_>) -> Result<()> {
        match (instr.op, &instr.imm) {
            (Opcode::CallRef, &Imm::Index(ty)) => self.call_ref(ty),
            (Opcode::ReturnCallRef, &Imm::Index(ty)) => self.return_call_ref(ty),
            (Opcode::RefAsNonNull, _) => self.ref_as_non_null(),
            (Opcode::BrOnNull, &Imm::Label(label)) => self.br_on_null(label),
            (Opcode::BrOnNonNull, &Imm::Label(label)) => self.br_on_non_null(label),
            (op, _) => Err(self.no_rule(op)),
        }
    }

    fn call_ref(&mut self, ty: u32) -> Result<()> {
        let ty = self.ref_callee(ty)?;
        self.apply(ty)
    }

    fn return_call_ref(&mut self, ty: u32) -> Result<()> {
        let ty = self.ref_callee(ty)?;
        self.tail_apply(ty)
    }

    /// Takes the reference of a `call_ref`, and yields the callee's type.
    fn ref_callee(&mut self, ty: u32) -> Result<&'m FuncType> {
        let func_type = self.func_type(ty)?;
        self.pop(ValType::Ref(RefType::new(true, HeapType::Concrete(ty))))?;
        Ok(func_type)
    }

    fn ref_as_non_null(&mut self) -> Result<()> {
        let ty = self.pop_ref()?;
        self.push_non_null(ty)
    }

    fn push_non_null(&mut self, ty: Option<RefType>) -> Result<()> {
        self.push_slot(match ty {
            Some(ty) => Slot::Val(ValType::Ref(ty.with_nullable(false))),
            None => Slot::BottomRef,
        })
    }

    fn br_on_null(&mut self, label: u32) -> Result<()> {
        let ty = self.pop_ref()?;
        let frame = self.label(label)?;
        self.retype_top(frame.label_types(self.module))?;
        self.push_non_null(ty)
    }

    fn br_on_non_null(&mut self, label: u32) -> Result<()> {
        let ty = self.pop_ref()?;
        let frame = self.label(label)?;
        let Some((&last, rest)) = frame.label_types(self.module).split_last() else {
            return Err(self.invalid("type mismatch: the label takes no reference"));
        };
        self.push_non_null(ty)?;
        self.pop(last)?;
        self.retype_top(rest)
    }
}
