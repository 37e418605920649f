//! The handlers, one file a family.

pub(super) mod arith;
pub(super) mod call;
pub(super) mod call_ref;
pub(super) mod control;
pub(super) mod fused;
pub(super) mod memory;
pub(super) mod moves;
#[cfg(feature = "native")]
pub(crate) mod native;
#[cfg_attr(not(feature = "simd"), path = "simd_absent.rs")]
pub(super) mod simd;
pub(super) mod slow;
pub(super) mod wide;

use super::regs::Handler;

/// The two forms of an instruction that has a result: to the accumulator only, or to a
/// slot as well. Both have the same operands, so one can be patched into the other.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub acc: Handler,
    pub slot: Handler,
}

/// Where the translator has an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loc {
    Slot(u16),
    Acc,
    Imm(i32),
}

impl Loc {
    /// The operand's 16-bit field.
    pub fn field(self) -> u16 {
        match self {
            Loc::Slot(slot) => slot,
            _ => 0,
        }
    }
}
