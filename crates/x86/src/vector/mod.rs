//! What vector instructions compute: functions on 128-bit values, listed by instruction in
//! [`table`].

pub(crate) mod float;
pub(crate) mod int;
pub(crate) mod shuffle;
pub(crate) mod string;
pub(crate) mod table;

/// Of two operands and an immediate. The width in bytes is 8 for MMX, 16 for SSE; what is
/// above it in the result is ignored.
pub(crate) type Pure = fn(u128, u128, u32, u8) -> u128;
/// The same with rounding and exceptions by a control and status register.
pub(crate) type Float = fn(&mut u32, u128, u128, u8) -> u128;

/// The lanes of a value, and back.
pub(crate) trait Lane: Copy {
    const BITS: u32;
    fn at(v: u128, i: u32) -> Self;
    fn bits(self) -> u128;
}

macro_rules! lane {
    ($($t:ty, $u:ty;)*) => {$(
        impl Lane for $t {
            const BITS: u32 = <$t>::BITS;
            #[inline(always)]
            fn at(v: u128, i: u32) -> Self {
                // Hosts of 64 bits shift 128 by a number that varies in a call.
                let half = if i * <$t>::BITS < 64 { v } else { v >> 64 } as u64;
                (half >> (i * <$t>::BITS % 64)) as $t
            }
            #[inline(always)]
            fn bits(self) -> u128 {
                u128::from(self as $u)
            }
        }
    )*};
}
lane! { u8, u8; i8, u8; u16, u16; i16, u16; u32, u32; i32, u32; u64, u64; i64, u64; }

/// Each lane of a result from the two lanes at its place.
#[inline(always)]
pub(crate) fn zip<T: Lane, R: Lane>(a: u128, b: u128, f: impl Fn(T, T) -> R) -> u128 {
    make(|i| f(T::at(a, i), T::at(b, i)))
}

/// A value of which each lane is given.
#[inline(always)]
pub(crate) fn make<R: Lane>(f: impl Fn(u32) -> R) -> u128 {
    let mut v = 0;
    for i in 0..128 / R::BITS {
        v |= f(i).bits() << (i * R::BITS);
    }
    v
}
