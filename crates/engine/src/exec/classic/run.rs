//! Entering and leaving the interpreter.

use super::code::{Code, LINK};
use super::context::Context;
#[cfg(sampan_small)]
use super::ops::numeric_small;
use super::regs::{NO_SIDE, Regs};
#[cfg(not(sampan_tail_calls))]
use super::tables::BYTES;
use super::tables::LEAVE;
use crate::entity::InstanceData;
use crate::module::{CodeSlots, ModuleData};
use crate::{Machine, Trap, TrapKind};
use core::any::Any;
use core::ptr::{null, null_mut};
use core::sync::atomic::AtomicBool;
use sampan_wasm::List;

/// What is looked at where no interruption is possible.
static NEVER: AtomicBool = AtomicBool::new(false);

/// Runs a function; `slots` holds the arguments and takes the results.
pub(crate) fn run(
    machine: &mut Machine,
    data: &mut dyn Any,
    instance: *mut InstanceData,
    body: u32,
    slots: &mut [u64],
) -> Result<(), Trap> {
    // SAFETY: the machine owns the instance and with it the module.
    let code = unsafe { &*code_of((*instance).module.data(), body).map_err(Trap::preparation)? };
    let top = machine.stack.top;
    let needed = (code.frame_bytes / 8).max(slots.len());
    if machine.stack.slots() - top <= needed {
        return Err(Trap::new(TrapKind::StackOverflow));
    }
    if machine.engine.config().interruptible && machine.interrupt.take() {
        return Err(Trap::new(TrapKind::Interrupted));
    }
    let interruptible = machine.engine.config().interruptible;
    let interrupt: *const AtomicBool = if interruptible { &machine.interrupt.flag } else { &NEVER };
    // The slot below the frame is what an empty operand stack has in a register.
    // SAFETY: in the stack, as just checked.
    let fp = unsafe { machine.stack.base().add(top + 1) };
    let stack_end = machine.stack.end();
    let mut context = Context {
        tables: code.tables,
        code,
        memory: null_mut(),
        memory_len: 0,
        stack_end,
        interrupt,
        globals: null(),
        codes: null(),
        imported: 0,
        instance,
        machine,
        // SAFETY: only the lifetime changes: the pointer is used while `data` is borrowed.
        data: unsafe { core::mem::transmute::<*mut dyn Any, *mut dyn Any>(data) },
        cross: List::new(),
        callee: null(),
        trap: None,
        refusal: crate::trap::DONE,
        at_pc: null(),
        at_fp: fp,
        operands: null_mut(),
        trap_pc: null(),
        trap_fp: fp,
        #[cfg(not(sampan_tail_calls))]
        running: true,
    };
    // SAFETY: the frame has room for arguments, locals and linkage, and nobody else uses
    // the stack above `top`; the code is the instance's.
    unsafe {
        context.enter_instance(instance);
        core::ptr::copy_nonoverlapping(slots.as_ptr(), fp, code.param_bytes / 8);
        let mut r = Regs {
            pc: LEAVE.as_ptr(),
            sp: fp.byte_add(code.param_bytes),
            fp,
            ctx: &raw mut context,
            a: 0,
            b: 0,
            side: NO_SIDE,
        };
        r.link(fp, code, LEAVE.as_ptr());
        #[cfg(feature = "reference-types")]
        let _entered = crate::heap::Activation::enter(
            machine,
            super::maps::walk,
            (&raw const context).cast(),
        )?;
        execute(r);
        while let Some(again) = super::unwind::catch(&mut context) {
            execute(again);
        }
    }
    #[cfg_attr(not(feature = "backtrace"), allow(unused_mut))]
    if let Some(mut trap) = context.trap.take() {
        #[cfg(feature = "backtrace")]
        trap.add_frames(context.backtrace());
        return Err(trap);
    }
    // SAFETY: the results are where the frame was.
    unsafe { core::ptr::copy_nonoverlapping(fp, slots.as_mut_ptr(), code.results as usize) };
    Ok(())
}

/// Executes until the outermost function returns or something traps.
#[cfg(sampan_tail_calls)]
unsafe fn execute(r: Regs) {
    // SAFETY: the caller's promise.
    unsafe { r.go(0) }
}

/// Executes until the outermost function returns or something traps.
#[cfg(not(sampan_tail_calls))]
unsafe fn execute(mut r: Regs) {
    // SAFETY: the caller's promise; every byte has a handler.
    unsafe {
        #[cfg(sampan_small)]
        let config = (*(*r.ctx).machine).engine.config();
        #[cfg(sampan_small)]
        let canonical = cfg!(feature = "canonical-nans") && config.canonical_nans;
        while (*r.ctx).running {
            #[cfg(sampan_small)]
            if config.fuel && !super::tables::is_free(*r.pc) {
                let fuel = &raw mut (*(*r.ctx).machine).fuel;
                if *fuel == 0 {
                    super::ops::trap::out_of_fuel(&mut r);
                    break;
                }
                *fuel -= 1;
            }
            #[cfg(sampan_small)]
            if numeric_small::is_numeric(*r.pc) {
                numeric_small::perform(&mut r, canonical);
                continue;
            }
            let tables = (*r.ctx).tables;
            let [handlers] = &*tables;
            handlers[*r.pc as usize % BYTES](&mut r);
        }
    }
}

/// The code of a body, prepared if it is not yet.
pub(super) fn code_of(module: &ModuleData, body: u32) -> Result<*const Code, sampan_wasm::Error> {
    let CodeSlots::Classic(slots) = &module.code else {
        unreachable!("the module was made for the fast interpreter")
    };
    let slot = &slots[body as usize];
    if slot.get().is_none() {
        module.prepare(body)?;
    }
    Ok(slot.as_ptr())
}

impl Regs {
    /// Makes the frame of a function at `fp`, where its arguments are. Its room is checked.
    #[cfg_attr(not(sampan_small), inline(always))]
    #[cfg_attr(sampan_small, inline(never))]
    pub unsafe fn link(&mut self, fp: *mut u64, code: *const Code, back: *const u8) {
        // SAFETY: the caller's promise.
        unsafe {
            let link = fp.byte_add((*code).local_bytes);
            let mut local = fp.byte_add((*code).param_bytes);
            while local != link {
                *local = 0;
                local = local.add(1);
                // A loop that LLVM can count becomes a call of memset or is unrolled, and takes
                // registers that all calls would have to save.
                #[cfg(sampan_tail_calls)]
                core::arch::asm!(
                    "/* {0} */",
                    inout(reg) local,
                    options(nostack, preserves_flags),
                );
            }
            *link = back.expose_provenance() as u64;
            *link.add(1) = self.side().expose_provenance() as u64;
            *link.add(2) = self.fp.expose_provenance() as u64;
            let ctx = self.context();
            *link.add(3) = ctx.code.expose_provenance() as u64;
            ctx.code = code;
            ctx.tables = (*code).tables;
            self.sp = link.add(LINK);
            self.fp = fp;
            self.pc = (*code).entry;
            self.set_side((*code).side.as_ptr());
        }
    }
}
