//! Entering and leaving the interpreter.

use super::code::Code;
use super::ops::call::LEAVE;
use super::ops::moves::Class;
use super::regs::{DONE, Regs};
use super::translate::result_class;
use crate::entity::{GlobalEntity, InstanceData};
use crate::module::CodeSlots;
use crate::once::Once;
use crate::{Machine, Trap, TrapKind};
use core::any::Any;
use core::ptr::{null, null_mut};
use core::sync::atomic::AtomicBool;
use sampan_wasm::List;

/// What handlers reach beside the registers.
pub(super) struct Ctx {
    pub machine: *mut Machine,
    pub data: *mut dyn Any,
    /// The current instance, and below what is cached of it.
    pub instance: *mut InstanceData,
    pub globals: *const *mut GlobalEntity,
    pub code: *const Once<Code>,
    pub stack_end: *mut u64,
    pub interrupt: *const AtomicBool,
    /// Return addresses and instances of the callers of functions of other instances.
    pub cross: List<(*const u64, *mut InstanceData)>,
    /// Behind the instruction that called the host or allocates, and its frame; without an
    /// instruction, the frame's caller is what goes on.
    pub at_ip: *const u64,
    pub at_sp: *mut u64,
    /// The number of the trap for which a call was refused.
    pub refusal: u8,
    pub trap: Option<Trap>,
    pub trap_ip: *const u64,
    pub trap_sp: *mut u64,
    pub resume: Resume,
}

/// Where and with what execution goes on after a call of a host function or of another
/// instance; at the end, the results.
#[derive(Clone, Copy)]
pub(super) struct Resume {
    pub ip: *const u64,
    pub sp: *mut u64,
    pub acc: u64,
    pub facc: f64,
    pub sacc: f32,
}

impl Ctx {
    fn new(machine: *mut Machine, data: *mut dyn Any, instance: *mut InstanceData) -> Ctx {
        Ctx {
            machine,
            // SAFETY: only the lifetime changes: the pointer is used while `data` is borrowed.
            data: unsafe { core::mem::transmute::<*mut dyn Any, *mut dyn Any>(data) },
            instance,
            globals: null(),
            code: null(),
            // SAFETY: the caller has the machine for itself.
            stack_end: unsafe { (*machine).stack.end() },
            // SAFETY: as above.
            interrupt: {
                // SAFETY: the machine outlives the run.
                let interrupt: &crate::interrupt::Interrupt = unsafe { &(*machine).interrupt };
                &raw const interrupt.flag
            },
            cross: List::new(),
            at_ip: null(),
            at_sp: null_mut(),
            refusal: 0,
            trap: None,
            trap_ip: null(),
            trap_sp: null_mut(),
            resume: Resume { ip: null(), sp: null_mut(), acc: 0, facc: 0.0, sacc: 0.0 },
        }
    }

    /// Makes an instance the current one.
    pub unsafe fn enter_instance(&mut self, instance: *mut InstanceData) {
        // SAFETY: the machine owns the instance for as long as it exists.
        unsafe {
            self.instance = instance;
            self.globals = (*instance).globals.as_ptr();
            if let CodeSlots::Fast(slots) = &(*instance).module.data().code {
                self.code = slots.as_ptr();
            }
        }
    }

    /// Where memory 0 is, and its length.
    #[inline(always)]
    pub unsafe fn memory(&self) -> (*mut u8, usize) {
        // SAFETY: as above.
        unsafe {
            match (*self.instance).memories.first() {
                Some(&memory) => ((*memory).base(), (*memory).len()),
                None => (null_mut(), 0),
            }
        }
    }
}

/// Runs a function; `slots` holds the arguments and takes the results.
pub(crate) fn run(
    machine: &mut Machine,
    data: &mut dyn Any,
    instance: *mut InstanceData,
    body: u32,
    slots: &mut [u64],
) -> Result<(), Trap> {
    // SAFETY: the machine owns the instance.
    let module = unsafe { (*instance).module.clone() };
    let code = super::code_of(module.data(), body).map_err(Trap::preparation)?;
    let index = module.decl().imported_funcs + body;
    let ty = module.decl().func_type(index);
    // SAFETY: it outlives this call as the module does.
    let frame_slots = unsafe { (*code).frame_bytes } / 8;
    let top = machine.stack.top;
    if machine.stack.slots() - top < frame_slots.max(slots.len()) + 1 {
        return Err(Trap::new(TrapKind::StackOverflow));
    }
    // SAFETY: in the stack, as just checked.
    let sp = unsafe { machine.stack.base().add(top + 1) };
    // SAFETY: the frame has room for all slots; nobody else uses the stack above `top`.
    unsafe {
        core::ptr::copy_nonoverlapping(slots.as_ptr(), sp, slots.len());
        *sp.sub(1) = LEAVE.ip() as usize as u64;
    }
    let mut ctx = Ctx::new(machine, data, instance);
    let mut r = Regs {
        // SAFETY: prepared above.
        ip: unsafe { (*code).entry() },
        sp,
        mem: null_mut(),
        len: 0,
        ctx: &raw mut ctx,
        acc: 0,
        facc: 0.0,
        sacc: 0.0,
        #[cfg(not(sampan_tail_calls))]
        exit: super::regs::RUNNING,
    };
    // SAFETY: the frame, the code and the context are as handlers expect.
    let exit = unsafe {
        (*r.ctx).enter_instance(instance);
        (r.mem, r.len) = (*r.ctx).memory();
        #[cfg(feature = "reference-types")]
        let _entered =
            crate::heap::Activation::enter(machine, super::maps::walk, r.ctx.cast_const().cast())?;
        let mut exit = execute(r);
        while exit != DONE
            && let Some((ip, sp)) = super::unwind::catch(&mut *r.ctx)
        {
            let mut again = Regs { ip, sp, ..r };
            (again.mem, again.len) = (*again.ctx).memory();
            exit = execute(again);
        }
        exit
    };
    if exit != DONE {
        #[cfg_attr(not(feature = "backtrace"), allow(unused_mut))]
        let mut trap = ctx.trap.take().expect("a handler that traps says why");
        #[cfg(feature = "backtrace")]
        trap.add_frames(super::backtrace::Backtrace {
            ip: ctx.trap_ip,
            sp: ctx.trap_sp,
            ctx: &mut ctx,
        });
        return Err(trap);
    }
    match result_class(ty) {
        Some(Class::F32) => slots[0] = u64::from(ctx.resume.sacc.to_bits()),
        Some(Class::F64) => slots[0] = ctx.resume.facc.to_bits(),
        Some(_) => slots[0] = ctx.resume.acc,
        // SAFETY: the frame holds the results from its first slot on.
        None => unsafe { core::ptr::copy_nonoverlapping(sp, slots.as_mut_ptr(), slots.len()) },
    }
    Ok(())
}

#[cfg(sampan_tail_calls)]
unsafe fn execute(r: Regs) -> u64 {
    // SAFETY: the caller's promise.
    unsafe { r.go() }
}

#[cfg(not(sampan_tail_calls))]
unsafe fn execute(mut r: Regs) -> u64 {
    while r.exit == super::regs::RUNNING {
        // SAFETY: the first word of an instruction is its handler.
        unsafe { (*r.ip.cast::<super::regs::Handler>())(&mut r) };
    }
    r.exit
}
