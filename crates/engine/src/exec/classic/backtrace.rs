//! The guest calls on the stack at the time of a trap, and where each stands.

use super::code::{Code, LINK};
use super::context::Context;
use crate::TrapFrame;
use crate::entity::InstanceData;
use sampan_wasm::{List, Reader};

impl Context {
    /// The frames from a trap outward.
    pub fn backtrace(&mut self) -> List<TrapFrame> {
        let mut frames = List::new();
        let (mut pc, mut fp, mut code) = (self.trap_pc, self.trap_fp, self.code);
        while frames.len() < 100 {
            // SAFETY: frames, code and instances are as they were at the trap.
            unsafe {
                if pc == super::tables::CROSS.as_ptr() {
                    let Some((outer, instance)) = self.cross.pop() else { break };
                    (pc, self.instance) = (outer, instance);
                }
                if pc == super::tables::LEAVE.as_ptr() {
                    break;
                }
                let instance = &*self.instance;
                let decl = instance.module.decl();
                let func = instance.funcs[(decl.imported_funcs + (*code).body) as usize];
                let offset = start_of(instance, &*code, pc);
                if frames.put(TrapFrame { func, offset }).is_err() {
                    break; // A shorter list is better than none.
                }
                let link = fp.byte_add((*code).local_bytes);
                let caller: [u64; LINK] = link.cast::<[u64; LINK]>().read();
                pc = core::ptr::with_exposed_provenance(caller[0] as usize);
                fp = core::ptr::with_exposed_provenance_mut(caller[2] as usize);
                code = core::ptr::with_exposed_provenance(caller[3] as usize);
            }
        }
        frames
    }
}

/// The offset of the instruction that `pc` lies in or is the end of, found by reading the
/// function from its start.
fn start_of(instance: &InstanceData, code: &Code, pc: *const u8) -> u32 {
    let bytes = instance.module.bytes();
    let offset = |at: *const u8| at as usize - bytes.as_ptr() as usize;
    let features = instance.module.engine().config().features;
    let mut reader = Reader::new(bytes, offset(code.entry)..bytes.len(), features);
    let mut start = reader.pos();
    while reader.instr().is_ok() && reader.pos() < offset(pc) {
        start = reader.pos();
    }
    start as u32
}
