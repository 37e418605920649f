//! Where size counts: each instruction stands alone.

use super::Translator;
use super::access::Operand;
use super::control::Condition;
use crate::exec::fast::ops::Loc;
use sampan_wasm::Opcode;

#[derive(Default)]
pub(super) struct Recent;

impl Recent {
    pub(super) fn take_back(&mut self, _: usize) {}
}

impl Translator<'_> {
    pub(super) fn note_sum(&mut self, _: (Loc, Loc)) {}

    pub(super) fn note_load(&mut self, _: usize, _: Opcode, _: &Operand) {}

    pub(super) fn note_global_get(&mut self, _: usize, _: u32) {}

    pub(super) fn note_stored(&mut self, _: usize, _: u16) {}

    pub(super) fn joined_copy(&mut self, _: u16, _: u16) -> bool {
        false
    }

    pub(super) fn joined_global_set(&mut self, _: Loc, _: u32) -> bool {
        false
    }

    pub(super) fn joined_condition(&mut self, _: Opcode, _: Loc, _: Loc) -> Option<Condition> {
        None
    }
}
