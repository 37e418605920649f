//! Multiplication and division.

use crate::Exit;
use crate::cpu::context::{Context, Int};
use crate::cpu::flags::kind;
use crate::cpu::loc::Src;
use crate::cpu::op::{get, handler};
use crate::registers::flags::{CF, OF};

handler! {
    fn mul<T: Int, S: Src>(r) {
        let y = get!(r, S::read::<T>(&r)).u64();
        let x = r.cx().get::<T>(0).u64();
        let wide = u128::from(x) * u128::from(y);
        put_wide::<T>(r.cx(), wide, wide >> T::BITS != 0);
        r.next()
    }

    fn imul1<T: Int, S: Src>(r) {
        let y = get!(r, S::read::<T>(&r)).i64();
        let x = r.cx().get::<T>(0).i64();
        let wide = i128::from(x) * i128::from(y);
        put_wide::<T>(r.cx(), wide as u128, wide != i128::from(T::of(wide as u64).i64()));
        r.next()
    }

    /// `imul` of two operands: the register in field `a` times a source.
    fn imul2<T: Int, S: Src>(r) {
        let y = get!(r, S::read::<T>(&r));
        let x: T = r.cx().get(r.op().a);
        let res = product(r.cx(), x, y);
        r.cx().set(r.op().a, res);
        r.next()
    }

    /// `imul` of three operands.
    fn imul3<T: Int, S: Src>(r) {
        let x = get!(r, S::read::<T>(&r));
        let y = T::of(r.op().imm);
        let res = product(r.cx(), x, y);
        r.cx().set(r.op().a, res);
        r.next()
    }

    fn div<T: Int, S: Src>(r) {
        let y = u128::from(get!(r, S::read::<T>(&r)).u64());
        let x = dividend::<T>(r.cx());
        if y == 0 {
            return r.raise(Exit::DivideError);
        }
        // Division of 128 bits is slow on every host; most dividends are short.
        let (q, m) = match (u64::try_from(x), u64::try_from(y)) {
            (Ok(x), Ok(y)) => (u128::from(x / y), x % y),
            _ => (x / y, (x % y) as u64),
        };
        if q >> T::BITS != 0 {
            return r.raise(Exit::DivideError);
        }
        put_pair::<T>(r.cx(), q as u64, m);
        r.next()
    }

    fn idiv<T: Int, S: Src>(r) {
        let y = i128::from(get!(r, S::read::<T>(&r)).i64());
        let x = dividend::<T>(r.cx()) as i128;
        let wide = 128 - 2 * T::BITS;
        let x = x << wide >> wide;
        if y == 0 || (x == i128::MIN && y == -1) {
            return r.raise(Exit::DivideError);
        }
        let (q, m) = match (i64::try_from(x), i64::try_from(y)) {
            (Ok(x), Ok(y)) if x != i64::MIN => (i128::from(x / y), x % y),
            _ => (x / y, (x % y) as i64),
        };
        if q != i128::from(T::of(q as u64).i64()) {
            return r.raise(Exit::DivideError);
        }
        put_pair::<T>(r.cx(), q as u64, m as u64);
        r.next()
    }
}

#[inline(always)]
fn product<T: Int>(cx: &mut Context, x: T, y: T) -> T {
    let (res, overflow) = if T::BITS == 64 {
        let (res, overflow) = x.i64().overflowing_mul(y.i64());
        (T::of(res as u64), overflow)
    } else {
        let wide = x.i64() * y.i64();
        let res = T::of(wide as u64);
        (res, res.i64() != wide)
    };
    cx.lazy(kind::BITS, res, if overflow { CF | OF } else { 0 });
    res
}

/// The product in `rdx:rax`, or in `ax`.
#[inline(always)]
fn put_wide<T: Int>(cx: &mut Context, wide: u128, overflow: bool) {
    let low = T::of(wide as u64);
    cx.lazy(kind::BITS, low, if overflow { CF | OF } else { 0 });
    put_pair::<T>(cx, wide as u64, (wide >> T::BITS) as u64);
}

/// `rax` and `rdx`, or `al` and `ah`.
#[inline(always)]
fn put_pair<T: Int>(cx: &mut Context, low: u64, high: u64) {
    cx.set(0, T::of(low));
    cx.set(if T::BITS == 8 { 1 } else { 16 }, T::of(high));
}

#[inline(always)]
fn dividend<T: Int>(cx: &Context) -> u128 {
    if T::BITS == 8 {
        return u128::from(cx.get::<u16>(0));
    }
    u128::from(cx.get::<T>(0).u64()) | u128::from(cx.get::<T>(16).u64()) << T::BITS
}
