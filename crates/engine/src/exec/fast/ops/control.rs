//! Branches, returns, and what stands at a function's or a loop's start.

use super::Loc;
use crate::TrapKind;
use crate::exec::fast::operand::{A, S, Src, Value};
use crate::exec::fast::regs::{DONE, Handler, handler};
use crate::exec::fast::run::Resume;
use core::sync::atomic::Ordering;

handler! {
    fn unreachable(mut r) {
        r.trap(TrapKind::Unreachable)
    }

    fn br(mut r) {
        r.jump(r.imm())
    }

    fn br_if_nez<L: Src>(mut r) {
        if L::read::<u32>(&r, 1) != 0 { r.jump(r.imm()) } else { r.next(2) }
    }

    fn br_if_eqz<L: Src>(mut r) {
        if L::read::<u32>(&r, 1) != 0 { r.next(2) } else { r.jump(r.imm()) }
    }

    /// The index in field 1, the number of labels without the default in the upper half; a
    /// word each with the distance in bytes from this instruction.
    fn br_table<L: Src>(mut r) {
        let index = L::read::<u32>(&r, 1).min(r.imm() as u32) as usize;
        let bytes = r.word(2 + index) as i32;
        r.ip = r.ip.byte_offset(bytes as isize);
        r.go()
    }

    /// Clears `field 1` slots from `field 0` on.
    fn clear_many(mut r) {
        core::ptr::write_bytes(r.slot(0), 0, r.field(1) as usize);
        r.next(2)
    }

    /// Clears the slots from `field 0` on.
    fn clear<N: Count>(mut r) {
        N::clear(r.slot(0));
        r.next(2)
    }

    /// Copies the function's constants (word 2) to the slots from `field 0` on.
    fn load_constants<N: Count>(mut r) {
        N::copy(r.word(2) as usize as *const u64, r.slot(0));
        r.next(3)
    }

    /// Takes the fuel for the instructions up to the next branch.
    fn fuel(mut r) {
        let machine = (*r.ctx).machine;
        let need = u64::from(r.imm() as u32);
        match (*machine).fuel.checked_sub(need) {
            Some(left) => {
                (*machine).fuel = left;
                r.next(2)
            }
            None => r.trap(TrapKind::OutOfFuel),
        }
    }

    /// Stops if another thread asks for it.
    fn check_interrupt(mut r) {
        let flag = (*r.ctx).interrupt;
        if (*flag).load(Ordering::Relaxed) && crate::sync::take(&*flag) {
            r.trap(TrapKind::Interrupted)
        } else {
            r.next(2)
        }
    }

    /// Counts (word 1 is the counter's address) how often a function or loop begins; words 2 and
    /// 3 say which, and where the operand stack is.
    #[cfg(feature = "native")]
    fn count_round(mut r) {
        let counter = &*(r.word(1) as usize as *const core::sync::atomic::AtomicI32);
        let left = counter.load(Ordering::Relaxed).wrapping_sub(1);
        // Counts that threads lose to each other do not matter.
        counter.store(left, Ordering::Relaxed);
        if left < 0 { r.pass_to(super::native::tier_up) } else { r.next(super::native::COUNT_WORDS) }
    }

    /// Returns; the results are in their places.
    fn ret(mut r) {
        let ip = (*r.sp.sub(1)) as usize as *const u64;
        // The last word of a call is how far the frames are apart.
        r.sp = r.sp.sub(*ip.sub(1) as usize);
        r.ip = ip;
        r.go()
    }

    /// Returns the value of slot `field 1`, in the accumulator as all single results.
    fn ret_slot<T: Value>(mut r) {
        let value = T::from_slot(*r.slot(1));
        T::set(&mut r, value);
        let ip = (*r.sp.sub(1)) as usize as *const u64;
        r.sp = r.sp.sub(*ip.sub(1) as usize);
        r.ip = ip;
        r.go()
    }

    /// Returns a constant.
    fn ret_imm(mut r) {
        r.acc = r.imm() as i64 as u64;
        let ip = (*r.sp.sub(1)) as usize as *const u64;
        r.sp = r.sp.sub(*ip.sub(1) as usize);
        r.ip = ip;
        r.go()
    }

    /// Where the outermost function returns to.
    fn leave(mut r) {
        let resume = &raw mut (*r.ctx).resume;
        *resume = Resume { ip: r.ip, sp: r.sp, acc: r.acc, facc: r.facc, sacc: r.sacc };
        r.exit(DONE)
    }
}

/// The branch on an i32: if it is not zero, or (`sense` false) if it is.
pub(in crate::exec::fast) fn br_if(condition: Loc, sense: bool) -> Handler {
    match (condition, sense) {
        (Loc::Acc, true) => br_if_nez::<A>,
        (Loc::Acc, false) => br_if_eqz::<A>,
        (_, true) => br_if_nez::<S>,
        (_, false) => br_if_eqz::<S>,
    }
}

/// The jump through a table.
pub(in crate::exec::fast) fn table(index: Loc) -> Handler {
    match index {
        Loc::Acc => br_table::<A>,
        _ => br_table::<S>,
    }
}

/// A number of slots that is known when handlers are compiled, so that they need no loop.
pub(in crate::exec::fast) trait Count {
    unsafe fn clear(to: *mut u64);
    unsafe fn copy(from: *const u64, to: *mut u64);
}

macro_rules! counts {
    ($($name:ident $n:literal)*) => {
        $(
            struct $name;
            impl Count for $name {
                #[inline(always)]
                unsafe fn clear(to: *mut u64) {
                    // SAFETY: the slots are in the frame.
                    unsafe { to.cast::<[u64; $n]>().write([0; $n]) }
                }
                #[inline(always)]
                unsafe fn copy(from: *const u64, to: *mut u64) {
                    // SAFETY: the function has as many constants, and the slots for them.
                    unsafe { to.cast::<[u64; $n]>().write(from.cast::<[u64; $n]>().read()) }
                }
            }
        )*

        /// The handler that clears `count` slots.
        pub(in crate::exec::fast) fn clear_slots(count: u32) -> Handler {
            match count {
                $($n => clear::<$name>,)*
                _ => clear_many,
            }
        }

        /// The handler that copies `count` constants, of which there are at most sixteen.
        pub(in crate::exec::fast) fn copy_constants(count: usize) -> Option<Handler> {
            Some(match count {
                $($n => load_constants::<$name>,)*
                _ => return None,
            })
        }
    };
}
// Where size counts, one handler clears any number of slots, and constants have none.
#[cfg(sampan_small)]
counts! {}
#[cfg(not(sampan_small))]
counts! {
    C1 1 C2 2 C3 3 C4 4 C5 5 C6 6 C7 7 C8 8 C9 9 C10 10 C11 11 C12 12 C13 13 C14 14 C15 15 C16 16
}
