//! Copies and constants. Copies between slots leave the accumulators alone.

use super::{Loc, Pair};
use crate::exec::fast::operand::{A, Dst, S, Src, Value};
use crate::exec::fast::regs::{Handler, handler};

handler! {
    /// Slot to slot.
    fn copy(mut r) {
        *r.slot(0) = *r.slot(1);
        r.next(2)
    }

    /// Two copies, as if at once.
    fn copy2(mut r) {
        let (a, b) = (*r.slot(1), *r.slot(3));
        *r.slot(0) = a;
        *r.slot(2) = b;
        r.next(2)
    }

    /// Two such pairs, one after the other.
    fn copy4(mut r) {
        let (a, b) = (*r.slot(1), *r.slot(3));
        *r.slot(0) = a;
        *r.slot(2) = b;
        let (a, b) = (*r.slot(5), *r.slot(7));
        *r.slot(4) = a;
        *r.slot(6) = b;
        r.next(3)
    }

    /// Copies the slots from `field 1` on, as many as the upper half says, to those from
    /// `field 0` on, as if at once.
    #[inline(never)]
    fn copy_span(mut r) {
        core::ptr::copy(r.slot(1), r.slot(0), r.imm() as u32 as usize);
        r.next(2)
    }

    /// Accumulator to slot.
    fn store_acc<T: Value>(mut r) {
        *r.slot(0) = T::get(&r).to_slot();
        r.next(2)
    }

    /// A constant to a slot.
    fn set_imm(mut r) {
        *r.slot(0) = r.imm() as i64 as u64;
        r.next(2)
    }

    /// A constant of 64 bits to a slot.
    fn set_word(mut r) {
        *r.slot(0) = r.word(2);
        r.next(3)
    }

    /// A constant to the accumulator.
    fn constant<T: Value, D: Dst>(mut r) {
        let value = T::from_slot(r.word(2));
        D::write(&mut r, value);
        r.next(3)
    }

    /// `field 3 ? field 1 : field 2`, whose class is the accumulator's.
    fn select<T: Value, C: Src, D: Dst>(mut r) {
        let condition = C::read::<u32>(&r, 3) != 0;
        let value = if condition { *r.slot(1) } else { *r.slot(2) };
        D::write(&mut r, T::from_slot(value));
        r.next(2)
    }

    /// Select of two vectors.
    fn select_v128(mut r) {
        let from = if *r.slot(3) as u32 != 0 { r.slot(1) } else { r.slot(2) };
        let value = (*from, *from.add(1));
        *r.slot(0) = value.0;
        *r.slot(0).add(1) = value.1;
        r.next(2)
    }

    /// Makes the NaN in the accumulator canonical.
    fn canon_f32<D: Dst>(mut r) {
        #[cfg(sampan_small)]
        let value = S::read(&r, 1);
        #[cfg(not(sampan_small))]
        let value = r.sacc;
        let value = crate::exec::num::canon_f32(value);
        D::write(&mut r, value);
        r.next(2)
    }

    /// Makes the NaN in the accumulator canonical.
    fn canon_f64<D: Dst>(mut r) {
        #[cfg(sampan_small)]
        let value = S::read(&r, 1);
        #[cfg(not(sampan_small))]
        let value = r.facc;
        let value = crate::exec::num::canon_f64(value);
        D::write(&mut r, value);
        r.next(2)
    }
}

/// The class of an accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exec::fast) enum Class {
    Int = 0,
    F32 = 1,
    F64 = 2,
    /// Has no accumulator, and two slots.
    V128 = 3,
}

impl Class {
    pub fn store(self) -> Handler {
        match self {
            Class::F32 => store_acc::<f32>,
            Class::F64 => store_acc::<f64>,
            _ => store_acc::<u64>,
        }
    }

    pub fn constant(self) -> Pair {
        match self {
            Class::F32 => Pair { acc: constant::<f32, A>, slot: constant::<f32, S> },
            Class::F64 => Pair { acc: constant::<f64, A>, slot: constant::<f64, S> },
            _ => Pair { acc: constant::<u64, A>, slot: constant::<u64, S> },
        }
    }

    pub fn select(self, condition: Loc) -> Pair {
        macro_rules! pair {
            ($t:ty) => {
                match condition {
                    Loc::Acc => Pair { acc: select::<$t, A, A>, slot: select::<$t, A, S> },
                    _ => Pair { acc: select::<$t, S, A>, slot: select::<$t, S, S> },
                }
            };
        }
        match self {
            Class::F32 => pair!(f32),
            Class::F64 => pair!(f64),
            _ => pair!(u64),
        }
    }
}
