//! Calls through references, and checks of references.

use super::call::{Args, N0, N1, N2, N3, N4, call_other, enter, prepared, tail_other};
use crate::entity::FuncEntity;
use crate::exec::fast::operand::{A, S, Src};
use crate::exec::fast::regs::{Handler, Regs, handler};
use crate::{RawRef, TrapKind};

/// The function that a reference in field 1 refers to; `None` for null.
#[inline(always)]
unsafe fn resolve<L: Src>(r: &Regs) -> Option<*const FuncEntity> {
    // SAFETY: validation: it is a reference to a function of the machine.
    unsafe {
        let func = RawRef(L::read::<u64>(r, 1)).index()?;
        Some((*(*r.ctx).machine).funcs.as_ptr().add(func as usize))
    }
}

handler! {
    /// The reference in field 1; then words for four arguments and `base`.
    fn call_ref<L: Src, N: Args>(mut r) {
        let Some(func) = resolve::<L>(&r) else {
            return r.trap(TrapKind::NullReference);
        };
        if let Some(code) = prepared(&r, func) {
            let sp = r.sp.add(r.word(3) as usize);
            N::copy(&r, 4, sp);
            let back = r.ip.add(4);
            return enter(r, code, sp, back);
        }
        r.pass_to(call_ref_slowly::<L, N>)
    }

    /// The same, for whatever is not a prepared function of the instance.
    #[inline(never)]
    fn call_ref_slowly<L: Src, N: Args>(mut r) {
        let Some(func) = resolve::<L>(&r) else {
            return r.trap(TrapKind::NullReference);
        };
        let sp = r.sp.add(r.word(3) as usize);
        N::copy(&r, 4, sp);
        match call_other(r.ctx, func, sp, r.ip.add(4)) {
            Ok(()) => r.resume(),
            Err(trap) => r.raise(trap),
        }
    }

    /// A tail call: the reference in field 1; a word without use, the argument slots, `base`.
    fn return_call_ref(mut r) {
        let Some(func) = resolve::<S>(&r) else {
            return r.trap(TrapKind::NullReference);
        };
        match tail_other(r.ctx, func, r.sp, r.word(3) as usize, r.word(4) as usize) {
            Ok(()) => r.resume(),
            Err(trap) => r.raise(trap),
        }
    }

    /// Stops if the reference in field 1 is null.
    fn non_null<L: Src>(mut r) {
        if L::read::<u64>(&r, 1) == 0 {
            return r.trap(TrapKind::NullReference);
        }
        r.next(2)
    }
}

/// The call through a reference, with up to four copied arguments.
pub(in crate::exec::fast) fn through(reference: super::Loc, copied: usize) -> Handler {
    macro_rules! by_count {
        ($l:ty) => {
            match copied {
                0 => call_ref::<$l, N0>,
                1 => call_ref::<$l, N1>,
                2 => call_ref::<$l, N2>,
                3 => call_ref::<$l, N3>,
                _ => call_ref::<$l, N4>,
            }
        };
    }
    match reference {
        super::Loc::Acc => by_count!(A),
        _ => by_count!(S),
    }
}

/// The check that a reference is not null.
pub(in crate::exec::fast) fn check(reference: super::Loc) -> Handler {
    match reference {
        super::Loc::Acc => non_null::<A>,
        _ => non_null::<S>,
    }
}
