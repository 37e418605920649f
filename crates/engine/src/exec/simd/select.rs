//! What moves lanes and bits without arithmetic.

use super::*;

lanewise! {
    v128_not(a): U64x2 => U64x2 = !a;
    v128_and(a, b): U64x2 => U64x2 = a & b;
    v128_andnot(a, b): U64x2 => U64x2 = a & !b;
    v128_or(a, b): U64x2 => U64x2 = a | b;
    v128_xor(a, b): U64x2 => U64x2 = a ^ b;
    v128_bitselect(a, b, mask): U64x2 => U64x2 = a & mask | b & !mask;
}

/// Whether any bit is set.
#[inline(always)]
pub(crate) fn v128_any_true(a: V128) -> u32 {
    u32::from(a != V128::ZERO)
}

/// Bytes of both operands: index 16 and up are the second's. Indices are modulo 32.
#[inline(always)]
pub(crate) fn i8x16_shuffle(a: V128, b: V128, indices: [u8; 16]) -> V128 {
    let mut both = [0; 32];
    both[..16].copy_from_slice(&a.0);
    both[16..].copy_from_slice(&b.0);
    V128(indices.map(|i| both[usize::from(i % 32)]))
}

/// Bytes of the first operand, by the indices in the second; zero where one is too large.
#[inline(always)]
pub(crate) fn i8x16_swizzle(a: V128, indices: V128) -> V128 {
    // To fill a table for all indices with zeros is cheaper than to compare each index.
    let mut bytes = [0; 256];
    bytes[..16].copy_from_slice(&a.0);
    V128(indices.0.map(|i| bytes[usize::from(i)]))
}

/// `splat name: argument, lanes`, `extract name: lanes, result` and `replace name: argument, lanes`.
///
/// The argument is truncated to the lane. A lane index is taken modulo the number of lanes.
macro_rules! single_lanes {
    ($(splat $splat:ident: $arg:ty, $splat_lanes:ty, $splat_lane:ty;)*
     $(extract $extract:ident: $extract_lanes:ty, $signed:ty, $result:ty;)*
     $(replace $replace:ident: $new:ty, $replace_lanes:ty, $replace_lane:ty;)*) => {
        $(
            #[inline(always)]
            pub(crate) fn $splat(a: $arg) -> V128 {
                V128::from([a as $splat_lane; size_of::<$splat_lanes>() / size_of::<$splat_lane>()])
            }
        )*
        $(
            #[inline(always)]
            pub(crate) fn $extract(a: V128, lane: u8) -> $result {
                let lanes = <$extract_lanes>::from(a);
                lanes[usize::from(lane) % lanes.len()] as $signed as $result
            }
        )*
        $(
            #[inline(always)]
            pub(crate) fn $replace(a: V128, lane: u8, value: $new) -> V128 {
                let mut lanes = <$replace_lanes>::from(a);
                lanes[usize::from(lane) % lanes.len()] = value as $replace_lane;
                V128::from(lanes)
            }
        )*
    };
}

single_lanes! {
    splat i8x16_splat: u32, U8x16, u8;
    splat i16x8_splat: u32, U16x8, u16;
    splat i32x4_splat: u32, U32x4, u32;
    splat i64x2_splat: u64, U64x2, u64;
    splat f32x4_splat: f32, F32x4, f32;
    splat f64x2_splat: f64, F64x2, f64;
    extract i8x16_extract_lane_s: I8x16, i32, u32;
    extract i8x16_extract_lane_u: U8x16, u32, u32;
    extract i16x8_extract_lane_s: I16x8, i32, u32;
    extract i16x8_extract_lane_u: U16x8, u32, u32;
    extract i32x4_extract_lane: U32x4, u32, u32;
    extract i64x2_extract_lane: U64x2, u64, u64;
    extract f32x4_extract_lane: F32x4, f32, f32;
    extract f64x2_extract_lane: F64x2, f64, f64;
    replace i8x16_replace_lane: u32, U8x16, u8;
    replace i16x8_replace_lane: u32, U16x8, u16;
    replace i32x4_replace_lane: u32, U32x4, u32;
    replace i64x2_replace_lane: u64, U64x2, u64;
    replace f32x4_replace_lane: f32, F32x4, f32;
    replace f64x2_replace_lane: f64, F64x2, f64;
}
