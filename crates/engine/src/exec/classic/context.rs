//! What handlers reach beside the registers.

use super::code::Code;
use super::regs::Regs;
use super::tables::Tables;
use crate::entity::{FuncEntity, GlobalEntity, InstanceData};
use crate::module::CodeSlots;
use crate::once::Once;
use crate::trap::Outcome;
use crate::{Machine, Trap};
use core::any::Any;
use core::sync::atomic::AtomicBool;
use sampan_wasm::List;

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
    pub cross: List<(*const u8, *mut InstanceData)>,
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
        unsafe { crate::sync::take(&*self.interrupt) }
    }
}

impl Regs {
    #[inline(always)]
    pub fn context(&mut self) -> &mut Context {
        // SAFETY: `run` owns the context; no handler holds a reference to it while it calls.
        unsafe { &mut *self.ctx }
    }
}
