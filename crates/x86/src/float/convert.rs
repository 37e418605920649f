//! From and to the formats and integers.

use super::round::shift_right_jam;
use super::{Class, Env, Num, Rounding, exception};
use crate::F80;

/// A number from fraction and biased exponent of an interchange format.
fn unpack(bits: u64, exp_bits: u32, frac_bits: u32) -> Num {
    let bias = (1 << (exp_bits - 1)) - 1;
    let sign = bits >> (exp_bits + frac_bits) & 1 != 0;
    let exp = (bits >> frac_bits) as i32 & ((1 << exp_bits) - 1);
    let frac = bits & ((1 << frac_bits) - 1);
    let top = frac << (63 - frac_bits);
    if exp == (1 << exp_bits) - 1 {
        if frac == 0 {
            return Num::infinite(sign);
        }
        let quiet = top >> 62 & 1 != 0;
        let class = if quiet { Class::Quiet } else { Class::Signaling };
        return Num { class, sign, exp: 0, sig: 1 << 63 | top, denormal: false };
    }
    if exp == 0 {
        if frac == 0 {
            return Num::zero(sign);
        }
        let shift = top.leading_zeros();
        let exp = 1 - bias - shift as i32;
        return Num { class: Class::Finite, sign, exp, sig: top << shift, denormal: true };
    }
    Num::finite(sign, exp - bias, 1 << 63 | top)
}

fn pack(x: Num, exp_bits: u32, frac_bits: u32) -> u64 {
    let bias = (1 << (exp_bits - 1)) - 1;
    let all = (1_u64 << exp_bits) - 1;
    let frac = x.sig << 1 >> (64 - frac_bits);
    let (exp, frac) = match x.class {
        Class::Zero => (0, 0),
        Class::Infinite => (all, 0),
        Class::Finite if x.sig >> 63 == 0 => (0, x.sig >> (63 - frac_bits)),
        Class::Finite => ((x.exp + bias) as u64, frac),
        _ => (all, frac | 1 << (frac_bits - 1)),
    };
    u64::from(x.sign) << (exp_bits + frac_bits) | exp << frac_bits | frac
}

pub(crate) fn unpack32(bits: u32) -> Num {
    unpack(bits.into(), 8, 23)
}

pub(crate) fn unpack64(bits: u64) -> Num {
    unpack(bits, 11, 52)
}

/// What was rounded to the format.
pub(crate) fn pack32(x: Num) -> u32 {
    pack(x, 8, 23) as u32
}

/// What was rounded to the format.
pub(crate) fn pack64(x: Num) -> u64 {
    pack(x, 11, 52)
}

pub(crate) fn unpack80(x: F80) -> Num {
    let sign = x.sign_exponent >> 15 != 0;
    let exp = i32::from(x.sign_exponent & 0x7fff);
    let sig = x.significand;
    let class = |class| Num { class, sign, exp: 0, sig, denormal: false };
    match (exp, sig >> 63) {
        (0, _) if sig == 0 => Num::zero(sign),
        (0, _) => {
            let shift = sig.leading_zeros();
            let exp = -16382 - shift as i32;
            Num { class: Class::Finite, sign, exp, sig: sig << shift, denormal: true }
        }
        (_, 0) => class(Class::Unsupported),
        (0x7fff, _) if sig << 1 == 0 => Num::infinite(sign),
        (0x7fff, _) if sig >> 62 & 1 != 0 => class(Class::Quiet),
        (0x7fff, _) => class(Class::Signaling),
        _ => Num::finite(sign, exp - 16383, sig),
    }
}

/// What was rounded to 64 bits or fewer.
pub(crate) fn pack80(x: Num) -> F80 {
    let sign = u16::from(x.sign) << 15;
    let (exp, significand) = match x.class {
        Class::Zero => (0, 0),
        Class::Finite if x.sig >> 63 == 0 => (0, x.sig),
        Class::Finite => ((x.exp + 16383) as u16, x.sig),
        Class::Infinite => (0x7fff, 1 << 63),
        _ => (0x7fff, x.sig),
    };
    F80 { significand, sign_exponent: sign | exp }
}

/// An integer, exactly.
pub(crate) fn from_int(value: i64) -> Num {
    if value == 0 {
        return Num::zero(false);
    }
    let magnitude = value.unsigned_abs();
    let shift = magnitude.leading_zeros();
    Num::finite(value < 0, 63 - shift as i32, magnitude << shift)
}

/// The nearest integer by the rounding mode, as magnitude; `None` if it needs more than 64
/// bits. Notes inexactness.
fn magnitude(env: &mut Env, x: Num) -> Option<u64> {
    if x.exp > 63 {
        return None;
    }
    // Integer part above bit 64.
    let wide = shift_right_jam(u128::from(x.sig) << 64, (63 - x.exp) as u32);
    let (int, low) = ((wide >> 64) as u64, wide as u64);
    let half = 1 << 63;
    let up = low != 0
        && match env.rounding {
            Rounding::Nearest => low > half || (low == half && int & 1 != 0),
            Rounding::Down => x.sign,
            Rounding::Up => !x.sign,
            Rounding::Zero => false,
        };
    env.up = up;
    if low != 0 {
        env.flags |= exception::PRECISION;
    }
    int.checked_add(u64::from(up))
}

/// An integer of `bits` bits; the most negative one, and an invalid operation, if it does not
/// fit.
pub(crate) fn to_int(env: &mut Env, mut x: Num, bits: u32) -> i64 {
    let indefinite = i64::MIN >> (64 - bits);
    if env.daz && x.denormal {
        x = Num::zero(x.sign);
    }
    let before = env.flags;
    let value = match x.class {
        Class::Zero => return 0,
        Class::Finite => magnitude(env, x),
        _ => None,
    };
    let limit = 1_u64 << (bits - 1);
    match value {
        Some(value) if value < limit => {
            let value = value as i64;
            if x.sign { -value } else { value }
        }
        Some(value) if value == limit && x.sign => indefinite,
        _ => {
            env.flags = before | exception::INVALID;
            env.up = false;
            indefinite
        }
    }
}

/// A number rounded to an integer in its own format.
pub(crate) fn round_to_int(env: &mut Env, mut x: Num) -> Num {
    if x.is_nan() {
        return super::propagate(env, x, x);
    }
    env.operand(&mut x);
    if x.class != Class::Finite || x.exp >= 63 {
        return x;
    }
    let value = magnitude(env, x).unwrap_or(0);
    if value == 0 {
        return Num::zero(x.sign);
    }
    let shift = value.leading_zeros();
    Num::finite(x.sign, 63 - shift as i32, value << shift)
}
