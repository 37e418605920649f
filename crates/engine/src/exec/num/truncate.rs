//! From floats to integers.

use super::ops;
use crate::TrapKind;

/// Truncates toward zero, if that lies in an integer's range: `float -> result, integer = (low, high)`.
///
/// The bounds are floats, and excluded: `low` is the largest whose truncation is too small.
macro_rules! trunc_ops {
    ($($name:ident($f:ty) -> $u:ty, $int:ty = ($low:expr, $high:expr);)*) => {
        ops! {
            $($name(a: $f) -> Result<$u, TrapKind> = if a > $low && a < $high {
                Ok(a as $int as $u)
            } else if a.is_nan() {
                Err(TrapKind::InvalidConversionToInteger)
            } else {
                Err(TrapKind::IntegerOverflow)
            };)*
        }
    };
}

trunc_ops! {
    i32_trunc_f32_s(f32) -> u32, i32 = (-2_147_483_904.0, 2_147_483_648.0);
    i32_trunc_f32_u(f32) -> u32, u32 = (-1.0, 4_294_967_296.0);
    i32_trunc_f64_s(f64) -> u32, i32 = (-2_147_483_649.0, 2_147_483_648.0);
    i32_trunc_f64_u(f64) -> u32, u32 = (-1.0, 4_294_967_296.0);
    i64_trunc_f32_s(f32) -> u64, i64 = (-9_223_373_136_366_403_584.0, 9_223_372_036_854_775_808.0);
    i64_trunc_f32_u(f32) -> u64, u64 = (-1.0, 18_446_744_073_709_551_616.0);
    i64_trunc_f64_s(f64) -> u64, i64 = (-9_223_372_036_854_777_856.0, 9_223_372_036_854_775_808.0);
    i64_trunc_f64_u(f64) -> u64, u64 = (-1.0, 18_446_744_073_709_551_616.0);
}

ops! {
    // `as` from a float saturates, and takes a NaN to zero.
    i32_trunc_sat_f32_s(a: f32) -> u32 = a as i32 as u32;
    i32_trunc_sat_f32_u(a: f32) -> u32 = a as u32;
    i32_trunc_sat_f64_s(a: f64) -> u32 = a as i32 as u32;
    i32_trunc_sat_f64_u(a: f64) -> u32 = a as u32;
    i64_trunc_sat_f32_s(a: f32) -> u64 = a as i64 as u64;
    i64_trunc_sat_f32_u(a: f32) -> u64 = a as u64;
    i64_trunc_sat_f64_s(a: f64) -> u64 = a as i64 as u64;
    i64_trunc_sat_f64_u(a: f64) -> u64 = a as u64;
}
