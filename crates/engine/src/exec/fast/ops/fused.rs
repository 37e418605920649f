//! Two operations as one instruction.

use super::memory::{self, Address, Base, address};
use super::{Loc, Pair};
use crate::TrapKind;
use crate::exec::fast::operand::{A, Dst, I, S, Src};
use crate::exec::fast::regs::{Regs, handler};
use crate::exec::num;
use sampan_wasm::Opcode;

/// A function of two integers.
pub(in crate::exec::fast) trait Op {
    fn eval(a: u32, b: u32) -> u32;
}

/// A function of two floats.
pub(in crate::exec::fast) trait FloatOp {
    fn eval(a: f64, b: f64) -> f64;
}

/// The second operand of a shifted operation: slot `field 2`, the accumulator, or word 2.
pub(in crate::exec::fast) trait Second {
    const WORDS: usize;
    unsafe fn second(r: &Regs) -> u32;
}

impl Second for S {
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn second(r: &Regs) -> u32 {
        // SAFETY: the slot is in the frame.
        unsafe { *r.slot(2) as u32 }
    }
}

#[cfg(not(sampan_small))]
impl Second for A {
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn second(r: &Regs) -> u32 {
        r.acc as u32
    }
}

#[cfg(not(sampan_small))]
impl Second for I {
    const WORDS: usize = 3;
    #[inline(always)]
    unsafe fn second(r: &Regs) -> u32 {
        // SAFETY: the instruction has two operand words.
        unsafe { r.word(2) as u32 }
    }
}

handler! {
    /// `(field 1 shifted by field 3) op second`.
    fn shifted<H: Op, O: Op, X: Src, Y: Second, D: Dst>(mut r) {
        let a = H::eval(X::read(&r, 1), r.field(3).into());
        let value = O::eval(a, Y::second(&r));
        D::write(&mut r, value);
        r.next(Y::WORDS)
    }

    /// `field 4 op load`: the address as in a load, with its last word behind the slot's.
    fn with_load<O: FloatOp, B: Base, L: Src, D: Dst>(mut r) {
        let a = L::read::<f64>(&r, 4);
        match address::<B>(&r, 3, 8) {
            Some(at) => {
                let b = f64::from_le_bytes(at.cast::<[u8; 8]>().read());
                D::write(&mut r, O::eval(a, b));
                r.next(3 + B::EXTRA)
            }
            None => r.trap(TrapKind::MemoryOutOfBounds),
        }
    }
}

macro_rules! ops {
    ($tr:ident $t:ty: $($name:ident $f:ident;)*) => {$(
        pub(in crate::exec::fast) struct $name;
        impl $tr for $name {
            #[inline(always)]
            fn eval(a: $t, b: $t) -> $t {
                num::$f(a, b)
            }
        }
    )*};
}
ops! { Op u32: Shl i32_shl; ShrU i32_shr_u; Rotl i32_rotl; Add i32_add; Xor i32_xor; Or i32_or; And i32_and; }
ops! { FloatOp f64: FAdd f64_add; FSub f64_sub; FMul f64_mul; }

/// Whether an operation is a shift that can be joined with what takes its result.
pub(in crate::exec::fast) fn shifts(op: Opcode) -> bool {
    matches!(op, Opcode::I32Shl | Opcode::I32ShrU | Opcode::I32Rotl)
}

fn shifted_pair<H: Op, O: Op>(shifted_at: Loc, other: Loc) -> Pair {
    macro_rules! pair {
        ($x:ty, $y:ty) => {
            Pair { acc: shifted::<H, O, $x, $y, A>, slot: shifted::<H, O, $x, $y, S> }
        };
    }
    match (shifted_at, other) {
        (Loc::Acc, Loc::Acc) => pair!(A, A),
        (Loc::Acc, Loc::Imm(_)) => pair!(A, I),
        (Loc::Acc, Loc::Slot(_)) => pair!(A, S),
        (_, Loc::Acc) => pair!(S, A),
        (_, Loc::Imm(_)) => pair!(S, I),
        (_, Loc::Slot(_)) => pair!(S, S),
    }
}

/// The instruction that shifts and then combines with a second operand.
pub(in crate::exec::fast) fn shift_shape(
    shift: Opcode,
    op: Opcode,
) -> Option<fn(Loc, Loc) -> Pair> {
    macro_rules! by_op {
        ($h:ident) => {
            match op {
                Opcode::I32Add => shifted_pair::<$h, Add>,
                Opcode::I32Xor => shifted_pair::<$h, Xor>,
                Opcode::I32Or => shifted_pair::<$h, Or>,
                Opcode::I32And => shifted_pair::<$h, And>,
                _ => return None,
            }
        };
    }
    Some(match shift {
        Opcode::I32Shl => by_op!(Shl),
        Opcode::I32ShrU => by_op!(ShrU),
        Opcode::I32Rotl => by_op!(Rotl),
        _ => return None,
    })
}

fn load_pair<O: FloatOp>(kind: Address, other: Loc) -> Pair {
    macro_rules! pair {
        ($name:ident, $o:ty, $b:ty) => {
            match other {
                Loc::Acc => Pair { acc: $name::<$o, $b, A, A>, slot: $name::<$o, $b, A, S> },
                _ => Pair { acc: $name::<$o, $b, S, A>, slot: $name::<$o, $b, S, S> },
            }
        };
    }
    memory::by_address!(kind, pair!(with_load, O))
}

/// The instruction whose right operand is in memory.
pub(in crate::exec::fast) fn load_shape(op: Opcode) -> Option<fn(Address, Loc) -> Pair> {
    Some(match op {
        Opcode::F64Add => load_pair::<FAdd>,
        Opcode::F64Sub => load_pair::<FSub>,
        Opcode::F64Mul => load_pair::<FMul>,
        _ => return None,
    })
}
