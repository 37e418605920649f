//! What handlers reach beside the registers.

use super::code::{Code, LINK};
use super::regs::Regs;
use super::tables::Tables;
use crate::entity::{FuncEntity, GlobalEntity, InstanceData};
use crate::module::CodeSlots;
use crate::once::Once;
use crate::trap::Outcome;
use crate::{Machine, Trap, TrapFrame};
use alloc::vec::Vec;
use core::any::Any;
use core::sync::atomic::{AtomicBool, Ordering};
use sampan_wasm::Reader;

pub(super) struct Context {
    /// Where to dispatch.
    pub tables: *const Tables,
    /// The current function.
    pub code: *const Code,
    /// Memory 0 of the current instance.
    pub memory: *mut u8,
    pub memory_len: u64,
    pub stack_end: *mut u64,
    pub interrupt: *const AtomicBool,
    pub globals: *const *mut GlobalEntity,
    /// What `call` n calls is at index n; imported functions have none.
    pub codes: *const Once<Code>,
    pub imported: u32,
    /// The current instance, of which some of the above are copies.
    pub instance: *mut InstanceData,
    pub machine: *mut Machine,
    pub data: *mut dyn Any,
    /// Return addresses and instances of the callers of functions of other instances.
    pub cross: Vec<(*const u8, *mut InstanceData)>,
    /// What a call of other than a function of the same instance is about to call.
    pub callee: *const FuncEntity,
    pub trap: Option<Trap>,
    /// The number of the trap for which an instruction was refused.
    pub refusal: Outcome,
    /// Behind the instruction that called the host or allocates, and its frame; without an
    /// instruction, the frame is about to be left, and its caller is what goes on.
    pub at_pc: *const u8,
    pub at_fp: *mut u64,
    /// Where an instruction left the end of the operands.
    pub operands: *mut u64,
    /// In the instruction that trapped, or at its end, and its frame.
    pub trap_pc: *const u8,
    pub trap_fp: *mut u64,
    #[cfg(not(sampan_tail_calls))]
    pub running: bool,
}

impl Context {
    /// Makes an instance the current one.
    ///
    /// # Safety
    /// The machine must own it.
    pub unsafe fn enter_instance(&mut self, instance: *mut InstanceData) {
        // SAFETY: the caller's promise.
        unsafe {
            self.instance = instance;
            self.globals = (*instance).globals.as_ptr();
            let module = (*instance).module.data();
            self.imported = module.decl.imported_funcs;
            if let CodeSlots::Classic(slots) = &module.code {
                self.codes = slots.as_ptr().wrapping_sub(self.imported as usize);
            }
            self.load_memory();
        }
    }

    /// Reads where memory 0 is.
    pub fn load_memory(&mut self) {
        // SAFETY: the machine owns instance and memory.
        unsafe {
            let instance = &*self.instance;
            // The others have no byte here: their accesses fail and then take the long way.
            match instance.memories.first() {
                Some(&memory) if (*memory).is_plain() => {
                    self.memory = (*memory).base();
                    self.memory_len = (*memory).len() as u64;
                }
                _ => self.memory_len = 0,
            }
        }
    }

    /// Whether another thread asked for a stop. Asking again gives no.
    #[cold]
    pub fn take_interrupt(&self) -> bool {
        // SAFETY: it lives in the machine, or is a static.
        unsafe { (*self.interrupt).swap(false, Ordering::Relaxed) }
    }

    /// The frames from a trap outward.
    pub fn backtrace(&mut self) -> Vec<TrapFrame> {
        let mut frames = Vec::new();
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
                frames.push(TrapFrame { func, offset: start_of(instance, &*code, pc) });
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

impl Regs {
    #[inline(always)]
    pub fn context(&mut self) -> &mut Context {
        // SAFETY: `run` owns the context; no handler holds a reference to it while it calls.
        unsafe { &mut *self.ctx }
    }
}
