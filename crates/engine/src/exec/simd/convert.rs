//! Conversions between lanes of different types: wider, narrower, and floats.

use super::*;

/// Lanes of twice the width, each computed from a lane or two of a half of the operands,
/// which starts at lane `first`: `name(operands): operand lanes => wide lane, first = expression`.
macro_rules! widening {
    ($($name:ident($($p:ident),+): $from:ty => $to:ty, $wide:ty, $first:literal = $body:expr;)*) => {
        $(
            #[inline(always)]
            pub(crate) fn $name($($p: V128),+) -> V128 {
                $(let $p = <$from>::from($p);)+
                let lanes: $to = from_fn(|i| {
                    $(let $p = <$wide>::from($p[$first + i]);)+
                    $body
                });
                V128::from(lanes)
            }
        )*
    };
}

widening! {
    i16x8_extend_low_i8x16_s(a): I8x16 => I16x8, i16, 0 = a;
    i16x8_extmul_low_i8x16_s(a, b): I8x16 => I16x8, i16, 0 = a * b;
    i16x8_extend_low_i8x16_u(a): U8x16 => U16x8, u16, 0 = a;
    i16x8_extmul_low_i8x16_u(a, b): U8x16 => U16x8, u16, 0 = a * b;
    i16x8_extend_high_i8x16_s(a): I8x16 => I16x8, i16, 8 = a;
    i16x8_extmul_high_i8x16_s(a, b): I8x16 => I16x8, i16, 8 = a * b;
    i16x8_extend_high_i8x16_u(a): U8x16 => U16x8, u16, 8 = a;
    i16x8_extmul_high_i8x16_u(a, b): U8x16 => U16x8, u16, 8 = a * b;
    i32x4_extend_low_i16x8_s(a): I16x8 => I32x4, i32, 0 = a;
    i32x4_extmul_low_i16x8_s(a, b): I16x8 => I32x4, i32, 0 = a * b;
    i32x4_extend_low_i16x8_u(a): U16x8 => U32x4, u32, 0 = a;
    i32x4_extmul_low_i16x8_u(a, b): U16x8 => U32x4, u32, 0 = a * b;
    i32x4_extend_high_i16x8_s(a): I16x8 => I32x4, i32, 4 = a;
    i32x4_extmul_high_i16x8_s(a, b): I16x8 => I32x4, i32, 4 = a * b;
    i32x4_extend_high_i16x8_u(a): U16x8 => U32x4, u32, 4 = a;
    i32x4_extmul_high_i16x8_u(a, b): U16x8 => U32x4, u32, 4 = a * b;
    i64x2_extend_low_i32x4_s(a): I32x4 => I64x2, i64, 0 = a;
    i64x2_extmul_low_i32x4_s(a, b): I32x4 => I64x2, i64, 0 = a * b;
    i64x2_extend_low_i32x4_u(a): U32x4 => U64x2, u64, 0 = a;
    i64x2_extmul_low_i32x4_u(a, b): U32x4 => U64x2, u64, 0 = a * b;
    i64x2_extend_high_i32x4_s(a): I32x4 => I64x2, i64, 2 = a;
    i64x2_extmul_high_i32x4_s(a, b): I32x4 => I64x2, i64, 2 = a * b;
    i64x2_extend_high_i32x4_u(a): U32x4 => U64x2, u64, 2 = a;
    i64x2_extmul_high_i32x4_u(a, b): U32x4 => U64x2, u64, 2 = a * b;
}

/// Lanes of twice the width, each the sum of two neighbours.
macro_rules! extadd_pairwise {
    ($($name:ident: $from:ty => $to:ty, $wide:ty;)*) => {
        $(
            #[inline(always)]
            pub(crate) fn $name(a: V128) -> V128 {
                let a = <$from>::from(a);
                let lanes: $to = from_fn(|i| <$wide>::from(a[2 * i]) + <$wide>::from(a[2 * i + 1]));
                V128::from(lanes)
            }
        )*
    };
}

extadd_pairwise! {
    i16x8_extadd_pairwise_i8x16_s: I8x16 => I16x8, i16;
    i16x8_extadd_pairwise_i8x16_u: U8x16 => U16x8, u16;
    i32x4_extadd_pairwise_i16x8_s: I16x8 => I32x4, i32;
    i32x4_extadd_pairwise_i16x8_u: U16x8 => U32x4, u32;
}

/// Sums of two neighbouring products each. Only four times the smallest number overflows.
#[inline(always)]
pub(crate) fn i32x4_dot_i16x8_s(a: V128, b: V128) -> V128 {
    let (a, b) = (I32x4::from(a), I32x4::from(b));
    let low = |pair: i32| i32::from(pair as i16);
    let high = |pair: i32| pair >> 16;
    let sums: I32x4 = from_fn(|i| (low(a[i]) * low(b[i])).wrapping_add(high(a[i]) * high(b[i])));
    V128::from(sums)
}

/// Lanes of half the width, signed and saturating, those of the first operand first.
macro_rules! narrowing {
    ($($name:ident: $from:ty => $to:ty, $wide:ty, $narrow:ty;)*) => {
        $(
            #[inline(always)]
            pub(crate) fn $name(a: V128, b: V128) -> V128 {
                const HALF: usize = 8 / size_of::<$narrow>();
                let (a, b) = (<$from>::from(a), <$from>::from(b));
                let lanes: $to = from_fn(|i| {
                    let lane = if i < HALF { a[i] } else { b[i - HALF] };
                    lane.clamp(<$wide>::from(<$narrow>::MIN), <$wide>::from(<$narrow>::MAX)) as $narrow
                });
                V128::from(lanes)
            }
        )*
    };
}

narrowing! {
    i8x16_narrow_i16x8_s: I16x8 => I8x16, i16, i8;
    i8x16_narrow_i16x8_u: I16x8 => U8x16, i16, u8;
    i16x8_narrow_i32x4_s: I32x4 => I16x8, i32, i16;
    i16x8_narrow_i32x4_u: I32x4 => U16x8, i32, u16;
}

// `as` from a float saturates, and takes a NaN to zero; to a float, it rounds to nearest.
lanewise! {
    i32x4_trunc_sat_f32x4_s(a): F32x4 => I32x4 = a as i32;
    i32x4_trunc_sat_f32x4_u(a): F32x4 => U32x4 = a as u32;
    f32x4_convert_i32x4_s(a): I32x4 => F32x4 = a as f32;
    f32x4_convert_i32x4_u(a): U32x4 => F32x4 = a as f32;
}

/// Two lanes computed from all or the low ones, and zeros if there are more in the result.
macro_rules! two_lanes {
    ($($name:ident: $from:ty => $to:ty = |$a:ident| $body:expr;)*) => {
        $(
            #[inline(always)]
            pub(crate) fn $name(a: V128) -> V128 {
                let a = <$from>::from(a);
                let mut lanes: $to = Default::default();
                for i in 0..2 {
                    let $a = a[i];
                    lanes[i] = $body;
                }
                V128::from(lanes)
            }
        )*
    };
}

two_lanes! {
    i32x4_trunc_sat_f64x2_s_zero: F64x2 => I32x4 = |a| a as i32;
    i32x4_trunc_sat_f64x2_u_zero: F64x2 => U32x4 = |a| a as u32;
    f32x4_demote_f64x2_zero: F64x2 => F32x4 = |a| a as f32;
    f64x2_promote_low_f32x4: F32x4 => F64x2 = |a| f64::from(a);
    f64x2_convert_low_i32x4_s: I32x4 => F64x2 = |a| f64::from(a);
    f64x2_convert_low_i32x4_u: U32x4 => F64x2 = |a| f64::from(a);
}
