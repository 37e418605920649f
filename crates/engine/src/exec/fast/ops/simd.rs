//! Operations on vectors, which are in two slots each.

use crate::TrapKind;
use crate::exec::fast::operand::Value;
use crate::exec::fast::regs::{Handler, Regs, handler};
use crate::exec::simd::{self, V128};
use sampan_wasm::Opcode;

pub(in crate::exec::fast) trait Op1 {
    fn eval(a: V128) -> V128;
}
pub(in crate::exec::fast) trait Op2 {
    fn eval(a: V128, b: V128) -> V128;
}
pub(in crate::exec::fast) trait Op3 {
    fn eval(a: V128, b: V128, c: V128) -> V128;
}
pub(in crate::exec::fast) trait Shift {
    fn eval(a: V128, b: u32) -> V128;
}
pub(in crate::exec::fast) trait Test {
    fn eval(a: V128) -> u32;
}
pub(in crate::exec::fast) trait Splat {
    type T: Value;
    fn eval(a: Self::T) -> V128;
}
pub(in crate::exec::fast) trait Extract {
    type T: Value;
    fn eval(a: V128, lane: u8) -> Self::T;
}
pub(in crate::exec::fast) trait Replace {
    type T: Value;
    fn eval(a: V128, lane: u8, b: Self::T) -> V128;
}

#[inline(always)]
unsafe fn get(r: &Regs, n: usize) -> V128 {
    // SAFETY: the field names two slots of the frame.
    unsafe { r.slot(n).cast::<V128>().read() }
}

#[inline(always)]
unsafe fn put(r: &Regs, value: V128) {
    // SAFETY: the field names two slots of the frame.
    unsafe { r.slot(0).cast::<V128>().write(value) }
}

#[inline(always)]
unsafe fn scalar<T: Value>(r: &Regs, n: usize) -> T {
    // SAFETY: the field names a slot of the frame.
    unsafe { T::from_slot(*r.slot(n)) }
}

handler! {
    fn unary<O: Op1>(mut r) {
        put(&r, O::eval(get(&r, 1)));
        r.next(2)
    }
    fn binary<O: Op2>(mut r) {
        put(&r, O::eval(get(&r, 1), get(&r, 2)));
        r.next(2)
    }
    fn ternary<O: Op3>(mut r) {
        put(&r, O::eval(get(&r, 1), get(&r, 2), get(&r, 3)));
        r.next(2)
    }
    fn shift<O: Shift>(mut r) {
        put(&r, O::eval(get(&r, 1), scalar(&r, 2)));
        r.next(2)
    }
    fn test<O: Test>(mut r) {
        let value = O::eval(get(&r, 1));
        *r.slot(0) = u64::from(value);
        r.acc = u64::from(value);
        r.next(2)
    }
    fn splat<O: Splat>(mut r) {
        put(&r, O::eval(scalar(&r, 1)));
        r.next(2)
    }
    fn extract_lane<O: Extract>(mut r) {
        let value = O::eval(get(&r, 1), r.field(3) as u8);
        *r.slot(0) = value.to_slot();
        O::T::set(&mut r, value);
        r.next(2)
    }
    fn replace_lane<O: Replace>(mut r) {
        put(&r, O::eval(get(&r, 1), r.field(3) as u8, scalar(&r, 2)));
        r.next(2)
    }
    /// The lanes are words 2 and 3.
    fn shuffle(mut r) {
        let lanes = r.ip.add(2).cast::<[u8; 16]>().read();
        put(&r, simd::i8x16_shuffle(get(&r, 1), get(&r, 2), lanes));
        r.next(4)
    }
    /// The bytes are words 2 and 3.
    fn constant(mut r) {
        put(&r, r.ip.add(2).cast::<V128>().read());
        r.next(4)
    }
    fn canon_f32x4(mut r) {
        put(&r, simd::canon_f32x4(get(&r, 1)));
        r.next(2)
    }
    fn canon_f64x2(mut r) {
        put(&r, simd::canon_f64x2(get(&r, 1)));
        r.next(2)
    }
    /// The address in field 1, the vector in field 2, the offset in word 2, the lane in
    /// field 3.
    fn memory<O: Access>(mut r) {
        let at = u64::from(scalar::<u32>(&r, 1)) + u64::from(r.word(2) as u32);
        if at + O::SIZE > r.len as u64 {
            return r.trap(TrapKind::MemoryOutOfBounds);
        }
        O::run(&r, r.mem.add(at as usize));
        r.next(3)
    }
}

/// An access to memory that only vectors have.
pub(in crate::exec::fast) trait Access {
    const SIZE: u64;
    unsafe fn run(r: &Regs, at: *mut u8);
}

macro_rules! load_into {
    ($($op:ident $size:literal $bytes:ident $body:expr;)*) => {$(
        impl Access for ops::$op {
            const SIZE: u64 = $size;
            #[inline(always)]
            unsafe fn run(r: &Regs, at: *mut u8) {
                // SAFETY: the handler checked the bounds.
                unsafe {
                    let $bytes = at.cast::<[u8; $size]>().read();
                    put(r, $body);
                }
            }
        }
    )*};
}

/// A vector whose first bytes are given and whose others are zero.
#[inline(always)]
fn low<const N: usize>(bytes: [u8; N]) -> V128 {
    let mut v = V128::ZERO;
    v.0[..N].copy_from_slice(&bytes);
    v
}

load_into! {
    V128Load8x8S 8 b simd::i16x8_extend_low_i8x16_s(low(b));
    V128Load8x8U 8 b simd::i16x8_extend_low_i8x16_u(low(b));
    V128Load16x4S 8 b simd::i32x4_extend_low_i16x8_s(low(b));
    V128Load16x4U 8 b simd::i32x4_extend_low_i16x8_u(low(b));
    V128Load32x2S 8 b simd::i64x2_extend_low_i32x4_s(low(b));
    V128Load32x2U 8 b simd::i64x2_extend_low_i32x4_u(low(b));
    V128Load8Splat 1 b simd::i8x16_splat(b[0].into());
    V128Load16Splat 2 b simd::i16x8_splat(u16::from_le_bytes(b).into());
    V128Load32Splat 4 b simd::i32x4_splat(u32::from_le_bytes(b));
    V128Load64Splat 8 b simd::i64x2_splat(u64::from_le_bytes(b));
    V128Load32Zero 4 b low(b);
    V128Load64Zero 8 b low(b);
}

macro_rules! lanes {
    ($($load:ident $store:ident $size:literal;)*) => {$(
        impl Access for ops::$load {
            const SIZE: u64 = $size;
            #[inline(always)]
            unsafe fn run(r: &Regs, at: *mut u8) {
                // SAFETY: the handler checked the bounds; validation the lane.
                unsafe {
                    let mut v = get(r, 2);
                    let lane = usize::from(r.field(3)) * $size;
                    v.0[lane..lane + $size].copy_from_slice(&at.cast::<[u8; $size]>().read());
                    put(r, v);
                }
            }
        }
        impl Access for ops::$store {
            const SIZE: u64 = $size;
            #[inline(always)]
            unsafe fn run(r: &Regs, at: *mut u8) {
                // SAFETY: as above.
                unsafe {
                    let v = get(r, 2);
                    let lane = usize::from(r.field(3)) * $size;
                    let mut bytes = [0; $size];
                    bytes.copy_from_slice(&v.0[lane..lane + $size]);
                    at.cast::<[u8; $size]>().write(bytes);
                }
            }
        }
    )*};
}
lanes! {
    V128Load8Lane V128Store8Lane 1;
    V128Load16Lane V128Store16Lane 2;
    V128Load32Lane V128Store32Lane 4;
    V128Load64Lane V128Store64Lane 8;
}

/// How a vector instruction is translated.
#[derive(Clone, Copy)]
pub(in crate::exec::fast) enum Shape {
    /// So many operands, all from slots, and a vector.
    Vector(usize, Handler),
    /// A vector operand and a scalar result, in its slot and in an accumulator.
    Scalar(Handler),
}

macro_rules! shapes {
    (@impl unary $op:ident $f:ident $($rest:ident)*) => {
        impl Op1 for $op {
            #[inline(always)]
            fn eval(a: V128) -> V128 { simd::$f(a) }
        }
    };
    (@impl binary $op:ident $f:ident $($rest:ident)*) => {
        impl Op2 for $op {
            #[inline(always)]
            fn eval(a: V128, b: V128) -> V128 { simd::$f(a, b) }
        }
    };
    (@impl ternary $op:ident $f:ident $($rest:ident)*) => {
        impl Op3 for $op {
            #[inline(always)]
            fn eval(a: V128, b: V128, c: V128) -> V128 { simd::$f(a, b, c) }
        }
    };
    (@impl shift $op:ident $f:ident) => {
        impl Shift for $op {
            #[inline(always)]
            fn eval(a: V128, b: u32) -> V128 { simd::$f(a, b) }
        }
    };
    (@impl test $op:ident $f:ident) => {
        impl Test for $op {
            #[inline(always)]
            fn eval(a: V128) -> u32 { simd::$f(a) }
        }
    };
    (@impl splat $op:ident $f:ident $t:ident) => {
        impl Splat for $op {
            type T = $t;
            #[inline(always)]
            fn eval(a: $t) -> V128 { simd::$f(a) }
        }
    };
    (@impl extract_lane $op:ident $f:ident $t:ident) => {
        impl Extract for $op {
            type T = $t;
            #[inline(always)]
            fn eval(a: V128, lane: u8) -> $t { simd::$f(a, lane) }
        }
    };
    (@impl replace_lane $op:ident $f:ident $t:ident) => {
        impl Replace for $op {
            type T = $t;
            #[inline(always)]
            fn eval(a: V128, lane: u8, b: $t) -> V128 { simd::$f(a, lane, b) }
        }
    };
    (@impl shuffle $op:ident $f:ident) => {};
    (@shape unary $op:ident) => { Shape::Vector(1, unary::<ops::$op>) };
    (@shape binary $op:ident) => { Shape::Vector(2, binary::<ops::$op>) };
    (@shape ternary $op:ident) => { Shape::Vector(3, ternary::<ops::$op>) };
    (@shape shift $op:ident) => { Shape::Vector(2, shift::<ops::$op>) };
    (@shape test $op:ident) => { Shape::Scalar(test::<ops::$op>) };
    (@shape splat $op:ident) => { Shape::Vector(1, splat::<ops::$op>) };
    (@shape extract_lane $op:ident) => { Shape::Scalar(extract_lane::<ops::$op>) };
    (@shape replace_lane $op:ident) => { Shape::Vector(2, replace_lane::<ops::$op>) };
    (@shape shuffle $op:ident) => { Shape::Vector(2, shuffle) };
    (@canon canon_f32x4) => { Some(canon_f32x4 as Handler) };
    (@canon canon_f64x2) => { Some(canon_f64x2 as Handler) };
    (@canon) => { None };
    (@canon $first:ident $($rest:ident)*) => { shapes!(@canon $($rest)*) };
    ([$($mem:ident)*] $($kind:ident $op:ident $f:ident $($t:ident)*;)*) => {
        /// One type for each opcode, to carry its meaning.
        mod ops {
            use super::*;
            $(
                #[allow(dead_code)] // The shuffle has a handler of its own.
                pub(super) struct $op;
                shapes!(@impl $kind $op $f $($t)*);
            )*
            $(pub(super) struct $mem;)*
        }

        /// How `op` is translated; `None` if it is no arithmetic on vectors.
        pub(in crate::exec::fast) fn shape(op: Opcode) -> Option<Shape> {
            Some(match op {
                $(Opcode::$op => shapes!(@shape $kind $op),)*
                _ => return None,
            })
        }

        /// What makes the NaNs that the result of `op` may have canonical.
        pub(in crate::exec::fast) fn canonical(op: Opcode) -> Option<Handler> {
            match op {
                $(Opcode::$op => shapes!(@canon $($t)*),)*
                _ => None,
            }
        }

        /// The handler of an access to memory.
        pub(in crate::exec::fast) fn access(op: Opcode) -> Option<Handler> {
            Some(match op {
                $(Opcode::$mem => memory::<ops::$mem>,)*
                _ => return None,
            })
        }
    };
}
simd::with_simd_ops!(shapes [
    V128Load8x8S V128Load8x8U V128Load16x4S V128Load16x4U V128Load32x2S V128Load32x2U
    V128Load8Splat V128Load16Splat V128Load32Splat V128Load64Splat
    V128Load32Zero V128Load64Zero
    V128Load8Lane V128Load16Lane V128Load32Lane V128Load64Lane
    V128Store8Lane V128Store16Lane V128Store32Lane V128Store64Lane
]);
