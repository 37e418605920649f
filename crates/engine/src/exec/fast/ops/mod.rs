//! The handlers, one file a family.

pub(super) mod arith;
pub(super) mod call;
pub(super) mod call_ref;
pub(super) mod control;
pub(super) mod fused;
#[cfg(feature = "gc")]
pub(super) mod gc;
#[cfg(not(sampan_small))]
pub(super) mod load_branch;
pub(super) mod memory;
pub(super) mod moves;
#[cfg(feature = "native")]
pub(crate) mod native;
#[cfg_attr(not(feature = "simd"), path = "simd_absent.rs")]
pub(super) mod simd;
pub(super) mod slow;
#[cfg(not(sampan_small))]
pub(super) mod sums;
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

/// The two handlers of a branch, taken if a comparison of i32 holds or if it does not.
/// `$branch!(comparison, place)` is one; what the place is stands in the operand words.
macro_rules! by_comparison {
    ($op:expr, $other:expr, $branch:ident) => {
        $crate::exec::fast::ops::by_comparison!(@all $op, $other, $branch:
            I32Eq I32Ne, I32Ne I32Eq, I32LtS I32GeS, I32GeS I32LtS, I32LtU I32GeU, I32GeU I32LtU,
            I32GtS I32LeS, I32LeS I32GtS, I32GtU I32LeU, I32LeU I32GtU)
    };
    (@all $op:expr, $other:expr, $branch:ident: $($when:ident $unless:ident),*) => {{
        let (when, unless): (Handler, Handler) = match ($op, $other) {
            $(
                (Opcode::$when, Loc::Imm(_)) => ($branch!($when, I), $branch!($unless, I)),
                (Opcode::$when, Loc::Slot(_)) => ($branch!($when, S), $branch!($unless, S)),
            )*
            _ => return None,
        };
        Some((when, unless))
    }};
}
use by_comparison;
