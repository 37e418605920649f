//! Structs, arrays and casts, as far as they are not executed by [`crate::exec::work`].

use super::Pair;
use crate::RawRef;
use crate::exec::fast::operand::{A, Dst, S};
use crate::exec::fast::regs::handler;
use crate::exec::work;

handler! {
    /// Whether the reference in field 1 is of the type whose bits are in the upper half.
    fn test<D: Dst>(mut r) {
        let reference = RawRef(*r.slot(1));
        let ctx = r.ctx;
        let is = work::gc::is_of((*ctx).machine, (*ctx).instance, reference, r.imm() as u32);
        D::write(&mut r, u32::from(is));
        r.next(2)
    }

    /// Whether it is not.
    fn test_not<D: Dst>(mut r) {
        let reference = RawRef(*r.slot(1));
        let ctx = r.ctx;
        let is = work::gc::is_of((*ctx).machine, (*ctx).instance, reference, r.imm() as u32);
        D::write(&mut r, u32::from(!is));
        r.next(2)
    }
}

pub(in crate::exec::fast) fn is_of() -> Pair {
    Pair { acc: test::<A>, slot: test::<S> }
}

pub(in crate::exec::fast) fn is_not_of() -> Pair {
    Pair { acc: test_not::<A>, slot: test_not::<S> }
}
