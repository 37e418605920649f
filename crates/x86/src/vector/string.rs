//! `pcmpestri` and its kin. Source: Intel SDM vol. 2, 4.1.

use super::Lane;
use crate::registers::flags::{CF, OF, SF, ZF};

/// The result bits, and the flags.
pub(crate) fn compare(a: u128, b: u128, lens: Option<(i64, i64)>, imm: u8) -> (u32, u64) {
    let words = imm & 1 != 0;
    let count = if words { 8 } else { 16 };
    let at = |v: u128, i: u32| -> i32 {
        match imm & 3 {
            0 => u8::at(v, i).into(),
            1 => u16::at(v, i).into(),
            2 => i8::at(v, i).into(),
            _ => i16::at(v, i).into(),
        }
    };
    let implicit = |v| (0..count).find(|&i| at(v, i) == 0).unwrap_or(count);
    let explicit = |n: i64| n.unsigned_abs().min(u64::from(count)) as u32;
    let (len_a, len_b) = match lens {
        Some((a, b)) => (explicit(a), explicit(b)),
        None => (implicit(a), implicit(b)),
    };
    let mut bits = 0_u32;
    for j in 0..count {
        let valid = j < len_b;
        let hit = match imm >> 2 & 3 {
            0 => valid && (0..len_a).any(|i| at(a, i) == at(b, j)),
            1 => {
                let inside = |i: u32| at(a, 2 * i) <= at(b, j) && at(b, j) <= at(a, 2 * i + 1);
                valid && (0..len_a / 2).any(inside)
            }
            2 => {
                if valid && j < len_a {
                    at(a, j) == at(b, j)
                } else {
                    !valid && j >= len_a
                }
            }
            _ => (0..count - j).all(|i| i >= len_a || (i + j < len_b && at(a, i) == at(b, i + j))),
        };
        bits |= u32::from(hit) << j;
    }
    let all = (1_u32 << count) - 1;
    bits = match imm >> 4 & 3 {
        1 => bits ^ all,
        3 => bits ^ (1_u32 << len_b) - 1,
        _ => bits,
    } & all;
    let flag = |set: bool, flag: u64| if set { flag } else { 0 };
    let flags = flag(bits != 0, CF)
        | flag(len_b < count, ZF)
        | flag(len_a < count, SF)
        | flag(bits & 1 != 0, OF);
    (bits, flags)
}

/// `ecx` of the index forms.
pub(crate) fn index(bits: u32, imm: u8) -> u32 {
    let count = if imm & 1 != 0 { 8 } else { 16 };
    match (bits, imm & 0x40) {
        (0, _) => count,
        (_, 0) => bits.trailing_zeros(),
        _ => 31 - bits.leading_zeros(),
    }
}

/// `xmm0` of the mask forms.
pub(crate) fn mask(bits: u32, imm: u8) -> u128 {
    if imm & 0x40 == 0 {
        return bits.into();
    }
    if imm & 1 != 0 {
        super::make::<u16>(|i| if bits >> i & 1 != 0 { u16::MAX } else { 0 })
    } else {
        super::make::<u8>(|i| if bits >> i & 1 != 0 { u8::MAX } else { 0 })
    }
}
