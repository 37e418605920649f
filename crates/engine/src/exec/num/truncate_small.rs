//! From floats to integers where size counts: one function for all conversions.
//!
//! Every f32 is an f64 of the same value, and so has the same integer.

use super::ops;
use crate::TrapKind;

/// The bounds of an integer type as floats, excluded, and the type's own.
struct Range {
    low: f64,
    high: f64,
    min: u64,
    max: u64,
}

static I32: Range = Range {
    low: -2_147_483_649.0,
    high: 2_147_483_648.0,
    min: i32::MIN as u32 as u64,
    max: i32::MAX as u64,
};
static U32: Range = Range { low: -1.0, high: 4_294_967_296.0, min: 0, max: u32::MAX as u64 };
static I64: Range = Range {
    low: -9_223_372_036_854_777_856.0,
    high: 9_223_372_036_854_775_808.0,
    min: i64::MIN as u64,
    max: i64::MAX as u64,
};
static U64: Range = Range { low: -1.0, high: 18_446_744_073_709_551_616.0, min: 0, max: u64::MAX };

/// The integer that `a` is truncated to; else that which it is saturated to, and why.
#[inline(never)]
fn truncate(a: f64, range: &Range) -> (u64, Option<TrapKind>) {
    if a.is_nan() {
        return (0, Some(TrapKind::InvalidConversionToInteger));
    }
    if a <= range.low {
        return (range.min, Some(TrapKind::IntegerOverflow));
    }
    if a >= range.high {
        return (range.max, Some(TrapKind::IntegerOverflow));
    }
    // In range, so that the conversions do not saturate.
    let magnitude = a.abs() as u64;
    (if a < 0.0 { magnitude.wrapping_neg() } else { magnitude }, None)
}

#[inline(never)]
fn checked(a: f64, range: &Range) -> Result<u64, TrapKind> {
    match truncate(a, range) {
        (value, None) => Ok(value),
        (_, Some(kind)) => Err(kind),
    }
}

ops! {
    i32_trunc_f32_s(a: f32) -> Result<u32, TrapKind> = i32_trunc_f64_s(a.into());
    i32_trunc_f32_u(a: f32) -> Result<u32, TrapKind> = i32_trunc_f64_u(a.into());
    i32_trunc_f64_s(a: f64) -> Result<u32, TrapKind> = checked(a, &I32).map(|v| v as u32);
    i32_trunc_f64_u(a: f64) -> Result<u32, TrapKind> = checked(a, &U32).map(|v| v as u32);
    i64_trunc_f32_s(a: f32) -> Result<u64, TrapKind> = checked(a.into(), &I64);
    i64_trunc_f32_u(a: f32) -> Result<u64, TrapKind> = checked(a.into(), &U64);
    i64_trunc_f64_s(a: f64) -> Result<u64, TrapKind> = checked(a, &I64);
    i64_trunc_f64_u(a: f64) -> Result<u64, TrapKind> = checked(a, &U64);

    i32_trunc_sat_f32_s(a: f32) -> u32 = truncate(a.into(), &I32).0 as u32;
    i32_trunc_sat_f32_u(a: f32) -> u32 = truncate(a.into(), &U32).0 as u32;
    i32_trunc_sat_f64_s(a: f64) -> u32 = truncate(a, &I32).0 as u32;
    i32_trunc_sat_f64_u(a: f64) -> u32 = truncate(a, &U32).0 as u32;
    i64_trunc_sat_f32_s(a: f32) -> u64 = truncate(a.into(), &I64).0;
    i64_trunc_sat_f32_u(a: f32) -> u64 = truncate(a.into(), &U64).0;
    i64_trunc_sat_f64_s(a: f64) -> u64 = truncate(a, &I64).0;
    i64_trunc_sat_f64_u(a: f64) -> u64 = truncate(a, &U64).0;
}
