//! Shifts and rotations. Counts come in the op's immediate or in `cl`.

use crate::cpu::context::{Context, Int};
use crate::cpu::flags::kind;
use crate::cpu::loc::{Dst, Src};
use crate::cpu::op::{get, handler};
use crate::registers::flags::{CF, OF};

/// A shift by a count that is not zero and already masked to 5 or 6 bits.
pub(in crate::cpu) trait Shift {
    fn apply<T: Int>(cx: &mut Context, x: T, count: u32) -> T;
}

macro_rules! shift {
    ($($(#[$m:meta])* $name:ident $t:ident $cx:ident $x:ident $n:ident $e:block)*) => {$(
        $(#[$m])*
        pub(in crate::cpu) struct $name;
        impl Shift for $name {
            #[inline(always)]
            fn apply<$t: Int>($cx: &mut Context, $x: $t, $n: u32) -> $t $e
        }
    )*};
}
shift! {
    Shl T cx x n {
        // At the top of 64 bits, what is shifted out last is at bit 64 - n.
        let top = x.top();
        let carry = if n <= T::BITS { top >> (64 - n) & 1 } else { 0 };
        let res = T::of(if n < 64 { x.u64() << n } else { 0 });
        let overflow = (res.top() >> 63) ^ carry;
        cx.lazy(kind::BITS, res, carry * CF | overflow * OF);
        res
    }
    Shr T cx x n {
        let carry = x.u64() >> (n - 1) & 1;
        let res = T::of(x.u64() >> (n - 1) >> 1);
        // Defined for a count of one: the sign that was; for more, processors do the same
        // with the value before the last step.
        let overflow = if n == 1 { x.top() >> 63 } else { 0 };
        cx.lazy(kind::BITS, res, carry * CF | overflow * OF);
        res
    }
    Sar T cx x n {
        let carry = (x.i64() >> (n - 1) & 1) as u64;
        let res = T::of((x.i64() >> (n - 1) >> 1) as u64);
        cx.lazy(kind::BITS, res, carry * CF);
        res
    }
    Rol T cx x n {
        let k = n % T::BITS;
        let v = x.u64();
        let res = T::of(if k == 0 { v } else { v << k | v >> (T::BITS - k) });
        let carry = res.u64() & 1;
        rotated(cx, carry, (res.top() >> 63) ^ carry);
        res
    }
    Ror T cx x n {
        let k = n % T::BITS;
        let v = x.u64();
        let res = T::of(if k == 0 { v } else { v >> k | v << (T::BITS - k) });
        let carry = res.top() >> 63;
        rotated(cx, carry, carry ^ (res.top() >> 62 & 1));
        res
    }
    Rcl T cx x n {
        let k = n % (T::BITS + 1);
        let wide = u128::from(x.u64()) | u128::from(cx.cf()) << T::BITS;
        let all = (1_u128 << (T::BITS + 1)) - 1;
        let wide = if k == 0 { wide } else { (wide << k | wide >> (T::BITS + 1 - k)) & all };
        let res = T::of(wide as u64);
        let carry = (wide >> T::BITS) as u64;
        rotated(cx, carry, (res.top() >> 63) ^ carry);
        res
    }
    Rcr T cx x n {
        let k = n % (T::BITS + 1);
        let wide = u128::from(x.u64()) | u128::from(cx.cf()) << T::BITS;
        let all = (1_u128 << (T::BITS + 1)) - 1;
        let wide = if k == 0 { wide } else { (wide >> k | wide << (T::BITS + 1 - k)) & all };
        let res = T::of(wide as u64);
        let carry = (wide >> T::BITS) as u64;
        rotated(cx, carry, (res.top() >> 63) ^ (res.top() >> 62 & 1));
        res
    }
}

/// A rotation changes carry and overflow only.
#[inline(always)]
fn rotated(cx: &mut Context, carry: u64, overflow: u64) {
    let bits = carry * CF | overflow * OF;
    if cx.kind & 0xff == kind::BITS {
        cx.src = cx.src & !(CF | OF) | bits;
    } else {
        let status = cx.status() & !(CF | OF) | bits;
        cx.set_status(status);
    }
}

/// Where the count is.
pub(in crate::cpu) trait Count {
    fn count<T: Int>(cx: &Context, imm: u64) -> u32;
}
/// In `cl`.
pub(in crate::cpu) struct Cl;
/// In the immediate, not zero.
pub(in crate::cpu) struct Fixed;

impl Count for Cl {
    #[inline(always)]
    fn count<T: Int>(cx: &Context, _: u64) -> u32 {
        cx.r[1] as u32 & if T::BITS == 64 { 63 } else { 31 }
    }
}
impl Count for Fixed {
    #[inline(always)]
    fn count<T: Int>(_: &Context, imm: u64) -> u32 {
        imm as u32
    }
}

handler! {
    fn shift<O: Shift, T: Int, D: Dst, C: Count>(r) {
        let n = C::count::<T>(r.cx(), r.op().imm);
        get!(r, D::modify::<T>(&r, |x| if n == 0 { x } else { O::apply(r.cx(), x, n) }));
        r.next()
    }

    fn shld<T: Int, D: Dst, C: Count>(r) {
        let n = C::count::<T>(r.cx(), r.op().imm);
        let low: T = r.cx().get(r.op().b);
        get!(r, D::modify::<T>(&r, |x| double(r.cx(), x, low, n, Side::Left)));
        r.next()
    }

    fn shrd<T: Int, D: Dst, C: Count>(r) {
        let n = C::count::<T>(r.cx(), r.op().imm);
        let high: T = r.cx().get(r.op().b);
        get!(r, D::modify::<T>(&r, |x| double(r.cx(), x, high, n, Side::Right)));
        r.next()
    }

    /// `bt` and its kin with a register or an immediate as bit number, on a register, or on
    /// memory with an immediate.
    fn bit<O: BitOp, T: Int, D: Dst, S: Src>(r) {
        let n = get!(r, S::read::<T>(&r)).u64() as u32 % T::BITS;
        if O::WRITES {
            get!(r, D::modify::<T>(&r, |x| {
                set_carry(r.cx(), x.u64() >> n & 1);
                T::of(O::apply(x.u64(), 1 << n))
            }));
        } else {
            let x = get!(r, D::read::<T>(&r));
            set_carry(r.cx(), x.u64() >> n & 1);
        }
        r.next()
    }

    /// The same with a register as bit number on memory: a bit string around the address.
    fn bit_string<O: BitOp, T: Int>(r) {
        let n: T = r.cx().get(r.op().b);
        let words = n.i64() >> T::BITS.trailing_zeros();
        let base: u64 = r.cx().get(r.op().a);
        // The displacement by the bit number is part of the effective address, which the
        // address size (in the immediate) wraps before the segment is added.
        let offset = (words as u64).wrapping_mul(u64::from(T::BITS / 8));
        let addr = ((r.ea().wrapping_add(offset) & r.op().imm).wrapping_add(base)) & r.cx().mask;
        let n = n.u64() as u32 % T::BITS;
        if O::WRITES {
            let at = r.writable(addr, size_of::<T>()).cast::<T>();
            if at.is_null() {
                return r.fault();
            }
            let x = at.read_unaligned();
            at.write_unaligned(T::of(O::apply(x.u64(), 1 << n)));
            set_carry(r.cx(), x.u64() >> n & 1);
        } else {
            let x = get!(r, r.load::<T>(addr));
            set_carry(r.cx(), x.u64() >> n & 1);
        }
        r.next()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
}

#[inline(always)]
fn double<T: Int>(cx: &mut Context, x: T, other: T, n: u32, side: Side) -> T {
    if n == 0 {
        return x;
    }
    let bits = T::BITS;
    // For 16 bits a count above 16 is undefined; processors rotate x, other, x.
    let (x3, o3) = (u128::from(x.u64()), u128::from(other.u64()));
    let (res, carry) = if side == Side::Left {
        let wide = x3 << bits | o3;
        let wide = if bits == 16 { wide << 16 | x3 } else { wide };
        let total = if bits == 16 { 48 } else { 2 * bits };
        let shifted = wide >> (total - bits - n);
        (T::of(shifted as u64), (shifted >> bits) as u64 & 1)
    } else {
        let wide = o3 << bits | x3;
        let wide = if bits == 16 { x3 << 32 | wide } else { wide };
        (T::of((wide >> n) as u64), (wide >> (n - 1)) as u64 & 1)
    };
    let overflow = (res.top() ^ x.top()) >> 63;
    cx.lazy(kind::BITS, res, carry * CF | overflow * OF);
    res
}

/// What becomes of the bit.
pub(in crate::cpu) trait BitOp {
    const WRITES: bool = true;
    fn apply(x: u64, bit: u64) -> u64;
}
pub(in crate::cpu) struct Bt;
pub(in crate::cpu) struct Bts;
pub(in crate::cpu) struct Btr;
pub(in crate::cpu) struct Btc;
impl BitOp for Bt {
    const WRITES: bool = false;
    fn apply(x: u64, _: u64) -> u64 {
        x
    }
}
impl BitOp for Bts {
    fn apply(x: u64, bit: u64) -> u64 {
        x | bit
    }
}
impl BitOp for Btr {
    fn apply(x: u64, bit: u64) -> u64 {
        x & !bit
    }
}
impl BitOp for Btc {
    fn apply(x: u64, bit: u64) -> u64 {
        x ^ bit
    }
}

/// Changes carry only.
#[inline(always)]
pub(in crate::cpu) fn set_carry(cx: &mut Context, carry: u64) {
    let status = cx.status() & !CF | carry * CF;
    cx.set_status(status);
}
