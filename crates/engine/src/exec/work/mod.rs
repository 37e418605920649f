//! Instructions whose work outweighs their dispatch, as plain functions that interpreters and
//! compiled code share.
//!
//! Such a function finds its operands in consecutive slots and leaves its results in the
//! first of them. What an instruction needs beside is in two immediates.

#[cfg(any(feature = "memory64", feature = "multi-memory", feature = "threads"))]
mod access;
#[cfg(feature = "threads")]
mod atomic;
mod bulk;
#[cfg(feature = "exceptions")]
pub(crate) mod exception;
#[cfg_attr(not(feature = "gc"), path = "gc_absent.rs")]
pub(crate) mod gc;
#[cfg(all(
    feature = "simd",
    any(feature = "memory64", feature = "multi-memory", feature = "threads")
))]
mod vector;

use crate::Machine;
use crate::entity::InstanceData;
use crate::trap::Outcome;
use sampan_wasm::{Imm, Instr, MemArg, Opcode};

/// The machine, the current instance, the first operand's slot, and two immediates.
pub(crate) type Work = unsafe fn(*mut Machine, *mut InstanceData, *mut u64, u64, u64) -> Outcome;

/// How an instruction is executed by a [`Work`].
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub work: Work,
    /// Slots of the operands.
    pub operands: u32,
    /// How many results there are.
    pub results: u32,
}

/// The shape of an opcode; `None` if it is executed otherwise.
pub(crate) fn shape(op: Opcode) -> Option<Shape> {
    #[cfg(feature = "exceptions")]
    if op == Opcode::ThrowRef {
        return Some(exception::THROW_REF);
    }
    #[cfg(feature = "threads")]
    if op == Opcode::AtomicFence {
        return Some(atomic::FENCE);
    }
    bulk::shape(op)
}

/// How an access to any memory is executed; `None` if this build has plain ones only.
pub(crate) fn access(op: Opcode) -> Option<Shape> {
    #[cfg(feature = "threads")]
    if let Some(shape) = atomic::shape(op) {
        return Some(shape);
    }
    #[cfg(any(feature = "memory64", feature = "multi-memory", feature = "threads"))]
    return access::shape(op);
    #[cfg(not(any(feature = "memory64", feature = "multi-memory", feature = "threads")))]
    {
        let _ = op;
        None
    }
}

/// Whether an opcode is an atomic access: those go to the memory in one way only, whatever
/// it is.
pub(crate) fn is_atomic(op: Opcode) -> bool {
    cfg!(feature = "threads") && op.code() >> 8 == Opcode::AtomicFence.code() >> 8
}

/// Whether an access reads or writes a vector.
pub(crate) fn is_vector_access(op: Opcode) -> bool {
    cfg!(feature = "simd")
        && (Opcode::V128Load.code()..Opcode::V128Load.code() + 0x100).contains(&op.code())
}

/// The immediates of an instruction that has a [`Shape`] of its own.
pub(crate) fn immediates(instr: &Instr<'_>) -> (u64, u64) {
    match instr.imm {
        Imm::Index(i) => (i.into(), 0),
        Imm::Index2(i, j) => (i.into(), j.into()),
        _ => (0, 0),
    }
}

/// The immediates of an access: the memory and the lane in the halves of the first, and the
/// offset.
pub(crate) fn access_immediates(memarg: &MemArg, lane: u8) -> (u64, u64) {
    (u64::from(memarg.memory) | u64::from(lane) << 32, memarg.offset)
}

/// Declares functions of type [`Work`] whose bodies give a `Result<(), TrapKind>`.
macro_rules! works {
    ($($(#[$m:meta])* fn $name:ident($machine:ident, $instance:ident, $s:ident, $i:ident, $j:ident) $body:block)*) => {$(
        $(#[$m])*
        #[allow(unused_variables)] // Few need all immediates.
        pub(super) unsafe fn $name(
            machine: *mut $crate::Machine,
            instance: *mut $crate::entity::InstanceData,
            slots: *mut u64,
            $i: u64,
            $j: u64,
        ) -> $crate::trap::Outcome {
            let work = || -> Result<(), $crate::TrapKind> {
                // SAFETY: validation gives each instruction its operands and indices in range;
                // entities outlive execution, and no reference to them is held across this.
                unsafe {
                    let ($machine, $instance, $s) = (machine, instance, slots);
                    $body
                }
            };
            match work() {
                Ok(()) => $crate::trap::DONE,
                Err(kind) => kind.code(),
            }
        }
    )*};
}
use works;
