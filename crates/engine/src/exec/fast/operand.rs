//! Where handlers read operands and write results: the type parameters from which each
//! handler's forms are made.

use super::regs::Regs;

/// A value that fits one slot.
pub(super) trait Value: Copy {
    fn from_slot(slot: u64) -> Self;
    fn to_slot(self) -> u64;
    fn from_imm(imm: i32) -> Self;
    /// The accumulator of the type.
    fn get(r: &Regs) -> Self;
    fn set(r: &mut Regs, value: Self);
}

macro_rules! value {
    ($t:ty, $r:ident . $reg:ident, $from:expr, $to:expr, $imm:expr, $get:expr, $set:expr) => {
        impl Value for $t {
            #[inline(always)]
            fn from_slot(slot: u64) -> $t {
                $from(slot)
            }
            #[inline(always)]
            fn to_slot(self) -> u64 {
                $to(self)
            }
            #[inline(always)]
            fn from_imm(imm: i32) -> $t {
                $imm(imm)
            }
            #[inline(always)]
            fn get($r: &Regs) -> $t {
                $get($r.$reg)
            }
            #[inline(always)]
            fn set($r: &mut Regs, value: $t) {
                $r.$reg = $set(value);
            }
        }
    };
}
value!(u32, r.acc, |s| s as u32, u64::from, |i| i as u32, |a| a as u32, u64::from);
value!(u64, r.acc, |s| s, |v| v, |i| i as i64 as u64, |a| a, |v| v);
value!(
    f32,
    r.sacc,
    |s| f32::from_bits(s as u32),
    |v: f32| u64::from(v.to_bits()),
    |_| 0.0,
    |a| a,
    |v| v
);
value!(f64, r.facc, f64::from_bits, f64::to_bits, |_| 0.0, |a| a, |v| v);

/// Where an operand comes from.
pub(super) trait Src {
    /// The operand in field `n`.
    unsafe fn read<T: Value>(r: &Regs, n: usize) -> T;
    /// The right operand of a fused branch, or the value of a store: its slot in field 0, or
    /// 32 bits in the second operand word.
    unsafe fn read_right<T: Value>(r: &Regs) -> T;
    /// The words of such an instruction.
    const WORDS: usize;
}

/// A slot of the frame.
pub(super) struct S;
/// The accumulator.
#[cfg(not(sampan_small))]
pub(super) struct A;
/// 32 bits in the instruction, sign-extended.
#[cfg(not(sampan_small))]
pub(super) struct I;
/// Where size counts, every operand is in a slot, and so all forms of a handler are the same.
#[cfg(sampan_small)]
pub(super) use S as A;
/// As above.
#[cfg(sampan_small)]
pub(super) use S as I;

impl Src for S {
    #[inline(always)]
    unsafe fn read<T: Value>(r: &Regs, n: usize) -> T {
        // SAFETY: the slot is in the frame.
        unsafe { T::from_slot(*r.slot(n)) }
    }
    #[inline(always)]
    unsafe fn read_right<T: Value>(r: &Regs) -> T {
        // SAFETY: the slot is in the frame.
        unsafe { T::from_slot(*r.slot(0)) }
    }
    const WORDS: usize = 2;
}

#[cfg(not(sampan_small))]
impl Src for A {
    #[inline(always)]
    unsafe fn read<T: Value>(r: &Regs, _: usize) -> T {
        T::get(r)
    }
    #[inline(always)]
    unsafe fn read_right<T: Value>(r: &Regs) -> T {
        T::get(r)
    }
    const WORDS: usize = 2;
}

#[cfg(not(sampan_small))]
impl Src for I {
    #[inline(always)]
    unsafe fn read<T: Value>(r: &Regs, _: usize) -> T {
        // SAFETY: the instruction has an operand word.
        unsafe { T::from_imm(r.imm()) }
    }
    #[inline(always)]
    unsafe fn read_right<T: Value>(r: &Regs) -> T {
        // SAFETY: the instruction has two operand words.
        unsafe { T::from_imm(r.word(2) as i32) }
    }
    const WORDS: usize = 3;
}

/// Where a result goes: always the accumulator, and perhaps the slot in field 0.
pub(super) trait Dst {
    unsafe fn write<T: Value>(r: &mut Regs, value: T);
}

#[cfg(not(sampan_small))]
impl Dst for A {
    #[inline(always)]
    unsafe fn write<T: Value>(r: &mut Regs, value: T) {
        T::set(r, value);
    }
}

impl Dst for S {
    #[inline(always)]
    unsafe fn write<T: Value>(r: &mut Regs, value: T) {
        #[cfg(not(sampan_small))]
        T::set(r, value);
        // SAFETY: the slot is in the frame.
        unsafe { *r.slot(0) = value.to_slot() };
    }
}
