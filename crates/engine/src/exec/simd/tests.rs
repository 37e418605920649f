//! Edge values against definitions that share no code with the operations: lanes are read
//! from the vector's bits as `i128`.

mod float;

use super::*;
use sampan_wasm::Opcode;
use std::format;
use std::vec::Vec;

extern crate std;

/// How an integer lane is read.
#[derive(Clone, Copy, PartialEq)]
enum Sign {
    S,
    U,
}
use Sign::{S, U};

/// The lanes of a number of bits.
#[inline(never)]
fn read(v: V128, bits: u32, sign: Sign) -> Vec<i128> {
    let v = u128::from(v);
    let lane = |i: u32| {
        let lane = (v >> (i * bits) & ((1 << bits) - 1)) as i128;
        if sign == S && lane >> (bits - 1) != 0 { lane - (1 << bits) } else { lane }
    };
    (0..128 / bits).map(lane).collect()
}

/// The vector of lanes, reduced to a number of bits.
fn write(lanes: impl IntoIterator<Item = i128>, bits: u32) -> V128 {
    pack(&lanes.into_iter().collect::<Vec<_>>(), bits)
}

#[inline(never)]
fn pack(lanes: &[i128], bits: u32) -> V128 {
    let mut v = 0;
    for (i, &lane) in lanes.iter().enumerate() {
        v |= (lane as u128 & ((1 << bits) - 1)) << (i as u32 * bits);
    }
    V128::from(v)
}

/// Vectors of bytes, edge values in each lane of every width, and of pseudo-random bits.
fn vectors() -> Vec<V128> {
    let mut vectors: Vec<V128> = Vec::new();
    let mut add = |v: u128| vectors.push(V128::from(v));
    for bits in [8u32, 16, 32, 64] {
        let ones = u128::MAX / ((1 << bits) - 1);
        let top = 1u128 << (bits - 1);
        for lane in [0, 1, 2, top - 1, top, top + 1, 2 * top - 1, 2 * top - 2, top >> 1] {
            add(ones * lane);
        }
        // Different neighbours.
        add((ones & (u128::MAX >> 64)) * top);
        add((ones * top) ^ (u128::MAX >> bits));
    }
    let mut state = 0x0123_4567_89ab_cdef_u128;
    for _ in 0..60 {
        state = state
            .wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645)
            .wrapping_add(0x5851_f42d_4c95_7f2d);
        add(state ^ state >> 61);
    }
    vectors
}

#[test]
fn the_list_has_each_operation_once_with_its_signature() {
    let mut listed = Vec::new();
    macro_rules! list {
        ($($shape:ident $variant:ident $function:ident $($rest:ident)*;)*) => {
            $(
                listed.push(Opcode::$variant);
                let name = Opcode::$variant.text().replace('.', "_");
                assert_eq!(name, stringify!($function));
                row!($shape $variant $function $($rest)*);
            )*
        };
    }
    macro_rules! row {
        (unary $v:ident $f:ident $($canon:ident)?) => {
            let _: fn(V128) -> V128 = $f;
            $(let _: fn(V128) -> V128 = $canon;)?
        };
        (binary $v:ident $f:ident $($canon:ident)?) => {
            let _: fn(V128, V128) -> V128 = $f;
            $(let _: fn(V128) -> V128 = $canon;)?
        };
        (ternary $v:ident $f:ident $($canon:ident)?) => {
            let _: fn(V128, V128, V128) -> V128 = $f;
            $(let _: fn(V128) -> V128 = $canon;)?
        };
        (shift $v:ident $f:ident) => {
            let _: fn(V128, u32) -> V128 = $f;
        };
        (test $v:ident $f:ident) => {
            let _: fn(V128) -> u32 = $f;
        };
        (splat $v:ident $f:ident $a:ident) => {
            let _: fn($a) -> V128 = $f;
        };
        (extract_lane $v:ident $f:ident $r:ident) => {
            let _: fn(V128, u8) -> $r = $f;
        };
        (replace_lane $v:ident $f:ident $a:ident) => {
            let _: fn(V128, u8, $a) -> V128 = $f;
        };
        (shuffle $v:ident $f:ident) => {
            let _: fn(V128, V128, [u8; 16]) -> V128 = $f;
        };
    }
    with_simd_ops!(list);
    let in_memory = |op: &Opcode| {
        let text = op.text();
        ["v128.load", "v128.store", "v128.const"].iter().any(|prefix| text.starts_with(prefix))
    };
    listed.sort_by_key(|op| op.code());
    let all = Opcode::ALL.iter().filter(|op| (0x300..0x500).contains(&op.code()) && !in_memory(op));
    assert_eq!(listed, all.copied().collect::<Vec<_>>());
}

/// A function of two lanes, against its definition on all pairs of vectors.
fn lanes_agree(
    (name, function): (&str, fn(V128, V128) -> V128),
    (bits, sign): (u32, Sign),
    definition: fn(i128, i128) -> i128,
) {
    let vectors: Vec<_> = vectors().into_iter().map(|v| (v, read(v, bits, sign))).collect();
    for (a, x) in &vectors {
        for (b, y) in &vectors {
            let expected = write(x.iter().zip(y).map(|(&x, &y)| definition(x, y)), bits);
            assert_eq!(function(*a, *b), expected, "{name} {a:?} {b:?}");
        }
    }
}

macro_rules! integer_lanes_agree {
    ($test:ident, $bits:literal: $eq:ident $ne:ident $lt_s:ident $gt_s:ident $le_s:ident $ge_s:ident
     $add:ident $sub:ident $abs:ident $neg:ident $shl:ident $shr_s:ident $shr_u:ident
     $all_true:ident $bitmask:ident $($more:ident $sign:ident $definition:expr;)*) => {
        #[test]
        fn $test() {
            lanes_agree((stringify!($eq), $eq), ($bits, S), |x, y| -i128::from(x == y));
            lanes_agree((stringify!($ne), $ne), ($bits, S), |x, y| -i128::from(x != y));
            lanes_agree((stringify!($lt_s), $lt_s), ($bits, S), |x, y| -i128::from(x < y));
            lanes_agree((stringify!($gt_s), $gt_s), ($bits, S), |x, y| -i128::from(x > y));
            lanes_agree((stringify!($le_s), $le_s), ($bits, S), |x, y| -i128::from(x <= y));
            lanes_agree((stringify!($ge_s), $ge_s), ($bits, S), |x, y| -i128::from(x >= y));
            lanes_agree((stringify!($add), $add), ($bits, S), |x, y| x + y);
            lanes_agree((stringify!($sub), $sub), ($bits, S), |x, y| x - y);
            $(lanes_agree((stringify!($more), $more), ($bits, $sign), $definition);)*
            for a in vectors() {
                let (signed, unsigned) = (read(a, $bits, S), read(a, $bits, U));
                assert_eq!($abs(a), write(signed.iter().map(|x| x.abs()), $bits));
                assert_eq!($neg(a), write(signed.iter().map(|x| -x), $bits));
                assert_eq!($all_true(a), u32::from(!signed.contains(&0)));
                let signs = signed.iter().enumerate().map(|(i, &x)| u32::from(x < 0) << i).sum::<u32>();
                assert_eq!($bitmask(a), signs);
                for count in [0, 1, 7, 8, 9, 15, 16, 31, 32, 33, 63, 64, 65, 127, u32::MAX] {
                    let by = count % $bits;
                    assert_eq!($shl(a, count), write(unsigned.iter().map(|x| x << by), $bits));
                    assert_eq!($shr_s(a, count), write(signed.iter().map(|x| x >> by), $bits));
                    assert_eq!($shr_u(a, count), write(unsigned.iter().map(|x| x >> by), $bits));
                }
            }
        }
    };
}

integer_lanes_agree! {
    i8x16_lanes, 8: i8x16_eq i8x16_ne i8x16_lt_s i8x16_gt_s i8x16_le_s i8x16_ge_s
    i8x16_add i8x16_sub i8x16_abs i8x16_neg i8x16_shl i8x16_shr_s i8x16_shr_u
    i8x16_all_true i8x16_bitmask
    i8x16_lt_u U |x, y| -i128::from(x < y);
    i8x16_gt_u U |x, y| -i128::from(x > y);
    i8x16_le_u U |x, y| -i128::from(x <= y);
    i8x16_ge_u U |x, y| -i128::from(x >= y);
    i8x16_min_s S |x, y| x.min(y);
    i8x16_min_u U |x, y| x.min(y);
    i8x16_max_s S |x, y| x.max(y);
    i8x16_max_u U |x, y| x.max(y);
    i8x16_add_sat_s S |x, y| (x + y).clamp(-0x80, 0x7f);
    i8x16_add_sat_u U |x, y| (x + y).clamp(0, 0xff);
    i8x16_sub_sat_s S |x, y| (x - y).clamp(-0x80, 0x7f);
    i8x16_sub_sat_u U |x, y| (x - y).clamp(0, 0xff);
    i8x16_avgr_u U |x, y| (x + y + 1) / 2;
}

integer_lanes_agree! {
    i16x8_lanes, 16: i16x8_eq i16x8_ne i16x8_lt_s i16x8_gt_s i16x8_le_s i16x8_ge_s
    i16x8_add i16x8_sub i16x8_abs i16x8_neg i16x8_shl i16x8_shr_s i16x8_shr_u
    i16x8_all_true i16x8_bitmask
    i16x8_lt_u U |x, y| -i128::from(x < y);
    i16x8_gt_u U |x, y| -i128::from(x > y);
    i16x8_le_u U |x, y| -i128::from(x <= y);
    i16x8_ge_u U |x, y| -i128::from(x >= y);
    i16x8_min_s S |x, y| x.min(y);
    i16x8_min_u U |x, y| x.min(y);
    i16x8_max_s S |x, y| x.max(y);
    i16x8_max_u U |x, y| x.max(y);
    i16x8_add_sat_s S |x, y| (x + y).clamp(-0x8000, 0x7fff);
    i16x8_add_sat_u U |x, y| (x + y).clamp(0, 0xffff);
    i16x8_sub_sat_s S |x, y| (x - y).clamp(-0x8000, 0x7fff);
    i16x8_sub_sat_u U |x, y| (x - y).clamp(0, 0xffff);
    i16x8_avgr_u U |x, y| (x + y + 1) / 2;
    i16x8_mul U |x, y| x * y;
    i16x8_q15mulr_sat_s S |x, y| (x * y + 0x4000).div_euclid(0x8000).clamp(-0x8000, 0x7fff);
    i16x8_relaxed_q15mulr_s S |x, y| (x * y + 0x4000).div_euclid(0x8000).clamp(-0x8000, 0x7fff);
}

integer_lanes_agree! {
    i32x4_lanes, 32: i32x4_eq i32x4_ne i32x4_lt_s i32x4_gt_s i32x4_le_s i32x4_ge_s
    i32x4_add i32x4_sub i32x4_abs i32x4_neg i32x4_shl i32x4_shr_s i32x4_shr_u
    i32x4_all_true i32x4_bitmask
    i32x4_lt_u U |x, y| -i128::from(x < y);
    i32x4_gt_u U |x, y| -i128::from(x > y);
    i32x4_le_u U |x, y| -i128::from(x <= y);
    i32x4_ge_u U |x, y| -i128::from(x >= y);
    i32x4_min_s S |x, y| x.min(y);
    i32x4_min_u U |x, y| x.min(y);
    i32x4_max_s S |x, y| x.max(y);
    i32x4_max_u U |x, y| x.max(y);
    i32x4_mul U |x, y| x * y;
}

integer_lanes_agree! {
    i64x2_lanes, 64: i64x2_eq i64x2_ne i64x2_lt_s i64x2_gt_s i64x2_le_s i64x2_ge_s
    i64x2_add i64x2_sub i64x2_abs i64x2_neg i64x2_shl i64x2_shr_s i64x2_shr_u
    i64x2_all_true i64x2_bitmask
    i64x2_mul S |x, y| x * y;
}

/// Widening and narrowing between lanes of a number of bits and of twice that.
macro_rules! widths_agree {
    ($($bits:literal $sign:ident: $extend_low:ident $extend_high:ident $extmul_low:ident $extmul_high:ident
        $($extadd:ident)?;)*) => {
        $(for a in vectors() {
            let x = read(a, $bits, $sign);
            let half = x.len() / 2;
            assert_eq!($extend_low(a), write(x[..half].to_vec(), 2 * $bits));
            assert_eq!($extend_high(a), write(x[half..].to_vec(), 2 * $bits));
            $(assert_eq!($extadd(a), write(x.chunks(2).map(|x| x[0] + x[1]), 2 * $bits));)?
            for b in vectors() {
                let products: Vec<i128> = x.iter().zip(read(b, $bits, $sign)).map(|(x, y)| x * y).collect();
                assert_eq!($extmul_low(a, b), write(products[..half].to_vec(), 2 * $bits));
                assert_eq!($extmul_high(a, b), write(products[half..].to_vec(), 2 * $bits));
            }
        })*
    };
}

#[test]
fn widening() {
    widths_agree! {
        8 S: i16x8_extend_low_i8x16_s i16x8_extend_high_i8x16_s
            i16x8_extmul_low_i8x16_s i16x8_extmul_high_i8x16_s i16x8_extadd_pairwise_i8x16_s;
        8 U: i16x8_extend_low_i8x16_u i16x8_extend_high_i8x16_u
            i16x8_extmul_low_i8x16_u i16x8_extmul_high_i8x16_u i16x8_extadd_pairwise_i8x16_u;
        16 S: i32x4_extend_low_i16x8_s i32x4_extend_high_i16x8_s
            i32x4_extmul_low_i16x8_s i32x4_extmul_high_i16x8_s i32x4_extadd_pairwise_i16x8_s;
        16 U: i32x4_extend_low_i16x8_u i32x4_extend_high_i16x8_u
            i32x4_extmul_low_i16x8_u i32x4_extmul_high_i16x8_u i32x4_extadd_pairwise_i16x8_u;
        32 S: i64x2_extend_low_i32x4_s i64x2_extend_high_i32x4_s
            i64x2_extmul_low_i32x4_s i64x2_extmul_high_i32x4_s;
        32 U: i64x2_extend_low_i32x4_u i64x2_extend_high_i32x4_u
            i64x2_extmul_low_i32x4_u i64x2_extmul_high_i32x4_u;
    }
}

#[test]
fn narrowing_and_dot_products() {
    for a in vectors() {
        for b in vectors() {
            let both = |bits| [read(a, bits, S), read(b, bits, S)].concat();
            let clamp =
                |bits, min, max| write(both(2 * bits).iter().map(|&x| x.clamp(min, max)), bits);
            assert_eq!(i8x16_narrow_i16x8_s(a, b), clamp(8, -0x80, 0x7f));
            assert_eq!(i8x16_narrow_i16x8_u(a, b), clamp(8, 0, 0xff));
            assert_eq!(i16x8_narrow_i32x4_s(a, b), clamp(16, -0x8000, 0x7fff));
            assert_eq!(i16x8_narrow_i32x4_u(a, b), clamp(16, 0, 0xffff));

            let products = |bits| {
                let y = read(b, bits, S);
                read(a, bits, S).into_iter().zip(y).map(|(x, y)| x * y).collect::<Vec<_>>()
            };
            let pairs =
                |products: &[i128]| products.chunks(2).map(|p| p[0] + p[1]).collect::<Vec<_>>();
            assert_eq!(i32x4_dot_i16x8_s(a, b), write(pairs(&products(16)), 32));
            let sums = write(pairs(&products(8)), 16);
            assert_eq!(i16x8_relaxed_dot_i8x16_i7x16_s(a, b), sums);
            let sums =
                pairs(&read(sums, 16, S)).into_iter().zip(read(a, 32, S)).map(|(x, y)| x + y);
            assert_eq!(i32x4_relaxed_dot_i8x16_i7x16_add_s(a, b, a), write(sums, 32));
        }
    }
}

#[test]
fn bits_and_bytes_are_selected() {
    for a in vectors() {
        let x = u128::from(a);
        assert_eq!(u128::from(v128_not(a)), !x);
        assert_eq!(v128_any_true(a), u32::from(x != 0));
        assert_eq!(i8x16_popcnt(a).0, a.0.map(|byte| (0..8).map(|i| byte >> i & 1).sum()));
        for b in vectors() {
            let y = u128::from(b);
            assert_eq!(u128::from(v128_and(a, b)), x & y);
            assert_eq!(u128::from(v128_andnot(a, b)), x & !y);
            assert_eq!(u128::from(v128_or(a, b)), x | y);
            assert_eq!(u128::from(v128_xor(a, b)), x ^ y);
            let swizzled = b.0.map(|i| if i < 16 { a.0[i as usize] } else { 0 });
            assert_eq!(
                (i8x16_swizzle(a, b).0, i8x16_relaxed_swizzle(a, b).0),
                (swizzled, swizzled)
            );
            let indices = b.0.map(|i| i % 32);
            let shuffled =
                indices.map(|i| if i < 16 { a.0[i as usize] } else { b.0[i as usize - 16] });
            assert_eq!(i8x16_shuffle(a, b, indices).0, shuffled);
            let mask = V128::from(0x00ff_1234_ffff_8000_0f0f_7fff_0000_ffff_u128);
            let selected = V128::from((x ^ y) & u128::from(mask) ^ y);
            for select in [v128_bitselect, i8x16_relaxed_laneselect, i64x2_relaxed_laneselect] {
                assert_eq!(select(a, b, mask), selected);
            }
            for select in [i16x8_relaxed_laneselect, i32x4_relaxed_laneselect] {
                assert_eq!(select(a, b, mask), selected);
            }
        }
    }
    let indices = V128(from_fn(|i| 3 * i as u8));
    let bytes = V128(from_fn(|i| 100 + i as u8));
    assert_eq!(
        i8x16_swizzle(bytes, indices).0,
        [100, 103, 106, 109, 112, 115, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    );
}

#[test]
fn single_lanes() {
    let a = V128::from(0x8f8e_8d8c_8b8a_8988_8786_8584_8382_8180_u128);
    for lane in 0..16u8 {
        assert_eq!(i8x16_extract_lane_u(a, lane), 0x80 + u32::from(lane));
        assert_eq!(i8x16_extract_lane_s(a, lane), 0xffff_ff80 + u32::from(lane));
        let replaced = i8x16_replace_lane(a, lane, 0x1234_5678);
        assert_eq!(i8x16_extract_lane_u(replaced, lane), 0x78);
        assert_eq!(u128::from(v128_xor(a, replaced)) & !(0xff << (8 * lane)), 0);
    }
    assert_eq!(i16x8_extract_lane_u(a, 7), 0x8f8e);
    assert_eq!(i16x8_extract_lane_s(a, 0), 0xffff_8180);
    assert_eq!(i32x4_extract_lane(a, 1), 0x8786_8584);
    assert_eq!(i64x2_extract_lane(a, 1), 0x8f8e_8d8c_8b8a_8988);
    assert_eq!(f32x4_extract_lane(a, 3).to_bits(), 0x8f8e_8d8c);
    assert_eq!(f64x2_extract_lane(a, 0).to_bits(), 0x8786_8584_8382_8180);
    let hex = |v| format!("{:032x}", u128::from(v));
    assert_eq!(
        hex(i16x8_replace_lane(V128::ZERO, 2, 0xabcd_1234)),
        "00000000000000000000123400000000"
    );
    assert_eq!(
        hex(i32x4_replace_lane(V128::ZERO, 3, 0xabcd_1234)),
        "abcd1234000000000000000000000000"
    );
    assert_eq!(hex(i64x2_replace_lane(V128::ZERO, 1, 1)), "00000000000000010000000000000000");
    assert_eq!(hex(f32x4_replace_lane(V128::ZERO, 0, -1.0)), "000000000000000000000000bf800000");
    assert_eq!(hex(f64x2_replace_lane(V128::ZERO, 1, 1.0)), "3ff00000000000000000000000000000");
    // A signaling NaN passes unchanged.
    let nan = f32::from_bits(0x7f80_0001);
    assert_eq!(f32x4_extract_lane(f32x4_splat(nan), 2).to_bits(), 0x7f80_0001);
    assert_eq!(hex(i8x16_splat(0x1ff)), "ffffffffffffffffffffffffffffffff");
    assert_eq!(hex(i16x8_splat(0x1_2345)), "23452345234523452345234523452345");
    assert_eq!(hex(i32x4_splat(7)), "00000007000000070000000700000007");
    assert_eq!(hex(i64x2_splat(7)), "00000000000000070000000000000007");
    assert_eq!(hex(f64x2_splat(1.0)), "3ff00000000000003ff0000000000000");
}
