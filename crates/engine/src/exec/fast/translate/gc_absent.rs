//! In the place of structs, arrays and casts where they are not built in.

use super::Translator;
use sampan_wasm::{Instr, RefType, State};

impl Translator<'_> {
    pub(super) fn gc_instr(&mut self, _: &Instr<'_>, _: &State<'_>) -> bool {
        false
    }

    pub(super) fn br_on_cast(&mut self, _: u32, _: RefType, _: bool) {}
}
