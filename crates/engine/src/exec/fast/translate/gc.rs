//! Structs, arrays, `i31` and casts.

use super::{Class, Translator, emit};
use crate::exec::fast::ops::gc;
use crate::exec::work;
use sampan_wasm::{Instr, Opcode, RefType, State};

impl Translator<'_> {
    /// Translates an instruction of the proposal.
    pub(super) fn gc_instr(&mut self, instr: &Instr<'_>, state: &State<'_>) -> bool {
        if instr.op == Opcode::RefEq {
            return self.numeric(Opcode::I64Eq);
        }
        let Some((shape, i, j)) = work::gc::shape(&self.module.decl, instr.op, &instr.imm) else {
            return false;
        };
        // A vector as the result is one value in two slots.
        let shape = work::Shape { results: shape.results.min(1), ..shape };
        self.slow(&shape, i, j, state);
        true
    }

    /// `br_on_cast`, and with `fail` `br_on_cast_fail`.
    pub(super) fn br_on_cast(&mut self, label: u32, to: RefType, fail: bool) {
        let top = self.entries.len() - 1;
        self.send_home(top);
        let home = self.entries[top].home;
        let pair = if fail { gc::is_not_of() } else { gc::is_of() };
        self.produce(Class::Int, pair, emit::fields_imm(0, home, to.to_bits() as i32), &[]);
        let condition = self.pop_condition();
        self.branch(label, condition);
        self.new_segment();
    }
}
