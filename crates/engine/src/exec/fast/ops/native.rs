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
        let entry = (*(*r.ctx).instance).module.data().native.entry(body);
        match call(r.ctx, body, entry.expect("the stub is for a body with code"), r.sp, 0) {
            Ok(()) => r.resume(),
            Err(()) => r.exit(TRAPPED),
        }
    }

    /// A function or loop ran often: goes on in machine code, or asks for it. The operands are
    /// those of `count_round`.
    #[inline(never)]
    fn tier_up(mut r) {
        let (place, stack) = (r.word(2), r.word(3) as u32);
        let place = Place { body: place as u32, at: (place >> 32) as u32, stack };
        match (*(*r.ctx).instance).module.hot(place) {
            None => r.next(COUNT_WORDS),
            Some(entry) => {
                // All of a frame that goes on in the middle stays in use.
                let used = if place.at == 0 { 0 } else { frame_slots(r.ctx, place.body) };
                match call(r.ctx, place.body, entry, r.sp, used) {
                    Ok(()) => r.resume(),
                    Err(()) => r.exit(TRAPPED),
                }
            }
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
