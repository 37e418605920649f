//! Tail calls.

use super::body::Validator;
use crate::{Imm, Instr, Opcode, Result};

impl Validator<'_> {
    /// An instruction of the tail call proposal.
    pub(super) fn tail_call_instr(&mut self, instr: &Instr<'_>) -> Result<()> {
        match (instr.op, &instr.imm) {
            (Opcode::ReturnCall, &Imm::Index(func)) => self.return_call(func),
            (Opcode::ReturnCallIndirect, &Imm::CallIndirect { ty, table }) => {
                self.return_call_indirect(ty, table)
            }
            (op, _) => Err(self.no_rule(op)),
        }
    }

    fn return_call(&mut self, index: u32) -> Result<()> {
        let ty = self.callee(index)?;
        self.tail_apply(ty)
    }

    fn return_call_indirect(&mut self, ty: u32, table: u32) -> Result<()> {
        let ty = self.indirect_callee(ty, table)?;
        self.tail_apply(ty)
    }
}
