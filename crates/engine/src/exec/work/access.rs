//! Loads and stores of any memory: of 64-bit ones, of shared ones, of others than the first.
//!
//! The first immediate is the memory's index and, in its upper half, the lane; the second is
//! the offset. A shared memory is accessed atomically; see [`crate::relaxed`].

use super::{Shape, Work, works};
use crate::TrapKind;
use crate::entity::InstanceData;
use crate::relaxed::{read, write};
use sampan_wasm::Opcode;

/// The address of `size` bytes, and whether others may access them at the same time.
pub(super) unsafe fn locate(
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

macro_rules! accesses {
    (
        loads { $($load:ident $f:ident $n:literal $bytes:ident $value:expr;)* }
        stores { $($store:ident $g:ident $m:literal $slot:ident $out:expr;)* }
    ) => {
        /// The shape of an access.
        pub(super) fn shape(op: Opcode) -> Option<Shape> {
            let of = |work: Work, operands, results| Some(Shape { work, operands, results });
            match op {
                $(Opcode::$load => of($f, 1, 1),)*
                $(Opcode::$store => of($g, 2, 0),)*
                #[cfg(feature = "simd")]
                _ => super::vector::shape(op),
                #[cfg(not(feature = "simd"))]
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
}
