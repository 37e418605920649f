//! Exceptions: entering `try_table`, and throwing again. Who catches is in
//! [`unwind`](crate::exec::classic::unwind).

use crate::RawRef;
use crate::TrapKind;
use crate::exec::classic::context::Context;
use crate::exec::classic::ops::{control, trap};
use crate::exec::classic::regs::{handler, leb};

handler! {
    /// A block; its clauses are looked at only when something is thrown.
    fn try_table(r) {
        let mut len = 1 + control::block_type_len(r.pc.add(1));
        let (count, count_len) = leb(r.pc.add(len));
        len += count_len;
        let mut clause = 0;
        while clause < count {
            let tagged = *r.pc.add(len) < 2;
            len += 1;
            if tagged {
                len += leb(r.pc.add(len)).1;
            }
            len += leb(r.pc.add(len)).1;
            clause += 1;
        }
        r.next(1, len)
    }

    /// Throws what a `catch` around caught.
    fn rethrow(r) {
        take(r.ctx, r.pc, r.fp);
        r.call(trap::refused)
    }
}

/// Makes the exception that the `rethrow` at `pc` means the one under way.
#[inline(never)]
unsafe fn take(ctx: *mut Context, pc: *const u8, fp: *mut u64) {
    // SAFETY: preparation noted the slot for this instruction; it lies among the locals.
    unsafe {
        let ctx = &mut *ctx;
        (ctx.at_pc, ctx.at_fp) = (pc.wrapping_add(1), fp);
        let at = pc as usize - (*ctx.instance).module.bytes().as_ptr() as usize;
        let slot = (*ctx.code).regions.as_ref().and_then(|regions| regions.rethrown(at as u32));
        let slot = slot.expect("preparation noted every rethrow that is executed");
        (*ctx.machine).exception = RawRef(*fp.add(slot as usize));
        ctx.refusal = TrapKind::Exception.code();
    }
}
