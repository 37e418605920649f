//! Integer arithmetic, comparisons, shifts and tests.

use super::*;

/// All bits set for true.
macro_rules! mask {
    ($lane:ident, $condition:expr) => {
        -$lane::from($condition)
    };
}

lanewise! {
    // i8x16.
    i8x16_eq(a, b): I8x16 => I8x16 = mask!(i8, a == b);
    i8x16_ne(a, b): I8x16 => I8x16 = mask!(i8, a != b);
    i8x16_lt_s(a, b): I8x16 => I8x16 = mask!(i8, a < b);
    i8x16_lt_u(a, b): U8x16 => I8x16 = mask!(i8, a < b);
    i8x16_gt_s(a, b): I8x16 => I8x16 = mask!(i8, a > b);
    i8x16_gt_u(a, b): U8x16 => I8x16 = mask!(i8, a > b);
    i8x16_le_s(a, b): I8x16 => I8x16 = mask!(i8, a <= b);
    i8x16_le_u(a, b): U8x16 => I8x16 = mask!(i8, a <= b);
    i8x16_ge_s(a, b): I8x16 => I8x16 = mask!(i8, a >= b);
    i8x16_ge_u(a, b): U8x16 => I8x16 = mask!(i8, a >= b);
    i8x16_abs(a): I8x16 => I8x16 = a.wrapping_abs();
    i8x16_neg(a): I8x16 => I8x16 = a.wrapping_neg();
    i8x16_add(a, b): I8x16 => I8x16 = a.wrapping_add(b);
    i8x16_sub(a, b): I8x16 => I8x16 = a.wrapping_sub(b);
    i8x16_min_s(a, b): I8x16 => I8x16 = a.min(b);
    i8x16_min_u(a, b): U8x16 => U8x16 = a.min(b);
    i8x16_max_s(a, b): I8x16 => I8x16 = a.max(b);
    i8x16_max_u(a, b): U8x16 => U8x16 = a.max(b);
    i8x16_add_sat_s(a, b): I8x16 => I8x16 = a.saturating_add(b);
    i8x16_add_sat_u(a, b): U8x16 => U8x16 = a.saturating_add(b);
    i8x16_sub_sat_s(a, b): I8x16 => I8x16 = a.saturating_sub(b);
    i8x16_sub_sat_u(a, b): U8x16 => U8x16 = a.saturating_sub(b);
    i8x16_avgr_u(a, b): U8x16 => U8x16 = ((u16::from(a) + u16::from(b) + 1) >> 1) as u8;
    i8x16_popcnt(a): U8x16 => U8x16 = a.count_ones() as u8;

    // i16x8.
    i16x8_eq(a, b): I16x8 => I16x8 = mask!(i16, a == b);
    i16x8_ne(a, b): I16x8 => I16x8 = mask!(i16, a != b);
    i16x8_lt_s(a, b): I16x8 => I16x8 = mask!(i16, a < b);
    i16x8_lt_u(a, b): U16x8 => I16x8 = mask!(i16, a < b);
    i16x8_gt_s(a, b): I16x8 => I16x8 = mask!(i16, a > b);
    i16x8_gt_u(a, b): U16x8 => I16x8 = mask!(i16, a > b);
    i16x8_le_s(a, b): I16x8 => I16x8 = mask!(i16, a <= b);
    i16x8_le_u(a, b): U16x8 => I16x8 = mask!(i16, a <= b);
    i16x8_ge_s(a, b): I16x8 => I16x8 = mask!(i16, a >= b);
    i16x8_ge_u(a, b): U16x8 => I16x8 = mask!(i16, a >= b);
    i16x8_abs(a): I16x8 => I16x8 = a.wrapping_abs();
    i16x8_neg(a): I16x8 => I16x8 = a.wrapping_neg();
    i16x8_add(a, b): I16x8 => I16x8 = a.wrapping_add(b);
    i16x8_sub(a, b): I16x8 => I16x8 = a.wrapping_sub(b);
    i16x8_mul(a, b): I16x8 => I16x8 = a.wrapping_mul(b);
    i16x8_min_s(a, b): I16x8 => I16x8 = a.min(b);
    i16x8_min_u(a, b): U16x8 => U16x8 = a.min(b);
    i16x8_max_s(a, b): I16x8 => I16x8 = a.max(b);
    i16x8_max_u(a, b): U16x8 => U16x8 = a.max(b);
    i16x8_add_sat_s(a, b): I16x8 => I16x8 = a.saturating_add(b);
    i16x8_add_sat_u(a, b): U16x8 => U16x8 = a.saturating_add(b);
    i16x8_sub_sat_s(a, b): I16x8 => I16x8 = a.saturating_sub(b);
    i16x8_sub_sat_u(a, b): U16x8 => U16x8 = a.saturating_sub(b);
    i16x8_avgr_u(a, b): U16x8 => U16x8 = ((u32::from(a) + u32::from(b) + 1) >> 1) as u16;
    // A product of two fractions of 15 bits, rounded; only -1 times -1 does not fit.
    // Of all results that one alone is truncated to the smallest number.
    i16x8_q15mulr_sat_s(a, b): I16x8 => I16x8 = {
        let rounded = ((i32::from(a) * i32::from(b) + 0x4000) >> 15) as i16;
        rounded ^ mask!(i16, rounded == i16::MIN)
    };

    // i32x4.
    i32x4_eq(a, b): I32x4 => I32x4 = mask!(i32, a == b);
    i32x4_ne(a, b): I32x4 => I32x4 = mask!(i32, a != b);
    i32x4_lt_s(a, b): I32x4 => I32x4 = mask!(i32, a < b);
    i32x4_lt_u(a, b): U32x4 => I32x4 = mask!(i32, a < b);
    i32x4_gt_s(a, b): I32x4 => I32x4 = mask!(i32, a > b);
    i32x4_gt_u(a, b): U32x4 => I32x4 = mask!(i32, a > b);
    i32x4_le_s(a, b): I32x4 => I32x4 = mask!(i32, a <= b);
    i32x4_le_u(a, b): U32x4 => I32x4 = mask!(i32, a <= b);
    i32x4_ge_s(a, b): I32x4 => I32x4 = mask!(i32, a >= b);
    i32x4_ge_u(a, b): U32x4 => I32x4 = mask!(i32, a >= b);
    i32x4_abs(a): I32x4 => I32x4 = a.wrapping_abs();
    i32x4_neg(a): I32x4 => I32x4 = a.wrapping_neg();
    i32x4_add(a, b): I32x4 => I32x4 = a.wrapping_add(b);
    i32x4_sub(a, b): I32x4 => I32x4 = a.wrapping_sub(b);
    i32x4_mul(a, b): I32x4 => I32x4 = a.wrapping_mul(b);
    i32x4_min_s(a, b): I32x4 => I32x4 = a.min(b);
    i32x4_min_u(a, b): U32x4 => U32x4 = a.min(b);
    i32x4_max_s(a, b): I32x4 => I32x4 = a.max(b);
    i32x4_max_u(a, b): U32x4 => U32x4 = a.max(b);

    // i64x2.
    i64x2_eq(a, b): I64x2 => I64x2 = mask!(i64, a == b);
    i64x2_ne(a, b): I64x2 => I64x2 = mask!(i64, a != b);
    i64x2_lt_s(a, b): I64x2 => I64x2 = mask!(i64, a < b);
    i64x2_gt_s(a, b): I64x2 => I64x2 = mask!(i64, a > b);
    i64x2_le_s(a, b): I64x2 => I64x2 = mask!(i64, a <= b);
    i64x2_ge_s(a, b): I64x2 => I64x2 = mask!(i64, a >= b);
    i64x2_abs(a): I64x2 => I64x2 = a.wrapping_abs();
    i64x2_neg(a): I64x2 => I64x2 = a.wrapping_neg();
    i64x2_add(a, b): I64x2 => I64x2 = a.wrapping_add(b);
    i64x2_sub(a, b): I64x2 => I64x2 = a.wrapping_sub(b);
    i64x2_mul(a, b): I64x2 => I64x2 = a.wrapping_mul(b);
}

/// Shifts of all lanes by the same count, modulo the lane's width.
macro_rules! shifts {
    ($($name:ident: $lanes:ty, $method:ident;)*) => {
        $(
            #[inline(always)]
            pub(crate) fn $name(a: V128, count: u32) -> V128 {
                V128::from(<$lanes>::from(a).map(|lane| lane.$method(count)))
            }
        )*
    };
}

shifts! {
    i8x16_shl: U8x16, wrapping_shl;
    i8x16_shr_s: I8x16, wrapping_shr;
    i8x16_shr_u: U8x16, wrapping_shr;
    i16x8_shl: U16x8, wrapping_shl;
    i16x8_shr_s: I16x8, wrapping_shr;
    i16x8_shr_u: U16x8, wrapping_shr;
    i32x4_shl: U32x4, wrapping_shl;
    i32x4_shr_s: I32x4, wrapping_shr;
    i32x4_shr_u: U32x4, wrapping_shr;
    i64x2_shl: U64x2, wrapping_shl;
    i64x2_shr_s: I64x2, wrapping_shr;
    i64x2_shr_u: U64x2, wrapping_shr;
}

/// Whether all lanes are other than zero.
macro_rules! all_true {
    ($($name:ident: $lanes:ty;)*) => {
        $(
            #[inline(always)]
            pub(crate) fn $name(a: V128) -> u32 {
                u32::from(<$lanes>::from(a).iter().all(|&lane| lane != 0))
            }
        )*
    };
}

all_true! {
    i8x16_all_true: I8x16;
    i16x8_all_true: I16x8;
    i32x4_all_true: I32x4;
    i64x2_all_true: I64x2;
}

/// The signs of the lanes, that of lane 0 in the lowest bit.
#[inline(always)]
pub(crate) fn i8x16_bitmask(a: V128) -> u32 {
    let [low, high] = U64x2::from(a);
    signs_of_bytes(low) | signs_of_bytes(high) << 8
}

/// The signs of the lanes, that of lane 0 in the lowest bit.
#[inline(always)]
pub(crate) fn i16x8_bitmask(a: V128) -> u32 {
    let [low, high] = U64x2::from(a);
    signs_of_halfwords(low) | signs_of_halfwords(high) << 4
}

/// The signs of the lanes, that of lane 0 in the lowest bit.
#[inline(always)]
pub(crate) fn i32x4_bitmask(a: V128) -> u32 {
    let [a, b, c, d] = U32x4::from(a).map(|lane| lane >> 31);
    a | b << 1 | c << 2 | d << 3
}

/// The signs of the lanes, that of lane 0 in the lowest bit.
#[inline(always)]
pub(crate) fn i64x2_bitmask(a: V128) -> u32 {
    let [a, b] = U64x2::from(a).map(|lane| (lane >> 63) as u32);
    a | b << 1
}

/// The highest bit of each byte, that of the lowest byte in the lowest bit.
#[inline(always)]
fn signs_of_bytes(bytes: u64) -> u32 {
    // Byte `i` has its sign in bit `8 * i`. The multiplication adds it, shifted by
    // `56 - 7 * i`, into bit `56 + i`; no two terms meet in a bit, so nothing carries.
    let signs = bytes >> 7 & 0x0101_0101_0101_0101;
    (signs.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

/// The highest bit of each 16 bits, that of the lowest in the lowest bit.
#[inline(always)]
fn signs_of_halfwords(halfwords: u64) -> u32 {
    // As above, from bit `16 * i`, shifted by `48 - 15 * i`, into bit `48 + i`.
    let signs = halfwords >> 15 & 0x0001_0001_0001_0001;
    (signs.wrapping_mul(1 << 48 | 1 << 33 | 1 << 18 | 1 << 3) >> 48) as u32 & 0xf
}
