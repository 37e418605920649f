//! What the scalar instructions compute: one function per opcode, named as the opcode in
//! snake case, and the list of them all, [`with_numeric_ops`].
//!
//! Integers are `u32` and `u64` on every boundary, whatever sign the instruction gives
//! them; comparisons return `bool`. Operations that the list marks `canon_f32` or
//! `canon_f64` may return any NaN that the specification allows; the function of that name
//! makes it the one canonical NaN, where the configuration asks for that. All others are
//! exact to the bit.
//!
//! Source: WebAssembly core specification 3.0, section 4.3 "Numerics".

mod list;
#[cfg_attr(sampan_small, path = "num/round_small.rs")]
pub(crate) mod round;
#[cfg(test)]
mod tests;
#[cfg_attr(sampan_small, path = "num/truncate_small.rs")]
mod truncate;

pub(crate) use list::with_numeric_ops;
pub(crate) use truncate::*;

use crate::TrapKind;

/// Every NaN becomes the positive canonical one.
///
/// It looks at the bits: LLVM takes `if x.is_nan() { NAN } else { x }` for `x` after a
/// square root, as one NaN is as good as another to it.
#[inline(always)]
pub(crate) fn canon_f32(x: f32) -> f32 {
    let bits = x.to_bits();
    f32::from_bits(if bits << 1 > 0xff00_0000 { 0x7fc0_0000 } else { bits })
}

/// Every NaN becomes the positive canonical one; see [`canon_f32`].
#[inline(always)]
pub(crate) fn canon_f64(x: f64) -> f64 {
    let bits = x.to_bits();
    f64::from_bits(if bits << 1 > 0xffe0_0000_0000_0000 { 0x7ff8_0000_0000_0000 } else { bits })
}

/// A function per row: `name(operands) -> result = expression`.
macro_rules! ops {
    ($($name:ident($($p:ident: $t:ty),*) -> $r:ty = $body:expr;)*) => {
        $(
            #[inline(always)]
            pub(crate) fn $name($($p: $t),*) -> $r {
                $body
            }
        )*
    };
}

use ops;

/// The operations that both integer types have: `unsigned signed; operation = name`.
macro_rules! integer_ops {
    (
        $u:ty, $s:ty;
        eqz = $eqz:ident, eq = $eq:ident, ne = $ne:ident,
        lt_s = $lt_s:ident, lt_u = $lt_u:ident, gt_s = $gt_s:ident, gt_u = $gt_u:ident,
        le_s = $le_s:ident, le_u = $le_u:ident, ge_s = $ge_s:ident, ge_u = $ge_u:ident,
        clz = $clz:ident, ctz = $ctz:ident, popcnt = $popcnt:ident,
        add = $add:ident, sub = $sub:ident, mul = $mul:ident,
        div_s = $div_s:ident, div_u = $div_u:ident, rem_s = $rem_s:ident, rem_u = $rem_u:ident,
        and = $and:ident, or = $or:ident, xor = $xor:ident,
        shl = $shl:ident, shr_s = $shr_s:ident, shr_u = $shr_u:ident,
        rotl = $rotl:ident, rotr = $rotr:ident,
        extend8_s = $extend8_s:ident, extend16_s = $extend16_s:ident,
    ) => {
        ops! {
            $eqz(a: $u) -> bool = a == 0;
            $eq(a: $u, b: $u) -> bool = a == b;
            $ne(a: $u, b: $u) -> bool = a != b;
            $lt_s(a: $u, b: $u) -> bool = (a as $s) < b as $s;
            $lt_u(a: $u, b: $u) -> bool = a < b;
            $gt_s(a: $u, b: $u) -> bool = a as $s > b as $s;
            $gt_u(a: $u, b: $u) -> bool = a > b;
            $le_s(a: $u, b: $u) -> bool = a as $s <= b as $s;
            $le_u(a: $u, b: $u) -> bool = a <= b;
            $ge_s(a: $u, b: $u) -> bool = a as $s >= b as $s;
            $ge_u(a: $u, b: $u) -> bool = a >= b;
            $clz(a: $u) -> $u = <$u>::from(a.leading_zeros());
            $ctz(a: $u) -> $u = <$u>::from(a.trailing_zeros());
            $popcnt(a: $u) -> $u = <$u>::from(a.count_ones());
            $add(a: $u, b: $u) -> $u = a.wrapping_add(b);
            $sub(a: $u, b: $u) -> $u = a.wrapping_sub(b);
            $mul(a: $u, b: $u) -> $u = a.wrapping_mul(b);
            $and(a: $u, b: $u) -> $u = a & b;
            $or(a: $u, b: $u) -> $u = a | b;
            $xor(a: $u, b: $u) -> $u = a ^ b;
            // The count is taken modulo the width, which the truncation to u32 respects.
            $shl(a: $u, b: $u) -> $u = a.wrapping_shl(b as u32);
            $shr_s(a: $u, b: $u) -> $u = (a as $s).wrapping_shr(b as u32) as $u;
            $shr_u(a: $u, b: $u) -> $u = a.wrapping_shr(b as u32);
            $rotl(a: $u, b: $u) -> $u = a.rotate_left(b as u32 % <$u>::BITS);
            $rotr(a: $u, b: $u) -> $u = a.rotate_right(b as u32 % <$u>::BITS);
            $extend8_s(a: $u) -> $u = a as i8 as $u;
            $extend16_s(a: $u) -> $u = a as i16 as $u;
            $div_u(a: $u, b: $u) -> Result<$u, TrapKind> =
                a.checked_div(b).ok_or(TrapKind::IntegerDivideByZero);
            $rem_u(a: $u, b: $u) -> Result<$u, TrapKind> =
                a.checked_rem(b).ok_or(TrapKind::IntegerDivideByZero);
            $div_s(a: $u, b: $u) -> Result<$u, TrapKind> = if b == 0 {
                Err(TrapKind::IntegerDivideByZero)
            } else {
                match (a as $s).checked_div(b as $s) {
                    Some(quotient) => Ok(quotient as $u),
                    None => Err(TrapKind::IntegerOverflow),
                }
            };
            // The remainder of the smallest number by -1 is 0, though the quotient overflows.
            $rem_s(a: $u, b: $u) -> Result<$u, TrapKind> = if b == 0 {
                Err(TrapKind::IntegerDivideByZero)
            } else {
                Ok((a as $s).wrapping_rem(b as $s) as $u)
            };
        }
    };
}

integer_ops! {
    u32, i32;
    eqz = i32_eqz, eq = i32_eq, ne = i32_ne,
    lt_s = i32_lt_s, lt_u = i32_lt_u, gt_s = i32_gt_s, gt_u = i32_gt_u,
    le_s = i32_le_s, le_u = i32_le_u, ge_s = i32_ge_s, ge_u = i32_ge_u,
    clz = i32_clz, ctz = i32_ctz, popcnt = i32_popcnt,
    add = i32_add, sub = i32_sub, mul = i32_mul,
    div_s = i32_div_s, div_u = i32_div_u, rem_s = i32_rem_s, rem_u = i32_rem_u,
    and = i32_and, or = i32_or, xor = i32_xor,
    shl = i32_shl, shr_s = i32_shr_s, shr_u = i32_shr_u,
    rotl = i32_rotl, rotr = i32_rotr,
    extend8_s = i32_extend8_s, extend16_s = i32_extend16_s,
}

integer_ops! {
    u64, i64;
    eqz = i64_eqz, eq = i64_eq, ne = i64_ne,
    lt_s = i64_lt_s, lt_u = i64_lt_u, gt_s = i64_gt_s, gt_u = i64_gt_u,
    le_s = i64_le_s, le_u = i64_le_u, ge_s = i64_ge_s, ge_u = i64_ge_u,
    clz = i64_clz, ctz = i64_ctz, popcnt = i64_popcnt,
    add = i64_add, sub = i64_sub, mul = i64_mul,
    div_s = i64_div_s, div_u = i64_div_u, rem_s = i64_rem_s, rem_u = i64_rem_u,
    and = i64_and, or = i64_or, xor = i64_xor,
    shl = i64_shl, shr_s = i64_shr_s, shr_u = i64_shr_u,
    rotl = i64_rotl, rotr = i64_rotr,
    extend8_s = i64_extend8_s, extend16_s = i64_extend16_s,
}

/// The operations that both float types have: `float bits; operation = name`.
macro_rules! float_ops {
    (
        $f:ident, $bits:ty;
        eq = $eq:ident, ne = $ne:ident, lt = $lt:ident, gt = $gt:ident, le = $le:ident, ge = $ge:ident,
        abs = $abs:ident, neg = $neg:ident, copysign = $copysign:ident,
        ceil = $ceil:ident, floor = $floor:ident, trunc = $trunc:ident, nearest = $nearest:ident,
        sqrt = $sqrt:ident, add = $add:ident, sub = $sub:ident, mul = $mul:ident, div = $div:ident,
        min = $min:ident, max = $max:ident,
    ) => {
        ops! {
            $eq(a: $f, b: $f) -> bool = a == b;
            $ne(a: $f, b: $f) -> bool = a != b;
            $lt(a: $f, b: $f) -> bool = a < b;
            $gt(a: $f, b: $f) -> bool = a > b;
            $le(a: $f, b: $f) -> bool = a <= b;
            $ge(a: $f, b: $f) -> bool = a >= b;
            // Of a NaN too, these change the sign and nothing else.
            $abs(a: $f) -> $f = <$f>::from_bits(a.to_bits() & (<$bits>::MAX >> 1));
            $neg(a: $f) -> $f = <$f>::from_bits(a.to_bits() ^ !(<$bits>::MAX >> 1));
            $copysign(a: $f, b: $f) -> $f = <$f>::from_bits(
                a.to_bits() & (<$bits>::MAX >> 1) | b.to_bits() & !(<$bits>::MAX >> 1)
            );
            $ceil(a: $f) -> $f = round::$f::ceil(a);
            $floor(a: $f) -> $f = round::$f::floor(a);
            $trunc(a: $f) -> $f = round::$f::trunc(a);
            $nearest(a: $f) -> $f = round::$f::nearest(a);
            $sqrt(a: $f) -> $f = round::$f::sqrt(a);
            $add(a: $f, b: $f) -> $f = a + b;
            $sub(a: $f, b: $f) -> $f = a - b;
            $mul(a: $f, b: $f) -> $f = a * b;
            $div(a: $f, b: $f) -> $f = a / b;
            // Equal numbers differ at most in the sign of zero. The sum of a NaN with
            // anything is a quiet NaN.
            $min(a: $f, b: $f) -> $f = {
                let equal = <$f>::from_bits(a.to_bits() | b.to_bits());
                let ordered = if a < b { a } else if a > b { b } else { equal };
                if a.is_nan() | b.is_nan() { a + b } else { ordered }
            };
            $max(a: $f, b: $f) -> $f = {
                let equal = <$f>::from_bits(a.to_bits() & b.to_bits());
                let ordered = if a > b { a } else if a < b { b } else { equal };
                if a.is_nan() | b.is_nan() { a + b } else { ordered }
            };
        }
    };
}

float_ops! {
    f32, u32;
    eq = f32_eq, ne = f32_ne, lt = f32_lt, gt = f32_gt, le = f32_le, ge = f32_ge,
    abs = f32_abs, neg = f32_neg, copysign = f32_copysign,
    ceil = f32_ceil, floor = f32_floor, trunc = f32_trunc, nearest = f32_nearest,
    sqrt = f32_sqrt, add = f32_add, sub = f32_sub, mul = f32_mul, div = f32_div,
    min = f32_min, max = f32_max,
}

float_ops! {
    f64, u64;
    eq = f64_eq, ne = f64_ne, lt = f64_lt, gt = f64_gt, le = f64_le, ge = f64_ge,
    abs = f64_abs, neg = f64_neg, copysign = f64_copysign,
    ceil = f64_ceil, floor = f64_floor, trunc = f64_trunc, nearest = f64_nearest,
    sqrt = f64_sqrt, add = f64_add, sub = f64_sub, mul = f64_mul, div = f64_div,
    min = f64_min, max = f64_max,
}

ops! {
    i32_wrap_i64(a: u64) -> u32 = a as u32;
    i64_extend_i32_s(a: u32) -> u64 = a as i32 as u64;
    i64_extend_i32_u(a: u32) -> u64 = u64::from(a);
    i64_extend32_s(a: u64) -> u64 = a as i32 as u64;

    // `as` to a float rounds to nearest, ties to even.
    f32_convert_i32_s(a: u32) -> f32 = a as i32 as f32;
    f32_convert_i32_u(a: u32) -> f32 = a as f32;
    f32_convert_i64_s(a: u64) -> f32 = a as i64 as f32;
    f32_convert_i64_u(a: u64) -> f32 = a as f32;
    f64_convert_i32_s(a: u32) -> f64 = f64::from(a as i32);
    f64_convert_i32_u(a: u32) -> f64 = f64::from(a);
    f64_convert_i64_s(a: u64) -> f64 = a as i64 as f64;
    f64_convert_i64_u(a: u64) -> f64 = a as f64;
    f32_demote_f64(a: f64) -> f32 = a as f32;
    f64_promote_f32(a: f32) -> f64 = f64::from(a);

    i32_reinterpret_f32(a: f32) -> u32 = a.to_bits();
    i64_reinterpret_f64(a: f64) -> u64 = a.to_bits();
    f32_reinterpret_i32(a: u32) -> f32 = f32::from_bits(a);
    f64_reinterpret_i64(a: u64) -> f64 = f64::from_bits(a);

    // Wide arithmetic: a number of 128 bits is two of 64, the low half first.
    i64_add128(a: (u64, u64), b: (u64, u64)) -> (u64, u64) = halves(whole(a).wrapping_add(whole(b)));
    i64_sub128(a: (u64, u64), b: (u64, u64)) -> (u64, u64) = halves(whole(a).wrapping_sub(whole(b)));
    i64_mul_wide_s(a: u64, b: u64) -> (u64, u64) =
        halves((i128::from(a as i64) * i128::from(b as i64)) as u128);
    i64_mul_wide_u(a: u64, b: u64) -> (u64, u64) = halves(u128::from(a) * u128::from(b));
}

#[inline(always)]
fn whole((low, high): (u64, u64)) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

#[inline(always)]
fn halves(a: u128) -> (u64, u64) {
    (a as u64, (a >> 64) as u64)
}
