//! Jumps, calls, returns, and how one block leads to the next.
//!
//! Only here instructions are counted: an op that leaves a block carries how many there
//! were. A block is entered only while the budget covers the longest one, so it is never
//! overdrawn.

use crate::Exit;
use crate::cpu::cache::{self, MAX_BLOCK};
use crate::cpu::context::Int;
use crate::cpu::flags::Cond;
use crate::cpu::loc::Src;
use crate::cpu::op::{Op, R, get, handler};
use core::ptr::null;

/// Keeps the compiler from choosing the next op by a conditional move, which would make
/// every branch wait for its condition.
#[inline(always)]
fn real_branch() {
    #[cfg(sampan_tail_calls)]
    // SAFETY: it has no instructions.
    unsafe {
        core::arch::asm!("", options(nomem, nostack, preserves_flags));
    }
}

/// Goes on with the block at `disp`, which `imm` points to once it is known.
#[inline(always)]
unsafe fn direct(r: R) -> *const Op {
    let op = r.op();
    let cx = r.cx();
    cx.left -= i64::from(op.x);
    let link = op.imm as usize as *const Op;
    if cx.left < MAX_BLOCK || link.is_null() {
        // SAFETY: see R.
        return unsafe { r.pass_to(direct_slow) };
    }
    // SAFETY: a link leads to the first op of a block; dead ones are kept while a run lasts.
    unsafe { r.go(link) }
}

/// Goes on at an address that is only known now.
#[inline(always)]
unsafe fn indirect(r: R, target: u64) -> *const Op {
    let cx = r.cx();
    cx.left -= i64::from(r.op().x);
    // SAFETY: the cache outlives the run.
    let found = unsafe { (*cx.cache).jump(target) };
    if cx.left < MAX_BLOCK || found.is_null() {
        cx.rip = target;
        // SAFETY: see R.
        return unsafe { r.pass_to(indirect_slow) };
    }
    // SAFETY: as for direct.
    unsafe { r.go(found) }
}

handler! {
    #[cold]
    fn direct_slow(r) {
        let target = u64::from(r.op().disp as u32);
        if r.cx().left < MAX_BLOCK {
            r.cx().exit = Exit::Budget;
            r.cx().rip = target;
            return null();
        }
        let next = cache::resolve(r.cx, target);
        if next.is_null() {
            return next;
        }
        (*r.op.cast_mut()).imm = next as usize as u64;
        r.go(next)
    }

    #[cold]
    fn indirect_slow(r) {
        if r.cx().left < MAX_BLOCK {
            r.cx().exit = Exit::Budget;
            return null();
        }
        (*r.cx().cache).note_target(r.op().rip, r.cx().rip);
        let next = cache::resolve(r.cx, r.cx().rip);
        if next.is_null() { next } else { r.go(next) }
    }

    /// What every op of a block becomes when its code changes.
    #[cold]
    fn stale(r) {
        let next = cache::resolve(r.cx, u64::from(r.op().rip));
        if next.is_null() { next } else { r.go(next) }
    }

    /// Where translated code is entered, between the interpreter's turns.
    #[cold]
    fn translated(r) {
        (*r.cx).left -= i64::from((*r.op).x);
        (*r.cx).rip = u64::from((*r.op).rip);
        (*r.cx).resume = true;
        null()
    }

    fn jmp(r) {
        direct(r)
    }

    /// To an address in the immediate, outside what can be mapped.
    fn jmp_wild(r) {
        indirect(r, r.op().imm)
    }

    fn jmp_indirect<T: Int, S: Src>(r) {
        let target = get!(r, S::read::<T>(&r)).u64();
        indirect(r, target)
    }

    /// Its next op is the jump to where it falls through.
    fn jcc<C: Cond>(r) {
        if C::holds(r.cx()) {
            real_branch();
            direct(r)
        } else {
            r.next()
        }
    }

    fn call<T: Int>(r) {
        get!(r, push(&r, T::of(r.next_rip())));
        direct(r)
    }

    fn call_wild<T: Int>(r) {
        get!(r, push(&r, T::of(r.next_rip())));
        indirect(r, r.op().imm)
    }

    fn call_indirect<T: Int, S: Src>(r) {
        let target = get!(r, S::read::<T>(&r)).u64();
        get!(r, push(&r, T::of(r.next_rip())));
        indirect(r, target)
    }

    /// The immediate is what else is popped.
    fn ret<T: Int>(r) {
        let sp = r.cx().r[4];
        let target = get!(r, r.load::<T>(sp)).u64();
        let popped = size_of::<T>() as u64 + r.op().imm;
        r.cx().r[4] = sp.wrapping_add(popped) & r.cx().mask;
        indirect(r, target)
    }

    /// `jcxz` and its wider forms.
    fn jump_if_zero<T: Int>(r) {
        if r.cx().get::<T>(8).u64() == 0 { direct(r) } else { r.next() }
    }

    fn loop_<T: Int>(r) {
        if count_down::<T>(&r) { direct(r) } else { r.next() }
    }

    fn loope<T: Int>(r) {
        if count_down::<T>(&r) && r.cx().zf() { direct(r) } else { r.next() }
    }

    fn loopne<T: Int>(r) {
        if count_down::<T>(&r) && !r.cx().zf() { direct(r) } else { r.next() }
    }
}

#[inline(always)]
fn count_down<T: Int>(r: &R) -> bool {
    let count = T::of(r.cx().get::<T>(8).u64().wrapping_sub(1));
    r.cx().set(8, count);
    count.u64() != 0
}

/// Pushes a value.
#[inline(always)]
pub(in crate::cpu) unsafe fn push<T: Int>(r: &R, value: T) -> Option<()> {
    let cx = r.cx();
    let sp = cx.r[4].wrapping_sub(size_of::<T>() as u64) & cx.mask;
    // SAFETY: see R.
    unsafe { r.store(sp, value)? };
    cx.r[4] = sp;
    Some(())
}
