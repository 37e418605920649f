//! Where frames hold references to the heap: see [`crate::exec::maps`].
//!
//! A position is the offset in the module of what follows a call or an allocation.

use super::code::{Code, LINK};
use super::context::Context;
use super::prepare::pushed;
use super::tables::{CROSS, LEAVE};
use crate::RawRef;
use crate::exec::maps::{FrameMap, Maps, Recorder};
use crate::exec::work;
use crate::module::ModuleData;
use crate::slots_of;
use core::ptr::{with_exposed_provenance, with_exposed_provenance_mut};
use sampan_wasm::room::OutOfMemory;
use sampan_wasm::{
    Imm, Instr, List, Module, Opcode, Result, Scratch, State, ValType, Visitor, validate_body,
};

/// Shows the references in the frames of a run, whose [`Context`] is given.
///
/// # Safety
/// The context is there, and nobody writes it meanwhile.
pub(super) unsafe fn walk(context: *const (), maps: &mut Maps, mark: &mut dyn FnMut(RawRef)) {
    // SAFETY: the caller's promise; frames, code and instances are as they were at the call.
    unsafe {
        let context = &*context.cast::<Context>();
        let mut cross = context.cross.iter().rev();
        let (mut pc, mut fp) = (context.at_pc, context.at_fp);
        let (mut code, mut instance) = (context.code, context.instance);
        loop {
            if pc == CROSS.as_ptr() {
                let Some(&(outer, caller)) = cross.next() else { return };
                (pc, instance) = (outer, caller);
            }
            if pc == LEAVE.as_ptr() {
                return;
            }
            let module = (*instance).module.data();
            if !pc.is_null() {
                let map = maps.find(code as usize, || record(module, (*code).body));
                if let Some(map) = map {
                    map.show((pc as usize - module.bytes.as_ptr() as usize) as u32, fp, mark);
                }
            }
            let link = fp.byte_add((*code).local_bytes);
            let [back, _, outer, caller] = link.cast::<[u64; LINK]>().read();
            pc = with_exposed_provenance(back as usize);
            fp = with_exposed_provenance_mut(outer as usize);
            code = with_exposed_provenance::<Code>(caller as usize);
        }
    }
}

/// The map of the body with an index.
fn record(module: &ModuleData, body: u32) -> core::result::Result<FrameMap, OutOfMemory> {
    let index = module.decl.imported_funcs + body;
    let features = module.engine.config().features;
    let caught = crate::exec::unwind::legacy_depth(&module.bytes, features, &module.decl, index)
        .map_err(|_| OutOfMemory)?;
    let mut mapper = Mapper { caught, ..Mapper::default() };
    let mut scratch = Scratch::default();
    validate_body(&module.bytes, features, &module.decl, index, &mut scratch, &mut mapper)
        .map_err(|_| OutOfMemory)?; // It was valid before.
    mapper.recorder.finish(0)
}

#[derive(Default)]
struct Mapper {
    recorder: Recorder,
    /// The first operand's slot.
    base: u32,
    /// The end of each of the lowest operands, in slots.
    ends: List<u32>,
    /// Slots behind the locals for exceptions that are caught.
    caught: u32,
}

impl Visitor for Mapper {
    fn begin(&mut self, module: &Module, _: u32, locals: &[ValType]) -> Result<()> {
        let mut slot = 0;
        for &ty in locals {
            self.recorder.local(module, ty, slot);
            slot += slots_of(ty);
        }
        for _ in 0..self.caught {
            self.recorder.slot(slot);
            slot += 1;
        }
        self.base = slot + LINK as u32;
        Ok(())
    }

    fn instr(&mut self, _: usize, next: usize, instr: &Instr<'_>, state: &State<'_>) -> Result<()> {
        let settled = state.height - pushed(instr, state).min(state.height);
        self.recorder.forget(settled as usize);
        self.ends.truncate(settled as usize);
        if !state.reachable {
            return Ok(());
        }
        let Some(results) = collecting(instr, state.module) else { return Ok(()) };
        let below = state.height - results;
        for index in self.ends.len() as u32..below {
            let ty = state.operand_below(state.height - 1 - index);
            let start = self.ends.last().copied().unwrap_or(self.base);
            self.ends.put(start + ty.map_or(1, slots_of))?;
        }
        let (base, ends) = (self.base, &self.ends);
        let slot = |index: usize| Some(index.checked_sub(1).map_or(base, |before| ends[before]));
        let below = below as usize;
        self.recorder.point(next as u32, state, below, below, slot);
        Ok(())
    }
}

/// How many results an instruction has that may collect; `None` for others.
fn collecting(instr: &Instr<'_>, module: &Module) -> Option<u32> {
    let results = |ty| module.types.func(ty).map_or(0, |ty| ty.results().len() as u32);
    match (instr.op, &instr.imm) {
        (Opcode::Call, &Imm::Index(func)) => Some(module.func_type(func).results().len() as u32),
        (Opcode::CallIndirect, &Imm::CallIndirect { ty, .. }) => Some(results(ty)),
        (Opcode::CallRef, &Imm::Index(ty)) => Some(results(ty)),
        // What lies above the bottom of the block is not needed any more.
        (Opcode::Throw, _) => Some(0),
        (op, _) if work::gc::allocates(op) => Some(1),
        _ => None,
    }
}
