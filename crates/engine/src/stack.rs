//! The stack of guest frames: slots of 64 bits, allocated once.
//!
//! It is zeroed address space that nothing touches before it is used, so that a large
//! limit costs no start-up time.

use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::ptr::NonNull;
use sampan_wasm::room::OutOfMemory;

/// The slots. `top` is the first that no frame uses.
#[derive(Debug)]
pub(crate) struct Stack {
    base: NonNull<u64>,
    slots: usize,
    pub(crate) top: usize,
}

// SAFETY: it owns its slots, which are plain numbers.
unsafe impl Send for Stack {}

impl Stack {
    pub(crate) fn new(slots: usize) -> Result<Stack, OutOfMemory> {
        let slots = slots.clamp(MIN_SLOTS, isize::MAX as usize / 16);
        let layout = Stack::layout(slots);
        // SAFETY: the size is not zero.
        let base = unsafe { alloc_zeroed(layout) };
        let base = NonNull::new(base.cast()).ok_or(OutOfMemory)?;
        Ok(Stack { base, slots, top: 0 })
    }

    /// The first slot.
    pub(crate) fn base(&self) -> *mut u64 {
        self.base.as_ptr()
    }

    /// One past the last slot.
    pub(crate) fn end(&self) -> *mut u64 {
        // SAFETY: one past the allocation.
        unsafe { self.base.as_ptr().add(self.slots) }
    }

    pub(crate) fn slots(&self) -> usize {
        self.slots
    }

    fn layout(slots: usize) -> Layout {
        Layout::array::<u64>(slots).expect("clamped by the constructor")
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` with this layout.
        unsafe { dealloc(self.base.as_ptr().cast(), Stack::layout(self.slots)) };
    }
}

/// Enough for a few frames.
const MIN_SLOTS: usize = 128;
