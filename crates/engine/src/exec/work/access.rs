//! Loads and stores of any memory: of 64-bit ones, of shared ones, of others than the first.
//!
//! The first immediate is the memory's index and, in its upper half, the lane; the second is
//! the offset. A shared memory is accessed atomically; see [`crate::relaxed`].

use super::{Shape, Work, works};
use crate::TrapKind;
use crate::entity::InstanceData;
use crate::exec::simd::{self, V128};
use crate::relaxed::{read, write};
use sampan_wasm::Opcode;

/// The address of `size` bytes, and whether others may access them at the same time.
unsafe fn locate(
    instance: *mut InstanceData,
    base: u64,
    i: u64,
    offset: u64,
    size: u64,
) -> Result<(*mut u8, bool), TrapKind> {
    // SAFETY: validation: the memory exists, and outlives execution.
    let memory = unsafe { &*(&(*instance).memories)[i as u32 as usize] };
    let at = memory.locate(memory.operand(base), offset, size);
    at.map(|at| (at, memory.ty().shared)).ok_or(TrapKind::MemoryOutOfBounds)
}

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
        loads { $($load:ident $f:ident $n:literal $bytes:ident $value:expr;)* }
        stores { $($store:ident $g:ident $m:literal $slot:ident $out:expr;)* }
        vectors { $($vload:ident $h:ident $k:literal $vbytes:ident $vector:expr;)* }
        lanes { $($lload:ident $lstore:ident $p:ident $q:ident $l:literal;)* }
    ) => {
        /// The shape of an access.
        pub(super) fn shape(op: Opcode) -> Option<Shape> {
            let of = |work: Work, operands, results| Some(Shape { work, operands, results });
            match op {
                $(Opcode::$load => of($f, 1, 1),)*
                $(Opcode::$store => of($g, 2, 0),)*
                $(Opcode::$vload => of($h, 1, 1),)*
                $(Opcode::$lload => of($p, 3, 1), Opcode::$lstore => of($q, 3, 0),)*
                Opcode::V128Store => of(v128_store, 3, 0),
                _ => None,
            }
        }

        works! {
            $(fn $f(machine, instance, s, i, j) {
                let (at, shared) = locate(instance, *s, i, j, $n)?;
                let $bytes = read::<$n>(at, shared);
                *s = $value;
                Ok(())
            })*
            $(fn $g(machine, instance, s, i, j) {
                let (at, shared) = locate(instance, *s, i, j, $m)?;
                let $slot = *s.add(1);
                write::<$m>(at, $out.to_le_bytes(), shared);
                Ok(())
            })*
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
    loads {
        I32Load i32_load 4 b u32::from_le_bytes(b).into();
        I64Load i64_load 8 b u64::from_le_bytes(b);
        F32Load f32_load 4 b u32::from_le_bytes(b).into();
        F64Load f64_load 8 b u64::from_le_bytes(b);
        I32Load8S i32_load8_s 1 b i8::from_le_bytes(b) as u32 as u64;
        I32Load8U i32_load8_u 1 b b[0].into();
        I32Load16S i32_load16_s 2 b i16::from_le_bytes(b) as u32 as u64;
        I32Load16U i32_load16_u 2 b u16::from_le_bytes(b).into();
        I64Load8S i64_load8_s 1 b i8::from_le_bytes(b) as u64;
        I64Load8U i64_load8_u 1 b b[0].into();
        I64Load16S i64_load16_s 2 b i16::from_le_bytes(b) as u64;
        I64Load16U i64_load16_u 2 b u16::from_le_bytes(b).into();
        I64Load32S i64_load32_s 4 b i32::from_le_bytes(b) as u64;
        I64Load32U i64_load32_u 4 b u32::from_le_bytes(b).into();
    }
    stores {
        I32Store i32_store 4 v (v as u32);
        I64Store i64_store 8 v v;
        F32Store f32_store 4 v (v as u32);
        F64Store f64_store 8 v v;
        I32Store8 i32_store8 1 v (v as u8);
        I32Store16 i32_store16 2 v (v as u16);
        I64Store8 i64_store8 1 v (v as u8);
        I64Store16 i64_store16 2 v (v as u16);
        I64Store32 i64_store32 4 v (v as u32);
    }
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
