//! The stack of guest frames: slots of 64 bits, allocated once.
//!
//! It is zeroed address space that nothing touches before it is used, so that a large
//! limit costs no start-up time. An allocator may have to write the zeros, though, if the space
//! was in use before, which takes longer than all else that a small instance needs: so an engine
//! keeps some stacks of machines that are gone. Frames never read what they have not written.

use crate::Engine;
use alloc::alloc::{Layout, alloc_zeroed, dealloc};
#[cfg(feature = "std")]
use alloc::vec::Vec;
use core::ptr::NonNull;
use sampan_wasm::room::OutOfMemory;

/// The slots. `top` is the first that no frame uses.
#[derive(Debug)]
pub(crate) struct Stack {
    base: NonNull<u64>,
    slots: usize,
    pub(crate) top: usize,
    /// Whose machine has it.
    #[cfg(feature = "std")]
    home: Option<Engine>,
}

/// Of an engine: stacks that no machine has.
#[cfg(feature = "std")]
#[derive(Debug, Default)]
pub(crate) struct Stacks(std::sync::Mutex<Vec<Stack>>);

// SAFETY: it owns its slots, which are plain numbers.
unsafe impl Send for Stack {}

impl Stack {
    /// One of the engine's size.
    pub(crate) fn new(engine: &Engine) -> Result<Stack, OutOfMemory> {
        #[cfg(feature = "std")]
        if let Some(mut stack) = engine.stacks().lock().pop() {
            stack.home = Some(engine.clone());
            return Ok(stack);
        }
        let slots = engine.config().stack_bytes / 8;
        let slots = slots.clamp(MIN_SLOTS, isize::MAX as usize / 16);
        let layout = Stack::layout(slots);
        // SAFETY: the size is not zero.
        let base = unsafe { alloc_zeroed(layout) };
        let base = NonNull::new(base.cast()).ok_or(OutOfMemory)?;
        Ok(Stack {
            base,
            slots,
            top: 0,
            #[cfg(feature = "std")]
            home: Some(engine.clone()),
        })
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
        #[cfg(feature = "std")]
        if let Some(home) = self.home.take() {
            let mut kept = home.stacks().lock();
            if kept.len() < KEPT && kept.try_reserve(1).is_ok() {
                kept.push(Stack { base: self.base, slots: self.slots, top: 0, home: None });
                return;
            }
        }
        // SAFETY: allocated by `new` with this layout.
        unsafe { dealloc(self.base.as_ptr().cast(), Stack::layout(self.slots)) };
    }
}

#[cfg(feature = "std")]
impl Stacks {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Stack>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// How many stacks an engine keeps.
#[cfg(feature = "std")]
const KEPT: usize = 16;

/// Enough for a few frames.
const MIN_SLOTS: usize = 128;
