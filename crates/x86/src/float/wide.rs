//! Numbers of 128 bits of significand, for functions whose results are rounded to 64 bits:
//! what is lost here hardly ever shows.

use super::{Class, Num};

/// `sig * 2^(exp - 127)`; bit 127 is set unless it is zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wide {
    pub sign: bool,
    pub exp: i32,
    pub sig: u128,
}

pub(crate) const PI: Wide = constant(1, 0xc90f_daa2_2168_c234_c4c6_628b_80dc_1cd1);
pub(crate) const LN2: Wide = constant(-1, 0xb172_17f7_d1cf_79ab_c9e3_b398_03f2_f6af);
pub(crate) const LOG2_E: Wide = constant(0, 0xb8aa_3b29_5c17_f0bb_be87_fed0_691d_3e88);
pub(crate) const LOG2_10: Wide = constant(1, 0xd49a_784b_cd1b_8afe_492b_f6ff_4daf_db4d);
pub(crate) const LOG10_2: Wide = constant(-2, 0x9a20_9a84_fbcf_f798_8f89_59ac_0b7c_9178);

const fn constant(exp: i32, sig: u128) -> Wide {
    Wide { sign: false, exp, sig }
}

impl Wide {
    pub const ZERO: Self = constant(0, 0);

    pub fn from_num(x: Num) -> Self {
        if x.class == Class::Zero {
            return Self { sign: x.sign, ..Self::ZERO };
        }
        Self { sign: x.sign, exp: x.exp, sig: u128::from(x.sig) << 64 }
    }

    pub fn from_int(value: i32) -> Self {
        Self::from_num(super::from_int(value.into()))
    }

    pub fn is_zero(self) -> bool {
        self.sig == 0
    }

    pub fn neg(self) -> Self {
        Self { sign: !self.sign, ..self }
    }

    /// Times a power of two.
    pub fn scale(self, exp: i32) -> Self {
        Self { exp: self.exp + exp, ..self }
    }

    pub fn mul(self, other: Self) -> Self {
        let sign = self.sign != other.sign;
        if self.is_zero() || other.is_zero() {
            return Self { sign, ..Self::ZERO };
        }
        let (a1, a0) = (self.sig >> 64, self.sig & u128::from(u64::MAX));
        let (b1, b0) = (other.sig >> 64, other.sig & u128::from(u64::MAX));
        let middle =
            (a0 * b0 >> 64) + (a1 * b0 & u128::from(u64::MAX)) + (a0 * b1 & u128::from(u64::MAX));
        let high = a1 * b1 + (a1 * b0 >> 64) + (a0 * b1 >> 64) + (middle >> 64);
        let exp = self.exp + other.exp;
        if high >> 127 == 1 {
            Self { sign, exp: exp + 1, sig: high }
        } else {
            Self { sign, exp, sig: high << 1 | (middle >> 63 & 1) }
        }
    }

    pub fn add(self, other: Self) -> Self {
        if self.is_zero() {
            return other;
        }
        if other.is_zero() {
            return self;
        }
        let (a, b) = if (self.exp, self.sig) >= (other.exp, other.sig) {
            (self, other)
        } else {
            (other, self)
        };
        let distance = (a.exp - b.exp) as u32;
        let small = if distance < 128 { b.sig >> distance } else { 0 };
        if a.sign == b.sign {
            let (sum, carry) = a.sig.overflowing_add(small);
            if carry {
                return Self { sign: a.sign, exp: a.exp + 1, sig: sum >> 1 | 1 << 127 };
            }
            return Self { sig: sum, ..a };
        }
        let rest = a.sig - small;
        if rest == 0 {
            return Self::ZERO;
        }
        let shift = rest.leading_zeros();
        Self { sign: a.sign, exp: a.exp - shift as i32, sig: rest << shift }
    }

    pub fn sub(self, other: Self) -> Self {
        self.add(other.neg())
    }

    /// The quotient; the divisor is not zero.
    pub fn div(self, other: Self) -> Self {
        let sign = self.sign != other.sign;
        if self.is_zero() {
            return Self { sign, ..Self::ZERO };
        }
        // A bit at a time: 128 steps.
        let mut rest = self.sig;
        let mut exp = self.exp - other.exp;
        let mut quotient = 0_u128;
        let mut carry = false;
        if rest < other.sig {
            carry = rest >> 127 == 1;
            rest <<= 1;
            exp -= 1;
        }
        for _ in 0..128 {
            quotient <<= 1;
            if carry || rest >= other.sig {
                rest = rest.wrapping_sub(other.sig);
                quotient |= 1;
            }
            carry = rest >> 127 == 1;
            rest <<= 1;
        }
        Self { sign, exp, sig: quotient }
    }

    /// The root of a number that is not negative, by Newton's steps from a half-width one.
    pub fn sqrt(self) -> Self {
        if self.is_zero() {
            return self;
        }
        let odd = self.exp & 1 != 0;
        let exp = self.exp >> 1;
        let square = if odd { self.sig } else { self.sig >> 1 };
        let root = square.isqrt();
        let mut x = Self { sign: false, exp, sig: root << 64 };
        let shift = x.sig.leading_zeros();
        x = Self { exp: x.exp - shift as i32, sig: x.sig << shift, ..x };
        x.add(self.div(x)).scale(-1)
    }
}

/// `e^x - 1` for a small x.
pub(crate) fn expm1(x: Wide) -> Wide {
    let mut term = x;
    let mut sum = x;
    for n in 2..60 {
        term = term.mul(x).div(Wide::from_int(n));
        if term.is_zero() || term.exp < sum.exp - 130 {
            break;
        }
        sum = sum.add(term);
    }
    sum
}

/// The inverse hyperbolic tangent of a small x, or with alternating signs the arc tangent.
fn arc_series(x: Wide, alternating: bool) -> Wide {
    let square = x.mul(x);
    let square = if alternating { square.neg() } else { square };
    let (mut power, mut sum) = (x, x);
    for n in 1..80 {
        power = power.mul(square);
        let term = power.div(Wide::from_int(2 * n + 1));
        if term.is_zero() || term.exp < sum.exp - 130 {
            break;
        }
        sum = sum.add(term);
    }
    sum
}

/// `log2(1 + x)` for x between -0.3 and 0.42.
pub(crate) fn log2_1p(x: Wide) -> Wide {
    if x.is_zero() {
        return x;
    }
    let z = x.div(x.add(Wide::from_int(2)));
    arc_series(z, false).scale(1).mul(LOG2_E)
}

/// The arc tangent of x in 0 to 1.
pub(crate) fn atan(mut x: Wide) -> Wide {
    let mut halvings = 0;
    while !x.is_zero() && x.exp >= -3 && halvings < 4 {
        let root = Wide::from_int(1).add(x.mul(x)).sqrt();
        x = x.div(root.add(Wide::from_int(1)));
        halvings += 1;
    }
    if x.is_zero() { x } else { arc_series(x, true).scale(halvings) }
}

/// Sine and cosine of x in -pi/4 to pi/4.
pub(crate) fn sin_cos(x: Wide) -> (Wide, Wide) {
    let square = x.mul(x).neg();
    let one = Wide::from_int(1);
    let (mut sin, mut cos) = (x, one);
    let (mut odd, mut even) = (x, one);
    for n in 1..30 {
        even = even.mul(square).div(Wide::from_int((2 * n - 1) * 2 * n));
        odd = odd.mul(square).div(Wide::from_int(2 * n * (2 * n + 1)));
        if even.is_zero() || even.exp < -130 {
            break;
        }
        sin = sin.add(odd);
        cos = cos.add(even);
    }
    (sin, cos)
}
