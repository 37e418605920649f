//! In the place of maps of references where there are none.

use super::Translator;
use sampan_wasm::{Module, State, ValType};

impl Translator<'_> {
    pub(super) fn note_caught(&mut self, _: u32) {}

    pub(super) fn note_local(&mut self, _: &Module, _: bool, _: ValType, _: u32) {}

    pub(super) fn settle(&mut self, _: usize) {}

    pub(super) fn record_point(&mut self, _: &State<'_>) {
        self.collecting = None;
    }
}
