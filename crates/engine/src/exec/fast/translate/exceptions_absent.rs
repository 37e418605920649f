//! In the place of exceptions where they are not built in: validation refuses them.

use super::Translator;
use sampan_wasm::{Instr, State};

impl Translator<'_> {
    pub(super) fn exception_instr(&mut self, _: &Instr<'_>, _: &State<'_>) {}
}
