//! Memory accesses that the page's byte does not let through at once: first writes, writes
//! to pages with decoded code, accesses across pages, faults.

use super::context::Context;
use crate::exit::{Access, Exit};
use core::ptr::null_mut;

/// As `R::readable`.
#[cold]
#[inline(never)]
pub(super) unsafe fn readable(cx: *mut Context, addr: u64, size: usize) -> *const u8 {
    // SAFETY: the context's pointers are valid during a run.
    let (cx, space) = unsafe { (&mut *cx, &mut *(*cx).space) };
    match space.check(addr, size as u64, Access::Read) {
        // SAFETY: inside the memory, as just checked.
        Ok(()) => unsafe { space.raw_parts().0.add(addr as usize) },
        Err(fault) => {
            cx.exit = if is_canonical(addr) { Exit::Fault(fault) } else { Exit::GeneralProtection };
            null_mut()
        }
    }
}

/// As `R::writable`.
#[cold]
#[inline(never)]
pub(super) unsafe fn writable(cx: *mut Context, addr: u64, size: usize) -> *mut u8 {
    // SAFETY: the context's pointers are valid during a run.
    let (cx, space, cache) = unsafe { (&mut *cx, &mut *(*cx).space, &mut *(*cx).cache) };
    match space.check(addr, size as u64, Access::Write) {
        Ok(()) => {
            space.note_write(addr, size as u64);
            cache.take_invalidations(space);
            // SAFETY: inside the memory, as just checked.
            unsafe { space.raw_parts().0.add(addr as usize) }
        }
        Err(fault) => {
            cx.exit = if is_canonical(addr) { Exit::Fault(fault) } else { Exit::GeneralProtection };
            null_mut()
        }
    }
}

fn is_canonical(addr: u64) -> bool {
    ((addr as i64) << 16 >> 16) as u64 == addr
}
