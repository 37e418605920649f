//! Edge values against definitions that share no code with the operations.

use super::*;
use sampan_wasm::Opcode;
use std::vec::Vec;

extern crate std;

/// Numbers of 64 bits whose low halves are as interesting as the whole.
const INTEGERS: [u64; 20] = [
    0,
    1,
    2,
    7,
    31,
    32,
    33,
    63,
    64,
    0x7f,
    0x80,
    0xffff,
    0x8000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0x8000_0000_ffff_ffff,
    u64::MAX,
];

/// Floats around everything that an operation treats apart.
fn floats() -> Vec<f64> {
    let mut floats: Vec<f64> = [
        0.0,
        0.1,
        0.5,
        1.0,
        1.5,
        2.0,
        2.5,
        3.5,
        4.7,
        1e-300,
        1e300,
        5e-324,
        2.2250738585072014e-308,
        1.401298464324817e-45,
        1.1754943508222875e-38,
        3.4028234663852886e38,
        3.4028235677973366e38,
        f64::MAX,
        f64::INFINITY,
        f64::NAN,
        f64::from_bits(0x7ff0_0000_0000_0001),
        f64::from_bits(0x7ff4_0000_2000_0000),
        f64::from_bits(0x7fff_ffff_ffff_ffff),
    ]
    .to_vec();
    for power in [7, 8, 15, 16, 22, 23, 24, 31, 32, 51, 52, 53, 62, 63, 64] {
        let integral = 2f64.powi(power);
        floats.extend([integral, integral.next_up(), integral.next_down()]);
        floats.extend([integral + 0.5, integral - 0.5, integral + 1.0, integral - 1.0]);
        let single = integral as f32;
        floats.extend([f64::from(single.next_up()), f64::from(single.next_down())]);
    }
    floats.extend(floats.clone().iter().map(|&x| -x));
    floats
}

fn singles() -> Vec<f32> {
    let mut singles: Vec<f32> = floats().iter().map(|&x| x as f32).collect();
    singles.extend([0x7f80_0001, 0xff80_0001, 0x7fff_ffff, 0xffbf_ffff].map(f32::from_bits));
    singles
}

/// The same number; of a NaN, any.
fn same_f64(a: f64, b: f64) -> bool {
    if b.is_nan() { quiet_f64(a) } else { a.to_bits() == b.to_bits() }
}

fn same_f32(a: f32, b: f32) -> bool {
    if b.is_nan() { quiet_f32(a) } else { a.to_bits() == b.to_bits() }
}

fn quiet_f64(a: f64) -> bool {
    a.is_nan() && a.to_bits() & 1 << 51 != 0
}

fn quiet_f32(a: f32) -> bool {
    a.is_nan() && a.to_bits() & 1 << 22 != 0
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
        (test $v:ident $f:ident $a:ident) => {
            let _: fn($a) -> bool = $f;
        };
        (compare $v:ident $f:ident $a:ident) => {
            let _: fn($a, $a) -> bool = $f;
        };
        (unary $v:ident $f:ident $a:ident $r:ident $($canon:ident)?) => {
            let _: fn($a) -> $r = $f;
            $(let _: fn($r) -> $r = $canon;)?
        };
        (binary $v:ident $f:ident $a:ident $b:ident $r:ident $($canon:ident)?) => {
            let _: fn($a, $b) -> $r = $f;
            $(let _: fn($r) -> $r = $canon;)?
        };
        (try_unary $v:ident $f:ident $a:ident $r:ident) => {
            let _: fn($a) -> Result<$r, TrapKind> = $f;
        };
        (try_binary $v:ident $f:ident $a:ident) => {
            let _: fn($a, $a) -> Result<$a, TrapKind> = $f;
        };
        (wide_binary $v:ident $f:ident) => {
            let _: fn((u64, u64), (u64, u64)) -> (u64, u64) = $f;
        };
        (wide_mul $v:ident $f:ident) => {
            let _: fn(u64, u64) -> (u64, u64) = $f;
        };
    }
    with_numeric_ops!(list);
    let expected = |op: &&Opcode| {
        (Opcode::I32Eqz.code()..=Opcode::I64Extend32S.code()).contains(&op.code())
            || (Opcode::I32TruncSatF32S.code()..=Opcode::I64TruncSatF64U.code())
                .contains(&op.code())
            || (Opcode::I64Add128.code()..=Opcode::I64MulWideU.code()).contains(&op.code())
    };
    listed.sort_by_key(|op| op.code());
    let all: Vec<Opcode> = Opcode::ALL.iter().filter(expected).copied().collect();
    assert_eq!(listed, all);
}

/// What an integer operation gives, in a number wide enough for it, reduced to the width.
macro_rules! integers_agree {
    ($test:ident, $u:ident, $s:ident:
     $add:ident $sub:ident $mul:ident $div_s:ident $div_u:ident $rem_s:ident $rem_u:ident
     $shl:ident $shr_s:ident $shr_u:ident $rotl:ident $rotr:ident $lt_s:ident $lt_u:ident
     $clz:ident $ctz:ident $popcnt:ident $extend8_s:ident $extend16_s:ident) => {
        #[test]
        fn $test() {
            const BITS: u32 = $u::BITS;
            let signed = |x: $u| i128::from(x) - if x >> (BITS - 1) != 0 { 1 << BITS } else { 0 };
            let reduced = |x: i128| x.rem_euclid(1 << BITS) as $u;
            let bit = |x: $u, i: u32| x >> i & 1;
            for a in INTEGERS.map(|a| a as $u) {
                let zeros = |bits: &mut dyn Iterator<Item = u32>| {
                    bits.take_while(|&i| bit(a, i) == 0).count()
                };
                assert_eq!($clz(a), zeros(&mut (0..BITS).rev()) as $u);
                assert_eq!($ctz(a), zeros(&mut (0..BITS)) as $u);
                assert_eq!($popcnt(a), (0..BITS).map(|i| bit(a, i)).sum::<$u>());
                assert_eq!($extend8_s(a), (a & 0xff ^ 0x80).wrapping_sub(0x80));
                assert_eq!($extend16_s(a), (a & 0xffff ^ 0x8000).wrapping_sub(0x8000));
                for b in INTEGERS.map(|b| b as $u) {
                    let (wide_a, wide_b) = (signed(a), signed(b));
                    assert_eq!($add(a, b), reduced(wide_a + wide_b));
                    assert_eq!($sub(a, b), reduced(wide_a - wide_b));
                    assert_eq!($mul(a, b), reduced(wide_a * wide_b));
                    assert_eq!($lt_s(a, b), wide_a < wide_b);
                    assert_eq!($lt_u(a, b), i128::from(a) < i128::from(b));
                    let count = (b % $u::from(BITS as u8)) as u32;
                    let (ones, sum) =
                        (0..BITS).fold(($u::from(0u8), $u::from(0u8)), |(l, r), i| {
                            let (up, down) = ((i + count) % BITS, (i + BITS - count) % BITS);
                            (l | bit(a, i) << up, r | bit(a, i) << down)
                        });
                    assert_eq!($rotl(a, b), ones);
                    assert_eq!($rotr(a, b), sum);
                    assert_eq!(
                        $shl(a, b),
                        (0..BITS - count).fold(0, |r, i| r | bit(a, i) << (i + count))
                    );
                    assert_eq!(
                        $shr_u(a, b),
                        (count..BITS).fold(0, |r, i| r | bit(a, i) << (i - count))
                    );
                    assert_eq!($shr_s(a, b), reduced(wide_a.div_euclid(1 << count)));
                    if b == 0 {
                        for trap in [$div_s(a, b), $div_u(a, b), $rem_s(a, b), $rem_u(a, b)] {
                            assert!(matches!(trap, Err(TrapKind::IntegerDivideByZero)));
                        }
                        continue;
                    }
                    let quotient = wide_a / wide_b;
                    if quotient == 1 << (BITS - 1) {
                        assert!(matches!($div_s(a, b), Err(TrapKind::IntegerOverflow)));
                    } else {
                        assert_eq!($div_s(a, b).ok(), Some(reduced(quotient)));
                    }
                    assert_eq!($rem_s(a, b).ok(), Some(reduced(wide_a - quotient * wide_b)));
                    assert_eq!($div_u(a, b).ok(), Some(reduced(i128::from(a) / i128::from(b))));
                    assert_eq!($rem_u(a, b).ok(), Some(reduced(i128::from(a) % i128::from(b))));
                }
            }
        }
    };
}

integers_agree! {
    i32_operations_are_those_of_wider_integers, u32, i32:
    i32_add i32_sub i32_mul i32_div_s i32_div_u i32_rem_s i32_rem_u
    i32_shl i32_shr_s i32_shr_u i32_rotl i32_rotr i32_lt_s i32_lt_u
    i32_clz i32_ctz i32_popcnt i32_extend8_s i32_extend16_s
}

integers_agree! {
    i64_operations_are_those_of_wider_integers, u64, i64:
    i64_add i64_sub i64_mul i64_div_s i64_div_u i64_rem_s i64_rem_u
    i64_shl i64_shr_s i64_shr_u i64_rotl i64_rotr i64_lt_s i64_lt_u
    i64_clz i64_ctz i64_popcnt i64_extend8_s i64_extend16_s
}

#[test]
fn wide_arithmetic_carries() {
    assert_eq!(i64_add128((u64::MAX, 1), (1, 2)), (0, 4));
    assert_eq!(i64_add128((u64::MAX, u64::MAX), (1, 0)), (0, 0));
    assert_eq!(i64_sub128((0, 1), (1, 0)), (u64::MAX, 0));
    assert_eq!(i64_sub128((0, 0), (1, 0)), (u64::MAX, u64::MAX));
    assert_eq!(i64_mul_wide_u(u64::MAX, u64::MAX), (1, u64::MAX - 1));
    assert_eq!(i64_mul_wide_s(u64::MAX, u64::MAX), (1, 0));
    assert_eq!(i64_mul_wide_s(1 << 63, 1 << 63), (0, 1 << 62));
    assert_eq!(i64_mul_wide_s(1 << 63, 1), (1 << 63, u64::MAX));
}

/// The checked and the saturating truncation, against the integral part as an `i128`, which
/// holds that of every float below 2 to the power of 127.
macro_rules! truncations_agree {
    ($floats:expr; $($checked:ident $saturating:ident $u:ident $int:ident;)*) => {
        $(for x in $floats {
            let wide = x as i128;
            let (min, max) = (i128::from($int::MIN), i128::from($int::MAX));
            assert_eq!($saturating(x), wide.clamp(min, max) as $u, "{x}");
            match $checked(x) {
                Ok(result) => assert!(result as $int as i128 == wide && !x.is_nan(), "{x}"),
                Err(TrapKind::InvalidConversionToInteger) => assert!(x.is_nan(), "{x}"),
                Err(TrapKind::IntegerOverflow) => assert!(wide < min || wide > max, "{x}"),
                Err(trap) => panic!("{trap:?}"),
            }
        })*
    };
}

#[test]
fn truncations_trap_or_saturate_out_of_range() {
    truncations_agree! {
        singles();
        i32_trunc_f32_s i32_trunc_sat_f32_s u32 i32;
        i32_trunc_f32_u i32_trunc_sat_f32_u u32 u32;
        i64_trunc_f32_s i64_trunc_sat_f32_s u64 i64;
        i64_trunc_f32_u i64_trunc_sat_f32_u u64 u64;
    }
    truncations_agree! {
        floats();
        i32_trunc_f64_s i32_trunc_sat_f64_s u32 i32;
        i32_trunc_f64_u i32_trunc_sat_f64_u u32 u32;
        i64_trunc_f64_s i64_trunc_sat_f64_s u64 i64;
        i64_trunc_f64_u i64_trunc_sat_f64_u u64 u64;
    }
}

/// Rounding, and square roots, of the build and portable ones, against the standard library.
macro_rules! rounding_agrees {
    ($float:ident, $values:expr, $same:ident) => {
        for x in $values {
            let (ceil, floor, trunc) = (x.ceil(), x.floor(), x.trunc());
            assert!($same(round::$float::ceil(x), ceil), "ceil {x}");
            assert!($same(round::$float::floor(x), floor), "floor {x}");
            assert!($same(round::$float::trunc(x), trunc), "trunc {x}");
            assert!($same(round::$float::nearest(x), x.round_ties_even()), "nearest {x}");
            assert!($same(round::$float::sqrt(x), x.sqrt()), "sqrt {x}");
            assert!($same(round::portable::$float::ceil(x), ceil), "ceil {x}");
            assert!($same(round::portable::$float::floor(x), floor), "floor {x}");
            assert!($same(round::portable::$float::trunc(x), trunc), "trunc {x}");
            assert!($same(round::portable::$float::nearest(x), x.round_ties_even()), "nearest {x}");
            assert!($same(round::portable::$float::sqrt(x), x.sqrt()), "sqrt {x:e}");
        }
    };
}

#[test]
fn rounding_and_roots_are_exact() {
    // Multiples of an odd number visit every exponent and many mantissas.
    let bits = || (0..200_000u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    rounding_agrees!(
        f32,
        singles().into_iter().chain(bits().map(|b| f32::from_bits(b as u32))),
        same_f32
    );
    rounding_agrees!(f64, floats().into_iter().chain(bits().map(f64::from_bits)), same_f64);
    // Near one, where rounding has something to do.
    rounding_agrees!(f32, bits().map(|b| (b as i32 as f32) / 65536.0), same_f32);
    rounding_agrees!(f64, bits().map(|b| (b as i64 as f64) / 1e16), same_f64);
}

#[test]
fn minimum_and_maximum_order_zeros_and_propagate_nans() {
    for (i, &a) in floats().iter().enumerate() {
        for &b in &floats() {
            let (min, max) = (f64_min(a, b), f64_max(a, b));
            if a.is_nan() || b.is_nan() {
                assert!(quiet_f64(min) && quiet_f64(max), "{i}: {a} {b}");
            } else {
                // For numbers that are not NaNs this order is the specification's.
                let (low, high) = if a.total_cmp(&b).is_le() { (a, b) } else { (b, a) };
                assert_eq!((min.to_bits(), max.to_bits()), (low.to_bits(), high.to_bits()));
            }
        }
    }
    for &a in &singles() {
        for &b in &singles() {
            let (min, max) = (f32_min(a, b), f32_max(a, b));
            if a.is_nan() || b.is_nan() {
                assert!(quiet_f32(min) && quiet_f32(max), "{a} {b}");
            } else {
                let (low, high) = if a.total_cmp(&b).is_le() { (a, b) } else { (b, a) };
                assert_eq!((min.to_bits(), max.to_bits()), (low.to_bits(), high.to_bits()));
            }
        }
    }
}

#[test]
fn signs_change_nothing_else() {
    for a in singles() {
        let (bits, sign) = (a.to_bits(), 1 << 31);
        assert_eq!(f32_abs(a).to_bits(), bits & !sign);
        assert_eq!(f32_neg(a).to_bits(), bits ^ sign);
        assert_eq!(f32_copysign(a, -0.0).to_bits(), bits | sign);
        assert_eq!(f32_copysign(a, f32::NAN).to_bits(), bits & !sign);
    }
    for a in floats() {
        let (bits, sign) = (a.to_bits(), 1 << 63);
        assert_eq!(f64_abs(a).to_bits(), bits & !sign);
        assert_eq!(f64_neg(a).to_bits(), bits ^ sign);
        assert_eq!(f64_copysign(a, -0.0).to_bits(), bits | sign);
        assert_eq!(f64_copysign(a, f64::NAN).to_bits(), bits & !sign);
    }
}

#[test]
fn conversions_round_to_nearest_even() {
    assert_eq!(f32_convert_i32_s(0x0100_0001), 16_777_216.0);
    assert_eq!(f32_convert_i32_s(0x0100_0003), 16_777_220.0);
    assert_eq!(f32_convert_i32_u(u32::MAX), 4_294_967_296.0);
    assert_eq!(f32_convert_i32_s(u32::MAX), -1.0);
    // Rounding through a double first would give 2 to the power of 53.
    assert_eq!(f32_convert_i64_s(0x0020_0000_2000_0001), 9_007_200_328_482_816.0);
    assert_eq!(f32_convert_i64_u(u64::MAX), 18_446_744_073_709_551_616.0);
    assert_eq!(f64_convert_i64_s(0x0020_0000_0000_0001), 9_007_199_254_740_992.0);
    assert_eq!(f64_convert_i64_u(1 << 63), 9_223_372_036_854_775_808.0);
    assert_eq!(f32_demote_f64(3.402_823_567_797_336_6e38), f32::INFINITY);
    assert!(quiet_f32(f32_demote_f64(f64::from_bits(0x7ff0_0000_0000_0001))));
    assert!(quiet_f64(f64_promote_f32(f32::from_bits(0x7f80_0001))));
}

#[test]
fn canonical_nans() {
    for a in singles() {
        let expected = if a.is_nan() { 0x7fc0_0000 } else { a.to_bits() };
        assert_eq!(canon_f32(a).to_bits(), expected);
    }
    for a in floats() {
        let expected = if a.is_nan() { 0x7ff8_0000_0000_0000 } else { a.to_bits() };
        assert_eq!(canon_f64(a).to_bits(), expected);
    }
}
