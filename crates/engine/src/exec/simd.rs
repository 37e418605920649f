//! What the 128-bit instructions compute: one function per opcode, named as the opcode in
//! snake case, and the list of them all, [`with_simd_ops`]. Loads, stores and constants
//! are the interpreters': extending loads are `extend_low` of a vector of the loaded
//! number and zero, the others splats, replaced lanes, or conversions from lanes.
//!
//! There is no code here for any one processor: lane by lane arithmetic over arrays of
//! bytes, which the compiler turns into vector instructions of the target. It does so
//! only if a vector comes from memory, and returns there, as sixteen bytes; built from
//! two halves of 64 bits, it is computed with one byte at a time.
//!
//! The relaxed instructions behave as in the specification's deterministic profile, the
//! same on every host. Operations that the list marks `canon_f32x4` or `canon_f64x2` may
//! return any NaN that the specification allows; the function of that name makes it the
//! one canonical NaN. All others are exact to the bit.
//!
//! Source: WebAssembly core specification 3.0, section 4.3 "Numerics".

mod convert;
mod float;
mod integer;
mod list;
mod relaxed;
mod select;
#[cfg(test)]
mod tests;

pub(crate) use convert::*;
pub(crate) use float::*;
pub(crate) use integer::*;
pub(crate) use list::with_simd_ops;
pub(crate) use relaxed::*;
pub(crate) use select::*;

use core::array::from_fn;

/// A vector of 128 bits, in the byte order of guest memory: lane 0 first, each lane
/// little-endian.
///
/// It converts from and into arrays of lanes of any type. It is an array of bytes, not a
/// number of 128 bits or two of 64, because LLVM makes vector code of the former only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct V128(pub(crate) [u8; 16]);

impl V128 {
    pub(crate) const ZERO: V128 = V128([0; 16]);
}

impl From<u128> for V128 {
    #[inline(always)]
    fn from(bits: u128) -> V128 {
        V128(bits.to_le_bytes())
    }
}

impl From<V128> for u128 {
    #[inline(always)]
    fn from(v: V128) -> u128 {
        u128::from_le_bytes(v.0)
    }
}

/// Conversions between a vector and its lanes.
macro_rules! lanes {
    ($($name:ident: $lane:ty, $count:literal;)*) => {
        $(
            pub(crate) type $name = [$lane; $count];

            impl From<V128> for $name {
                #[inline(always)]
                fn from(v: V128) -> $name {
                    let (lanes, _) = v.0.as_chunks();
                    from_fn(|i| <$lane>::from_le_bytes(lanes[i]))
                }
            }

            impl From<$name> for V128 {
                #[inline(always)]
                fn from(values: $name) -> V128 {
                    let mut v = V128::ZERO;
                    let (lanes, _) = v.0.as_chunks_mut();
                    for (lane, value) in lanes.iter_mut().zip(values) {
                        *lane = value.to_le_bytes();
                    }
                    v
                }
            }
        )*
    };
}

lanes! {
    I8x16: i8, 16;
    U8x16: u8, 16;
    I16x8: i16, 8;
    U16x8: u16, 8;
    I32x4: i32, 4;
    U32x4: u32, 4;
    I64x2: i64, 2;
    U64x2: u64, 2;
    F32x4: f32, 4;
    F64x2: f64, 2;
}

/// A function per row, which computes each lane from the lanes with the same index:
/// `name(operands): operand lanes => result lanes = expression`.
macro_rules! lanewise {
    ($($name:ident($($p:ident),+): $from:ty => $to:ty = $body:expr;)*) => {
        $(
            #[inline(always)]
            pub(crate) fn $name($($p: V128),+) -> V128 {
                $(let $p = <$from>::from($p);)+
                let lanes: $to = core::array::from_fn(|i| {
                    $(let $p = $p[i];)+
                    $body
                });
                V128::from(lanes)
            }
        )*
    };
}

use lanewise;

lanewise! {
    // Every NaN becomes the positive canonical one.
    canon_f32x4(a): F32x4 => F32x4 = super::num::canon_f32(a);
    canon_f64x2(a): F64x2 => F64x2 = super::num::canon_f64(a);
}
