//! Rounding to a format.

use super::{Class, EXTENDED, Env, Format, Num, Rounding, exception};

/// By how much an x87 result's exponent is moved when its overflow or underflow traps.
const MOVED: i32 = 24576;

/// Shifts right; what falls out sets the lowest bit.
pub(crate) fn shift_right_jam(value: u128, count: u32) -> u128 {
    match count {
        0 => value,
        1..128 => value >> count | u128::from(value << (128 - count) != 0),
        _ => u128::from(value != 0),
    }
}

/// A result rounded to `precision` bits.
struct Rounded {
    sig: u64,
    carry: bool,
    inexact: bool,
    up: bool,
}

fn round_bits(rounding: Rounding, sign: bool, sig: u128, precision: u32) -> Rounded {
    let dropped = 128 - precision;
    let low = sig << precision;
    let half = 1_u128 << 127;
    let kept = sig >> dropped;
    let inexact = low != 0;
    let up = inexact
        && match rounding {
            Rounding::Nearest => low > half || (low == half && kept & 1 != 0),
            Rounding::Down => sign,
            Rounding::Up => !sign,
            Rounding::Zero => false,
        };
    let kept = kept + u128::from(up);
    let carry = kept >> precision != 0;
    let kept = if carry { kept >> 1 } else { kept } as u64;
    Rounded { sig: kept << (64 - precision), carry, inexact, up }
}

/// Rounds `sig * 2^(exp - 127)`; bit 127 is set.
pub(crate) fn round(env: &mut Env, format: Format, sign: bool, exp: i32, sig: u128) -> Num {
    debug_assert!(sig >> 127 == 1);
    let first = round_bits(env.rounding, sign, sig, format.precision);
    let rounded_exp = exp + i32::from(first.carry);
    env.up = first.up;
    // Trapping underflow is about the result as it would be without a bound on exponents.
    if rounded_exp < format.min && env.masks & exception::UNDERFLOW == 0 {
        env.flags |= exception::UNDERFLOW | if first.inexact { exception::PRECISION } else { 0 };
        let moved = if format.max == EXTENDED.max { rounded_exp + MOVED } else { format.min };
        return Num::finite(sign, moved, first.sig);
    }
    if rounded_exp < format.min {
        return round_tiny(env, format, sign, exp, sig);
    }
    // An unmasked exception leaves the result with its exponent moved into range.
    if rounded_exp > format.max
        && format.max == EXTENDED.max
        && env.masks & exception::OVERFLOW == 0
    {
        env.flags |= exception::OVERFLOW | if first.inexact { exception::PRECISION } else { 0 };
        return Num::finite(sign, rounded_exp - MOVED, first.sig);
    }
    if rounded_exp > format.max {
        env.flags |= exception::OVERFLOW | exception::PRECISION;
        let to_infinity = match env.rounding {
            Rounding::Nearest => true,
            Rounding::Down => sign,
            Rounding::Up => !sign,
            Rounding::Zero => false,
        };
        env.up = to_infinity;
        return if to_infinity {
            Num::infinite(sign)
        } else {
            Num::finite(sign, format.max, u64::MAX << (64 - format.precision))
        };
    }
    if first.inexact {
        env.flags |= exception::PRECISION;
    }
    Num::finite(sign, rounded_exp, first.sig)
}

/// The result is tiny: below the normal numbers even if rounded with any exponent.
fn round_tiny(env: &mut Env, format: Format, sign: bool, exp: i32, sig: u128) -> Num {
    let masked = env.masks & exception::UNDERFLOW != 0;
    if env.ftz && masked {
        env.flags |= exception::UNDERFLOW | exception::PRECISION;
        return Num::zero(sign);
    }
    let shifted = shift_right_jam(sig, (format.min - exp) as u32);
    let second = round_bits(env.rounding, sign, shifted, format.precision);
    env.up = second.up;
    if second.inexact {
        env.flags |= exception::PRECISION;
    }
    if second.inexact || !masked {
        env.flags |= exception::UNDERFLOW;
    }
    if second.sig == 0 {
        return Num::zero(sign);
    }
    // Rounding up may have made it normal.
    Num { class: Class::Finite, sign, exp: format.min, sig: second.sig, denormal: false }
}
