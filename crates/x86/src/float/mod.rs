//! Exact floating point in integers: numbers of all formats are unpacked to one shape, computed
//! with, and rounded to a format under a rounding mode, with the exceptions that IEEE 754 and
//! the processor's manuals define. x87 always computes here; SSE does wherever the host's own
//! arithmetic would lose an exception flag.
//!
//! Source: Intel SDM vol. 1, chapters 4.8, 8.5 and 11.5.

mod arith;
mod convert;
mod round;
pub(crate) mod wide;

pub(crate) use arith::{add, compare, div, mul, propagate, sqrt};
pub(crate) use convert::{
    from_int, pack32, pack64, pack80, round_to_int, to_int, unpack32, unpack64, unpack80,
};
pub(crate) use round::{round, shift_right_jam};

/// Exceptions, as bits of `mxcsr` and of the x87 status word.
pub(crate) mod exception {
    pub const INVALID: u32 = 1;
    pub const DENORMAL: u32 = 2;
    pub const DIVIDE: u32 = 4;
    pub const OVERFLOW: u32 = 8;
    pub const UNDERFLOW: u32 = 16;
    pub const PRECISION: u32 = 32;
}

/// A format: how many bits of significand, and the exponents of its normal numbers.
#[derive(Clone, Copy)]
pub(crate) struct Format {
    pub precision: u32,
    pub min: i32,
    pub max: i32,
}

pub(crate) const SINGLE: Format = Format { precision: 24, min: -126, max: 127 };
pub(crate) const DOUBLE: Format = Format { precision: 53, min: -1022, max: 1023 };
pub(crate) const EXTENDED: Format = Format { precision: 64, min: -16382, max: 16383 };

/// Rounding modes, as both control registers number them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rounding {
    Nearest,
    Down,
    Up,
    Zero,
}

impl Rounding {
    pub fn of(bits: u32) -> Self {
        match bits & 3 {
            0 => Self::Nearest,
            1 => Self::Down,
            2 => Self::Up,
            _ => Self::Zero,
        }
    }
}

/// Which operand's payload a NaN result has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NanRule {
    /// The first operand that is one.
    First,
    /// The one with the larger significand.
    Larger,
}

/// How to compute, and what has happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Env {
    pub rounding: Rounding,
    pub nan: NanRule,
    /// Denormal operands are zeros.
    pub daz: bool,
    /// Tiny results are zeros.
    pub ftz: bool,
    /// Exceptions that do not trap.
    pub masks: u32,
    pub flags: u32,
    /// The latest result was rounded away from zero.
    pub up: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    Zero,
    Finite,
    Infinite,
    Quiet,
    Signaling,
    /// An 80-bit pattern that stands for nothing.
    Unsupported,
}

/// A number of any format: `sig * 2^(exp - 63)`, where bit 63 of `sig` is set unless it is a
/// denormal result. A NaN's payload stands as in the 80-bit format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Num {
    pub class: Class,
    pub sign: bool,
    pub exp: i32,
    pub sig: u64,
    /// It was denormal in its format.
    pub denormal: bool,
}

impl Num {
    /// The NaN that invalid operations result in.
    pub const INDEFINITE: Self =
        Self { class: Class::Quiet, sign: true, exp: 0, sig: 3 << 62, denormal: false };

    pub fn zero(sign: bool) -> Self {
        Self { class: Class::Zero, sign, exp: 0, sig: 0, denormal: false }
    }

    pub fn infinite(sign: bool) -> Self {
        Self { class: Class::Infinite, sign, exp: 0, sig: 1 << 63, denormal: false }
    }

    pub fn finite(sign: bool, exp: i32, sig: u64) -> Self {
        Self { class: Class::Finite, sign, exp, sig, denormal: false }
    }

    pub fn is_nan(&self) -> bool {
        matches!(self.class, Class::Quiet | Class::Signaling | Class::Unsupported)
    }

    pub fn negated(self) -> Self {
        Self { sign: !self.sign, ..self }
    }
}

impl Env {
    /// The invalid operation's result.
    pub fn invalid(&mut self) -> Num {
        self.flags |= exception::INVALID;
        Num::INDEFINITE
    }

    /// Notes denormal operands, or makes zeros of them.
    pub fn operand(&mut self, x: &mut Num) {
        if x.denormal {
            if self.daz {
                *x = Num::zero(x.sign);
            } else {
                self.flags |= exception::DENORMAL;
            }
        }
    }
}
