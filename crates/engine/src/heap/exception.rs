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

    /// What an exception carries.
    pub(crate) fn exception_payload(&self, exception: RawRef) -> Vec<u64> {
        let slots = u32::from_le_bytes(self.heap.read(exception, 4));
        let slot = |index| u64::from_le_bytes(self.heap.read(exception, PAYLOAD + index * 8));
        (0..slots).map(slot).collect()
    }
}

/// Where in the content references are.
pub(super) fn refs(space: &Space, content: u32, len: u32) -> Vec<u32> {
    let slots = space.word(content + 4);
    let bits = content + PAYLOAD + slots * 8;
    debug_assert!(bits + slots.div_ceil(8) <= content + len);
    let is_ref = |slot: &u32| space.byte(bits + slot / 8) >> (slot % 8) & 1 != 0;
    (0..slots).filter(is_ref).map(|slot| PAYLOAD + slot * 8).collect()
}
