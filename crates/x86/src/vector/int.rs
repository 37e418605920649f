//! Packed integers.

use super::{Lane, make, zip};

macro_rules! pure {
    ($($name:ident $a:ident $b:ident $n:ident $i:ident $e:expr;)*) => {$(
        pub(crate) fn $name($a: u128, $b: u128, $n: u32, $i: u8) -> u128 {
            $e
        }
    )*};
}
pub(super) use pure;

/// All ones for true.
fn mask<T: From<i8>>(set: bool) -> T {
    T::from(if set { -1 } else { 0 })
}

pure! {
    second _a b _n _i b;
    and a b _n _i a & b;
    andn a b _n _i !a & b;
    or a b _n _i a | b;
    xor a b _n _i a ^ b;
    paddb a b _n _i zip(a, b, u8::wrapping_add);
    paddw a b _n _i zip(a, b, u16::wrapping_add);
    paddd a b _n _i zip(a, b, u32::wrapping_add);
    paddq a b _n _i zip(a, b, u64::wrapping_add);
    psubb a b _n _i zip(a, b, u8::wrapping_sub);
    psubw a b _n _i zip(a, b, u16::wrapping_sub);
    psubd a b _n _i zip(a, b, u32::wrapping_sub);
    psubq a b _n _i zip(a, b, u64::wrapping_sub);
    paddsb a b _n _i zip(a, b, i8::saturating_add);
    paddsw a b _n _i zip(a, b, i16::saturating_add);
    paddusb a b _n _i zip(a, b, u8::saturating_add);
    paddusw a b _n _i zip(a, b, u16::saturating_add);
    psubsb a b _n _i zip(a, b, i8::saturating_sub);
    psubsw a b _n _i zip(a, b, i16::saturating_sub);
    psubusb a b _n _i zip(a, b, u8::saturating_sub);
    psubusw a b _n _i zip(a, b, u16::saturating_sub);
    pavgb a b _n _i zip(a, b, |x: u8, y: u8| ((u16::from(x) + u16::from(y) + 1) >> 1) as u8);
    pavgw a b _n _i zip(a, b, |x: u16, y: u16| ((u32::from(x) + u32::from(y) + 1) >> 1) as u16);
    pminub a b _n _i zip(a, b, |x: u8, y| x.min(y));
    pmaxub a b _n _i zip(a, b, |x: u8, y| x.max(y));
    pminsw a b _n _i zip(a, b, |x: i16, y| x.min(y));
    pmaxsw a b _n _i zip(a, b, |x: i16, y| x.max(y));
    pminsb a b _n _i zip(a, b, |x: i8, y| x.min(y));
    pmaxsb a b _n _i zip(a, b, |x: i8, y| x.max(y));
    pminuw a b _n _i zip(a, b, |x: u16, y| x.min(y));
    pmaxuw a b _n _i zip(a, b, |x: u16, y| x.max(y));
    pminsd a b _n _i zip(a, b, |x: i32, y| x.min(y));
    pmaxsd a b _n _i zip(a, b, |x: i32, y| x.max(y));
    pminud a b _n _i zip(a, b, |x: u32, y| x.min(y));
    pmaxud a b _n _i zip(a, b, |x: u32, y| x.max(y));
    pcmpeqb a b _n _i zip(a, b, |x: u8, y: u8| -> i8 { mask(x == y) });
    pcmpeqw a b _n _i zip(a, b, |x: u16, y: u16| -> i16 { mask(x == y) });
    pcmpeqd a b _n _i zip(a, b, |x: u32, y: u32| -> i32 { mask(x == y) });
    pcmpeqq a b _n _i zip(a, b, |x: u64, y: u64| -> i64 { mask(x == y) });
    pcmpgtb a b _n _i zip(a, b, |x: i8, y: i8| -> i8 { mask(x > y) });
    pcmpgtw a b _n _i zip(a, b, |x: i16, y: i16| -> i16 { mask(x > y) });
    pcmpgtd a b _n _i zip(a, b, |x: i32, y: i32| -> i32 { mask(x > y) });
    pcmpgtq a b _n _i zip(a, b, |x: i64, y: i64| -> i64 { mask(x > y) });
    pmullw a b _n _i zip(a, b, i16::wrapping_mul);
    pmulld a b _n _i zip(a, b, i32::wrapping_mul);
    pmulhw a b _n _i zip(a, b, |x: i16, y: i16| (i32::from(x) * i32::from(y) >> 16) as i16);
    pmulhuw a b _n _i zip(a, b, |x: u16, y: u16| (u32::from(x) * u32::from(y) >> 16) as u16);
    pmulhrsw a b _n _i zip(a, b, |x: i16, y: i16| ((i32::from(x) * i32::from(y) >> 14) + 1 >> 1) as i16);
    pmuludq a b _n _i zip(a, b, |x: u64, y: u64| (x & 0xffff_ffff) * (y & 0xffff_ffff));
    pmuldq a b _n _i zip(a, b, |x: i64, y: i64| i64::from(x as i32) * i64::from(y as i32));
    pmaddwd a b _n _i zip(a, b, |x: u32, y: u32| {
        let part = |s: u32| i32::from((x >> s) as i16) * i32::from((y >> s) as i16);
        part(0).wrapping_add(part(16))
    });
    pmaddubsw a b _n _i zip(a, b, |x: u16, y: u16| {
        let part = |s: u32| i32::from((x >> s) as u8) * i32::from((y >> s) as i8);
        (part(0) + part(8)).clamp(-32768, 32767) as i16
    });
    psadbw a b _n _i zip(a, b, |x: u64, y: u64| {
        (0..8).map(|i| u64::from(((x >> (8 * i)) as u8).abs_diff((y >> (8 * i)) as u8))).sum::<u64>()
    });
    psignb a b _n _i zip(a, b, |x: i8, y: i8| x.wrapping_mul(y.signum()));
    psignw a b _n _i zip(a, b, |x: i16, y: i16| x.wrapping_mul(y.signum()));
    psignd a b _n _i zip(a, b, |x: i32, y: i32| x.wrapping_mul(y.signum()));
    pabsb _a b _n _i zip(b, b, |x: i8, _: i8| x.wrapping_abs());
    pabsw _a b _n _i zip(b, b, |x: i16, _: i16| x.wrapping_abs());
    pabsd _a b _n _i zip(b, b, |x: i32, _: i32| x.wrapping_abs());
    phaddw a b n _i pairs(a, b, n, |x: i16, y| x.wrapping_add(y));
    phaddd a b n _i pairs(a, b, n, |x: i32, y| x.wrapping_add(y));
    phaddsw a b n _i pairs(a, b, n, |x: i16, y| x.saturating_add(y));
    phsubw a b n _i pairs(a, b, n, |x: i16, y| x.wrapping_sub(y));
    phsubd a b n _i pairs(a, b, n, |x: i32, y| x.wrapping_sub(y));
    phsubsw a b n _i pairs(a, b, n, |x: i16, y| x.saturating_sub(y));
    psllw a b _n _i { let n = count(b); make(|i| if n < 16 { u16::at(a, i) << n } else { 0 }) };
    pslld a b _n _i { let n = count(b); make(|i| if n < 32 { u32::at(a, i) << n } else { 0 }) };
    psllq a b _n _i { let n = count(b); make(|i| if n < 64 { u64::at(a, i) << n } else { 0 }) };
    psrlw a b _n _i { let n = count(b); make(|i| if n < 16 { u16::at(a, i) >> n } else { 0 }) };
    psrld a b _n _i { let n = count(b); make(|i| if n < 32 { u32::at(a, i) >> n } else { 0 }) };
    psrlq a b _n _i { let n = count(b); make(|i| if n < 64 { u64::at(a, i) >> n } else { 0 }) };
    psraw a b _n _i { let n = count(b).min(15); make(|i| i16::at(a, i) >> n) };
    psrad a b _n _i { let n = count(b).min(31); make(|i| i32::at(a, i) >> n) };
    pslldq a b _n _i if count(b) < 16 { a << (8 * count(b)) } else { 0 };
    psrldq a b _n _i if count(b) < 16 { a >> (8 * count(b)) } else { 0 };
    phminposuw _a b _n _i {
        let (value, at) = (0..8).map(|i| (u16::at(b, i), i)).min().unwrap_or_default();
        u128::from(value) | u128::from(at) << 16
    };
    mpsadbw a b _n imm {
        let (from, block) = (u32::from(imm >> 2 & 1) * 4, u32::from(imm & 3) * 4);
        make(|i| -> u16 {
            (0..4).map(|k| u16::from(u8::at(a, from + i + k).abs_diff(u8::at(b, block + k)))).sum()
        })
    };
}

/// A shift count: more than any width if it does not fit 32 bits.
fn count(b: u128) -> u32 {
    u32::try_from(b as u64).unwrap_or(u32::MAX)
}

/// Neighbours of the first operand combined, then of the second.
fn pairs<T: Lane>(a: u128, b: u128, n: u32, f: impl Fn(T, T) -> T) -> u128 {
    let half = n * 8 / T::BITS / 2;
    make(|i| {
        let (v, k) = if i < half { (a, i) } else { (b, i - half) };
        // Above the width there is nothing.
        if k < half { f(T::at(v, 2 * k), T::at(v, 2 * k + 1)) } else { f(T::at(0, 0), T::at(0, 0)) }
    })
}
