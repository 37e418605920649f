//! Exceptions as objects: the tag and what it carries.
//!
//! The content: the tag's number in the machine, how many slots the payload has, the slots,
//! and a bit for each that says whether it refers to the heap.

use super::space::Space;
use super::{EXCEPTION, Header};
use crate::{Machine, RawRef, TrapKind};
use alloc::vec::Vec;

/// Where the payload begins.
const PAYLOAD: u32 = 8;

impl Machine {
    /// A new exception. `is_ref` says which slots of the payload hold references to the heap
    /// (see [`super::types::in_heap`]).
    ///
    /// # Errors
    /// The heap has no room.
    pub(crate) fn new_exception(
        &mut self,
        tag: u32,
        payload: &[u64],
        is_ref: &dyn Fn(usize) -> bool,
    ) -> Result<RawRef, TrapKind> {
        let slots = payload.len() as u32;
        let len = u64::from(slots) * 8 + u64::from(PAYLOAD + slots.div_ceil(8));
        let len = u32::try_from(len).map_err(|_| TrapKind::HeapExhausted)?;
        let show = |mark: &mut dyn FnMut(RawRef)| {
            for (slot, &value) in payload.iter().enumerate() {
                if is_ref(slot) {
                    mark(RawRef(value));
                }
            }
        };
        let exception = self.allocate(Header::new(EXCEPTION, 0, len), &show)?;
        let heap = &mut self.heap;
        heap.write(exception, 0, tag.to_le_bytes());
        heap.write(exception, 4, slots.to_le_bytes());
        for (slot, &value) in payload.iter().enumerate() {
            let index = slot as u32;
            heap.write(exception, PAYLOAD + index * 8, value.to_le_bytes());
            if is_ref(slot) {
                let at = PAYLOAD + slots * 8 + index / 8;
                let [bits] = heap.read(exception, at);
                heap.write(exception, at, [bits | 1 << (index % 8)]);
            }
        }
        Ok(exception)
    }

    /// The tag of an exception; `None` for null and for what is none.
    pub(crate) fn exception_tag(&self, exception: RawRef) -> Option<u32> {
        let is_one = self.heap.kind(exception)? == EXCEPTION;
        is_one.then(|| u32::from_le_bytes(self.heap.read(exception, 0)))
    }

    /// How many slots an exception carries.
    pub(crate) fn exception_slots(&self, exception: RawRef) -> u32 {
        u32::from_le_bytes(self.heap.read(exception, 4))
    }

    /// One of the slots that an exception carries.
    pub(crate) fn exception_slot(&self, exception: RawRef, index: u32) -> u64 {
        u64::from_le_bytes(self.heap.read(exception, PAYLOAD + index * 8))
    }

    /// What an exception carries.
    pub(crate) fn exception_payload(&self, exception: RawRef) -> Vec<u64> {
        let slot = |index| self.exception_slot(exception, index);
        (0..self.exception_slots(exception)).map(slot).collect()
    }
}

/// How many slots an exception with its content at a place carries.
pub(super) fn slots(space: &Space, content: u32) -> u32 {
    space.word(content + 4)
}

/// Where a slot is, if it holds a reference.
pub(super) fn reference(space: &Space, content: u32, slot: u32) -> Option<u32> {
    let bits = content + PAYLOAD + slots(space, content) * 8;
    let is_ref = space.byte(bits + slot / 8) >> (slot % 8) & 1 != 0;
    is_ref.then_some(content + PAYLOAD + slot * 8)
}
