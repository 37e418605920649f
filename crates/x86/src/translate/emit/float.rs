//! Floating point on SSE registers.
//!
//! WebAssembly rounds to nearest and has no exception flags. So arithmetic is translated for
//! the case that programs are in: that rounding, all exceptions masked, the flag of inexact
//! results set already (`State::fp`), operands that are no subnormal numbers, and a result that
//! is normal, or a zero that follows from zeros. Then the flag of inexact results is the only
//! one that the processor could set. Everything else leaves for the interpreter before anything
//! has changed: NaNs, infinities and what tends to them, subnormal numbers.

use super::operand::Reg;
use super::vector::xmm;
use super::{Emitter, Label, local};
use crate::translate::state::{kind, word};
use crate::vector::table::common;
use iced_x86::{Instruction, Mnemonic, OpKind};

/// What an operation may make zero of without an exception.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zero {
    /// A sum: any zero is exact.
    Exact,
    /// A product: if a factor is zero.
    OfEither,
    /// A quotient or a root: if the first operand is zero.
    OfFirst,
}

impl Emitter<'_> {
    /// An instruction of floating point; `false` if it is of a form that is not translated.
    #[inline(never)]
    pub(super) fn float(&mut self, i: &Instruction) -> bool {
        use Mnemonic as N;
        match i.mnemonic() {
            N::Addsd | N::Subsd | N::Mulsd | N::Divsd | N::Sqrtsd => self.scalar(i, true),
            N::Addss | N::Subss | N::Mulss | N::Divss | N::Sqrtss => self.scalar(i, false),
            N::Minsd | N::Maxsd => self.least(i, true),
            N::Minss | N::Maxss => self.least(i, false),
            N::Addpd | N::Subpd | N::Mulpd | N::Divpd => self.packed(i, true),
            N::Addps | N::Subps | N::Mulps | N::Divps => self.packed(i, false),
            N::Comisd | N::Ucomisd => self.compare_floats(i, true),
            N::Comiss | N::Ucomiss => self.compare_floats(i, false),
            N::Cvtsi2sd => self.convert_integer(i, true),
            N::Cvtsi2ss => self.convert_integer(i, false),
            N::Cvttsd2si => self.truncate(i, true),
            N::Cvttss2si => self.truncate(i, false),
            N::Cvtss2sd => self.lengthen(i),
            N::Cvtsd2ss => self.shorten(i),
            N::Cvtdq2pd => {
                let Some(d) = xmm(i.op0_register()) else { return false };
                if !self.source(i, 1, 8) {
                    return false;
                }
                self.s().f64x2_convert_low_i32x4_s();
                self.set_vector(d);
                true
            }
            _ => false,
        }
    }

    /// Leaves unless rounding and exceptions are as they are by default.
    fn ordinary(&mut self) {
        self.s().local_get(local::FP).i32_eqz();
        self.leave_if();
    }

    /// The local with the lowest number of an operand, 0 or 1.
    fn operand_local(double: bool, n: u32) -> u32 {
        (if double { local::D } else { local::S }) + n
    }

    /// Takes the low number of both operands to their locals; of the second with the rest of
    /// its register if it is one. Whether they are known to be no subnormal numbers.
    fn low(&mut self, i: &Instruction, double: bool, d: u32) -> Option<[bool; 2]> {
        let size: u8 = if double { 8 } else { 4 };
        if !self.source(i, 1, size) {
            return None;
        }
        let second = xmm(i.op1_register()).filter(|_| i.op1_kind() == OpKind::Register);
        for (n, from) in [(1, None), (0, Some(d))] {
            if let Some(from) = from {
                self.s().local_get(local::XMM + from);
            }
            if double {
                self.s().f64x2_extract_lane(0);
            } else {
                self.s().f32x4_extract_lane(0);
            }
            self.s().local_set(Self::operand_local(double, n));
        }
        let clean = |number: u32| self.clean[number as usize] == size;
        Some([clean(d), second.is_some_and(clean)])
    }

    /// Pushes a number's bits without its sign, shifted up by one.
    fn magnitude(&mut self, double: bool, from: u32) {
        self.s().local_get(from);
        if double {
            self.s().i64_reinterpret_f64().i64_const(1).i64_shl();
        } else {
            self.s().i32_reinterpret_f32().i32_const(1).i32_shl();
        }
    }

    fn leave_if_subnormal(&mut self, double: bool, from: u32) {
        self.magnitude(double, from);
        if double {
            self.s().i64_const(1).i64_sub().i64_const(0x001f_ffff_ffff_ffff).i64_lt_u();
        } else {
            self.s().i32_const(1).i32_sub().i32_const(0x00ff_ffff).i32_lt_u();
        }
        self.leave_if();
    }

    /// Leaves unless the result, in a local, is normal, or zero as it may be.
    fn check_result(&mut self, double: bool, result: u32, zero: Zero) {
        self.magnitude(double, result);
        if double {
            self.s().local_tee(local::T).i64_const(0x0020_0000_0000_0000).i64_sub();
            self.s().i64_const(0xffc0_0000_0000_0000_u64 as i64).i64_ge_u();
        } else {
            self.s().local_tee(local::U).i32_const(0x0100_0000).i32_sub();
            self.s().i32_const(0xfe00_0000_u32 as i32).i32_ge_u();
        }
        self.open(Label::Arm);
        if double {
            self.s().local_get(local::T).i64_eqz().i32_eqz();
        } else {
            self.s().local_get(local::U);
        }
        self.leave_if();
        if zero != Zero::Exact {
            self.magnitude(double, Self::operand_local(double, 0));
            pick!(self, double, i64_eqz, i32_eqz);
            if zero == Zero::OfEither {
                self.magnitude(double, Self::operand_local(double, 1));
                pick!(self, double, i64_eqz, i32_eqz);
                self.s().i32_or();
            }
            self.s().i32_eqz();
            self.leave_if();
        }
        self.close();
    }

    /// Puts a local into the lowest lane.
    fn set_low(&mut self, double: bool, d: u32, from: u32) {
        self.s().local_get(local::XMM + d).local_get(from);
        if double {
            self.s().f64x2_replace_lane(0);
        } else {
            self.s().f32x4_replace_lane(0);
        }
        self.set_vector(d);
        self.clean[d as usize] = if double { 8 } else { 4 };
    }

    #[inline(never)]
    fn scalar(&mut self, i: &Instruction, double: bool) -> bool {
        use Mnemonic as N;
        let Some(d) = xmm(i.op0_register()) else { return false };
        let Some(clean) = self.low(i, double, d) else { return false };
        self.ordinary();
        let [a, b, result] = [0, 1, 2].map(|n| Self::operand_local(double, n));
        let root = matches!(i.mnemonic(), N::Sqrtsd | N::Sqrtss);
        if root {
            // Its only operand is the second.
            self.s().local_get(b).local_set(a);
        }
        if !(clean[0] || root) {
            self.leave_if_subnormal(double, a);
        }
        if !clean[1] {
            self.leave_if_subnormal(double, b);
        }
        self.s().local_get(a);
        if !root {
            self.s().local_get(b);
        }
        let zero = match i.mnemonic() {
            N::Addsd | N::Addss => {
                pick!(self, double, f64_add, f32_add);
                Zero::Exact
            }
            N::Subsd | N::Subss => {
                pick!(self, double, f64_sub, f32_sub);
                Zero::Exact
            }
            N::Mulsd | N::Mulss => {
                pick!(self, double, f64_mul, f32_mul);
                Zero::OfEither
            }
            N::Divsd | N::Divss => {
                pick!(self, double, f64_div, f32_div);
                Zero::OfFirst
            }
            _ => {
                pick!(self, double, f64_sqrt, f32_sqrt);
                Zero::OfFirst
            }
        };
        self.s().local_set(result);
        self.check_result(double, result, zero);
        self.set_low(double, d, result);
        true
    }

    /// `min` and `max`: the second operand unless the first is less (or greater).
    fn least(&mut self, i: &Instruction, double: bool) -> bool {
        let Some(d) = xmm(i.op0_register()) else { return false };
        if self.low(i, double, d).is_none() {
            return false;
        }
        self.ordinary();
        let [a, b, result] = [0, 1, 2].map(|n| Self::operand_local(double, n));
        for operand in [a, b] {
            self.leave_if_subnormal(double, operand);
        }
        self.leave_if_unordered(double);
        self.s().local_get(a).local_get(b).local_get(a).local_get(b);
        match (matches!(i.mnemonic(), Mnemonic::Minsd | Mnemonic::Minss), double) {
            (true, true) => self.s().f64_lt(),
            (true, false) => self.s().f32_lt(),
            (false, true) => self.s().f64_gt(),
            (false, false) => self.s().f32_gt(),
        };
        self.s().select().local_set(result);
        self.set_low(double, d, result);
        true
    }

    /// Leaves if one of both operands is a NaN.
    fn leave_if_unordered(&mut self, double: bool) {
        let [a, b] = [0, 1].map(|n| Self::operand_local(double, n));
        for operand in [a, b] {
            self.s().local_get(operand).local_get(operand);
            pick!(self, double, f64_ne, f32_ne);
        }
        self.s().i32_or();
        self.leave_if();
    }

    fn compare_floats(&mut self, i: &Instruction, double: bool) -> bool {
        let Some(d) = xmm(i.op0_register()) else { return false };
        let Some(clean) = self.low(i, double, d) else { return false };
        let [a, b] = [0, 1].map(|n| Self::operand_local(double, n));
        self.ordinary();
        for (operand, clean) in [a, b].into_iter().zip(clean) {
            if !clean {
                self.leave_if_subnormal(double, operand);
            }
        }
        self.leave_if_unordered(double);
        // Carry if less, zero if equal.
        self.s().local_get(a).local_get(b);
        pick!(self, double, f64_lt, f32_lt);
        self.s().local_get(a).local_get(b);
        pick!(self, double, f64_eq, f32_eq);
        self.s().i32_const(6).i32_shl().i32_or().i64_extend_i32_u().local_set(local::FB);
        self.flags = Some(word(kind::EXACT, 8));
        true
    }

    fn convert_integer(&mut self, i: &Instruction, double: bool) -> bool {
        let Some(d) = xmm(i.op0_register()) else { return false };
        let Some(width @ (4 | 8)) = self.width(i, 1) else { return false };
        if !self.prepare(i, false) || !self.read(i, 1, width) {
            return false;
        }
        let value = self.temp(width, 0);
        self.s().local_set(value);
        if width == 8 || !double {
            self.ordinary();
        }
        self.s().local_get(value);
        match (width, double) {
            (8, true) => self.s().f64_convert_i64_s(),
            (8, false) => self.s().f32_convert_i64_s(),
            (_, true) => self.s().f64_convert_i32_s(),
            (_, false) => self.s().f32_convert_i32_s(),
        };
        let result = Self::operand_local(double, 2);
        self.s().local_set(result);
        self.set_low(double, d, result);
        true
    }

    /// Towards zero; what does not fit leaves.
    fn truncate(&mut self, i: &Instruction, double: bool) -> bool {
        let Some(reg) = Reg::of(i.op0_register()) else { return false };
        if !self.source(i, 1, if double { 8 } else { 4 }) {
            return false;
        }
        if double {
            self.s().f64x2_extract_lane(0);
        } else {
            self.s().f32x4_extract_lane(0).f64_promote_f32();
        }
        self.s().local_set(local::D);
        self.ordinary();
        let (above, below) = match reg.width {
            8 => (-9_223_372_036_854_777_856.0, 9_223_372_036_854_775_808.0),
            _ => (-2_147_483_649.0, 2_147_483_648.0),
        };
        let mut s = self.s();
        s.local_get(local::D).f64_const(f64::into(above)).f64_gt();
        s.local_get(local::D).f64_const(f64::into(below)).f64_lt().i32_and().i32_eqz();
        self.leave_if();
        self.s().local_get(local::D);
        pick!(self, reg.width == 8, i64_trunc_sat_f64_s, i32_trunc_sat_f64_s);
        self.set(reg);
        true
    }

    fn lengthen(&mut self, i: &Instruction) -> bool {
        let Some(d) = xmm(i.op0_register()) else { return false };
        if self.low(i, false, d).is_none() {
            return false;
        }
        let from = Self::operand_local(false, 1);
        self.ordinary();
        self.leave_if_subnormal(false, from);
        self.s().local_get(from).local_get(from).f32_ne();
        self.leave_if();
        self.s().local_get(from).f64_promote_f32().local_set(local::D + 2);
        self.set_low(true, d, local::D + 2);
        true
    }

    fn shorten(&mut self, i: &Instruction) -> bool {
        let Some(d) = xmm(i.op0_register()) else { return false };
        if self.low(i, true, d).is_none() {
            return false;
        }
        let from = Self::operand_local(true, 1);
        self.ordinary();
        self.leave_if_subnormal(true, from);
        // Zero if this one is.
        self.s().local_get(from).f64_const(0.0.into()).f64_ne().f32_convert_i32_u();
        self.s().local_set(local::S);
        self.s().local_get(from).f32_demote_f64().local_set(local::S + 2);
        self.check_result(false, local::S + 2, Zero::OfFirst);
        self.set_low(false, d, local::S + 2);
        true
    }

    /// All lanes at once.
    #[inline(never)]
    fn packed(&mut self, i: &Instruction, double: bool) -> bool {
        use Mnemonic as N;
        let Some(d) = xmm(i.op0_register()) else { return false };
        let size = common(i.mnemonic()).map_or(16, |(_, size)| size);
        if !self.source(i, 1, size) {
            return false;
        }
        let [a, b, result] = [0, 1, 2].map(|n| local::V + n);
        self.s().local_set(b).local_get(local::XMM + d).local_set(a);
        self.ordinary();
        self.s().local_get(a).local_get(b);
        let sum = match i.mnemonic() {
            N::Addpd | N::Addps => {
                pick!(self, double, f64x2_add, f32x4_add);
                true
            }
            N::Subpd | N::Subps => {
                pick!(self, double, f64x2_sub, f32x4_sub);
                true
            }
            N::Mulpd | N::Mulps => {
                pick!(self, double, f64x2_mul, f32x4_mul);
                false
            }
            _ => {
                pick!(self, double, f64x2_div, f32x4_div);
                false
            }
        };
        self.s().local_set(result);
        // Lanes that the interpreter must see. First the operands' subnormal numbers.
        for (n, operand) in [a, b].into_iter().enumerate() {
            self.magnitudes(double, operand);
            self.below_normal(double);
            self.above_zero(double);
            self.s().v128_and();
            if n > 0 {
                self.s().v128_or();
            }
        }
        self.magnitudes(double, result);
        self.below_normal(double);
        if sum {
            self.above_zero(double);
            self.s().v128_and();
        }
        self.s().v128_or().local_get(local::V + 3);
        self.infinity(double);
        pick!(self, double, i64x2_ge_s, i32x4_ge_s);
        self.s().v128_or().v128_any_true();
        self.leave_if();
        self.s().local_get(result);
        self.set_vector(d);
        true
    }

    /// The bits of all lanes without signs, to a temporary.
    fn magnitudes(&mut self, double: bool, from: u32) {
        self.s().local_get(from);
        if double {
            self.s().i64_const(i64::MAX).i64x2_splat();
        } else {
            self.s().i32_const(i32::MAX).i32x4_splat();
        }
        self.s().v128_and().local_set(local::V + 3);
    }

    /// Pushes which lanes are less than the least normal number.
    fn below_normal(&mut self, double: bool) {
        self.s().local_get(local::V + 3);
        if double {
            self.s().i64_const(1 << 52).i64x2_splat().i64x2_lt_s();
        } else {
            self.s().i32_const(1 << 23).i32x4_splat().i32x4_lt_s();
        }
    }

    /// Pushes which lanes are not zero.
    fn above_zero(&mut self, double: bool) {
        self.s().local_get(local::V + 3).i32_const(0).i8x16_splat();
        pick!(self, double, i64x2_ne, i32x4_ne);
    }

    fn infinity(&mut self, double: bool) {
        if double {
            self.s().i64_const(0x7ff0_0000_0000_0000).i64x2_splat();
        } else {
            self.s().i32_const(0x7f80_0000).i32x4_splat();
        }
    }
}
