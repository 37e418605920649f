//! Address space for memories.

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use sampan_engine::native::Reservations;
use std::ptr::{NonNull, null_mut};

/// Reservations for linear memories.
#[derive(Debug, Default)]
pub(crate) struct Space;

/// What a 32-bit address, a 32-bit offset and the widest access reach.
const RESERVED: usize = (2 << 32) + (64 << 10);

// SAFETY: the pages are mapped without any access until `commit`.
unsafe impl Reservations for Space {
    fn reserve(&self) -> Option<NonNull<u8>> {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new mapping, wherever there is room.
        let base = unsafe { mmap_anonymous(null_mut(), RESERVED, ProtFlags::empty(), flags) };
        NonNull::new(base.ok()?.cast())
    }

    fn commit(&self, base: NonNull<u8>, from: usize, to: usize) -> bool {
        if to <= from {
            return true;
        }
        // SAFETY: these pages of the reservation hold nothing yet.
        unsafe {
            let start = base.as_ptr().add(from).cast();
            mprotect(start, to - from, MprotectFlags::READ | MprotectFlags::WRITE).is_ok()
        }
    }

    unsafe fn release(&self, base: NonNull<u8>) {
        // SAFETY: the caller's promise; the size is that of every reservation.
        let result = unsafe { munmap(base.as_ptr().cast(), RESERVED) };
        debug_assert!(result.is_ok());
    }
}
