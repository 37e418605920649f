//! Packing, unpacking, shuffling, inserting.

use super::int::pure;
use super::{Lane, make, zip};

pure! {
    packsswb a b n _i pack::<i16, i8>(a, b, n, |x| x.clamp(-128, 127) as i8);
    packuswb a b n _i pack::<i16, u8>(a, b, n, |x| x.clamp(0, 255) as u8);
    packssdw a b n _i pack::<i32, i16>(a, b, n, |x| x.clamp(-32768, 32767) as i16);
    packusdw a b n _i pack::<i32, u16>(a, b, n, |x| x.clamp(0, 65535) as u16);
    punpcklbw a b _n _i unpack::<u8>(a, b, 0);
    punpcklwd a b _n _i unpack::<u16>(a, b, 0);
    punpckldq a b _n _i unpack::<u32>(a, b, 0);
    punpcklqdq a b _n _i unpack::<u64>(a, b, 0);
    punpckhbw a b n _i unpack::<u8>(a, b, n / 2);
    punpckhwd a b n _i unpack::<u16>(a, b, n / 4);
    punpckhdq a b n _i unpack::<u32>(a, b, n / 8);
    punpckhqdq a b n _i unpack::<u64>(a, b, n / 16);
    pshufb a b n _i make(|i| {
        let k = u8::at(b, i);
        if k & 0x80 != 0 { 0 } else { u8::at(a, u32::from(k) & (n - 1)) }
    });
    pshufd _a b _n imm make(|i| u32::at(b, pick(imm, i)));
    pshufw _a b _n imm low_words(b, imm);
    pshuflw _a b _n imm low_words(b, imm) & LOW | b & !LOW;
    pshufhw _a b _n imm b & LOW | low_words(b >> 64, imm) << 64;
    shufps a b _n imm make(|i| u32::at(if i < 2 { a } else { b }, pick(imm, i)));
    shufpd a b _n imm make(|i| u64::at(if i == 0 { a } else { b }, u32::from(imm >> i & 1)));
    palignr a b n imm {
        let both = |i: u32| if i < n { u8::at(b, i) } else if i < 2 * n { u8::at(a, i - n) } else { 0 };
        make(|i| both(i + u32::from(imm)))
    };
    pblendw a b _n imm make(|i| u16::at(if imm >> i & 1 != 0 { b } else { a }, i));
    blendps a b _n imm make(|i| u32::at(if imm >> i & 1 != 0 { b } else { a }, i));
    blendpd a b _n imm make(|i| u64::at(if imm >> i & 1 != 0 { b } else { a }, i));
    insertps a b _n imm {
        let value = u32::at(b, u32::from(imm >> 6));
        let v = zip::<u32, u32>(a, a, |x, _| x);
        make(|i| {
            if imm >> i & 1 != 0 {
                0
            } else if i == u32::from(imm >> 4 & 3) {
                value
            } else {
                u32::at(v, i)
            }
        })
    };
    // The same from memory, where there is just one element.
    insertps_memory a b n imm insertps(a, b, n, imm & 0x3f);
    movss a b _n _i a & !0xffff_ffff | b & 0xffff_ffff;
    movsd a b _n _i a & !LOW | b & LOW;
    movlhps a b _n _i a & LOW | b << 64;
    movhlps a b _n _i a & !LOW | b >> 64;
    movq _a b _n _i b & LOW;
    movddup _a b _n _i b & LOW | b << 64;
    movshdup _a b _n _i make(|i| u32::at(b, i | 1));
    movsldup _a b _n _i make(|i| u32::at(b, i & !1));
    pmovsxbw _a b _n _i make(|i| i16::from(i8::at(b, i)));
    pmovsxbd _a b _n _i make(|i| i32::from(i8::at(b, i)));
    pmovsxbq _a b _n _i make(|i| i64::from(i8::at(b, i)));
    pmovsxwd _a b _n _i make(|i| i32::from(i16::at(b, i)));
    pmovsxwq _a b _n _i make(|i| i64::from(i16::at(b, i)));
    pmovsxdq _a b _n _i make(|i| i64::from(i32::at(b, i)));
    pmovzxbw _a b _n _i make(|i| u16::from(u8::at(b, i)));
    pmovzxbd _a b _n _i make(|i| u32::from(u8::at(b, i)));
    pmovzxbq _a b _n _i make(|i| u64::from(u8::at(b, i)));
    pmovzxwd _a b _n _i make(|i| u32::from(u16::at(b, i)));
    pmovzxwq _a b _n _i make(|i| u64::from(u16::at(b, i)));
    pmovzxdq _a b _n _i make(|i| u64::from(u32::at(b, i)));
    pinsrb a b _n imm insert::<u8>(a, b, imm & 15);
    pinsrw a b n imm insert::<u16>(a, b, imm & (n as u8 / 2 - 1));
    pinsrd a b _n imm insert::<u32>(a, b, imm & 3);
    pinsrq a b _n imm insert::<u64>(a, b, imm & 1);
    // To a general register; the vector is the second operand.
    pextrb _a b _n imm u8::at(b, u32::from(imm & 15)).bits();
    pextrw _a b n imm u16::at(b, u32::from(imm) & (n / 2 - 1)).bits();
    pextrd _a b _n imm u32::at(b, u32::from(imm & 3)).bits();
    pextrq _a b _n imm u64::at(b, u32::from(imm & 1)).bits();
    pmovmskb _a b n _i (signs(b as u64) | if n > 8 { signs((b >> 64) as u64) << 8 } else { 0 }).into();
    movmskps _a b _n _i (0..4).map(|i| u128::from(u32::at(b, i) >> 31) << i).sum();
    movmskpd _a b _n _i (0..2).map(|i| u128::from(u64::at(b, i) >> 63) << i).sum();
}

/// The highest bits of eight bytes, side by side: the product has each of them at the top, where
/// no other sum reaches.
fn signs(bytes: u64) -> u64 {
    (bytes & 0x8080_8080_8080_8080).wrapping_mul(0x0002_0408_1020_4081) >> 56
}

const LOW: u128 = u64::MAX as u128;

/// The two bits for lane `i` of an immediate.
fn pick(imm: u8, i: u32) -> u32 {
    u32::from(imm >> (2 * i) & 3)
}

fn low_words(b: u128, imm: u8) -> u128 {
    make::<u16>(|i| if i < 4 { u16::at(b, pick(imm, i)) } else { 0 })
}

fn insert<T: Lane>(a: u128, b: u128, at: u8) -> u128 {
    let at = u32::from(at);
    make(|i| if i == at { T::at(b, 0) } else { T::at(a, i) })
}

fn pack<T: Lane, R: Lane>(a: u128, b: u128, n: u32, f: impl Fn(T) -> R) -> u128 {
    let half = n * 8 / T::BITS;
    make(|i| {
        let (v, k) = if i < half { (a, i) } else { (b, i - half) };
        f(T::at(if k < half { v } else { 0 }, if k < half { k } else { 0 }))
    })
}

fn unpack<T: Lane>(a: u128, b: u128, from: u32) -> u128 {
    make(|i| {
        let k = from + i / 2;
        // Above the width of MMX there is nothing.
        if k * T::BITS < 128 { T::at(if i & 1 == 0 { a } else { b }, k) } else { T::at(0, 0) }
    })
}
