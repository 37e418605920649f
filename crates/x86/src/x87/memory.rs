//! Loads and stores of every format.

use super::widen;
use crate::float::{
    self as soft, Class, DOUBLE, EXTENDED, Env, Num, Rounding, SINGLE, exception, pack32, pack64,
    pack80, round, unpack32, unpack64, unpack80,
};
use crate::{F80, Fpu};

/// A number in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    Single,
    Double,
    Extended,
    Int16,
    Int32,
    Int64,
    Bcd,
}

impl Kind {
    pub const ALL: [Self; 7] = [
        Self::Single,
        Self::Double,
        Self::Extended,
        Self::Int16,
        Self::Int32,
        Self::Int64,
        Self::Bcd,
    ];

    /// Bytes.
    pub fn size(self) -> usize {
        match self {
            Self::Int16 => 2,
            Self::Single | Self::Int32 => 4,
            Self::Double | Self::Int64 => 8,
            Self::Extended | Self::Bcd => 10,
        }
    }

    /// The number that bytes stand for.
    pub fn decode(self, bits: u128) -> Num {
        match self {
            Self::Single => unpack32(bits as u32),
            Self::Double => unpack64(bits as u64),
            Self::Extended => unpack80(extended(bits)),
            Self::Int16 => soft::from_int((bits as i16).into()),
            Self::Int32 => soft::from_int((bits as i32).into()),
            Self::Int64 => soft::from_int(bits as i64),
            Self::Bcd => {
                let digits =
                    (0..18).rev().fold(0, |value, i| value * 10 + (bits >> (4 * i) & 15) as i64);
                Num { sign: bits >> 79 & 1 != 0, ..soft::from_int(digits) }
            }
        }
    }
}

fn extended(bits: u128) -> F80 {
    F80 { significand: bits as u64, sign_exponent: (bits >> 64) as u16 }
}

/// `fld`, `fild`, `fbld`.
#[inline(never)]
pub(crate) fn load(fpu: &mut Fpu, kind: Kind, bits: u128) {
    fpu.status &= !super::C1;
    if kind == Kind::Extended {
        let full = !fpu.is_empty(7);
        fpu.push(Num::zero(false));
        if !full {
            let top = fpu.top();
            fpu.st[top] = extended(bits);
        }
        return;
    }
    let mut value = kind.decode(bits);
    if matches!(kind, Kind::Single | Kind::Double) && fpu.is_empty(7) {
        let mut env = fpu.env();
        value = widen(&mut env, value);
        fpu.finish(&env);
        // A denormal number is pushed even if that traps.
        if env.flags & !env.masks & exception::INVALID != 0 {
            return;
        }
    }
    fpu.push(value);
}

/// What `fst`, `fist`, `fisttp`, `fbstp` write, if they write; popped by the caller then.
#[inline(never)]
pub(crate) fn store(fpu: &mut Fpu, kind: Kind, truncate: bool) -> Option<u128> {
    if fpu.is_empty(0) {
        return fpu.underflow().then(|| indefinite(kind));
    }
    let mut env = fpu.env();
    if truncate {
        env.rounding = Rounding::Zero;
    }
    let raw = fpu.st[fpu.top()];
    let x = fpu.st(0);
    let bits = match kind {
        Kind::Extended => u128::from(raw.significand) | u128::from(raw.sign_exponent) << 64,
        Kind::Single => pack32(narrow(&mut env, SINGLE, x)).into(),
        Kind::Double => pack64(narrow(&mut env, DOUBLE, x)).into(),
        Kind::Int16 => u128::from(soft::to_int(&mut env, x, 16) as u16),
        Kind::Int32 => u128::from(soft::to_int(&mut env, x, 32) as u32),
        Kind::Int64 => u128::from(soft::to_int(&mut env, x, 64) as u64),
        Kind::Bcd => bcd(&mut env, x),
    };
    // Not written either if it does not fit and that traps; nothing is inexact then.
    let unmasked = env.flags & !env.masks & (exception::OVERFLOW | exception::UNDERFLOW);
    if unmasked != 0 {
        env.flags &= !exception::PRECISION;
    }
    let write = fpu.finish(&env);
    (write && unmasked == 0).then_some(bits)
}

#[inline(never)]
pub(crate) fn pop(fpu: &mut Fpu) {
    fpu.pop();
}

fn indefinite(kind: Kind) -> u128 {
    match kind {
        Kind::Single => pack32(Num::INDEFINITE).into(),
        Kind::Double => pack64(Num::INDEFINITE).into(),
        Kind::Extended => {
            let x = pack80(Num::INDEFINITE);
            u128::from(x.significand) | u128::from(x.sign_exponent) << 64
        }
        Kind::Int16 => 1 << 15,
        Kind::Int32 => 1 << 31,
        Kind::Int64 => 1 << 63,
        Kind::Bcd => 0xffff_c000_0000_0000_0000,
    }
}

fn narrow(env: &mut Env, format: soft::Format, x: Num) -> Num {
    if x.is_nan() {
        return soft::propagate(env, x, x);
    }
    match x.class {
        Class::Finite => {
            let result = round(env, format, x.sign, x.exp, u128::from(x.sig) << 64);
            // A denormal operand is only noticed by arithmetic.
            debug_assert!(format.precision <= EXTENDED.precision);
            result
        }
        _ => x,
    }
}

fn bcd(env: &mut Env, x: Num) -> u128 {
    let before = env.flags;
    let value = soft::to_int(env, x, 64);
    let magnitude = value.unsigned_abs();
    if env.flags & exception::INVALID != 0 || magnitude > 999_999_999_999_999_999 {
        env.flags = before | exception::INVALID;
        env.up = false;
        return indefinite(Kind::Bcd);
    }
    let (mut rest, mut bits) = (magnitude, 0);
    for i in 0..18 {
        bits |= u128::from(rest % 10) << (4 * i);
        rest /= 10;
    }
    bits | u128::from(x.sign) << 79
}
