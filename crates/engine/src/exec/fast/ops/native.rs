//! From the interpreter into compiled code.

use crate::exec::fast::code::{Code, handler_word};
use crate::exec::fast::regs::{TRAPPED, handler};
use crate::exec::fast::run::Ctx;
use crate::native::{Entry, Place};
use crate::{Trap, TrapKind, slots_of_all};
use alloc::boxed::Box;

/// What stands for the translation of a compiled function.
pub(crate) fn stub(body: u32) -> Code {
    let code = Code::new(0, Box::new(stub_words(body)), Box::default());
    code.set_entry(code.words.as_ptr());
    code
}

/// The code of a function that is compiled.
pub(in crate::exec::fast) fn stub_words(body: u32) -> [u64; 2] {
    [handler_word(enter), u64::from(body)]
}

handler! {
    /// The whole code of a function that is compiled: its body's index.
    fn enter(mut r) {
        let body = r.word(1) as u32;
        if enter_body(r.ctx, body, r.sp) { r.resume() } else { r.exit(TRAPPED) }
    }

    /// A function or loop ran often: goes on in machine code, or asks for it. The operands are
    /// those of `count_round`.
    #[inline(never)]
    fn tier_up(mut r) {
        let (place, stack) = (r.word(2), r.word(3) as u32);
        match go_on(r.ctx, place, stack, r.sp) {
            WentOn::Not => r.next(COUNT_WORDS),
            WentOn::ToEnd => r.resume(),
            WentOn::ToTrap => r.exit(TRAPPED),
        }
    }
}

/// What became of a function or loop that ran often.
#[derive(Clone, Copy)]
#[repr(u8)]
enum WentOn {
    /// There is no machine code yet.
    Not,
    ToEnd,
    ToTrap,
}

// These two are no part of their handlers: a handler with anything in memory of its own, such as
// an entry that is returned, can't end in a jump, and would leave its frame on the native stack.

/// Whether the code of a body ended without a trap.
#[inline(never)]
unsafe fn enter_body(ctx: *mut Ctx, body: u32, sp: *mut u64) -> bool {
    // SAFETY: the instance is the one whose code runs.
    unsafe {
        let entry = (*(*ctx).instance).module.data().native.entry(body);
        call(ctx, body, entry.expect("the stub is for a body with code"), sp, 0).is_ok()
    }
}

#[inline(never)]
unsafe fn go_on(ctx: *mut Ctx, place: u64, stack: u32, sp: *mut u64) -> WentOn {
    let place = Place { body: place as u32, at: (place >> 32) as u32, stack };
    // SAFETY: as above.
    unsafe {
        let Some(entry) = (*(*ctx).instance).module.hot(place) else { return WentOn::Not };
        // All of a frame that goes on in the middle stays in use.
        let used = if place.at == 0 { 0 } else { frame_slots(ctx, place.body) };
        match call(ctx, place.body, entry, sp, used) {
            Ok(()) => WentOn::ToEnd,
            Err(()) => WentOn::ToTrap,
        }
    }
}

/// The words of [`count_round`].
pub(super) const COUNT_WORDS: usize = 4;

/// The slots of the frame of a body that runs.
unsafe fn frame_slots(ctx: *mut Ctx, body: u32) -> usize {
    // SAFETY: its code is prepared.
    unsafe { (*(*(*ctx).code.add(body as usize)).as_ptr()).frame_bytes / 8 }
}

/// Calls machine code of a function of the current instance, whose frame is at `sp`, and leaves
/// the function. At least `used` slots there stay in use.
#[inline(never)]
unsafe fn call(
    ctx: *mut Ctx,
    body: u32,
    entry: Entry,
    sp: *mut u64,
    used: usize,
) -> Result<(), ()> {
    // SAFETY: `sp` has room for arguments and results, as is checked here; the machine is not
    // borrowed meanwhile.
    unsafe {
        let (machine, instance) = ((*ctx).machine, (*ctx).instance);
        let module = &(*instance).module;
        let ty = module.decl().func_type(module.decl().imported_funcs + body);
        let slots = slots_of_all(ty.params()).max(slots_of_all(ty.results())) as usize;
        let used = used.max(slots);
        let back = *sp.sub(1) as usize as *const u64;
        let distance = *back.sub(1) as usize;
        let result = if ((*ctx).stack_end as usize - sp as usize) / 8 < used {
            Err(Trap::new(TrapKind::StackOverflow))
        } else {
            let top = (*machine).stack.top;
            (*machine).stack.top = sp.offset_from((*machine).stack.base()) as usize + used;
            let result = crate::native::call(machine, (*ctx).data, entry, instance, sp);
            (*machine).stack.top = top;
            result
        };
        if let Err(trap) = result {
            // The calls in machine code are in the trap; the others begin with the caller.
            (*ctx).trap = Some(trap);
            (*ctx).trap_ip = if distance == 0 { back } else { back.sub(1) };
            (*ctx).trap_sp = sp.sub(distance);
            return Err(());
        }
        let value = if slots > 0 { *sp } else { 0 };
        let resume = &mut (*ctx).resume;
        (resume.ip, resume.sp) = (back, sp.sub(distance));
        resume.acc = value;
        resume.facc = f64::from_bits(value);
        resume.sacc = f32::from_bits(value as u32);
        Ok(())
    }
}
