//! A translated function.

use super::regs::Handler;
use crate::exec::unwind::Regions;
use alloc::boxed::Box;
use core::sync::atomic::{AtomicPtr, Ordering};

/// A function in the internal code of the fast interpreter.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Code {
    /// Where execution begins: in `words`, or what goes on in machine code.
    entry: AtomicPtr<u64>,
    /// Bytes of stack that the frame takes, without the return address.
    pub(super) frame_bytes: usize,
    pub(super) words: Box<[u64]>,
    /// The constants that `load_constants` copies. The code points into them.
    pub(super) constants: Box<[u64]>,
    /// For each instruction that can trap, its word and the offset in the module.
    pub(super) offsets: Box<[(u32, u32)]>,
    /// Where it catches exceptions; positions are words.
    pub(super) regions: Option<Box<Regions>>,
    /// The code that goes on in machine code.
    #[cfg(feature = "native")]
    pub(super) stub: [u64; 2],
}

impl Code {
    /// Code whose entry is not set yet.
    pub(super) fn new(frame_bytes: usize, words: Box<[u64]>, constants: Box<[u64]>) -> Code {
        Code {
            entry: AtomicPtr::new(core::ptr::null_mut()),
            frame_bytes,
            words,
            constants,
            offsets: Box::default(),
            regions: None,
            #[cfg(feature = "native")]
            stub: [0; 2],
        }
    }

    /// Where execution begins.
    #[inline(always)]
    pub(super) fn entry(&self) -> *const u64 {
        self.entry.load(Ordering::Acquire)
    }

    /// Lets execution begin at a word of its own code.
    pub(super) fn set_entry(&self, word: *const u64) {
        self.entry.store(word.cast_mut(), Ordering::Release);
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
