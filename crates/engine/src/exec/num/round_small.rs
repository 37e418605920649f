//! Rounding a float to an integral float, and square roots, where size counts: one function for
//! each on f64, which f32 uses too. An f64 has more than twice as many bits, so that what is
//! rounded twice is rounded right.
//!
//! A NaN gives a quiet NaN.

#[derive(Clone, Copy, PartialEq)]
enum Toward {
    Nearest,
    Floor,
    Ceil,
    Zero,
}

/// `x` rounded to an integral number, with its sign.
#[inline(never)]
fn round(x: f64, toward: Toward) -> f64 {
    let bits = x.to_bits();
    let negative = bits >> 63 != 0;
    let exponent = (bits >> 52 & 0x7ff) as i32 - 1023;
    if exponent >= 52 {
        return x + 0.0;
    }
    // Below one there is no integral bit; half a unit is then the exponent -1.
    let unit = if exponent < 0 { 1 << 52 } else { 1u64 << (52 - exponent) };
    let (whole, rest, odd) = if exponent < 0 {
        let rest = match exponent {
            -1 => (bits & (unit - 1)) + unit / 2,
            _ => u64::from(bits << 1 != 0),
        };
        (bits & 1 << 63, rest, false)
    } else {
        // The lowest integral bit of 1.x is the lowest of the exponent, which is odd.
        (bits & !(unit - 1), bits & (unit - 1), bits & unit != 0)
    };
    let up = match toward {
        Toward::Nearest => rest > unit / 2 || rest == unit / 2 && odd,
        Toward::Floor => negative && rest != 0,
        Toward::Ceil => !negative && rest != 0,
        Toward::Zero => false,
    };
    let one = if exponent < 0 { 1.0f64.to_bits() } else { unit };
    f64::from_bits(whole + if up { one } else { 0 })
}

/// Bit by bit: the largest number whose square does not pass the mantissa, with one bit more
/// than a mantissa for rounding.
#[inline(never)]
fn root(x: f64) -> f64 {
    const MANTISSA: u32 = f64::MANTISSA_DIGITS - 1;
    const BIAS: i32 = f64::MAX_EXP - 1;

    if x.is_nan() || x < 0.0 {
        // An invalid operation, of which a quiet NaN is the result.
        return if x.is_nan() { x + x } else { f64::NAN };
    }
    if x == 0.0 || x == f64::INFINITY {
        return x;
    }
    // x = mantissa * 2^(exponent - MANTISSA)
    let biased = (x.to_bits() >> MANTISSA) as i32;
    let fraction = x.to_bits() & ((1 << MANTISSA) - 1);
    let (mut rest, mut exponent) = match biased {
        0 => (fraction, 1 - BIAS),
        _ => (fraction | 1 << MANTISSA, biased - BIAS),
    };
    let shift = rest.leading_zeros() - (u64::BITS - 1 - MANTISSA);
    rest <<= shift;
    exponent -= shift as i32;
    rest <<= 1 + (exponent & 1);
    // `rest` is what the square of `root` leaves of the mantissa, scaled.
    let (mut root, mut twice, mut bit): (u64, u64, u64) = (0, 0, 1 << (MANTISSA + 1));
    while bit != 0 {
        let step = twice + bit;
        if step <= rest {
            twice = step + bit;
            rest -= step;
            root += bit;
        }
        rest <<= 1;
        bit >>= 1;
    }
    // To nearest; a root is never halfway between two floats.
    root += root & 1;
    let power = (((exponent >> 1) + BIAS - 1) as u64) << MANTISSA;
    f64::from_bits((root >> 1) + power)
}

macro_rules! functions {
    ($f:ident) => {
        use super::{Toward, root, round};

        pub(crate) fn ceil(x: $f) -> $f {
            round(x.into(), Toward::Ceil) as $f
        }

        pub(crate) fn floor(x: $f) -> $f {
            round(x.into(), Toward::Floor) as $f
        }

        pub(crate) fn trunc(x: $f) -> $f {
            round(x.into(), Toward::Zero) as $f
        }

        pub(crate) fn nearest(x: $f) -> $f {
            round(x.into(), Toward::Nearest) as $f
        }

        pub(crate) fn sqrt(x: $f) -> $f {
            root(x.into()) as $f
        }
    };
}

/// The functions of f32.
pub(crate) mod f32 {
    functions! { f32 }
}

/// The functions of f64.
pub(crate) mod f64 {
    functions! { f64 }
}
