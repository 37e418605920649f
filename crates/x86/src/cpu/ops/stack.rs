//! Stack operations. Nothing changes before the last access that may fault.

use super::branch::push as push_value;
use crate::cpu::context::Int;
use crate::cpu::loc::{Dst, Src};
use crate::cpu::op::{get, handler};
use crate::flags;

handler! {
    fn push<T: Int, S: Src>(r) {
        let value = get!(r, S::read::<T>(&r));
        get!(r, push_value(&r, value));
        r.next()
    }

    /// The destination's address is computed with the new stack pointer, and if that is the
    /// destination, the value wins.
    fn pop<T: Int, D: Dst>(r) {
        let old = r.cx().r[4];
        let value = get!(r, r.load::<T>(old));
        r.cx().r[4] = old.wrapping_add(size_of::<T>() as u64) & r.cx().mask;
        if D::write::<T>(&r, value).is_none() {
            r.cx().r[4] = old;
            return r.fault();
        }
        r.next()
    }

    fn leave<T: Int>(r) {
        let frame = r.cx().r[5];
        let value = get!(r, r.load::<T>(frame));
        r.cx().r[4] = frame.wrapping_add(size_of::<T>() as u64) & r.cx().mask;
        r.cx().set(40, value);
        r.next()
    }

    /// The immediate holds the size and, above 16 bits, the nesting level.
    fn enter<T: Int>(r) {
        let size = r.op().imm & 0xffff;
        let level = r.op().imm >> 16 & 31;
        let step = size_of::<T>() as u64;
        let mask = r.cx().mask;
        let (old_sp, old_bp) = (r.cx().r[4], r.cx().r[5]);
        let mut sp = old_sp.wrapping_sub(step) & mask;
        get!(r, r.store(sp, T::of(old_bp)));
        let frame = sp;
        for i in 1..level {
            let value = get!(r, r.load::<T>(old_bp.wrapping_sub(i * step) & mask));
            sp = sp.wrapping_sub(step) & mask;
            get!(r, r.store(sp, value));
        }
        if level > 0 {
            sp = sp.wrapping_sub(step) & mask;
            get!(r, r.store(sp, T::of(frame)));
        }
        sp = sp.wrapping_sub(size) & mask;
        // The processor checks that the new top can be written.
        if r.writable(sp, step as usize).is_null() {
            return r.fault();
        }
        r.cx().r[4] = sp;
        r.cx().set(40, T::of(frame));
        r.next()
    }

    fn pusha<T: Int>(r) {
        let step = size_of::<T>() as u64;
        let sp = r.cx().r[4].wrapping_sub(8 * step) & r.cx().mask;
        if r.writable(sp, 8 * step as usize).is_null() {
            return r.fault();
        }
        for i in 0..8_u64 {
            let value: T = r.cx().get(8 * (7 - i) as u8);
            get!(r, r.store(sp + i * step, value));
        }
        r.cx().r[4] = sp;
        r.next()
    }

    fn popa<T: Int>(r) {
        let step = size_of::<T>() as u64;
        let sp = r.cx().r[4];
        if r.readable(sp, 8 * step as usize).is_null() {
            return r.fault();
        }
        for i in 0..8_u64 {
            let value = get!(r, r.load::<T>(sp + i * step));
            // The stack pointer among them is skipped.
            if i != 3 {
                r.cx().set(8 * (7 - i) as u8, value);
            }
        }
        r.cx().r[4] = sp.wrapping_add(8 * step) & r.cx().mask;
        r.next()
    }

    fn pushf<T: Int>(r) {
        let value = T::of(r.cx().flags() & !flags::RF);
        get!(r, push_value(&r, value));
        r.next()
    }

    /// Ends its block, for the trap flag may be set now.
    fn popf<T: Int>(r) {
        let sp = r.cx().r[4];
        let value = get!(r, r.load::<T>(sp)).u64();
        r.cx().r[4] = sp.wrapping_add(size_of::<T>() as u64) & r.cx().mask;
        let writable = flags::USER & if T::BITS == 16 { 0xffff } else { u64::MAX };
        let cx = r.cx();
        let new = cx.flags() & !writable & !flags::RF | value & writable;
        cx.rflags = new;
        cx.kind = crate::cpu::flags::kind::EXACT;
        if new & flags::TF != 0 {
            return super::system::leave_block(r);
        }
        r.next()
    }
}
