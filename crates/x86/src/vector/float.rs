//! SSE arithmetic. The host computes where nothing can go unnoticed: rounding to nearest, all
//! exceptions masked, the inexact flag already set, ordinary operands and an ordinary result.
//! Everything else is computed in integers.

use super::{Lane, make};
use crate::float::{
    self as soft, Class, DOUBLE, Env, Format, NanRule, Num, Rounding, SINGLE, exception,
};
use core::cmp::Ordering;

/// Under these the host's arithmetic does the same.
const FAST_MASK: u32 = 0xffe0;
const FAST: u32 = 0x1fa0;

/// A format that lanes have.
pub(crate) trait Real: Lane {
    const FORMAT: Format;
    fn unpack(self) -> Num;
    fn pack(x: Num) -> Self;
    /// Neither denormal nor infinite nor a NaN.
    fn is_ordinary(self) -> bool;
    /// Nor zero.
    fn is_normal(self) -> bool;
    fn fast(op: Op, a: Self, b: Self) -> Self;
}

/// An operation of the host.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Op {
    Add,
    Sub,
    Mul,
    Div,
}

macro_rules! real {
    ($t:ty, $f:ty, $format:expr, $unpack:path, $pack:path, $frac:expr, $exp:expr) => {
        impl Real for $t {
            const FORMAT: Format = $format;
            fn unpack(self) -> Num {
                $unpack(self)
            }
            fn pack(x: Num) -> Self {
                $pack(x)
            }
            #[inline(always)]
            fn is_ordinary(self) -> bool {
                self << 1 == 0 || self.is_normal()
            }
            #[inline(always)]
            fn is_normal(self) -> bool {
                let exp = self >> $frac & $exp;
                exp != 0 && exp != $exp
            }
            #[inline(always)]
            fn fast(op: Op, a: Self, b: Self) -> Self {
                let (a, b) = (<$f>::from_bits(a), <$f>::from_bits(b));
                match op {
                    Op::Add => a + b,
                    Op::Sub => a - b,
                    Op::Mul => a * b,
                    Op::Div => a / b,
                }
                .to_bits()
            }
        }
    };
}
real!(u32, f32, SINGLE, soft::unpack32, soft::pack32, 23, 0xff);
real!(u64, f64, DOUBLE, soft::unpack64, soft::pack64, 52, 0x7ff);

fn env(mx: u32) -> Env {
    Env {
        rounding: Rounding::of(mx >> 13),
        nan: NanRule::First,
        daz: mx & 0x40 != 0,
        ftz: mx & 0x8000 != 0,
        masks: mx >> 7 & 0x3f,
        flags: 0,
        up: false,
    }
}

#[inline(always)]
fn binary<T: Real>(mx: &mut u32, op: Op, a: T, b: T) -> T {
    if *mx & FAST_MASK == FAST && a.is_ordinary() && b.is_ordinary() {
        let result = T::fast(op, a, b);
        if result.is_normal() {
            return result;
        }
    }
    binary_exact(mx, op, a, b)
}

#[inline(never)]
fn binary_exact<T: Real>(mx: &mut u32, op: Op, a: T, b: T) -> T {
    let mut env = env(*mx);
    let (a, b) = (a.unpack(), b.unpack());
    let result = match op {
        Op::Add => soft::add(&mut env, T::FORMAT, a, b),
        // A NaN keeps its sign.
        Op::Sub => soft::add(&mut env, T::FORMAT, a, if b.is_nan() { b } else { b.negated() }),
        Op::Mul => soft::mul(&mut env, T::FORMAT, a, b),
        Op::Div => soft::div(&mut env, T::FORMAT, a, b),
    };
    *mx |= env.flags;
    T::pack(result)
}

fn sqrt<T: Real>(mx: &mut u32, b: T) -> T {
    let mut env = env(*mx);
    let result = soft::sqrt(&mut env, T::FORMAT, b.unpack());
    *mx |= env.flags;
    T::pack(result)
}

/// The smaller, or the larger; the second operand if there is no order or both are zero.
fn extreme<T: Real>(mx: &mut u32, a: T, b: T, wanted: Ordering) -> T {
    let mut env = env(*mx);
    let order = soft::compare(&mut env, a.unpack(), b.unpack(), false);
    *mx |= env.flags;
    let flush = |x: T| {
        let n = x.unpack();
        if env.daz && n.denormal { T::pack(Num::zero(n.sign)) } else { x }
    };
    flush(if order == Some(wanted) { a } else { b })
}

/// `cmpps` and its kin: the immediate's predicate.
fn predicate<T: Real>(mx: &mut u32, a: T, b: T, imm: u8) -> bool {
    let mut env = env(*mx);
    let quiet = matches!(imm & 7, 0 | 3 | 4 | 7);
    let order = soft::compare(&mut env, a.unpack(), b.unpack(), quiet);
    *mx |= env.flags;
    let holds = match imm & 3 {
        0 => order == Some(Ordering::Equal),
        1 => order == Some(Ordering::Less),
        2 => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        _ => order.is_none(),
    };
    holds != (imm & 4 != 0)
}

fn round_lane<T: Real>(mx: &mut u32, b: T, imm: u8) -> T {
    let mut env = env(*mx);
    if imm & 4 == 0 {
        env.rounding = Rounding::of(imm.into());
    }
    let x = b.unpack();
    // Denormals raise nothing here.
    let masked = Num { denormal: x.denormal && env.daz, ..x };
    let result = soft::round_to_int(&mut env, masked);
    if imm & 8 != 0 {
        env.flags &= !exception::PRECISION;
    }
    *mx |= env.flags;
    T::pack(result)
}

fn convert<T: Real, R: Real>(mx: &mut u32, b: T) -> R {
    let mut env = env(*mx);
    let mut x = b.unpack();
    let result = if x.is_nan() {
        soft::propagate(&mut env, x, x)
    } else {
        env.operand(&mut x);
        match x.class {
            Class::Finite => {
                soft::round(&mut env, R::FORMAT, x.sign, x.exp, u128::from(x.sig) << 64)
            }
            _ => x,
        }
    };
    *mx |= env.flags;
    R::pack(result)
}

/// To an integer of `bits` bits, by the rounding mode or truncated.
fn to_int<T: Real>(mx: &mut u32, b: T, bits: u32, truncate: bool) -> i64 {
    let mut env = env(*mx);
    if truncate {
        env.rounding = Rounding::Zero;
    }
    let result = soft::to_int(&mut env, b.unpack(), bits);
    *mx |= env.flags;
    result
}

fn from_int<T: Real>(mx: &mut u32, value: i64) -> T {
    let mut env = env(*mx);
    let x = soft::from_int(value);
    let result = match x.class {
        Class::Finite => soft::round(&mut env, T::FORMAT, x.sign, x.exp, u128::from(x.sig) << 64),
        _ => x,
    };
    *mx |= env.flags;
    T::pack(result)
}

/// Each lane of the result.
fn lanes<R: Lane>(count: u32, mut f: impl FnMut(u32) -> R) -> u128 {
    let mut v = 0;
    for i in 0..count {
        v |= f(i).bits() << (i * R::BITS);
    }
    v
}

/// The lowest lane replaced.
fn low<R: Lane>(a: u128, value: R) -> u128 {
    a & !(u128::MAX >> (128 - R::BITS)) | value.bits()
}

macro_rules! float {
    ($($name:ident $mx:ident $a:ident $b:ident $i:ident $e:expr;)*) => {$(
        pub(crate) fn $name($mx: &mut u32, $a: u128, $b: u128, $i: u8) -> u128 {
            $e
        }
    )*};
}

macro_rules! four {
    ($($ps:ident $pd:ident $ss:ident $sd:ident $mx:ident $x:ident $y:ident $i:ident $e:expr;)*) => {
        float! {$(
            $ps $mx a b $i lanes::<u32>(4, |k| { let ($x, $y) = (u32::at(a, k), u32::at(b, k)); $e });
            $pd $mx a b $i lanes::<u64>(2, |k| { let ($x, $y) = (u64::at(a, k), u64::at(b, k)); $e });
            $ss $mx a b $i { let ($x, $y) = (u32::at(a, 0), u32::at(b, 0)); low::<u32>(a, $e) };
            $sd $mx a b $i { let ($x, $y) = (u64::at(a, 0), u64::at(b, 0)); low::<u64>(a, $e) };
        )*}
    };
}
four! {
    addps addpd addss addsd mx x y _i binary(mx, Op::Add, x, y);
    subps subpd subss subsd mx x y _i binary(mx, Op::Sub, x, y);
    mulps mulpd mulss mulsd mx x y _i binary(mx, Op::Mul, x, y);
    divps divpd divss divsd mx x y _i binary(mx, Op::Div, x, y);
    minps minpd minss minsd mx x y _i extreme(mx, x, y, Ordering::Less);
    maxps maxpd maxss maxsd mx x y _i extreme(mx, x, y, Ordering::Greater);
    sqrtps sqrtpd sqrtss sqrtsd mx _x y _i sqrt(mx, y);
    roundps roundpd roundss roundsd mx _x y imm round_lane(mx, y, imm);
}

fn all<T: Lane>(set: bool) -> u128 {
    if set { u128::MAX >> (128 - T::BITS) } else { 0 }
}

/// The estimates of reciprocals: computed exactly and cut to 12 bits, as one processor or
/// another does; their error is far below the 1.5 * 2^-12 that the manual allows.
fn estimate(b: u32, root: bool) -> u32 {
    let mut e = env(0x1f80 | 0x8040);
    let one = soft::from_int(1);
    let x = b.unpack();
    let x = if x.denormal { Num::zero(x.sign) } else { x };
    let rough = Format { precision: 13, ..SINGLE };
    let x = if root { soft::sqrt(&mut e, SINGLE, x) } else { x };
    u32::pack(soft::div(&mut e, rough, one, x))
}

float! {
    rcpps _mx _a b _i lanes::<u32>(4, |k| estimate(u32::at(b, k), false));
    rcpss _mx a b _i low::<u32>(a, estimate(u32::at(b, 0), false));
    rsqrtps _mx _a b _i lanes::<u32>(4, |k| estimate(u32::at(b, k), true));
    rsqrtss _mx a b _i low::<u32>(a, estimate(u32::at(b, 0), true));
    cmpps mx a b imm (0..4).map(|k| all::<u32>(predicate(mx, u32::at(a, k), u32::at(b, k), imm)) << (32 * k)).sum();
    cmppd mx a b imm (0..2).map(|k| all::<u64>(predicate(mx, u64::at(a, k), u64::at(b, k), imm)) << (64 * k)).sum();
    cmpss mx a b imm a & !all::<u32>(true) | all::<u32>(predicate(mx, u32::at(a, 0), u32::at(b, 0), imm));
    cmpsd mx a b imm a & !all::<u64>(true) | all::<u64>(predicate(mx, u64::at(a, 0), u64::at(b, 0), imm));
    addsubps mx a b _i lanes::<u32>(4, |k| binary(mx, if k & 1 == 0 { Op::Sub } else { Op::Add }, u32::at(a, k), u32::at(b, k)));
    addsubpd mx a b _i lanes::<u64>(2, |k| binary(mx, if k & 1 == 0 { Op::Sub } else { Op::Add }, u64::at(a, k), u64::at(b, k)));
    haddps mx a b _i lanes::<u32>(4, |k| { let v = if k < 2 { a } else { b }; binary(mx, Op::Add, u32::at(v, k % 2 * 2), u32::at(v, k % 2 * 2 + 1)) });
    hsubps mx a b _i lanes::<u32>(4, |k| { let v = if k < 2 { a } else { b }; binary(mx, Op::Sub, u32::at(v, k % 2 * 2), u32::at(v, k % 2 * 2 + 1)) });
    haddpd mx a b _i lanes::<u64>(2, |k| { let v = if k < 1 { a } else { b }; binary(mx, Op::Add, u64::at(v, 0), u64::at(v, 1)) });
    hsubpd mx a b _i lanes::<u64>(2, |k| { let v = if k < 1 { a } else { b }; binary(mx, Op::Sub, u64::at(v, 0), u64::at(v, 1)) });
    dpps mx a b imm {
        let product = |mx: &mut u32, k: u32| if imm >> (4 + k) & 1 != 0 { binary(mx, Op::Mul, u32::at(a, k), u32::at(b, k)) } else { 0 };
        let (p0, p1, p2, p3) = (product(mx, 0), product(mx, 1), product(mx, 2), product(mx, 3));
        let left = binary(mx, Op::Add, p0, p1);
        let right = binary(mx, Op::Add, p2, p3);
        let sum = binary(mx, Op::Add, left, right);
        make(|k| if imm >> k & 1 != 0 { sum } else { 0_u32 })
    };
    dppd mx a b imm {
        let product = |mx: &mut u32, k: u32| if imm >> (4 + k) & 1 != 0 { binary(mx, Op::Mul, u64::at(a, k), u64::at(b, k)) } else { 0 };
        let (p0, p1) = (product(mx, 0), product(mx, 1));
        let sum = binary(mx, Op::Add, p0, p1);
        make(|k| if imm >> k & 1 != 0 { sum } else { 0_u64 })
    };
    cvtps2pd mx _a b _i lanes::<u64>(2, |k| convert(mx, u32::at(b, k)));
    cvtpd2ps mx _a b _i lanes::<u32>(2, |k| convert(mx, u64::at(b, k)));
    cvtss2sd mx a b _i low::<u64>(a, convert(mx, u32::at(b, 0)));
    cvtsd2ss mx a b _i low::<u32>(a, convert(mx, u64::at(b, 0)));
    cvtdq2ps mx _a b _i lanes::<u32>(4, |k| from_int(mx, i32::at(b, k).into()));
    cvtdq2pd mx _a b _i lanes::<u64>(2, |k| from_int(mx, i32::at(b, k).into()));
    cvtpi2ps mx a b _i a & !u128::from(u64::MAX) | lanes::<u32>(2, |k| from_int(mx, i32::at(b, k).into()));
    cvtps2dq mx _a b _i lanes::<i32>(4, |k| to_int(mx, u32::at(b, k), 32, false) as i32);
    cvttps2dq mx _a b _i lanes::<i32>(4, |k| to_int(mx, u32::at(b, k), 32, true) as i32);
    cvtpd2dq mx _a b _i lanes::<i32>(2, |k| to_int(mx, u64::at(b, k), 32, false) as i32);
    cvttpd2dq mx _a b _i lanes::<i32>(2, |k| to_int(mx, u64::at(b, k), 32, true) as i32);
    cvtps2pi mx _a b _i lanes::<i32>(2, |k| to_int(mx, u32::at(b, k), 32, false) as i32);
    cvttps2pi mx _a b _i lanes::<i32>(2, |k| to_int(mx, u32::at(b, k), 32, true) as i32);
    // The second operand is an integer.
    cvtsi2ss32 mx a b _i low::<u32>(a, from_int(mx, (b as i32).into()));
    cvtsi2sd32 mx a b _i low::<u64>(a, from_int(mx, (b as i32).into()));
    cvtsi2ss64 mx a b _i low::<u32>(a, from_int(mx, b as i64));
    cvtsi2sd64 mx a b _i low::<u64>(a, from_int(mx, b as i64));
    // The result is an integer.
    cvtss2si32 mx _a b _i u128::from(to_int(mx, b as u32, 32, false) as u32);
    cvttss2si32 mx _a b _i u128::from(to_int(mx, b as u32, 32, true) as u32);
    cvtsd2si32 mx _a b _i u128::from(to_int(mx, b as u64, 32, false) as u32);
    cvttsd2si32 mx _a b _i u128::from(to_int(mx, b as u64, 32, true) as u32);
    cvtss2si64 mx _a b _i u128::from(to_int(mx, b as u32, 64, false) as u64);
    cvttss2si64 mx _a b _i u128::from(to_int(mx, b as u32, 64, true) as u64);
    cvtsd2si64 mx _a b _i u128::from(to_int(mx, b as u64, 64, false) as u64);
    cvttsd2si64 mx _a b _i u128::from(to_int(mx, b as u64, 64, true) as u64);
    // The result is a set of flags.
    comiss mx a b _i order(mx, a as u32, b as u32, false);
    comisd mx a b _i order(mx, a as u64, b as u64, false);
    ucomiss mx a b _i order(mx, a as u32, b as u32, true);
    ucomisd mx a b _i order(mx, a as u64, b as u64, true);
}

fn order<T: Real>(mx: &mut u32, a: T, b: T, quiet: bool) -> u128 {
    use crate::registers::flags::{CF, PF, ZF};
    let mut env = env(*mx);
    let order = soft::compare(&mut env, a.unpack(), b.unpack(), quiet);
    *mx |= env.flags;
    u128::from(match order {
        None => ZF | PF | CF,
        Some(Ordering::Greater) => 0,
        Some(Ordering::Less) => CF,
        Some(Ordering::Equal) => ZF,
    })
}
