//! Lanes of floats, against the scalar operations, which have tests of their own.

use super::*;
use crate::exec::num;

/// Vectors of floats, of which each lane is one that an operation treats apart.
fn float_vectors() -> Vec<V128> {
    let singles: [f32; 16] = [
        0.0,
        -0.0,
        0.5,
        -0.5,
        1.5,
        -2.5,
        1e-45,
        8_388_607.5,
        2_147_483_648.0,
        -2_147_483_904.0,
        4_294_967_296.0,
        f32::MAX,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        f32::from_bits(0xffa0_1234),
    ];
    let mut vectors = vectors();
    for i in 0..16 {
        vectors.push(V128::from(from_fn::<f32, 4, _>(|j| singles[(i + 5 * j) % 16])));
        vectors.push(V128::from(from_fn::<f64, 2, _>(|j| f64::from(singles[(i + 5 * j) % 16]))));
    }
    vectors.push(V128::from([f64::from_bits(0x7ff0_0000_0000_0001), 4_294_967_295.5]));
    vectors.push(V128::from([2_147_483_647.5, -2_147_483_648.5]));
    vectors
}

/// A float operation on vectors, against the scalar one on each lane.
macro_rules! floats_agree {
    ($lanes:ty, $same:ident: unary $($one:ident $one_scalar:ident)*; binary $($two:ident $two_scalar:ident)*;) => {
        $(floats_agree!(@unary $lanes, $same, $one $one_scalar);)*
        $(floats_agree!(@binary $lanes, $same, $two $two_scalar);)*
    };
    (@unary $lanes:ty, $same:ident, $vector:ident $scalar:ident) => {
        for a in float_vectors() {
            let results = <$lanes>::from($vector(a));
            for (result, x) in results.iter().zip(<$lanes>::from(a)) {
                assert!($same(*result, num::$scalar(x)), "{} {x}", stringify!($vector));
            }
        }
    };
    (@binary $lanes:ty, $same:ident, $vector:ident $scalar:ident) => {
        for a in float_vectors() {
            for b in float_vectors() {
                let results = <$lanes>::from($vector(a, b));
                let operands = <$lanes>::from(a).into_iter().zip(<$lanes>::from(b));
                for (result, (x, y)) in results.iter().zip(operands) {
                    assert!($same(*result, num::$scalar(x, y)), "{} {x} {y}", stringify!($vector));
                }
            }
        }
    };
}

/// The same bits, or both a quiet NaN.
fn same_f32(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits()
        || a.is_nan() && b.is_nan() && a.to_bits() & b.to_bits() & 1 << 22 != 0
}

fn same_f64(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
        || a.is_nan() && b.is_nan() && a.to_bits() & b.to_bits() & 1 << 51 != 0
}

#[test]
fn float_lanes() {
    floats_agree! {
        F32x4, same_f32:
        unary f32x4_abs f32_abs f32x4_neg f32_neg f32x4_sqrt f32_sqrt f32x4_ceil f32_ceil
            f32x4_floor f32_floor f32x4_trunc f32_trunc f32x4_nearest f32_nearest canon_f32x4 canon_f32;
        binary f32x4_add f32_add f32x4_sub f32_sub f32x4_mul f32_mul f32x4_div f32_div
            f32x4_min f32_min f32x4_max f32_max f32x4_relaxed_min f32_min f32x4_relaxed_max f32_max;
    }
    floats_agree! {
        F64x2, same_f64:
        unary f64x2_abs f64_abs f64x2_neg f64_neg f64x2_sqrt f64_sqrt f64x2_ceil f64_ceil
            f64x2_floor f64_floor f64x2_trunc f64_trunc f64x2_nearest f64_nearest canon_f64x2 canon_f64;
        binary f64x2_add f64_add f64x2_sub f64_sub f64x2_mul f64_mul f64x2_div f64_div
            f64x2_min f64_min f64x2_max f64_max f64x2_relaxed_min f64_min f64x2_relaxed_max f64_max;
    }
}

#[test]
fn float_comparisons_and_pseudo_minimum() {
    for a in float_vectors() {
        for b in float_vectors() {
            macro_rules! check {
                ($lanes:ty, $bits:literal: $([$function:ident $operator:tt])* $pmin:ident $pmax:ident) => {
                    let pairs = || <$lanes>::from(a).into_iter().zip(<$lanes>::from(b));
                    $(
                        let expected = write(pairs().map(|(x, y)| -i128::from(x $operator y)), $bits);
                        assert_eq!($function(a, b), expected);
                    )*
                    let min = write(pairs().map(|(x, y)| i128::from(if y < x { y } else { x }.to_bits())), $bits);
                    let max = write(pairs().map(|(x, y)| i128::from(if x < y { y } else { x }.to_bits())), $bits);
                    assert_eq!(($pmin(a, b), $pmax(a, b)), (min, max));
                };
            }
            check!(F32x4, 32: [f32x4_eq ==] [f32x4_ne !=] [f32x4_lt <] [f32x4_gt >] [f32x4_le <=]
                [f32x4_ge >=] f32x4_pmin f32x4_pmax);
            check!(F64x2, 64: [f64x2_eq ==] [f64x2_ne !=] [f64x2_lt <] [f64x2_gt >] [f64x2_le <=]
                [f64x2_ge >=] f64x2_pmin f64x2_pmax);
        }
    }
}

#[test]
fn float_conversions() {
    for a in float_vectors() {
        let (singles, doubles) = (F32x4::from(a), F64x2::from(a));
        let (signed, unsigned) = (I32x4::from(a), U32x4::from(a));
        let clamp = |x: f64, sign| {
            let wide = if x.is_nan() { 0 } else { x as i128 };
            if sign == S {
                wide.clamp(-0x8000_0000, 0x7fff_ffff)
            } else {
                wide.clamp(0, 0xffff_ffff)
            }
        };
        for (sign, full, relaxed, zero, relaxed_zero) in [
            (
                S,
                i32x4_trunc_sat_f32x4_s as fn(V128) -> V128,
                i32x4_relaxed_trunc_f32x4_s as fn(V128) -> V128,
                i32x4_trunc_sat_f64x2_s_zero as fn(V128) -> V128,
                i32x4_relaxed_trunc_f64x2_s_zero as fn(V128) -> V128,
            ),
            (
                U,
                i32x4_trunc_sat_f32x4_u,
                i32x4_relaxed_trunc_f32x4_u,
                i32x4_trunc_sat_f64x2_u_zero,
                i32x4_relaxed_trunc_f64x2_u_zero,
            ),
        ] {
            let expected = write(singles.map(|x| clamp(f64::from(x), sign)), 32);
            assert_eq!((full(a), relaxed(a)), (expected, expected));
            let expected = write(doubles.map(|x| clamp(x, sign)), 32);
            assert_eq!((zero(a), relaxed_zero(a)), (expected, expected));
        }
        assert_eq!(f32x4_convert_i32x4_s(a), V128::from(signed.map(|x| f64::from(x) as f32)));
        assert_eq!(f32x4_convert_i32x4_u(a), V128::from(unsigned.map(|x| f64::from(x) as f32)));
        assert_eq!(
            f64x2_convert_low_i32x4_s(a),
            V128::from([f64::from(signed[0]), f64::from(signed[1])])
        );
        assert_eq!(
            f64x2_convert_low_i32x4_u(a),
            V128::from([f64::from(unsigned[0]), f64::from(unsigned[1])])
        );
        let demoted = F32x4::from(f32x4_demote_f64x2_zero(a));
        let promoted = F64x2::from(f64x2_promote_low_f32x4(a));
        for i in 0..2 {
            assert!(same_f32(demoted[i], num::f32_demote_f64(doubles[i])));
            assert!(same_f64(promoted[i], num::f64_promote_f32(singles[i])));
        }
        assert_eq!((demoted[2].to_bits(), demoted[3].to_bits()), (0, 0));
    }
}

#[test]
fn multiply_and_add_round_twice() {
    let splat = |x: f32| V128::from([x; 4]);
    let (a, c) = (1.0 + f32::EPSILON, -1.0 - 2.0 * f32::EPSILON);
    // Fused, the square of the epsilon would be left.
    assert_eq!(f32x4_relaxed_madd(splat(a), splat(a), splat(c)), splat(0.0));
    assert_eq!(f32x4_relaxed_nmadd(splat(a), splat(a), splat(-c)), splat(0.0));
    assert_eq!(f32x4_relaxed_nmadd(splat(2.0), splat(3.0), splat(10.0)), splat(4.0));
    let splat = |x: f64| V128::from([x; 2]);
    let (a, c) = (1.0 + f64::EPSILON, -1.0 - 2.0 * f64::EPSILON);
    assert_eq!(f64x2_relaxed_madd(splat(a), splat(a), splat(c)), splat(0.0));
    assert_eq!(f64x2_relaxed_nmadd(splat(a), splat(a), splat(-c)), splat(0.0));
    assert_eq!(f64x2_relaxed_nmadd(splat(2.0), splat(3.0), splat(10.0)), splat(4.0));
}
