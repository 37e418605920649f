//! Rounding a float to an integral float, and square roots, which `core` does not have.
//!
//! [`f32`] and [`f64`] have the same functions: `ceil`, `floor`, `trunc`, `nearest` and
//! `sqrt`. Where the processor has instructions for them, and the standard library is
//! there to reach them, they are those; x86-64 without SSE 4.1 would call a function for
//! each, and so has the portable arithmetic, which also turns into vector code.
//!
//! A NaN gives a quiet NaN.

/// The functions from the standard library, for a float type.
#[cfg(feature = "std")]
macro_rules! std_functions {
    ($f:ident: $($name:ident = $method:ident)*) => {
        $(
            #[inline(always)]
            pub(crate) fn $name(x: $f) -> $f {
                extern crate std;
                x.$method()
            }
        )*
    };
}

/// Rounding with nothing but additions, for a float type.
///
/// Adding and subtracting 2 to the power of the mantissa's width drops the fraction, to
/// nearest and ties to even. Numbers of at least that size have no fraction; to them, and
/// to a NaN, which that quiets, zero is added. The sign of the operand makes a negative
/// zero of what is rounded up to zero.
#[cfg(any(
    test,
    not(feature = "std"),
    all(target_arch = "x86_64", not(target_feature = "sse4.1"))
))]
macro_rules! portable_rounding {
    ($f:ident) => {
        const INTEGRAL: $f = (1u64 << ($f::MANTISSA_DIGITS - 1)) as $f;

        #[inline(always)]
        pub(crate) fn nearest(x: $f) -> $f {
            let large = if x.abs() < INTEGRAL { INTEGRAL } else { 0.0 };
            let large = large.copysign(x);
            ((x + large) - large).copysign(x)
        }

        #[inline(always)]
        pub(crate) fn floor(x: $f) -> $f {
            let rounded = nearest(x);
            let excess = if rounded > x { 1.0 } else { 0.0 };
            (rounded - excess).copysign(x)
        }

        #[inline(always)]
        pub(crate) fn ceil(x: $f) -> $f {
            -floor(-x)
        }

        #[inline(always)]
        pub(crate) fn trunc(x: $f) -> $f {
            floor(x.abs()).copysign(x)
        }
    };
}

/// Square root, for a float type and its bits: bit by bit, the largest number whose square
/// does not pass the mantissa, with one bit more than a mantissa for rounding.
#[cfg(any(test, not(feature = "std")))]
macro_rules! portable_sqrt {
    ($f:ident, $bits:ident) => {
        pub(crate) fn sqrt(x: $f) -> $f {
            const MANTISSA: u32 = $f::MANTISSA_DIGITS - 1;
            const BIAS: i32 = $f::MAX_EXP - 1;

            if x.is_nan() || x < 0.0 {
                // An invalid operation, of which a quiet NaN is the result.
                return if x.is_nan() { x + x } else { $f::NAN };
            }
            if x == 0.0 || x == $f::INFINITY {
                return x;
            }
            // x = mantissa * 2^(exponent - MANTISSA)
            let biased = (x.to_bits() >> MANTISSA) as i32;
            let fraction = x.to_bits() & ((1 << MANTISSA) - 1);
            let (mut rest, mut exponent) = match biased {
                0 => (fraction, 1 - BIAS),
                _ => (fraction | 1 << MANTISSA, biased - BIAS),
            };
            let shift = rest.leading_zeros() - ($bits::BITS - 1 - MANTISSA);
            rest <<= shift;
            exponent -= shift as i32;
            rest <<= 1 + (exponent & 1);
            // `rest` is what the square of `root` leaves of the mantissa, scaled.
            let (mut root, mut twice, mut bit): ($bits, $bits, $bits) = (0, 0, 1 << (MANTISSA + 1));
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
            let power = (((exponent >> 1) + BIAS - 1) as $bits) << MANTISSA;
            $f::from_bits((root >> 1) + power)
        }
    };
}

#[cfg(all(feature = "std", any(not(target_arch = "x86_64"), target_feature = "sse4.1")))]
macro_rules! rounding {
    ($f:ident) => {
        std_functions! { $f: ceil = ceil floor = floor trunc = trunc nearest = round_ties_even }
    };
}

#[cfg(any(not(feature = "std"), all(target_arch = "x86_64", not(target_feature = "sse4.1"))))]
macro_rules! rounding {
    ($f:ident) => {
        portable_rounding! { $f }
    };
}

#[cfg(feature = "std")]
macro_rules! square_root {
    ($f:ident, $bits:ident) => {
        std_functions! { $f: sqrt = sqrt }
    };
}

#[cfg(not(feature = "std"))]
macro_rules! square_root {
    ($f:ident, $bits:ident) => {
        portable_sqrt! { $f, $bits }
    };
}

pub(crate) mod f32 {
    rounding! { f32 }
    square_root! { f32, u32 }
}

pub(crate) mod f64 {
    rounding! { f64 }
    square_root! { f64, u64 }
}

/// The portable functions, whatever the build uses.
#[cfg(test)]
pub(crate) mod portable {
    pub(crate) mod f32 {
        portable_rounding! { f32 }
        portable_sqrt! { f32, u32 }
    }

    pub(crate) mod f64 {
        portable_rounding! { f64 }
        portable_sqrt! { f64, u64 }
    }
}
