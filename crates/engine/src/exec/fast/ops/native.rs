//! From the interpreter into compiled code.

use crate::exec::fast::code::{Code, handler_word};
use crate::exec::fast::regs::handler;
use crate::exec::fast::run::Ctx;
use crate::{Trap, TrapKind, slots_of_all};

/// What stands for the translation of a compiled function.
pub(crate) fn stub(body: u32) -> Code {
    Code::stub([handler_word(enter), u64::from(body)].into())
}

handler! {
    /// The whole code of a function that is compiled: its body's index.
    fn enter(mut r) {
        match call(r.ctx, r.word(1) as u32, r.sp) {
            Ok(()) => r.resume(),
            Err(trap) => r.raise(trap),
        }
    }
}

/// Calls a compiled function of the current instance, whose frame is at `sp`.
#[inline(never)]
unsafe fn call(ctx: *mut Ctx, body: u32, sp: *mut u64) -> Result<(), Trap> {
    // SAFETY: `sp` has room for arguments and results, as the stub's frame size says; the
    // machine is not borrowed meanwhile.
    unsafe {
        let (machine, instance) = ((*ctx).machine, (*ctx).instance);
        let module = &(*instance).module;
        let code =
            module.data().native.code().expect("the stub was made for a module with code").clone();
        let ty = module.decl().func_type(module.decl().imported_funcs + body);
        let slots = slots_of_all(ty.params()).max(slots_of_all(ty.results())) as usize;
        if ((*ctx).stack_end as usize - sp as usize) / 8 < slots {
            return Err(Trap::new(TrapKind::StackOverflow));
        }
        let top = (*machine).stack.top;
        (*machine).stack.top = sp.offset_from((*machine).stack.base()) as usize + slots;
        let result = crate::native::call(machine, (*ctx).data, &*code, instance, body, sp);
        (*machine).stack.top = top;
        result?;
        let value = if slots > 0 { *sp } else { 0 };
        let back = *sp.sub(1) as usize as *const u64;
        let resume = &mut (*ctx).resume;
        (resume.ip, resume.sp) = (back, sp.sub(*back.sub(1) as usize));
        resume.acc = value;
        resume.facc = f64::from_bits(value);
        resume.sacc = f32::from_bits(value as u32);
        Ok(())
    }
}
