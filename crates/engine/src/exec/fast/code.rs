//! A translated function.

use super::regs::Handler;
use alloc::boxed::Box;

/// A function in the internal code of the fast interpreter.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Code {
    /// Where execution begins, in `words`.
    pub(super) entry: *const u64,
    /// Bytes of stack that the frame takes, without the return address.
    pub(super) frame_bytes: usize,
    pub(super) words: Box<[u64]>,
    /// The constants that `load_constants` copies. The code points into them.
    pub(super) constants: Box<[u64]>,
    /// For each instruction that can trap, its word and the offset in the module.
    pub(super) offsets: Box<[(u32, u32)]>,
}

// SAFETY: the pointers lead into the boxes of the same value, which are never written.
unsafe impl Send for Code {}
// SAFETY: as above.
unsafe impl Sync for Code {}

impl Code {
    #[cfg(feature = "native")]
    /// Code without a frame, constants or offsets.
    pub(super) fn stub(words: Box<[u64]>) -> Code {
        let entry = words.as_ptr();
        Code { entry, frame_bytes: 0, words, constants: Box::default(), offsets: Box::default() }
    }

    /// Whether an instruction pointer lies in this function; a return address may be one
    /// past a call at the end.
    pub(super) fn contains(&self, ip: *const u64) -> bool {
        self.words.as_ptr_range().contains(&ip)
    }

    /// The module offset for the instruction at `ip`, or the last one before it.
    pub(super) fn offset(&self, ip: *const u64) -> u32 {
        let word = (ip as usize - self.words.as_ptr() as usize) / 8;
        let after = self.offsets.partition_point(|&(at, _)| at as usize <= word);
        after.checked_sub(1).map_or(0, |i| self.offsets[i].1)
    }
}

/// A handler's address as a word of code.
pub(super) fn handler_word(handler: Handler) -> u64 {
    handler as usize as u64
}
