//! Where frames hold references to the heap: see [`crate::exec::maps`].
//!
//! A position is the number of the word behind a call or an allocation.

use super::stack::Kind;
use super::{Translator, width};
use crate::exec::maps::{FrameMap, Recorder, is_heap_ref};
use crate::module::ModuleData;
use sampan_wasm::room::OutOfMemory;
use sampan_wasm::{Module, Scratch, State, ValType, validate_body};

/// The map of the body with an index, which is translated once more. Its code ends at `end`.
pub(crate) fn record(module: &ModuleData, body: u32, end: usize) -> Result<FrameMap, OutOfMemory> {
    let mut translator = Translator::new(module, body)?;
    translator.recorder = Some(Recorder::default());
    let features = module.engine.config().features;
    translator.caught_slots =
        crate::exec::unwind::legacy_depth(&module.bytes, features, &module.decl, translator.index)
            .map_err(|_| OutOfMemory)?; // It was translated before.
    let mut scratch = Scratch::default();
    let (bytes, index) = (&module.bytes, translator.index);
    validate_body(bytes, features, &module.decl, index, &mut scratch, &mut translator)
        .map_err(|_| OutOfMemory)?;
    translator.recorder.take().expect("set above").finish(end)
}

/// How many entries of the operand stack may be elsewhere than in their homes at a call.
const MOVABLE: usize = 64;

impl Translator<'_> {
    /// A local. Those that hold references are cleared at entry, as collections look at them
    /// before they are set.
    pub(super) fn note_local(&mut self, module: &Module, is_param: bool, ty: ValType, slot: u32) {
        if !is_heap_ref(module, ty) {
            return;
        }
        if !is_param {
            self.zero.low = self.zero.low.min(slot);
            self.zero.high = self.zero.high.max(slot + width(super::class_of(ty)));
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.local(module, ty, slot);
        }
    }

    /// A slot for an exception that is caught, as for a local.
    pub(super) fn note_caught(&mut self, slot: u32) {
        self.zero.low = self.zero.low.min(slot);
        self.zero.high = self.zero.high.max(slot + 1);
        if let Some(recorder) = &mut self.recorder {
            recorder.slot(slot);
        }
    }

    /// Before a call or an allocation, which take the entries from `below` on: brings entries
    /// of a deep stack home, so that not all of them are looked at at each call.
    pub(super) fn settle(&mut self, below: usize) {
        if below.saturating_sub(self.flushed) <= MOVABLE {
            return;
        }
        for index in self.flushed..below {
            if !matches!(self.entries[index].kind, Kind::Const(_)) {
                self.send_home(index);
            }
        }
        self.flushed = below;
    }

    /// After an instruction: notes where references are, if it may collect.
    pub(super) fn record_point(&mut self, state: &State<'_>) {
        let Some(position) = self.collecting.take() else { return };
        let Some(recorder) = &mut self.recorder else { return };
        // What it pushed is not there yet.
        let below = self.collecting_below.min(self.entries.len());
        let entries = &self.entries;
        let home = |index: usize| {
            let entry = &entries[index];
            matches!(entry.kind, Kind::Temp).then_some(entry.home.into())
        };
        recorder.point(position as u32, state, below, self.flushed.min(below), home);
    }
}
