//! Accesses to bytes that other threads may access at the same time.
//!
//! An ordinary access that races with another is undefined behaviour in Rust, while a guest's
//! accesses to a shared memory may race as they like. So each is made of relaxed atomic
//! ones: a single one where the address is aligned to the size, else one a byte. That is
//! also what the specification's memory model asks of unordered accesses: aligned ones up to
//! 64 bits do not tear, others may.

#[cfg(target_has_atomic = "64")]
use core::sync::atomic::AtomicU64;
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, Ordering::Relaxed};

/// Reads `N` bytes, atomically if `shared`.
///
/// # Safety
/// There must be that many bytes; without `shared`, nobody else may write them.
#[inline(always)]
pub(crate) unsafe fn read<const N: usize>(at: *const u8, shared: bool) -> [u8; N] {
    // SAFETY: the caller's promise.
    unsafe { if shared { load(at) } else { at.cast::<[u8; N]>().read() } }
}

/// Writes `N` bytes, atomically if `shared`.
///
/// # Safety
/// There must be that many bytes; without `shared`, nobody else may access them.
#[inline(always)]
pub(crate) unsafe fn write<const N: usize>(at: *mut u8, bytes: [u8; N], shared: bool) {
    // SAFETY: the caller's promise.
    unsafe { if shared { store(at, bytes) } else { at.cast::<[u8; N]>().write(bytes) } }
}

/// An access of one size, if `$at` is aligned to it.
macro_rules! whole {
    ($at:expr, $n:expr, $($size:literal $atomic:ty, $a:ident => $body:expr;)*) => {
        match $n {
            $($size if $at as usize % $size == 0 => {
                // SAFETY: the caller's promise, and aligned.
                let $a = unsafe { &*$at.cast::<$atomic>() };
                return $body;
            })*
            _ => {}
        }
    };
}

#[inline]
unsafe fn load<const N: usize>(at: *const u8) -> [u8; N] {
    let mut bytes = [0; N];
    whole!(at, N,
        2 AtomicU16, a => { bytes.copy_from_slice(&a.load(Relaxed).to_ne_bytes()); bytes };
        4 AtomicU32, a => { bytes.copy_from_slice(&a.load(Relaxed).to_ne_bytes()); bytes };
    );
    #[cfg(target_has_atomic = "64")]
    whole!(at, N,
        8 AtomicU64, a => { bytes.copy_from_slice(&a.load(Relaxed).to_ne_bytes()); bytes };
    );
    for (i, byte) in bytes.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *byte = unsafe { (*at.add(i).cast::<AtomicU8>()).load(Relaxed) };
    }
    bytes
}

#[inline]
unsafe fn store<const N: usize>(at: *mut u8, bytes: [u8; N]) {
    macro_rules! number {
        ($t:ty) => {{
            let mut whole = [0; size_of::<$t>()];
            whole.copy_from_slice(&bytes);
            <$t>::from_ne_bytes(whole)
        }};
    }
    whole!(at, N,
        2 AtomicU16, a => a.store(number!(u16), Relaxed);
        4 AtomicU32, a => a.store(number!(u32), Relaxed);
    );
    #[cfg(target_has_atomic = "64")]
    whole!(at, N,
        8 AtomicU64, a => a.store(number!(u64), Relaxed);
    );
    for (i, &byte) in bytes.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { (*at.add(i).cast::<AtomicU8>()).store(byte, Relaxed) };
    }
}

/// Copies `len` bytes between places that others may access; they may overlap.
///
/// # Safety
/// There must be that many bytes at both places.
#[cfg(feature = "threads")]
pub(crate) unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    const WORD: usize = size_of::<usize>();
    // Words where both places are equally far from a word's start, else bytes.
    let words = (from as usize) % WORD == (to as usize) % WORD;
    // SAFETY: the caller's promise, for each piece.
    let piece = |at: usize, size: usize| unsafe {
        if size == WORD {
            store::<WORD>(to.add(at), load::<WORD>(from.add(at)));
        } else {
            store::<1>(to.add(at), load::<1>(from.add(at)));
        }
    };
    if (to as usize).wrapping_sub(from as usize) >= len {
        // Whatever of the source the target covers is read before.
        let mut at = 0;
        while at < len {
            let whole = words && (to as usize + at).is_multiple_of(WORD) && len - at >= WORD;
            let size = if whole { WORD } else { 1 };
            piece(at, size);
            at += size;
        }
    } else {
        let mut end = len;
        while end > 0 {
            let whole = words && (to as usize + end).is_multiple_of(WORD) && end >= WORD;
            let size = if whole { WORD } else { 1 };
            end -= size;
            piece(end, size);
        }
    }
}

/// Writes `value` to `len` bytes that others may access.
///
/// # Safety
/// There must be that many bytes.
#[cfg(feature = "threads")]
pub(crate) unsafe fn fill(to: *mut u8, value: u8, len: usize) {
    const WORD: usize = size_of::<usize>();
    let mut at = 0;
    while at < len {
        // SAFETY: the caller's promise, for each piece.
        unsafe {
            if (to as usize + at).is_multiple_of(WORD) && len - at >= WORD {
                store(to.add(at), [value; WORD]);
                at += WORD;
            } else {
                store(to.add(at), [value]);
                at += 1;
            }
        }
    }
}
