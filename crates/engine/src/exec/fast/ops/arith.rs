//! Arithmetic and comparison, also fused with a branch.

use super::{Loc, Pair, moves::Class};
use crate::TrapKind;
use crate::exec::fast::operand::{A, Dst, I, S, Src, Value};
use crate::exec::fast::regs::{Handler, handler};
use crate::exec::num;
use sampan_wasm::Opcode;

pub(in crate::exec::fast) trait Unary {
    type In: Value;
    type Out: Value;
    fn eval(a: Self::In) -> Result<Self::Out, TrapKind>;
}

pub(in crate::exec::fast) trait Binary {
    type T: Value;
    fn eval(a: Self::T, b: Self::T) -> Result<Self::T, TrapKind>;
}

pub(in crate::exec::fast) trait Compare {
    type T: Value;
    fn eval(a: Self::T, b: Self::T) -> bool;
}

handler! {
    fn unary<O: Unary, L: Src, D: Dst>(mut r) {
        match O::eval(L::read(&r, 1)) {
            Ok(value) => {
                D::write(&mut r, value);
                r.next(2)
            }
            Err(kind) => r.trap(kind),
        }
    }

    fn binary<O: Binary, L: Src, R: Src, D: Dst>(mut r) {
        match O::eval(L::read(&r, 1), R::read(&r, 2)) {
            Ok(value) => {
                D::write(&mut r, value);
                r.next(2)
            }
            Err(kind) => r.trap(kind),
        }
    }

    fn compare<O: Compare, L: Src, R: Src, D: Dst>(mut r) {
        let value = u32::from(O::eval(L::read(&r, 1), R::read(&r, 2)));
        D::write(&mut r, value);
        r.next(2)
    }

    fn branch_if<O: Compare, L: Src, R: Src>(mut r) {
        if O::eval(L::read(&r, 1), R::read_right(&r)) { r.jump(r.imm()) } else { r.next(R::WORDS) }
    }

    fn branch_unless<O: Compare, L: Src, R: Src>(mut r) {
        if O::eval(L::read(&r, 1), R::read_right(&r)) { r.next(R::WORDS) } else { r.jump(r.imm()) }
    }
}

macro_rules! pair {
    ($name:ident::<$($g:ty),*>) => { Pair { acc: $name::<$($g,)* A>, slot: $name::<$($g,)* S> } };
}

fn unary_pair<O: Unary>(a: Loc) -> Pair {
    match a {
        Loc::Acc => pair!(unary::<O, A>),
        _ => pair!(unary::<O, S>),
    }
}

/// Picks a generic item's instance by the places of two operands; the left is never `Imm`.
macro_rules! by_places {
    ($l:expr, $r:expr, $make:ident!($name:ident, $o:ty)) => {
        match ($l, $r) {
            (Loc::Acc, Loc::Acc) => $make!($name::<$o, A, A>),
            (Loc::Acc, Loc::Slot(_)) => $make!($name::<$o, A, S>),
            (Loc::Acc, Loc::Imm(_)) => $make!($name::<$o, A, I>),
            (_, Loc::Acc) => $make!($name::<$o, S, A>),
            (_, Loc::Slot(_)) => $make!($name::<$o, S, S>),
            (_, Loc::Imm(_)) => $make!($name::<$o, S, I>),
        }
    };
}

macro_rules! plain {
    ($name:ident::<$($g:ty),*>) => { $name::<$($g),*> };
}

fn binary_pair<O: Binary>(a: Loc, b: Loc) -> Pair {
    by_places!(a, b, pair!(binary, O))
}

fn compare_pair<O: Compare>(a: Loc, b: Loc) -> Pair {
    by_places!(a, b, pair!(compare, O))
}

fn branch_handler<O: Compare>(a: Loc, b: Loc, sense: bool) -> Handler {
    if cfg!(sampan_small) {
        // Comparisons and branches are instructions of their own.
        return super::control::br_if(Loc::Slot(0), sense);
    }
    if sense {
        by_places!(a, b, plain!(branch_if, O))
    } else {
        by_places!(a, b, plain!(branch_unless, O))
    }
}

/// How an opcode of arithmetic is translated.
#[derive(Clone, Copy)]
pub(in crate::exec::fast) enum Shape {
    Unary(fn(Loc) -> Pair),
    Binary(fn(Loc, Loc) -> Pair),
    Compare { value: fn(Loc, Loc) -> Pair, branch: fn(Loc, Loc, bool) -> Handler },
}

macro_rules! shapes {
    (@impl unary $op:ident $f:ident $i:ident $o:ident $($canon:ident)?) => {
        impl Unary for $op {
            type In = $i;
            type Out = $o;
            #[inline(always)]
            fn eval(a: $i) -> Result<$o, TrapKind> { Ok(num::$f(a)) }
        }
    };
    (@impl try_unary $op:ident $f:ident $i:ident $o:ident) => {
        impl Unary for $op {
            type In = $i;
            type Out = $o;
            #[inline(always)]
            fn eval(a: $i) -> Result<$o, TrapKind> { num::$f(a) }
        }
    };
    (@impl binary $op:ident $f:ident $i:ident $($rest:ident)*) => {
        impl Binary for $op {
            type T = $i;
            #[inline(always)]
            fn eval(a: $i, b: $i) -> Result<$i, TrapKind> { Ok(num::$f(a, b)) }
        }
    };
    (@impl try_binary $op:ident $f:ident $i:ident $($rest:ident)*) => {
        impl Binary for $op {
            type T = $i;
            #[inline(always)]
            fn eval(a: $i, b: $i) -> Result<$i, TrapKind> { num::$f(a, b) }
        }
    };
    (@impl compare $op:ident $f:ident $i:ident $($rest:ident)*) => {
        impl Compare for $op {
            type T = $i;
            #[inline(always)]
            fn eval(a: $i, b: $i) -> bool { num::$f(a, b) }
        }
    };
    (@impl test $($rest:ident)*) => {};
    (@impl wide_binary $($rest:ident)*) => {};
    (@impl wide_mul $($rest:ident)*) => {};
    // The translator makes comparisons of tests; wide arithmetic is in `wide.rs`.
    (@shape test $op:ident) => { return None };
    (@shape wide_binary $op:ident) => { return None };
    (@shape wide_mul $op:ident) => { return None };
    (@canon canon_f32) => { Some(Class::F32) };
    (@canon canon_f64) => { Some(Class::F64) };
    (@canon) => { None };
    (@canon $first:ident $($rest:ident)*) => { shapes!(@canon $($rest)*) };
    (@traps try_unary) => { true };
    (@traps try_binary) => { true };
    (@traps $kind:ident) => { false };
    (@shape unary $op:ident) => { Shape::Unary(unary_pair::<ops::$op>) };
    (@shape try_unary $op:ident) => { Shape::Unary(unary_pair::<ops::$op>) };
    (@shape binary $op:ident) => { Shape::Binary(binary_pair::<ops::$op>) };
    (@shape try_binary $op:ident) => { Shape::Binary(binary_pair::<ops::$op>) };
    (@shape compare $op:ident) => {
        Shape::Compare { value: compare_pair::<ops::$op>, branch: branch_handler::<ops::$op> }
    };
    ($($kind:ident $op:ident $f:ident $($t:ident)*;)*) => {
        /// One type for each opcode, to carry its meaning.
        pub(super) mod ops {
            use super::*;
            $(
                #[allow(dead_code)] // Tests and wide arithmetic have no handler.
                pub(in crate::exec::fast) struct $op;
                shapes!(@impl $kind $op $f $($t)*);
            )*
        }

        /// How `op` is translated; `None` if it is not plain arithmetic.
        pub(in crate::exec::fast) fn shape(op: Opcode) -> Option<Shape> {
            Some(match op {
                $(Opcode::$op => shapes!(@shape $kind $op),)*
                _ => return None,
            })
        }

        /// The class of NaN that the result of `op` may be.
        pub(in crate::exec::fast) fn canonical(op: Opcode) -> Option<Class> {
            match op {
                $(Opcode::$op => shapes!(@canon $($t)*),)*
                _ => None,
            }
        }

        /// Whether `op` can trap.
        pub(in crate::exec::fast) fn traps(op: Opcode) -> bool {
            match op {
                $(Opcode::$op => shapes!(@traps $kind),)*
                _ => false,
            }
        }
    };
}
num::with_numeric_ops!(shapes);
