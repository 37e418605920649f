//! Float arithmetic and comparisons.

use super::*;
use crate::exec::num;

lanewise! {
    // f32x4.
    f32x4_eq(a, b): F32x4 => I32x4 = -i32::from(a == b);
    f32x4_ne(a, b): F32x4 => I32x4 = -i32::from(a != b);
    f32x4_lt(a, b): F32x4 => I32x4 = -i32::from(a < b);
    f32x4_gt(a, b): F32x4 => I32x4 = -i32::from(a > b);
    f32x4_le(a, b): F32x4 => I32x4 = -i32::from(a <= b);
    f32x4_ge(a, b): F32x4 => I32x4 = -i32::from(a >= b);
    f32x4_abs(a): F32x4 => F32x4 = num::f32_abs(a);
    f32x4_neg(a): F32x4 => F32x4 = num::f32_neg(a);
    f32x4_ceil(a): F32x4 => F32x4 = num::f32_ceil(a);
    f32x4_floor(a): F32x4 => F32x4 = num::f32_floor(a);
    f32x4_trunc(a): F32x4 => F32x4 = num::f32_trunc(a);
    f32x4_nearest(a): F32x4 => F32x4 = num::f32_nearest(a);
    f32x4_sqrt(a): F32x4 => F32x4 = num::f32_sqrt(a);
    f32x4_add(a, b): F32x4 => F32x4 = a + b;
    f32x4_sub(a, b): F32x4 => F32x4 = a - b;
    f32x4_mul(a, b): F32x4 => F32x4 = a * b;
    f32x4_div(a, b): F32x4 => F32x4 = a / b;
    // The first operand, NaN or not, unless the second is less, or greater.
    f32x4_pmin(a, b): F32x4 => F32x4 = if b < a { b } else { a };
    f32x4_pmax(a, b): F32x4 => F32x4 = if a < b { b } else { a };

    // f64x2.
    f64x2_eq(a, b): F64x2 => I64x2 = -i64::from(a == b);
    f64x2_ne(a, b): F64x2 => I64x2 = -i64::from(a != b);
    f64x2_lt(a, b): F64x2 => I64x2 = -i64::from(a < b);
    f64x2_gt(a, b): F64x2 => I64x2 = -i64::from(a > b);
    f64x2_le(a, b): F64x2 => I64x2 = -i64::from(a <= b);
    f64x2_ge(a, b): F64x2 => I64x2 = -i64::from(a >= b);
    f64x2_abs(a): F64x2 => F64x2 = num::f64_abs(a);
    f64x2_neg(a): F64x2 => F64x2 = num::f64_neg(a);
    f64x2_ceil(a): F64x2 => F64x2 = num::f64_ceil(a);
    f64x2_floor(a): F64x2 => F64x2 = num::f64_floor(a);
    f64x2_trunc(a): F64x2 => F64x2 = num::f64_trunc(a);
    f64x2_nearest(a): F64x2 => F64x2 = num::f64_nearest(a);
    f64x2_sqrt(a): F64x2 => F64x2 = num::f64_sqrt(a);
    f64x2_add(a, b): F64x2 => F64x2 = a + b;
    f64x2_sub(a, b): F64x2 => F64x2 = a - b;
    f64x2_mul(a, b): F64x2 => F64x2 = a * b;
    f64x2_div(a, b): F64x2 => F64x2 = a / b;
    // The first operand, NaN or not, unless the second is less, or greater.
    f64x2_pmin(a, b): F64x2 => F64x2 = if b < a { b } else { a };
    f64x2_pmax(a, b): F64x2 => F64x2 = if a < b { b } else { a };
}

/// The lesser and the greater lanes. Of four masks one is set in each lane; what it
/// selects is as in [`num::f32_min`].
macro_rules! min_max {
    ($($min:ident $max:ident: $lanes:ty => $bits:ty, $lane:ident;)*) => {
        lanewise! {
            $(
                $min(a, b): $lanes => $bits = {
                    let mask = |condition| $lane::from(condition).wrapping_neg();
                    let ordered = mask(a < b) & a.to_bits() | mask(a > b) & b.to_bits();
                    let equal = mask(a == b) & (a.to_bits() | b.to_bits());
                    ordered | equal | mask(a.is_nan() | b.is_nan()) & (a + b).to_bits()
                };
                $max(a, b): $lanes => $bits = {
                    let mask = |condition| $lane::from(condition).wrapping_neg();
                    let ordered = mask(a > b) & a.to_bits() | mask(a < b) & b.to_bits();
                    let equal = mask(a == b) & (a.to_bits() & b.to_bits());
                    ordered | equal | mask(a.is_nan() | b.is_nan()) & (a + b).to_bits()
                };
            )*
        }
    };
}

min_max! {
    f32x4_min f32x4_max: F32x4 => U32x4, u32;
    f64x2_min f64x2_max: F64x2 => U64x2, u64;
}
