//! Addition, multiplication, division, square root, comparison.

use super::{Class, Env, Format, NanRule, Num, Rounding, exception, round, shift_right_jam};
use core::cmp::Ordering;

/// The result of an operation on NaNs; one of them at least is.
pub(crate) fn propagate(env: &mut Env, a: Num, b: Num) -> Num {
    if a.class == Class::Unsupported || b.class == Class::Unsupported {
        return env.invalid();
    }
    let signaling = a.class == Class::Signaling || b.class == Class::Signaling;
    if signaling {
        env.flags |= exception::INVALID;
    }
    let quiet = |x: Num| Num { class: Class::Quiet, sig: x.sig | 1 << 62, ..x };
    if !b.is_nan() {
        return quiet(a);
    }
    if !a.is_nan() {
        return quiet(b);
    }
    if env.nan == NanRule::First {
        return quiet(a);
    }
    // A quiet NaN wins over a signaling one.
    match (a.class, b.class) {
        (Class::Signaling, Class::Quiet) => return b,
        (Class::Quiet, Class::Signaling) => return a,
        _ => {}
    }
    match a.sig.cmp(&b.sig) {
        Ordering::Greater => quiet(a),
        Ordering::Less => quiet(b),
        // The positive one.
        Ordering::Equal => quiet(if a.sign { b } else { a }),
    }
}

/// The sum.
pub(crate) fn add(env: &mut Env, format: Format, mut a: Num, mut b: Num) -> Num {
    if a.is_nan() || b.is_nan() {
        return propagate(env, a, b);
    }
    if a.class == Class::Infinite && b.class == Class::Infinite && a.sign != b.sign {
        return env.invalid();
    }
    env.operand(&mut a);
    env.operand(&mut b);
    match (a.class, b.class) {
        (Class::Infinite, _) => return a,
        (_, Class::Infinite) => return b,
        (Class::Zero, Class::Zero) => {
            let sign = if a.sign == b.sign { a.sign } else { env.rounding == Rounding::Down };
            return Num::zero(sign);
        }
        (Class::Zero, _) => return round(env, format, b.sign, b.exp, u128::from(b.sig) << 64),
        (_, Class::Zero) => return round(env, format, a.sign, a.exp, u128::from(a.sig) << 64),
        _ => {}
    }
    if (a.exp, a.sig) < (b.exp, b.sig) {
        (a, b) = (b, a);
    }
    // One bit above for the carry.
    let large = u128::from(a.sig) << 63;
    let small = shift_right_jam(u128::from(b.sig) << 63, (a.exp - b.exp) as u32);
    let sum = if a.sign == b.sign { large + small } else { large - small };
    if sum == 0 {
        return Num::zero(env.rounding == Rounding::Down);
    }
    let shift = sum.leading_zeros();
    round(env, format, a.sign, a.exp + 1 - shift as i32, sum << shift)
}

/// The product.
pub(crate) fn mul(env: &mut Env, format: Format, mut a: Num, mut b: Num) -> Num {
    if a.is_nan() || b.is_nan() {
        return propagate(env, a, b);
    }
    let zero = |x: &Num, env: &Env| x.class == Class::Zero || (x.denormal && env.daz);
    let infinite = |x: &Num| x.class == Class::Infinite;
    if (infinite(&a) && zero(&b, env)) || (infinite(&b) && zero(&a, env)) {
        return env.invalid();
    }
    env.operand(&mut a);
    env.operand(&mut b);
    let sign = a.sign != b.sign;
    if infinite(&a) || infinite(&b) {
        return Num::infinite(sign);
    }
    if a.class == Class::Zero || b.class == Class::Zero {
        return Num::zero(sign);
    }
    let product = u128::from(a.sig) * u128::from(b.sig);
    let shift = product.leading_zeros();
    round(env, format, sign, a.exp + b.exp + 1 - shift as i32, product << shift)
}

/// The quotient.
pub(crate) fn div(env: &mut Env, format: Format, mut a: Num, mut b: Num) -> Num {
    if a.is_nan() || b.is_nan() {
        return propagate(env, a, b);
    }
    let zero = |x: &Num, env: &Env| x.class == Class::Zero || (x.denormal && env.daz);
    if (a.class == Class::Infinite && b.class == Class::Infinite)
        || (zero(&a, env) && zero(&b, env))
    {
        return env.invalid();
    }
    let sign = a.sign != b.sign;
    if zero(&b, env) && a.class == Class::Finite {
        env.flags |= exception::DIVIDE;
        return Num::infinite(sign);
    }
    env.operand(&mut a);
    env.operand(&mut b);
    match (a.class, b.class) {
        (Class::Infinite, _) | (_, Class::Zero) => return Num::infinite(sign),
        (_, Class::Infinite) | (Class::Zero, _) => return Num::zero(sign),
        _ => {}
    }
    let (dividend, divisor) = (u128::from(a.sig), u128::from(b.sig));
    let (shift, exp) = if a.sig >= b.sig { (63, a.exp - b.exp) } else { (64, a.exp - b.exp - 1) };
    let first = dividend << shift;
    let (high, rest) = (first / divisor, first % divisor);
    let second = rest << 64;
    let (low, rest) = (second / divisor, second % divisor);
    round(env, format, sign, exp, high << 64 | low | u128::from(rest != 0))
}

/// The square root.
pub(crate) fn sqrt(env: &mut Env, format: Format, mut a: Num) -> Num {
    if a.is_nan() {
        return propagate(env, a, a);
    }
    if a.denormal && env.daz {
        a = Num::zero(a.sign);
    }
    if a.class == Class::Zero {
        return a;
    }
    if a.sign {
        return env.invalid();
    }
    if a.class == Class::Infinite {
        return a;
    }
    env.operand(&mut a);
    let even = a.exp & 1 == 0;
    let square = u128::from(a.sig) << if even { 63 } else { 64 };
    let root = square.isqrt();
    let rest = square - root * root;
    // Never exactly half-way: a quarter would be left.
    let below = u128::from(rest > root) << 63 | u128::from(rest != 0);
    round(env, format, false, a.exp >> 1, root << 64 | below)
}

/// The order; `None` if there is none. `quiet` NaNs raise nothing then.
pub(crate) fn compare(env: &mut Env, mut a: Num, mut b: Num, quiet: bool) -> Option<Ordering> {
    if a.is_nan() || b.is_nan() {
        let bad = |x: &Num| matches!(x.class, Class::Signaling | Class::Unsupported);
        if !quiet || bad(&a) || bad(&b) {
            env.flags |= exception::INVALID;
        }
        return None;
    }
    env.operand(&mut a);
    env.operand(&mut b);
    let rank = |x: &Num| match x.class {
        Class::Zero => (0, 0, 0),
        Class::Infinite => (2, 0, 0),
        _ => (1, x.exp, x.sig),
    };
    let (x, y) = (rank(&a), rank(&b));
    Some(match (a.sign, b.sign) {
        _ if x.0 == 0 && y.0 == 0 => Ordering::Equal,
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => x.cmp(&y),
        (true, true) => y.cmp(&x),
    })
}
