//! Calls.
//!
//! A callee's frame begins inside its caller's: the caller writes arguments to the slots
//! from `base` on and the return address to the slot below. The last word of every call
//! is `base`, so that a return finds the caller's frame. Single results come back in the
//! accumulator, others in the slots from `base` on.
//!
//! Calls into another instance note the caller's instance in `Ctx::cross` and return
//! through [`CROSS`].

use crate::entity::{FuncEntity, FuncKind, InstanceData};
use crate::exec::fast::code::Code;
use crate::exec::fast::operand::{A, S, Src};
use crate::exec::fast::regs::{Flow, Handler, Passed, Regs, handler};
use crate::exec::fast::run::Ctx;
use crate::once::Once;
use crate::sync::Arc;
use crate::{Trap, TrapKind};

/// How many arguments a call copies from the slots that its fields name.
pub(in crate::exec::fast) trait Args {
    unsafe fn copy(r: &Regs, first_field: usize, to: *mut u64);
}

macro_rules! args {
    ($($name:ident $n:literal)*) => {$(
        pub(in crate::exec::fast) struct $name;
        impl Args for $name {
            #[inline(always)]
            unsafe fn copy(r: &Regs, first_field: usize, to: *mut u64) {
                let _ = (r, first_field, to);
                // SAFETY: translation keeps the slots within the frame.
                unsafe {
                    // All are read before the first is written.
                    let mut values = [0; $n];
                    let mut i = 0;
                    while i < values.len() {
                        values[i] = *r.slot(first_field + i);
                        i += 1;
                    }
                    to.cast::<[u64; $n]>().write(values);
                }
            }
        }
    )*};
}
#[cfg(not(sampan_small))]
args! { N0 0 N1 1 N2 2 N3 3 N4 4 }
#[cfg(sampan_small)]
args! { N0 0 }
/// Where size counts, arguments are moved before the call.
#[cfg(sampan_small)]
pub(in crate::exec::fast) use {N0 as N1, N0 as N2, N0 as N3, N0 as N4};

/// Code that is not part of a function: the word before it is a frame distance of zero.
#[repr(C)]
pub(in crate::exec::fast) struct Stub {
    base: u64,
    handler: Handler,
}

impl Stub {
    pub fn ip(&'static self) -> *const u64 {
        (&raw const self.handler).cast()
    }
}

/// Where the outermost function returns to.
pub(in crate::exec::fast) static LEAVE: Stub = Stub { base: 0, handler: super::control::leave };
/// Where a function of another instance returns to.
pub(in crate::exec::fast) static CROSS: Stub = Stub { base: 0, handler: return_cross };

handler! {
    /// A function of the same module: words for four arguments, the code's slot, `base`.
    fn call<N: Args>(mut r) {
        let slot = r.word(2) as usize as *const Once<Code>;
        let code = (*slot).as_ptr();
        if code.is_null() {
            return r.pass_to(prepare_callee);
        }
        let sp = r.sp.add(r.word(3) as usize);
        N::copy(&r, 0, sp);
        let back = r.ip.add(4);
        enter(r, code, sp, back)
    }

    /// An imported function: words for four arguments, the function's index, `base`.
    fn call_import<N: Args>(mut r) {
        let func = imported(&r);
        let sp = r.sp.add(r.word(3) as usize);
        N::copy(&r, 0, sp);
        match call_other(r.ctx, func, sp, r.ip.add(4)) {
            Ok(()) => r.resume(),
            Err(trap) => r.raise(trap),
        }
    }

    /// Translates the function that `call` or `return_call` names, and does it again.
    #[inline(never)]
    fn prepare_callee(mut r) {
        let slot = r.word(2) as usize as *const Once<Code>;
        match prepare(r.ctx, slot) {
            Ok(()) => r.go(),
            Err(trap) => r.raise(trap),
        }
    }

    /// Through a table: the table in field 0, the index in field 1, the type in the upper
    /// half; then words for four arguments and `base`.
    fn call_indirect<L: Src, N: Args>(mut r) {
        let index = L::read::<u32>(&r, 1);
        if let Some(func) = resolve(&r, index)
            && let Some(code) = prepared(&r, func)
        {
            let sp = r.sp.add(r.word(3) as usize);
            N::copy(&r, 4, sp);
            let back = r.ip.add(4);
            return enter(r, code, sp, back);
        }
        r.pass_to(call_indirect_slowly::<L, N>)
    }

    /// The same, for whatever is not a prepared function of the instance.
    #[inline(never)]
    fn call_indirect_slowly<L: Src, N: Args>(mut r) {
        let index = L::read::<u32>(&r, 1);
        let func = check(r.ctx, r.field(0), r.imm() as u32, index);
        if func.is_null() {
            return r.trap_with((*r.ctx).refusal);
        }
        let sp = r.sp.add(r.word(3) as usize);
        N::copy(&r, 4, sp);
        match call_other(r.ctx, func, sp, r.ip.add(4)) {
            Ok(()) => r.resume(),
            Err(trap) => r.raise(trap),
        }
    }

    /// A tail call in the same module: the code's slot, the argument slots, `base`.
    fn return_call(mut r) {
        let slot = r.word(2) as usize as *const Once<Code>;
        let code = (*slot).as_ptr();
        if code.is_null() {
            return r.pass_to(prepare_callee);
        }
        lower_args(&r);
        let sp = r.sp;
        let back = *sp.sub(1) as usize as *const u64;
        enter(r, code, sp, back)
    }

    /// A tail call of an imported function: its index, the argument slots, `base`.
    fn return_call_import(mut r) {
        match tail_other(r.ctx, imported(&r), r.sp, r.word(3) as usize, r.word(4) as usize) {
            Ok(()) => r.resume(),
            Err(trap) => r.raise(trap),
        }
    }

    /// A tail call through a table; as `call_indirect`, then the argument slots, `base`.
    fn return_call_indirect(mut r) {
        let index = S::read::<u32>(&r, 1);
        let func = check(r.ctx, r.field(0), r.imm() as u32, index);
        if func.is_null() {
            return r.trap_with((*r.ctx).refusal);
        }
        match tail_other(r.ctx, func, r.sp, r.word(3) as usize, r.word(4) as usize) {
            Ok(()) => r.resume(),
            Err(trap) => r.raise(trap),
        }
    }

    /// See [`CROSS`].
    fn return_cross(mut r) {
        let ctx = &mut *r.ctx;
        let (ip, instance) = ctx.cross.pop().expect("pushed by the call");
        ctx.enter_instance(instance);
        (r.mem, r.len) = ctx.memory();
        r.sp = r.sp.sub(*ip.sub(1) as usize);
        r.ip = ip;
        r.go()
    }
}

/// Starts a function whose arguments are at `sp`.
#[cfg_attr(not(sampan_small), inline(always))]
#[cfg_attr(sampan_small, inline(never))]
#[allow(unused_mut)]
pub(super) unsafe fn enter(
    mut r: Passed<'_>,
    code: *const Code,
    sp: *mut u64,
    back: *const u64,
) -> Flow {
    // SAFETY: the code is prepared; `sp` lies in the caller's frame and so in the stack, and
    // what the callee needs beyond is checked here.
    unsafe {
        let room = (*r.ctx).stack_end as usize - sp as usize;
        if room < (*code).frame_bytes {
            return r.trap(TrapKind::StackOverflow);
        }
        *sp.sub(1) = back as usize as u64;
        r.sp = sp;
        r.ip = (*code).entry();
        r.go()
    }
}

/// Translates the function that is about to be called.
#[cold]
#[inline(never)]
unsafe fn prepare(ctx: *mut Ctx, slot: *const Once<Code>) -> Result<(), Trap> {
    // SAFETY: the slot is one of the current module's, and ctx is not borrowed.
    unsafe {
        let body = slot.offset_from((*ctx).code) as u32;
        (*(*ctx).instance).module.data().prepare(body).map_err(Trap::preparation)
    }
}

/// The imported function that word 2 names.
#[inline(always)]
unsafe fn imported(r: &Regs) -> *const FuncEntity {
    // SAFETY: validated index; the machine and its entities outlive execution.
    unsafe {
        let func = (&(*(*r.ctx).instance).funcs)[r.word(2) as usize].0;
        (*(*r.ctx).machine).funcs.as_ptr().add(func as usize)
    }
}

/// The code of a function of the instance that runs, if it has been prepared: to enter it
/// nothing else is switched.
#[inline(always)]
pub(super) unsafe fn prepared(r: &Regs, func: *const FuncEntity) -> Option<*const Code> {
    // SAFETY: the machine and its functions outlive execution, and `code` has a place for each
    // body of the instance.
    unsafe {
        let FuncKind::Wasm { instance, body } = (*func).kind else { return None };
        if instance != (*r.ctx).instance {
            return None;
        }
        let code = (*(*r.ctx).code.add(body as usize)).as_ptr();
        (!code.is_null()).then_some(code)
    }
}

/// The function in a table that an indirect call means, if its type is the very one.
#[inline(always)]
unsafe fn resolve(r: &Regs, index: u32) -> Option<*const FuncEntity> {
    // SAFETY: validated indices; the machine and its entities outlive execution.
    unsafe {
        let ctx = &*r.ctx;
        let instance = &*ctx.instance;
        let table = &**instance.tables.get_unchecked(r.field(0) as usize);
        let func = table.elements.get(index as usize)?.index()?;
        let func = (*ctx.machine).funcs.as_ptr().add(func as usize);
        let want = *instance.types.get_unchecked(r.imm() as u32 as usize);
        ((*func).ty == want).then_some(func)
    }
}

/// The function in a table that an indirect call means; null if it may not be called, and
/// then `ctx.refusal` says why.
#[inline(never)]
unsafe fn check(ctx: *mut Ctx, table: u16, ty: u32, index: u32) -> *const FuncEntity {
    // SAFETY: validated indices; the machine and its entities outlive execution.
    let find = || unsafe {
        let instance = &*(*ctx).instance;
        let table = &*instance.tables[table as usize];
        let element = table.elements.get(index as usize).ok_or(TrapKind::UndefinedElement)?;
        let func = element.index().ok_or(TrapKind::UninitializedElement)?;
        let machine = &*(*ctx).machine;
        let func = &raw const machine.funcs[func as usize];
        if !machine.registry.is_subtype((*func).ty, instance.types[ty as usize]) {
            return Err(TrapKind::IndirectCallTypeMismatch);
        }
        Ok(func)
    };
    match find() {
        Ok(func) => func,
        Err(kind) => {
            // SAFETY: nobody else refers to the context now.
            unsafe { (*ctx).refusal = kind.code() };
            core::ptr::null()
        }
    }
}

/// Calls a host function, or starts a function of any instance; `ctx.resume` has how
/// execution goes on.
#[inline(never)]
pub(super) unsafe fn call_other(
    ctx: *mut Ctx,
    func: *const FuncEntity,
    sp: *mut u64,
    back: *const u64,
) -> Result<(), Trap> {
    // SAFETY: entities outlive execution; `sp` lies in the caller's frame.
    unsafe {
        match &(*func).kind {
            &FuncKind::Wasm { instance, body } => {
                let code = ready(instance, body)?;
                let ctx = &mut *ctx;
                let mut back = back;
                if instance != ctx.instance {
                    ctx.cross.put((back, ctx.instance))?;
                    ctx.enter_instance(instance);
                    back = CROSS.ip();
                }
                start(ctx, code, sp, back)
            }
            FuncKind::Host(call) => {
                let call = Arc::as_ptr(call);
                ((*ctx).at_ip, (*ctx).at_sp) = (back, sp.sub(*back.sub(1) as usize));
                call_host(ctx, &*call, (*func).slots as usize, sp)?;
                let resume = &mut (*ctx).resume;
                (resume.ip, resume.sp) = (back, sp.sub(*back.sub(1) as usize));
                Ok(())
            }
        }
    }
}

/// Prepares the start of a function whose arguments are at `sp`.
unsafe fn start(
    ctx: &mut Ctx,
    code: *const Code,
    sp: *mut u64,
    back: *const u64,
) -> Result<(), Trap> {
    // SAFETY: as for `enter`.
    unsafe {
        if ctx.stack_end as usize - (sp as usize) < (*code).frame_bytes {
            return Err(Trap::new(TrapKind::StackOverflow));
        }
        *sp.sub(1) = back as usize as u64;
        (ctx.resume.ip, ctx.resume.sp) = ((*code).entry(), sp);
        Ok(())
    }
}

/// Calls a host function with the slots at `sp`; the caller's frame goes on.
unsafe fn call_host(
    ctx: *mut Ctx,
    call: &crate::HostFn,
    slots: usize,
    sp: *mut u64,
) -> Result<(), Trap> {
    // SAFETY: the machine is borrowed for the call only; its address comes from the
    // reference that `run` holds.
    unsafe {
        if ((*ctx).stack_end as usize - sp as usize) / 8 < slots {
            return Err(Trap::new(TrapKind::StackOverflow));
        }
        let machine = &mut *(*ctx).machine;
        let top = machine.stack.top;
        machine.stack.top = sp.offset_from(machine.stack.base()) as usize + slots;
        let values = core::slice::from_raw_parts_mut(sp, slots);
        let caller = (*(*ctx).instance).id;
        let result = call(machine, &mut *(*ctx).data, Some(caller), values);
        (*(*ctx).machine).stack.top = top;
        result?;
        let value = if slots > 0 { *sp } else { 0 };
        let resume = &mut (*ctx).resume;
        resume.acc = value;
        resume.facc = f64::from_bits(value);
        resume.sacc = f32::from_bits(value as u32);
        Ok(())
    }
}

/// The code of a function, translated if need be.
unsafe fn ready(instance: *mut InstanceData, body: u32) -> Result<*const Code, Trap> {
    // SAFETY: the instance outlives execution.
    let module = unsafe { (*instance).module.data() };
    super::super::code_of(module, body).map_err(Trap::preparation)
}

/// Moves the arguments of a tail call to the start of the frame.
#[inline(always)]
unsafe fn lower_args(r: &Regs) {
    // SAFETY: both ranges lie in the frame.
    unsafe { core::ptr::copy(r.sp.add(r.word(4) as usize), r.sp, r.word(3) as usize) }
}

/// A tail call of a host function, or of any instance's, from the frame at `sp`.
#[inline(never)]
pub(super) unsafe fn tail_other(
    ctx: *mut Ctx,
    func: *const FuncEntity,
    sp: *mut u64,
    arguments: usize,
    base: usize,
) -> Result<(), Trap> {
    // SAFETY: as for `call_other`.
    unsafe {
        match &(*func).kind {
            &FuncKind::Wasm { instance, body } => {
                let code = ready(instance, body)?;
                let ctx = &mut *ctx;
                core::ptr::copy(sp.add(base), sp, arguments);
                let mut back = *sp.sub(1) as usize as *const u64;
                if instance != ctx.instance {
                    // A frame that returns across instances already does so to the right one.
                    if back != CROSS.ip() {
                        ctx.cross.put((back, ctx.instance))?;
                        back = CROSS.ip();
                    }
                    ctx.enter_instance(instance);
                }
                start(ctx, code, sp, back)
            }
            FuncKind::Host(call) => {
                let call = Arc::as_ptr(call);
                let slots = (*func).slots as usize;
                ((*ctx).at_ip, (*ctx).at_sp) = (core::ptr::null(), sp);
                call_host(ctx, &*call, slots, sp.add(base))?;
                // Results that are not in an accumulator return in the frame's first slots.
                core::ptr::copy(sp.add(base), sp, slots);
                let back = *sp.sub(1) as usize as *const u64;
                let resume = &mut (*ctx).resume;
                (resume.ip, resume.sp) = (back, sp.sub(*back.sub(1) as usize));
                Ok(())
            }
        }
    }
}

macro_rules! by_count {
    ($n:expr, $name:ident $(, $l:ty)?) => {
        match $n {
            0 => $name::<$($l,)? N0>,
            1 => $name::<$($l,)? N1>,
            2 => $name::<$($l,)? N2>,
            3 => $name::<$($l,)? N3>,
            _ => $name::<$($l,)? N4>,
        }
    };
}

/// The call of a function of the same module, with up to four copied arguments.
pub(in crate::exec::fast) fn direct(copied: usize) -> Handler {
    by_count!(copied, call)
}

/// The call of an imported function.
pub(in crate::exec::fast) fn import(copied: usize) -> Handler {
    by_count!(copied, call_import)
}

/// The call through a table.
pub(in crate::exec::fast) fn indirect(index: super::Loc, copied: usize) -> Handler {
    match index {
        super::Loc::Acc => by_count!(copied, call_indirect, A),
        _ => by_count!(copied, call_indirect, S),
    }
}
