//! A function as the classic interpreter needs it: its bytes, and a side table.
//!
//! The code itself stays where the module's bytes are. For each label of a branch that can
//! be executed, in the order of the code, the side table has an entry of two numbers of 16
//! bits: the distance from the branch to its target in bytes, and the distance from this
//! entry to that of the first branch behind the target. The interpreter keeps a pointer to
//! the entry of the next branch. A branch that must remove operands below those it
//! passes, or whose distances do not fit, has [`FAR`] as the first number, and a
//! [`Record`], whose number modulo 2^16 is the second.
//!
//! In functions that handle vectors, an operand or local of type v128 takes two slots, and
//! `drop` and `select` have entries too, whose first number is the slots of their operand.
//!
//! Unsafe because a prepared function holds addresses within its module's bytes.

use super::tables::Tables;
#[cfg(feature = "exceptions")]
use crate::exec::unwind::Regions;
use alloc::boxed::Box;

/// A prepared function.
#[derive(Debug)]
pub(crate) struct Code {
    /// The first instruction.
    pub(super) entry: *const u8,
    /// The last `end`.
    pub(super) end: *const u8,
    /// The handlers to dispatch to: `base`, or those that count fuel first.
    pub(super) tables: *const Tables,
    /// The handlers for this kind of function.
    pub(super) base: *const Tables,
    pub(super) side: Box<[Entry]>,
    pub(super) far: Box<[Record]>,
    /// Bytes of the parameters on the stack.
    pub(super) param_bytes: usize,
    /// Bytes of the locals, parameters included.
    pub(super) local_bytes: usize,
    /// Slots of the results on the stack.
    pub(super) results: u32,
    /// Bytes of the whole frame.
    pub(super) frame_bytes: usize,
    /// The index of the body in its module.
    #[cfg_attr(not(feature = "backtrace"), allow(dead_code))]
    pub(super) body: u32,
    /// In a function that handles vectors: the first slot of each local, and one past all.
    #[cfg_attr(not(feature = "simd"), allow(dead_code))]
    pub(super) local_slots: Box<[u32]>,
    /// Where it catches exceptions; positions are offsets in the module.
    #[cfg(feature = "exceptions")]
    pub(super) regions: Option<Box<Regions>>,
}

// SAFETY: the addresses lead to the bytes of the module that owns the code, and to statics.
unsafe impl Send for Code {}
// SAFETY: as above; nothing is written.
unsafe impl Sync for Code {}

/// What a branch's target is: see above.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(4))]
pub(super) struct Entry {
    pub bytes: i16,
    pub entries: i16,
}

/// The distance in bytes of an entry whose branch has a record.
pub(super) const FAR: i16 = i16::MIN;

/// A branch that needs more than an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    /// The number of its entry.
    pub entry: u32,
    /// From the branch to its target.
    pub bytes: i32,
    /// From its entry to that of the first branch behind the target.
    pub entries: i32,
    /// Slots to pass.
    pub keep: u32,
    /// Slots to remove below them.
    pub drop: u32,
}

/// Slots between a frame's locals and its operands: where to return to (address, side
/// table, frame, function).
pub(super) const LINK: usize = 4;
