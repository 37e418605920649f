//! Sine, tangent, logarithms, exponentials.
//!
//! Computed with 128 bits and rounded once, so results are correctly rounded but for cases
//! closer to a half than 2^-50 of a unit. Processors differ from that, and from each other, by
//! up to one unit in the last place. Arguments of the trigonometric functions are reduced with
//! pi of 66 bits, as the manual says that they are.

use super::{C1, C2};
use crate::Fpu;
use crate::float::wide::{LN2, PI, Wide, atan, expm1, log2_1p, sin_cos};
use crate::float::{self as soft, Class, EXTENDED, Env, Num, exception, round};

fn finish(env: &mut Env, x: Wide) -> Num {
    if x.is_zero() {
        return Num::zero(x.sign);
    }
    // The true value is never exactly this one.
    round(env, EXTENDED, x.sign, x.exp, x.sig | 1)
}

#[inline(never)]
pub(crate) fn f2xm1(fpu: &mut Fpu) {
    fpu.unary(|env, _, mut x| {
        if x.is_nan() {
            return soft::propagate(env, x, x);
        }
        env.operand(&mut x);
        match x.class {
            Class::Zero => x,
            Class::Infinite if x.sign => Num::finite(true, 0, 1 << 63),
            Class::Infinite => x,
            // Outside -1 to 1 the result is undefined; exact powers are exact.
            _ if x.exp >= 0 && !(x.exp == 0 && x.sig == 1 << 63) => x,
            _ if x.exp == 0 => Num::finite(x.sign, if x.sign { -1 } else { 0 }, 1 << 63),
            _ => finish(env, expm1(Wide::from_num(x).mul(LN2))),
        }
    });
}

/// What the second operand contributes: `st(1) = st(1) * log2(...)`, then popped.
fn binary(fpu: &mut Fpu, f: impl FnOnce(&mut Env, Num, Num) -> Num) {
    if fpu.is_empty(0) || fpu.is_empty(1) {
        if fpu.underflow() {
            fpu.set(1, Num::INDEFINITE);
            fpu.pop();
        }
        return;
    }
    let mut env = fpu.env();
    let (x, y) = (fpu.st(0), fpu.st(1));
    let result =
        if x.is_nan() || y.is_nan() { soft::propagate(&mut env, x, y) } else { f(&mut env, x, y) };
    if fpu.finish(&env) {
        fpu.set(1, result);
        fpu.pop();
    }
}

#[inline(never)]
pub(crate) fn fyl2x(fpu: &mut Fpu) {
    binary(fpu, |env, mut x, mut y| {
        let is_one = x.class == Class::Finite && x.exp == 0 && x.sig == 1 << 63;
        match (x.class, y.class) {
            (Class::Zero, Class::Zero) => return env.invalid(),
            (Class::Zero, Class::Infinite) => return Num::infinite(!y.sign),
            (Class::Zero, _) => {
                env.flags |= exception::DIVIDE;
                return Num::infinite(!y.sign);
            }
            _ if x.sign => return env.invalid(),
            (Class::Infinite, Class::Zero) => return env.invalid(),
            (_, Class::Infinite) if is_one => return env.invalid(),
            _ => {}
        }
        env.operand(&mut x);
        env.operand(&mut y);
        if is_one {
            return Num::zero(y.sign);
        }
        let less = x.class == Class::Finite && x.exp < 0;
        match (x.class, y.class) {
            (Class::Infinite, _) | (_, Class::Infinite) => Num::infinite(y.sign != less),
            (_, Class::Zero) => Num::zero(y.sign != less),
            _ => {
                if x.sig == 1 << 63 {
                    // A power of two: the product is exact.
                    return soft::mul(env, EXTENDED, soft::from_int(x.exp.into()), y);
                }
                finish(env, log2(Wide::from_num(x)).mul(Wide::from_num(y)))
            }
        }
    });
}

/// The logarithm of a positive number, by a factor between the roots of a half and of two, so
/// that nothing cancels near one.
fn log2(x: Wide) -> Wide {
    let above = x.sig >> 64 > 0xb504_f333_f9de_6484;
    let exp = x.exp + i32::from(above);
    let m = Wide { exp: if above { -1 } else { 0 }, ..x };
    Wide::from_int(exp).add(log2_1p(m.sub(Wide::from_int(1))))
}

#[inline(never)]
pub(crate) fn fyl2xp1(fpu: &mut Fpu) {
    binary(fpu, |env, mut x, mut y| {
        if (x.class == Class::Zero && y.class == Class::Infinite)
            || (x.class == Class::Infinite && (x.sign || y.class == Class::Zero))
        {
            return env.invalid();
        }
        env.operand(&mut x);
        env.operand(&mut y);
        let sign = x.sign != y.sign;
        match (x.class, y.class) {
            (Class::Infinite, _) | (_, Class::Infinite) => Num::infinite(sign),
            (Class::Zero, _) | (_, Class::Zero) => Num::zero(sign),
            // Outside the defined range; there is still a logarithm above.
            _ if x.exp >= -2 && x.sign => y,
            _ if x.exp >= -2 => {
                let sum = Wide::from_num(x).add(Wide::from_int(1));
                finish(env, log2(sum).mul(Wide::from_num(y)))
            }
            _ => finish(env, log2_1p(Wide::from_num(x)).mul(Wide::from_num(y))),
        }
    });
}

#[inline(never)]
pub(crate) fn fpatan(fpu: &mut Fpu) {
    binary(fpu, |env, mut x, mut y| {
        env.operand(&mut x);
        env.operand(&mut y);
        let quarter = PI.scale(-2);
        let angle = match (y.class, x.class) {
            (Class::Infinite, Class::Infinite) if x.sign => quarter.scale(1).add(quarter),
            (Class::Infinite, Class::Infinite) => quarter,
            (Class::Infinite, _) => quarter.scale(1),
            (Class::Zero, _) | (_, Class::Infinite) if x.sign => PI,
            (Class::Zero, _) | (_, Class::Infinite) => return Num::zero(y.sign),
            (_, Class::Zero) => quarter.scale(1),
            _ => {
                let (a, b) = (
                    Wide { sign: false, ..Wide::from_num(y) },
                    Wide { sign: false, ..Wide::from_num(x) },
                );
                let steep = (a.exp, a.sig) > (b.exp, b.sig);
                let base = atan(if steep { b.div(a) } else { a.div(b) });
                let first = if steep { quarter.scale(1).sub(base) } else { base };
                if x.sign { PI.sub(first) } else { first }
            }
        };
        finish(env, Wide { sign: y.sign, ..angle })
    });
}

/// pi in 66 bits, as hardware reduces with it.
const PI_66: Wide = Wide { sign: false, exp: 1, sig: PI.sig & !((1 << 62) - 1) };

/// The argument reduced to -pi/4 to pi/4, and the quadrant.
fn reduce(x: Num) -> (Wide, u32) {
    let half = PI_66.scale(-1);
    let wide = Wide { sign: false, ..Wide::from_num(x) };
    // The quotient in whole numbers; at most 2^63, and the remainder is exact.
    if wide.exp < half.exp - 2 {
        return (Wide::from_num(x), 0);
    }
    let mut rest = wide.sig >> 62;
    // `half` has 66 bits: as integers scaled alike, one long division.
    let divisor = half.sig >> 62;
    let mut quotient = 0_u64;
    let steps = wide.exp - half.exp;
    if steps < 0 {
        let angle = fold(wide, half, &mut quotient);
        return (Wide { sign: angle.sign != x.sign, ..angle }, quadrant(quotient, x.sign));
    }
    for step in 0..=steps {
        quotient <<= 1;
        if rest >= divisor {
            rest -= divisor;
            quotient |= 1;
        }
        if step < steps {
            rest <<= 1;
        }
    }
    let shift = rest.leading_zeros();
    let small = if rest == 0 {
        Wide::ZERO
    } else {
        // `rest` counts units of the divisor's last bit.
        Wide { sign: false, exp: half.exp - shift as i32 + 62, sig: rest << shift }
    };
    let angle = fold(small, half, &mut quotient);
    (Wide { sign: angle.sign != x.sign, ..angle }, quadrant(quotient, x.sign))
}

/// From 0 to pi/2 to -pi/4 to pi/4.
fn fold(x: Wide, half: Wide, quotient: &mut u64) -> Wide {
    let quarter = half.scale(-1);
    if (x.exp, x.sig) > (quarter.exp, quarter.sig) && !x.is_zero() {
        *quotient = quotient.wrapping_add(1);
        return x.sub(half);
    }
    x
}

fn quadrant(quotient: u64, negative: bool) -> u32 {
    let q = (quotient & 3) as u32;
    if negative { (4 - q) & 3 } else { q }
}

fn sine_and_cosine(x: Num) -> (Wide, Wide) {
    let (angle, quadrant) = reduce(x);
    let (sin, cos) = sin_cos(angle);
    match quadrant {
        0 => (sin, cos),
        1 => (cos, sin.neg()),
        2 => (sin.neg(), cos.neg()),
        _ => (cos.neg(), sin),
    }
}

/// Which of them an instruction leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigonometric {
    Sin,
    Cos,
    SinCos,
    Tan,
}

#[inline(never)]
pub(crate) fn trigonometric(fpu: &mut Fpu, which: Trigonometric) {
    use Trigonometric::{Cos, Sin, SinCos, Tan};
    let pushes = matches!(which, SinCos | Tan);
    fpu.status &= !C2;
    if fpu.is_empty(0) || (pushes && !fpu.is_empty(7)) {
        let overflow = !fpu.is_empty(0);
        if fpu.underflow() {
            fpu.set(0, Num::INDEFINITE);
            if pushes {
                fpu.set_top(fpu.top() + 7);
                fpu.set(0, Num::INDEFINITE);
            }
        }
        if overflow {
            fpu.status |= C1;
        }
        return;
    }
    let mut env = fpu.env();
    let mut x = fpu.st(0);
    if x.class == Class::Finite && x.exp >= 63 {
        // Out of range: left alone.
        fpu.status = fpu.status & !C1 | C2;
        return;
    }
    let (first, second) = if x.is_nan() {
        let x = soft::propagate(&mut env, x, x);
        (x, x)
    } else if x.class == Class::Infinite {
        (env.invalid(), Num::INDEFINITE)
    } else {
        env.operand(&mut x);
        let one = Num::finite(false, 0, 1 << 63);
        let zero = x.class == Class::Zero;
        let (sin, cos) = if zero { (Wide::ZERO, Wide::from_int(1)) } else { sine_and_cosine(x) };
        let mut result = |w: Wide| finish(&mut env, w);
        match which {
            Sin if zero => (x, x),
            Sin => (result(sin), x),
            Cos if zero => (one, x),
            Cos => (result(cos), x),
            SinCos if zero => (x, one),
            SinCos => (result(sin), result(cos)),
            Tan if zero => (x, one),
            Tan => (result(sin.div(cos)), one),
        }
    };
    if fpu.finish(&env) {
        fpu.set(0, first);
        if pushes {
            fpu.push(second);
        }
    }
}
