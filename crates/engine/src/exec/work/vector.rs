//! Loads and stores of vectors in any memory: see [`super::access`].

use super::access::locate;
use super::{Shape, Work, works};
use crate::exec::simd::{self, V128};
use crate::relaxed::{read, write};
use sampan_wasm::Opcode;

unsafe fn vector(slots: *const u64) -> V128 {
    // SAFETY: the caller has two slots there.
    unsafe { V128::from(u128::from(*slots) | u128::from(*slots.add(1)) << 64) }
}

unsafe fn put(slots: *mut u64, value: V128) {
    let bits = u128::from(value);
    // SAFETY: the caller has two slots there.
    unsafe {
        *slots = bits as u64;
        *slots.add(1) = (bits >> 64) as u64;
    }
}

/// A vector whose first bytes are given and whose others are zero.
fn low<const N: usize>(bytes: [u8; N]) -> V128 {
    let mut v = V128::ZERO;
    v.0[..N].copy_from_slice(&bytes);
    v
}

macro_rules! accesses {
    (
        vectors { $($vload:ident $h:ident $k:literal $vbytes:ident $vector:expr;)* }
        lanes { $($lload:ident $lstore:ident $p:ident $q:ident $l:literal;)* }
    ) => {
        /// The shape of an access.
        pub(super) fn shape(op: Opcode) -> Option<Shape> {
            let of = |work: Work, operands, results| Some(Shape { work, operands, results });
            match op {
                $(Opcode::$vload => of($h, 1, 1),)*
                $(Opcode::$lload => of($p, 3, 1), Opcode::$lstore => of($q, 3, 0),)*
                Opcode::V128Store => of(v128_store, 3, 0),
                _ => None,
            }
        }

        works! {
            $(fn $h(machine, instance, s, i, j) {
                let (at, shared) = locate(instance, *s, i, j, $k)?;
                let $vbytes = read::<$k>(at, shared);
                put(s, $vector);
                Ok(())
            })*
            $(fn $p(machine, instance, s, i, j) {
                let (at, shared) = locate(instance, *s, i, j, $l)?;
                let mut value = vector(s.add(1));
                let lane = (i >> 32) as usize * $l;
                value.0[lane..lane + $l].copy_from_slice(&read::<$l>(at, shared));
                put(s, value);
                Ok(())
            }
            fn $q(machine, instance, s, i, j) {
                let (at, shared) = locate(instance, *s, i, j, $l)?;
                let lane = (i >> 32) as usize * $l;
                let mut bytes = [0; $l];
                bytes.copy_from_slice(&vector(s.add(1)).0[lane..lane + $l]);
                write::<$l>(at, bytes, shared);
                Ok(())
            })*
            fn v128_store(machine, instance, s, i, j) {
                let (at, shared) = locate(instance, *s, i, j, 16)?;
                write::<16>(at, vector(s.add(1)).0, shared);
                Ok(())
            }
        }
    };
}

accesses! {
    vectors {
        V128Load v128_load 16 b V128(b);
        V128Load8x8S v128_load8x8_s 8 b simd::i16x8_extend_low_i8x16_s(low(b));
        V128Load8x8U v128_load8x8_u 8 b simd::i16x8_extend_low_i8x16_u(low(b));
        V128Load16x4S v128_load16x4_s 8 b simd::i32x4_extend_low_i16x8_s(low(b));
        V128Load16x4U v128_load16x4_u 8 b simd::i32x4_extend_low_i16x8_u(low(b));
        V128Load32x2S v128_load32x2_s 8 b simd::i64x2_extend_low_i32x4_s(low(b));
        V128Load32x2U v128_load32x2_u 8 b simd::i64x2_extend_low_i32x4_u(low(b));
        V128Load8Splat v128_load8_splat 1 b simd::i8x16_splat(b[0].into());
        V128Load16Splat v128_load16_splat 2 b simd::i16x8_splat(u16::from_le_bytes(b).into());
        V128Load32Splat v128_load32_splat 4 b simd::i32x4_splat(u32::from_le_bytes(b));
        V128Load64Splat v128_load64_splat 8 b simd::i64x2_splat(u64::from_le_bytes(b));
        V128Load32Zero v128_load32_zero 4 b low(b);
        V128Load64Zero v128_load64_zero 8 b low(b);
    }
    lanes {
        V128Load8Lane V128Store8Lane v128_load8_lane v128_store8_lane 1;
        V128Load16Lane V128Store16Lane v128_load16_lane v128_store16_lane 2;
        V128Load32Lane V128Store32Lane v128_load32_lane v128_store32_lane 4;
        V128Load64Lane V128Store64Lane v128_load64_lane v128_store64_lane 8;
    }
}
