//! How far compiled code may go down the native stack.

use std::cell::Cell;
use std::mem::MaybeUninit;

/// Left for the host functions that guests call, and for signal handlers.
const RESERVE: usize = 256 << 10;
/// What is taken for granted where the system does not say.
const UNKNOWN: usize = 256 << 10;

/// The lowest address that frames of compiled code may have on this thread.
pub(crate) fn stack_limit() -> usize {
    thread_local! {
        static LOWEST: Cell<usize> = const { Cell::new(0) };
    }
    let known = LOWEST.get();
    if known != 0 {
        return known;
    }
    let here = (&raw const known) as usize;
    let lowest = match bounds() {
        Some((low, high)) if (low..high).contains(&here) => low.saturating_add(RESERVE),
        // A stack that the thread library does not know, such as a coroutine's.
        _ => return here.saturating_sub(UNKNOWN),
    };
    LOWEST.set(lowest);
    lowest
}

/// The stack of this thread, as far as it may grow.
fn bounds() -> Option<(usize, usize)> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: the structure is filled by the first call and destroyed by the last.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let mut attributes = attributes.assume_init();
        let (mut low, mut size) = (std::ptr::null_mut(), 0);
        let result =
            libc::pthread_attr_getstack(&raw const attributes, &raw mut low, &raw mut size);
        libc::pthread_attr_destroy(&raw mut attributes);
        (result == 0).then_some((low as usize, low as usize + size))
    }
}
