//! A function as the classic interpreter needs it: its bytes, and a side table.
//!
//! The code itself stays where the module's bytes are. For each label of a branch that can
//! be executed, in the order of the code, the side table has an entry of 32 bits: in the
//! low half the distance from the branch to its target in bytes, in the high half the
//! distance from this entry to that of the first branch behind the target. The
//! interpreter keeps a pointer to the entry of the next branch. A branch that must remove
//! operands below those it passes, or whose distances do not fit, has [`FAR`] in the low
//! half and the number (modulo 2^16) of a record of [`FAR_WORDS`] words behind the
//! entries in the high half.
//!
//! In functions that handle vectors, an operand or local of type v128 takes two slots, and
//! `drop` and `select` have entries too: the slots of their operand.
//!
//! Unsafe because a prepared function holds addresses within its module's bytes.

use super::tables::Tables;

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
    pub(super) side: Box<[u32]>,
    /// Slots of the parameters.
    pub(super) params: u32,
    /// Slots of the locals, parameters included.
    pub(super) locals: u32,
    /// Slots of the results.
    pub(super) results: u32,
    /// Bytes of the whole frame.
    pub(super) frame_bytes: usize,
    /// How many entries the side table has before the records of far branches.
    pub(super) entries: u32,
    /// The index of the body in its module.
    pub(super) body: u32,
    /// In a function that handles vectors: the first slot of each local, and one past all.
    pub(super) local_slots: Box<[u32]>,
}

// SAFETY: the addresses lead to the bytes of the module that owns the code, and to statics.
unsafe impl Send for Code {}
// SAFETY: as above; nothing is written.
unsafe impl Sync for Code {}

use alloc::boxed::Box;

/// The low half of an entry whose branch has a record.
pub(super) const FAR: i16 = i16::MIN;

/// A record: the entry's own number, distance in bytes, distance in entries, slots to
/// pass, slots to remove below them.
pub(super) const FAR_WORDS: usize = 5;

/// Slots between a frame's locals and its operands: where to return to (address, side
/// table, frame, function).
pub(super) const LINK: usize = 4;
