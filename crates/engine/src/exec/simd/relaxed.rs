//! The relaxed instructions, as the deterministic profile has them.
//!
//! Source: WebAssembly core specification 3.0, section 4.3.5 "Relaxed Operations".

use super::*;

/// Relaxed instructions that are the same as others.
macro_rules! same {
    ($($name:ident($($p:ident),+) = $other:ident;)*) => {
        $(
            #[inline(always)]
            pub(crate) fn $name($($p: V128),+) -> V128 {
                $other($($p),+)
            }
        )*
    };
}

same! {
    i8x16_relaxed_swizzle(a, b) = i8x16_swizzle;
    i32x4_relaxed_trunc_f32x4_s(a) = i32x4_trunc_sat_f32x4_s;
    i32x4_relaxed_trunc_f32x4_u(a) = i32x4_trunc_sat_f32x4_u;
    i32x4_relaxed_trunc_f64x2_s_zero(a) = i32x4_trunc_sat_f64x2_s_zero;
    i32x4_relaxed_trunc_f64x2_u_zero(a) = i32x4_trunc_sat_f64x2_u_zero;
    i8x16_relaxed_laneselect(a, b, mask) = v128_bitselect;
    i16x8_relaxed_laneselect(a, b, mask) = v128_bitselect;
    i32x4_relaxed_laneselect(a, b, mask) = v128_bitselect;
    i64x2_relaxed_laneselect(a, b, mask) = v128_bitselect;
    f32x4_relaxed_min(a, b) = f32x4_min;
    f32x4_relaxed_max(a, b) = f32x4_max;
    f64x2_relaxed_min(a, b) = f64x2_min;
    f64x2_relaxed_max(a, b) = f64x2_max;
    i16x8_relaxed_q15mulr_s(a, b) = i16x8_q15mulr_sat_s;
}

lanewise! {
    // Rounded twice, not fused.
    f32x4_relaxed_madd(a, b, c): F32x4 => F32x4 = a * b + c;
    f32x4_relaxed_nmadd(a, b, c): F32x4 => F32x4 = -a * b + c;
    f64x2_relaxed_madd(a, b, c): F64x2 => F64x2 = a * b + c;
    f64x2_relaxed_nmadd(a, b, c): F64x2 => F64x2 = -a * b + c;
}

/// Sums of two neighbouring products each, both operands signed; of the smallest number
/// four times, the sum wraps.
#[inline(always)]
pub(crate) fn i16x8_relaxed_dot_i8x16_i7x16_s(a: V128, b: V128) -> V128 {
    let (a, b) = (I16x8::from(a), I16x8::from(b));
    let low = |pair: i16| i16::from(pair as i8);
    let high = |pair: i16| pair >> 8;
    let sums: I16x8 = from_fn(|i| (low(a[i]) * low(b[i])).wrapping_add(high(a[i]) * high(b[i])));
    V128::from(sums)
}

/// Sums of four neighbouring products each, added to the third operand.
#[inline(always)]
pub(crate) fn i32x4_relaxed_dot_i8x16_i7x16_add_s(a: V128, b: V128, c: V128) -> V128 {
    let products = i16x8_relaxed_dot_i8x16_i7x16_s(a, b);
    i32x4_add(i32x4_extadd_pairwise_i16x8_s(products), c)
}
