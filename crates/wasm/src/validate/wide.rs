//! Wide arithmetic, whose instructions have two results.

use super::body::Validator;
use crate::{Instr, Opcode, Result, ValType};

impl Validator<'_> {
    /// An instruction of the wide arithmetic proposal.
    pub(super) fn wide_instr(&mut self, instr: &Instr<'_>) -> Result<()> {
        let operands = match instr.op {
            Opcode::I64Add128 | Opcode::I64Sub128 => 4,
            Opcode::I64MulWideS | Opcode::I64MulWideU => 2,
            op => return Err(self.no_rule(op)),
        };
        self.pop_all(&[ValType::I64; 4][..operands])?;
        self.push_all(&[ValType::I64; 2])
    }
}
