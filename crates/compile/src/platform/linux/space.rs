//! Address space for memories and for code.

use super::processor;
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

/// Pages of code: written first, then executable, never both.
pub(crate) struct CodeMemory {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: nothing writes the pages once they are made.
unsafe impl Send for CodeMemory {}
// SAFETY: as above.
unsafe impl Sync for CodeMemory {}

impl CodeMemory {
    /// A copy of `code` that can be executed.
    pub fn new(code: &[u8]) -> Result<CodeMemory, String> {
        let len = code.len().max(1).next_multiple_of(rustix::param::page_size());
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, which has room for the code; it is owned by the result.
        unsafe {
            let base = mmap_anonymous(null_mut(), len, access, MapFlags::PRIVATE)
                .map_err(|error| format!("no memory for code: {error}"))?;
            let base = NonNull::new(base.cast::<u8>()).ok_or("no memory for code")?;
            let memory = CodeMemory { base, len };
            std::ptr::copy_nonoverlapping(code.as_ptr(), base.as_ptr(), code.len());
            mprotect(base.as_ptr().cast(), len, MprotectFlags::READ | MprotectFlags::EXEC)
                .map_err(|error| format!("the system lets no code be executed: {error}"))?;
            processor::publish(base.as_ptr(), len);
            Ok(memory)
        }
    }

    pub fn base(&self) -> *const u8 {
        self.base.as_ptr()
    }

    /// The code, and zeros up to a whole page.
    pub fn code(&self) -> &[u8] {
        // SAFETY: mapped by `new` with this length, and nobody writes there.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.len) }
    }
}

impl Drop for CodeMemory {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length; nothing runs in it any more.
        let result = unsafe { munmap(self.base.as_ptr().cast(), self.len) };
        debug_assert!(result.is_ok());
    }
}
