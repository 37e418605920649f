//! Branches and checks on references.

use super::control::skip;
use super::trap;
#[cfg(feature = "gc")]
use crate::RawRef;
use crate::exec::classic::regs::handler;
#[cfg(feature = "gc")]
use crate::exec::{
    classic::{context::Context, regs::leb},
    work,
};
#[cfg(feature = "gc")]
use sampan_wasm::Imm;

handler! {
    /// The label does not get the reference.
    fn br_on_null(r) {
        let entry = r.side();
        if r.a == 0 {
            return r.branch(0, entry);
        }
        r.set_side(entry.add(1));
        skip(r, 1)
    }

    /// Only the label gets the reference.
    fn br_on_non_null(r) {
        let entry = r.side();
        if r.a != 0 {
            return r.branch(1, entry);
        }
        r.set_side(entry.add(1));
        skip(r, 0)
    }

    /// `br_on_cast` and `br_on_cast_fail`: label and next instruction get the reference.
    #[cfg(feature = "gc")]
    fn br_on_cast(r) {
        let entry = r.side();
        if cast_branches(r.ctx, r.pc, r.a) {
            return r.branch(1, entry);
        }
        r.set_side(entry.add(1));
        r.pc = (*r.ctx).at_pc;
        r.go(1)
    }

    fn ref_as_non_null(r) {
        if r.a == 0 {
            return r.call(trap::null_reference);
        }
        r.next(1, 1)
    }
}

/// Whether a branch on a cast is taken; [`Context::at_pc`] is then the next instruction.
#[cfg(feature = "gc")]
#[inline(never)]
unsafe fn cast_branches(ctx: *mut Context, pc: *const u8, reference: u64) -> bool {
    // SAFETY: validated: the instruction is complete; the machine keeps the instance.
    unsafe {
        let instance = (*ctx).instance;
        let (instr, next) = super::misc::decode(&*instance, pc);
        (*ctx).at_pc = next;
        let Imm::BrOnCast { to, .. } = instr else { unreachable!("it branches on a cast") };
        let bits = to.to_bits();
        let is = work::gc::is_of((*ctx).machine, instance, RawRef(reference), bits);
        let (code, _) = leb(pc.add(1));
        is == (code == 0x18)
    }
}
