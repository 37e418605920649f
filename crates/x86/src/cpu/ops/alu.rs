//! Addition, subtraction, logic.

use crate::cpu::context::{Context, Int};
use crate::cpu::flags::kind;
use crate::cpu::loc::{Dst, Src};
use crate::cpu::op::{get, handler};
use crate::registers::flags::{AF, CF, OF};

/// An operation of two operands that leaves flags.
pub(in crate::cpu) trait Binary {
    fn apply<T: Int>(cx: &mut Context, x: T, y: T) -> T;
}

/// An operation of one operand.
pub(in crate::cpu) trait Unary {
    fn apply<T: Int>(cx: &mut Context, x: T) -> T;
}

macro_rules! binary {
    ($($name:ident $t:ident $cx:ident $x:ident $y:ident $e:block)*) => {$(
        pub(in crate::cpu) struct $name;
        impl Binary for $name {
            #[inline(always)]
            fn apply<$t: Int>($cx: &mut Context, $x: $t, $y: $t) -> $t $e
        }
    )*};
}
binary! {
    Add T cx x y {
        let res = T::of(x.u64().wrapping_add(y.u64()));
        cx.lazy(kind::ADD, res, y.top());
        res
    }
    Sub T cx x y {
        let res = T::of(x.u64().wrapping_sub(y.u64()));
        cx.lazy(kind::SUB, res, y.top());
        res
    }
    And T cx x y {
        let res = T::of(x.u64() & y.u64());
        cx.lazy(kind::LOGIC, res, 0);
        res
    }
    Or T cx x y {
        let res = T::of(x.u64() | y.u64());
        cx.lazy(kind::LOGIC, res, 0);
        res
    }
    Xor T cx x y {
        let res = T::of(x.u64() ^ y.u64());
        cx.lazy(kind::LOGIC, res, 0);
        res
    }
    Adc T cx x y {
        let carry = u64::from(cx.cf());
        let res = T::of(x.u64().wrapping_add(y.u64()).wrapping_add(carry));
        let (a, b, c) = (x.top(), y.top(), res.top());
        let carry_out = ((a & b) | ((a | b) & !c)) >> 63;
        let overflow = ((a ^ c) & (b ^ c)) >> 63;
        let adjust = (x.u64() ^ y.u64() ^ res.u64()) & AF;
        cx.lazy(kind::BITS, res, carry_out * CF | overflow * OF | adjust);
        res
    }
    Sbb T cx x y {
        let borrow = u64::from(cx.cf());
        let res = T::of(x.u64().wrapping_sub(y.u64()).wrapping_sub(borrow));
        let (a, b, c) = (x.top(), y.top(), res.top());
        let carry_out = ((!a & b) | ((!a | b) & c)) >> 63;
        let overflow = ((a ^ b) & (a ^ c)) >> 63;
        let adjust = (x.u64() ^ y.u64() ^ res.u64()) & AF;
        cx.lazy(kind::BITS, res, carry_out * CF | overflow * OF | adjust);
        res
    }
}

macro_rules! unary {
    ($($name:ident $t:ident $cx:ident $x:ident $e:block)*) => {$(
        pub(in crate::cpu) struct $name;
        impl Unary for $name {
            #[inline(always)]
            fn apply<$t: Int>($cx: &mut Context, $x: $t) -> $t $e
        }
    )*};
}
unary! {
    Inc T cx x {
        let carry = u64::from(cx.cf());
        cx.rflags = cx.rflags & !CF | carry;
        let res = T::of(x.u64().wrapping_add(1));
        cx.lazy(kind::INC, res, 0);
        res
    }
    Dec T cx x {
        let carry = u64::from(cx.cf());
        cx.rflags = cx.rflags & !CF | carry;
        let res = T::of(x.u64().wrapping_sub(1));
        cx.lazy(kind::DEC, res, 0);
        res
    }
    Neg T cx x {
        let res = T::of(x.u64().wrapping_neg());
        cx.lazy(kind::SUB, res, x.top());
        res
    }
    Not T _cx x { T::of(!x.u64()) }
}

handler! {
    fn binary<O: Binary, T: Int, D: Dst, S: Src>(r) {
        let y = get!(r, S::read::<T>(&r));
        get!(r, D::modify::<T>(&r, |x| O::apply(r.cx(), x, y)));
        r.next()
    }

    fn unary<O: Unary, T: Int, D: Dst>(r) {
        get!(r, D::modify::<T>(&r, |x| O::apply(r.cx(), x)));
        r.next()
    }

    /// `cmp` and `test`: only flags.
    fn compare<O: Binary, T: Int, D: Src, S: Src>(r) {
        let y = get!(r, S::read::<T>(&r));
        let x = get!(r, D::read::<T>(&r));
        O::apply(r.cx(), x, y);
        r.next()
    }
}
