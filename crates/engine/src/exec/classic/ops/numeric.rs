//! Handlers for the scalar operations, made from their list.

#[cfg(not(sampan_small))]
use crate::exec::classic::ops::trap;
use crate::exec::classic::regs::handler;
use crate::exec::num::{self, with_numeric_ops};

/// A number as a slot holds it.
pub(in crate::exec::classic) trait Value {
    fn from_slot(slot: u64) -> Self;
    fn to_slot(self) -> u64;
}

macro_rules! values {
    ($($t:ty: $slot:ident => $from:expr, $value:ident => $to:expr;)*) => {$(
        impl Value for $t {
            #[inline(always)]
            fn from_slot($slot: u64) -> $t { $from }
            #[inline(always)]
            fn to_slot(self) -> u64 {
                let $value = self;
                $to
            }
        }
    )*};
}
values! {
    bool: slot => slot as u32 != 0, value => value.into();
    u32: slot => slot as u32, value => value.into();
    u64: slot => slot, value => value;
    f32: slot => f32::from_bits(slot as u32), value => value.to_bits().into();
    f64: slot => f64::from_bits(slot), value => value.to_bits();
}

/// Whether NaNs are made canonical.
pub(in crate::exec::classic) trait Nans {
    const CANONICAL: bool;
}
/// They are left as the processor makes them.
pub(in crate::exec::classic) struct AnyNans;
/// They are.
pub(in crate::exec::classic) struct CanonicalNans;
impl Nans for AnyNans {
    const CANONICAL: bool = false;
}
impl Nans for CanonicalNans {
    const CANONICAL: bool = true;
}

macro_rules! rows {
    ($($shape:ident $variant:ident $f:ident $($t:ident)*;)*) => {
        $(row! { $shape $f $($t)* })*
    };
}

macro_rules! row {
    (test $f:ident $a:ident) => {
        row! { unary $f $a bool }
    };
    (compare $f:ident $a:ident) => {
        row! { binary $f $a $a bool }
    };
    (unary $f:ident $a:ident $r:ident) => {
        handler! {
            fn $f<const DEPTH: usize>(r) {
                let mut depth = DEPTH;
                let a = $a::from_slot(r.pop(&mut depth));
                r.push(&mut depth, num::$f(a).to_slot());
                r.next(depth, 1)
            }
        }
    };
    (unary $f:ident $a:ident $r:ident $canon:ident) => {
        handler! {
            fn $f<const DEPTH: usize, N: Nans>(r) {
                let mut depth = DEPTH;
                let a = $a::from_slot(r.pop(&mut depth));
                let value = num::$f(a);
                let value = if N::CANONICAL { num::$canon(value) } else { value };
                r.push(&mut depth, value.to_slot());
                r.next(depth, 1)
            }
        }
    };
    (binary $f:ident $a:ident $b:ident $r:ident) => {
        handler! {
            fn $f<const DEPTH: usize>(r) {
                let mut depth = DEPTH;
                let b = $b::from_slot(r.pop(&mut depth));
                let a = $a::from_slot(r.pop(&mut depth));
                r.push(&mut depth, num::$f(a, b).to_slot());
                r.next(depth, 1)
            }
        }
    };
    (binary $f:ident $a:ident $b:ident $r:ident $canon:ident) => {
        handler! {
            fn $f<const DEPTH: usize, N: Nans>(r) {
                let mut depth = DEPTH;
                let b = $b::from_slot(r.pop(&mut depth));
                let a = $a::from_slot(r.pop(&mut depth));
                let value = num::$f(a, b);
                let value = if N::CANONICAL { num::$canon(value) } else { value };
                r.push(&mut depth, value.to_slot());
                r.next(depth, 1)
            }
        }
    };
    (try_unary $f:ident $a:ident $r:ident) => {
        handler! {
            fn $f<const DEPTH: usize>(r) {
                let mut depth = DEPTH;
                let a = $a::from_slot(r.pop(&mut depth));
                match num::$f(a) {
                    Ok(value) => {
                        r.push(&mut depth, value.to_slot());
                        r.next(depth, 1)
                    }
                    Err(kind) => fail!(r, kind),
                }
            }
        }
    };
    (try_binary $f:ident $a:ident) => {
        handler! {
            fn $f<const DEPTH: usize>(r) {
                let mut depth = DEPTH;
                let b = $a::from_slot(r.pop(&mut depth));
                let a = $a::from_slot(r.pop(&mut depth));
                match num::$f(a, b) {
                    Ok(value) => {
                        r.push(&mut depth, value.to_slot());
                        r.next(depth, 1)
                    }
                    Err(kind) => fail!(r, kind),
                }
            }
        }
    };
    (wide_binary $f:ident) => {
        handler! {
            fn $f(r) {
                let sp = r.sp.sub(3);
                let (low, high) = num::$f((*sp, *sp.add(1)), (*sp.add(2), r.a));
                *sp = low;
                r.sp = sp.add(1);
                r.a = high;
                r.next(1, 1)
            }
        }
    };
    (wide_mul $f:ident) => {
        handler! {
            fn $f(r) {
                let (low, high) = num::$f(*r.sp.sub(1), r.a);
                *r.sp.sub(1) = low;
                r.a = high;
                r.next(1, 1)
            }
        }
    };
}

/// Stops with a trap that the operation chose.
#[cfg(not(sampan_small))]
macro_rules! fail {
    ($r:ident, $kind:expr) => {{
        let kind = $kind;
        let handler = trap::of_kind(&kind);
        // A destructor would be a call that is not the last.
        core::mem::forget(kind);
        $r.call(handler)
    }};
}
#[cfg(sampan_small)]
macro_rules! fail {
    ($r:ident, $kind:expr) => {
        $r.fail($kind)
    };
}

with_numeric_ops!(rows);

handler! {
    fn ref_null<const DEPTH: usize>(r) {
        // The heap type may be a type index of several bytes.
        let (_, len) = crate::exec::classic::regs::leb(r.pc.add(1));
        let mut depth = DEPTH;
        r.push(&mut depth, 0);
        r.next(depth, 1 + len)
    }

    fn ref_is_null<const DEPTH: usize>(r) {
        let mut depth = DEPTH;
        let reference = r.pop(&mut depth);
        r.push(&mut depth, u64::from(reference == 0));
        r.next(depth, 1)
    }

    fn ref_func(r) {
        let (index, len) = crate::exec::classic::regs::leb(r.pc.add(1));
        let func = (&(*(*r.ctx).instance).funcs)[index as usize];
        let mut depth = 1;
        r.push(&mut depth, crate::RawRef::func(func).0);
        r.next(depth, 1 + len)
    }
}
