//! Sums and products of ordinary numbers in the default mode, straight on the bits: what nearly
//! every x87 instruction of a program is. Everything else goes through `crate::float`.

use super::C1;
use super::arith::Operation;
use crate::{F80, Fpu};

/// All exceptions masked, 64 bits of precision, rounding to nearest.
const DEFAULT: u16 = 0x33f;

/// The result and what it means for the status word, if both operands and it are normal.
#[inline(always)]
pub(super) fn compute(fpu: &mut Fpu, op: Operation, a: F80, b: F80) -> Option<F80> {
    if fpu.control & 0xf3f != DEFAULT || !is_normal(a) || !is_normal(b) {
        return None;
    }
    let flip = |x: F80| F80 { sign_exponent: x.sign_exponent ^ 0x8000, ..x };
    let (sign, exp, sig) = match op {
        Operation::Add => sum(a, b)?,
        Operation::Sub => sum(a, flip(b))?,
        Operation::Subr => sum(b, flip(a))?,
        Operation::Mul => {
            let product = u128::from(a.significand) * u128::from(b.significand);
            let shift = product.leading_zeros();
            let exp = exponent(a) + exponent(b) - 16382 - shift as i32;
            ((a.sign_exponent ^ b.sign_exponent) & 0x8000, exp, product << shift)
        }
        Operation::Div | Operation::Divr => return None,
    };
    // To nearest, ties to even; the upper half of `sig` is the significand.
    let (high, low) = ((sig >> 64) as u64, sig as u64);
    let up = low > 1 << 63 || (low == 1 << 63 && high & 1 != 0);
    let (rounded, carry) = high.overflowing_add(u64::from(up));
    let (significand, exp) = if carry { (1 << 63, exp + 1) } else { (rounded, exp) };
    if exp <= 0 || exp >= 0x7fff {
        return None;
    }
    fpu.status &= !C1;
    if low != 0 {
        fpu.status |= 0x20 | if up { C1 } else { 0 };
    }
    Some(F80 { significand, sign_exponent: sign | exp as u16 })
}

fn exponent(x: F80) -> i32 {
    i32::from(x.sign_exponent & 0x7fff)
}

fn is_normal(x: F80) -> bool {
    x.significand >> 63 != 0 && !matches!(x.sign_exponent & 0x7fff, 0 | 0x7fff)
}

/// Sign, biased exponent, and 128 bits of significand; `None` if nothing is left.
#[inline(always)]
fn sum(a: F80, b: F80) -> Option<(u16, i32, u128)> {
    let larger = (exponent(a), a.significand) >= (exponent(b), b.significand);
    let (a, b) = if larger { (a, b) } else { (b, a) };
    let distance = (exponent(a) - exponent(b)) as u32;
    let large = u128::from(a.significand) << 63;
    let small = crate::float::shift_right_jam(u128::from(b.significand) << 63, distance);
    let same = (a.sign_exponent ^ b.sign_exponent) & 0x8000 == 0;
    let sum = if same { large + small } else { large - small };
    if sum == 0 {
        return None;
    }
    let shift = sum.leading_zeros();
    Some((a.sign_exponent & 0x8000, exponent(a) + 1 - shift as i32, sum << shift))
}
