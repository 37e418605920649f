//! Arithmetic, comparison, constants, and moves between registers.

use super::memory::Kind;
use super::{C0, C1, C2, C3, fast};
use crate::Fpu;
use crate::float::wide::{LN2, LOG2_10, LOG2_E, LOG10_2, PI, Wide};
use crate::float::{self as soft, Class, EXTENDED, Env, Format, Num, Rounding, exception, round};
use crate::registers::flags::{CF, PF, ZF};
use core::cmp::Ordering;

/// An operation of two operands, the destination first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Operation {
    Add,
    Mul,
    Sub,
    Subr,
    Div,
    Divr,
}

impl Operation {
    pub const ALL: [Self; 6] = [Self::Add, Self::Mul, Self::Sub, Self::Subr, Self::Div, Self::Divr];

    fn apply(self, env: &mut Env, format: Format, a: Num, b: Num) -> Num {
        // A NaN keeps its sign.
        let minus = |x: Num| if x.is_nan() { x } else { x.negated() };
        match self {
            Self::Add => soft::add(env, format, a, b),
            Self::Mul => soft::mul(env, format, a, b),
            Self::Sub => soft::add(env, format, a, minus(b)),
            Self::Subr => soft::add(env, format, b, minus(a)),
            Self::Div => soft::div(env, format, a, b),
            Self::Divr => soft::div(env, format, b, a),
        }
    }
}

/// `st(to) = st(to) op st(from)`.
#[inline(never)]
pub(crate) fn registers(fpu: &mut Fpu, op: Operation, to: u8, from: u8, pop: bool) {
    let (x, y) = (fpu.index(to), fpu.index(from));
    if fpu.in_use >> x & fpu.in_use >> y & 1 != 0
        && let Some(result) = fast::compute(fpu, op, fpu.st[x], fpu.st[y])
    {
        fpu.st[x] = result;
        if pop {
            fpu.pop();
        }
        return;
    }
    let written = if fpu.is_empty(to) || fpu.is_empty(from) {
        let write = fpu.underflow();
        if write {
            fpu.set(to, Num::INDEFINITE);
        }
        write
    } else {
        let mut env = fpu.env();
        let result = op.apply(&mut env, fpu.format(), fpu.st(to), fpu.st(from));
        let write = fpu.finish(&env);
        if write {
            fpu.set(to, result);
        }
        write
    };
    if pop && written {
        fpu.pop();
    }
}

/// `st(0) = st(0) op value`.
#[inline(never)]
pub(crate) fn with_memory(fpu: &mut Fpu, op: Operation, kind: Kind, bits: u128) {
    let value = kind.decode(bits);
    if value.class == Class::Finite && !value.denormal && !fpu.is_empty(0) {
        let top = fpu.top();
        if let Some(result) = fast::compute(fpu, op, fpu.st[top], soft::pack80(value)) {
            fpu.st[top] = result;
            return;
        }
    }
    fpu.unary(|env, format, x| op.apply(env, format, x, value));
}

/// Compares the top; the order, or `None`, and whether the registers may be popped.
fn order(fpu: &mut Fpu, other: Option<Num>, quiet: bool, keep: KeepC1) -> (Option<Ordering>, bool) {
    let (false, Some(other)) = (fpu.is_empty(0), other) else {
        return (None, fpu.underflow());
    };
    let mut env = fpu.env();
    let order = soft::compare(&mut env, fpu.st(0), other, quiet);
    if keep == KeepC1::No {
        fpu.status &= !C1;
    }
    (order, fpu.note(&env))
}

/// Whether a comparison leaves C1 as it was: those that set the flags do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeepC1 {
    Yes,
    No,
}

fn register(fpu: &Fpu, i: u8) -> Option<Num> {
    (!fpu.is_empty(i)).then(|| fpu.st(i))
}

fn condition_bits(order: Option<Ordering>) -> u16 {
    match order {
        None => C0 | C2 | C3,
        Some(Ordering::Greater) => 0,
        Some(Ordering::Less) => C0,
        Some(Ordering::Equal) => C3,
    }
}

/// `fcom`, `fucom` and their popping forms.
#[inline(never)]
pub(crate) fn compare(fpu: &mut Fpu, i: u8, quiet: bool, pops: u8) {
    let other = register(fpu, i);
    finish_compare(fpu, other, quiet, pops);
}

/// The same with memory.
#[inline(never)]
pub(crate) fn compare_with(fpu: &mut Fpu, kind: Kind, bits: u128, pops: u8) {
    finish_compare(fpu, Some(kind.decode(bits)), false, pops);
}

fn finish_compare(fpu: &mut Fpu, other: Option<Num>, quiet: bool, pops: u8) {
    let (order, go_on) = order(fpu, other, quiet, KeepC1::No);
    // The result is there even if an exception keeps the stack as it is.
    fpu.conditions(condition_bits(order));
    if go_on {
        for _ in 0..pops {
            fpu.pop();
        }
    }
}

/// `fcomi`, `fucomi`: the status flags.
#[inline(never)]
pub(crate) fn compare_to_flags(fpu: &mut Fpu, i: u8, quiet: bool, pops: u8) -> u64 {
    let other = register(fpu, i);
    let (order, go_on) = order(fpu, other, quiet, KeepC1::Yes);
    if go_on {
        for _ in 0..pops {
            fpu.pop();
        }
    }
    match order {
        None => ZF | PF | CF,
        Some(Ordering::Greater) => 0,
        Some(Ordering::Less) => CF,
        Some(Ordering::Equal) => ZF,
    }
}

#[inline(never)]
pub(crate) fn ftst(fpu: &mut Fpu) {
    finish_compare(fpu, Some(Num::zero(false)), false, 0);
}

#[inline(never)]
pub(crate) fn fxam(fpu: &mut Fpu) {
    let bits = if fpu.is_empty(0) {
        C3 | C0
    } else {
        let x = fpu.st(0);
        match x.class {
            Class::Unsupported => 0,
            Class::Quiet | Class::Signaling => C0,
            Class::Infinite => C2 | C0,
            Class::Zero => C3,
            Class::Finite if x.denormal => C3 | C2,
            Class::Finite => C2,
        }
    };
    fpu.conditions(bits);
    let negative = fpu.st[fpu.top()].sign_exponent >> 15 != 0;
    fpu.status = fpu.status & !C1 | if negative { C1 } else { 0 };
}

/// `fchs`, `fabs`: on the bits, whatever they stand for.
#[inline(never)]
pub(crate) fn change_sign(fpu: &mut Fpu, f: fn(u16) -> u16) {
    if fpu.is_empty(0) {
        if fpu.underflow() {
            fpu.set(0, Num::INDEFINITE);
        }
        return;
    }
    fpu.status &= !C1;
    let top = fpu.top();
    fpu.st[top].sign_exponent = f(fpu.st[top].sign_exponent);
}

#[inline(never)]
pub(crate) fn fsqrt(fpu: &mut Fpu) {
    fpu.unary(soft::sqrt);
}

#[inline(never)]
pub(crate) fn frndint(fpu: &mut Fpu) {
    fpu.unary(|env, _, x| soft::round_to_int(env, x));
}

#[inline(never)]
pub(crate) fn fld(fpu: &mut Fpu, i: u8) {
    if fpu.is_empty(i) {
        if fpu.underflow() {
            fpu.set_top(fpu.top() + 7);
            fpu.set(0, Num::INDEFINITE);
        }
        return;
    }
    fpu.status &= !C1;
    let value = fpu.st[fpu.index(i)];
    let full = !fpu.is_empty(7);
    fpu.push(Num::zero(false));
    if !full {
        let top = fpu.top();
        fpu.st[top] = value;
    }
}

#[inline(never)]
pub(crate) fn fst(fpu: &mut Fpu, i: u8, pop: bool) {
    if fpu.is_empty(0) {
        if !fpu.underflow() {
            return;
        }
        fpu.set(i, Num::INDEFINITE);
    } else {
        fpu.status &= !C1;
        let (from, to) = (fpu.top(), fpu.index(i));
        fpu.st[to] = fpu.st[from];
        fpu.in_use |= 1 << to;
    }
    if pop {
        fpu.pop();
    }
}

/// `fstpnce`: what `fstp` does, without an exception if the register is empty.
#[inline(never)]
pub(crate) fn fstpnce(fpu: &mut Fpu, i: u8) {
    let (from, to) = (fpu.top(), fpu.index(i));
    if !fpu.is_empty(0) {
        fpu.st[to] = fpu.st[from];
        fpu.in_use |= 1 << to;
    }
    fpu.status &= !C1;
    fpu.pop();
}

#[inline(never)]
pub(crate) fn fxch(fpu: &mut Fpu, i: u8) {
    if fpu.is_empty(0) || fpu.is_empty(i) {
        if !fpu.underflow() {
            return;
        }
        for empty in [0, i] {
            if fpu.is_empty(empty) {
                fpu.set(empty, Num::INDEFINITE);
            }
        }
    } else {
        fpu.status &= !C1;
    }
    let (a, b) = (fpu.top(), fpu.index(i));
    fpu.st.swap(a, b);
}

/// `fcmovcc`, whose condition holds or not.
#[inline(never)]
pub(crate) fn fcmov(fpu: &mut Fpu, i: u8, holds: bool) {
    if fpu.is_empty(0) || fpu.is_empty(i) {
        // Whether the condition holds or not.
        if fpu.underflow() {
            fpu.set(0, Num::INDEFINITE);
        }
        return;
    }
    if holds {
        let (to, from) = (fpu.top(), fpu.index(i));
        fpu.st[to] = fpu.st[from];
    }
}

/// `fld1` and its kin by number: 1, log2 10, log2 e, pi, log10 2, ln 2, 0.
#[inline(never)]
pub(crate) fn constant(fpu: &mut Fpu, number: u8) {
    let wide = match number {
        1 => LOG2_10,
        2 => LOG2_E,
        3 => PI,
        4 => LOG10_2,
        5 => LN2,
        6 => Wide::ZERO,
        _ => Wide::from_int(1),
    };
    let mut env = fpu.env();
    let x = match number {
        6 => Num::zero(false),
        // Constants are rounded by the mode and raise nothing.
        _ => round(&mut env, EXTENDED, false, wide.exp, wide.sig),
    };
    fpu.status &= !C1;
    fpu.push(x);
}

/// `fprem` rounds the quotient towards zero, `fprem1` to nearest.
#[inline(never)]
pub(crate) fn remainder(fpu: &mut Fpu, nearest: bool) {
    if fpu.is_empty(0) || fpu.is_empty(1) {
        if fpu.underflow() {
            fpu.set(0, Num::INDEFINITE);
        }
        fpu.status &= !C2;
        return;
    }
    let mut env = fpu.env();
    let (mut a, mut b) = (fpu.st(0), fpu.st(1));
    let mut conditions = 0;
    let result = if a.is_nan() || b.is_nan() {
        soft::propagate(&mut env, a, b)
    } else if a.class == Class::Infinite || b.class == Class::Zero {
        env.invalid()
    } else {
        env.operand(&mut a);
        env.operand(&mut b);
        if a.class == Class::Zero || b.class == Class::Infinite {
            a
        } else {
            let (x, bits) = reduce(&mut env, a, b, nearest);
            conditions = bits;
            x
        }
    };
    if fpu.finish(&env) {
        fpu.set(0, result);
        if result.is_nan() {
            fpu.status &= !C2;
        } else {
            fpu.conditions(conditions & !C1);
            fpu.status = fpu.status & !C1 | conditions & C1;
        }
    }
}

fn reduce(env: &mut Env, a: Num, b: Num, nearest: bool) -> (Num, u16) {
    let distance = a.exp - b.exp;
    if distance >= 64 {
        // Only part of the way: the quotient's upper bits, between 32 and 63 of them.
        let bits = (distance & 31) | 32;
        let rest = (u128::from(a.sig) << bits) % u128::from(b.sig);
        let exp = b.exp + distance - bits;
        return (exact(env, a.sign, exp, rest), C2);
    }
    if distance < -1 {
        // Exact, but a denormal result is rounded to its place.
        return (exact(env, a.sign, a.exp, u128::from(a.sig)), 0);
    }
    let (dividend, divisor, exp) = if distance < 0 {
        (u128::from(a.sig), u128::from(b.sig) << 1, a.exp)
    } else {
        (u128::from(a.sig) << distance, u128::from(b.sig), b.exp)
    };
    let (mut quotient, mut rest) = (dividend / divisor, dividend % divisor);
    let mut sign = a.sign;
    if nearest && (rest << 1 > divisor || (rest << 1 == divisor && quotient & 1 != 0)) {
        quotient += 1;
        rest = divisor - rest;
        sign = !sign;
    }
    let bit = |n: u32, flag: u16| if quotient >> n & 1 != 0 { flag } else { 0 };
    let bits = bit(2, C0) | bit(1, C3) | bit(0, C1);
    if rest == 0 {
        return (Num::zero(a.sign), bits);
    }
    (exact(env, sign, exp, rest), bits)
}

/// `sig * 2^(exp - 63)`, which has at most 65 bits.
fn exact(env: &mut Env, sign: bool, exp: i32, sig: u128) -> Num {
    if sig == 0 {
        return Num::zero(sign);
    }
    let shift = sig.leading_zeros();
    round(env, EXTENDED, sign, exp + 64 - shift as i32, sig << shift)
}

#[inline(never)]
pub(crate) fn fscale(fpu: &mut Fpu) {
    if fpu.is_empty(0) || fpu.is_empty(1) {
        if fpu.underflow() {
            fpu.set(0, Num::INDEFINITE);
        }
        return;
    }
    let mut by = fpu.st(1);
    fpu.unary(|env, _, mut x| {
        if x.is_nan() || by.is_nan() {
            return soft::propagate(env, x, by);
        }
        env.operand(&mut x);
        env.operand(&mut by);
        match (x.class, by.class, by.sign) {
            (Class::Zero, Class::Infinite, false) | (Class::Infinite, Class::Infinite, true) => {
                env.invalid()
            }
            (Class::Zero | Class::Infinite, ..) => x,
            (_, Class::Infinite, false) => Num::infinite(x.sign),
            (_, Class::Infinite, true) => Num::zero(x.sign),
            (_, Class::Zero, _) => {
                Num { denormal: false, ..exact(env, x.sign, x.exp, x.sig.into()) }
            }
            _ => {
                let mut toward_zero = Env { rounding: Rounding::Zero, ..*env };
                let n = soft::to_int(&mut toward_zero, by, 32);
                let n = if toward_zero.flags & exception::INVALID != 0 {
                    if by.sign { -0x10000 } else { 0x10000 }
                } else {
                    n.clamp(-0x10000, 0x10000)
                };
                round(env, EXTENDED, x.sign, x.exp + n as i32, u128::from(x.sig) << 64)
            }
        }
    });
}

#[inline(never)]
pub(crate) fn fxtract(fpu: &mut Fpu) {
    if fpu.is_empty(0) {
        if fpu.underflow() {
            fpu.set(0, Num::INDEFINITE);
            fpu.set_top(fpu.top() + 7);
            fpu.set(0, Num::INDEFINITE);
        }
        return;
    }
    if !fpu.is_empty(7) {
        if fpu.underflow() {
            fpu.set(0, Num::INDEFINITE);
            fpu.set_top(fpu.top() + 7);
            fpu.set(0, Num::INDEFINITE);
        }
        fpu.status |= C1;
        return;
    }
    let mut env = fpu.env();
    let mut x = fpu.st(0);
    let (exponent, significand) = if x.is_nan() {
        let x = soft::propagate(&mut env, x, x);
        (x, x)
    } else {
        match x.class {
            Class::Zero => {
                env.flags |= exception::DIVIDE;
                (Num::infinite(true), x)
            }
            Class::Infinite => (Num::infinite(false), x),
            _ => {
                env.operand(&mut x);
                (soft::from_int(x.exp.into()), Num::finite(x.sign, 0, x.sig))
            }
        }
    };
    if fpu.finish(&env) {
        fpu.set(0, exponent);
        fpu.push(significand);
    }
}
