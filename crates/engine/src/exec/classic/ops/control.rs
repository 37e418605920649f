//! Blocks, branches, `drop` and `select`.

use crate::exec::classic::code::{Entry, FAR};
use crate::exec::classic::ops::trap;
use crate::exec::classic::regs::{Flow, Passed, Regs, handler, leb};
use core::sync::atomic::Ordering;
use sampan_wasm::Opcode;

handler! {
    fn nop<const DEPTH: usize>(r) { r.next(DEPTH, 1) }

    fn block<const DEPTH: usize>(r) {
        if is_long_type(r.byte(1)) {
            return skip_type(r, DEPTH);
        }
        // The cases of a `switch` are blocks in blocks; together they cost one dispatch.
        r.pc = r.pc.add(2);
        while r.byte(0) == Opcode::Block.code() as u8 && !is_long_type(r.byte(1)) {
            r.pc = r.pc.add(2);
        }
        r.go(DEPTH)
    }

    /// Branches to a loop lead here only where interruptions are possible.
    fn loop_<const DEPTH: usize>(r) {
        if (*(*r.ctx).interrupt).load(Ordering::Relaxed) {
            return r.call(interrupt::<DEPTH>);
        }
        r.call(block::<DEPTH>)
    }

    #[cold]
    fn interrupt<const DEPTH: usize>(r) {
        if r.context().take_interrupt() {
            return r.call(trap::interrupted);
        }
        r.call(block::<DEPTH>)
    }

    fn if_<const DEPTH: usize>(r) {
        let mut depth = DEPTH;
        let condition = r.pop(&mut depth) as u32;
        let entry = r.side();
        if condition == 0 {
            return r.branch(depth, entry);
        }
        r.set_side(entry.add(1));
        if is_long_type(r.byte(1)) {
            return skip_type(r, depth);
        }
        r.next(depth, 2)
    }

    /// The end of the first part of an `if` is a branch over the second.
    fn else_<const DEPTH: usize>(r) {
        let entry = r.side();
        r.branch(DEPTH, entry)
    }

    fn end<const DEPTH: usize>(r) {
        if r.pc == (*(*r.ctx).code).end {
            return r.call(return_::<DEPTH>);
        }
        r.next(DEPTH, 1)
    }

    fn return_<const DEPTH: usize>(r) { r.return_(DEPTH) }

    /// Returns several results.
    fn return_many<const DEPTH: usize>(r) {
        r.spill(DEPTH);
        let (to, results) = (r.fp, (*(*r.ctx).code).results as usize);
        let from = r.sp.sub(results);
        r.unlink();
        core::ptr::copy(from, to, results);
        r.sp = to.add(results);
        r.go(0)
    }

    fn br<const DEPTH: usize>(r) {
        let entry = r.side();
        r.branch(DEPTH, entry)
    }

    fn br_if<const DEPTH: usize>(r) {
        let mut depth = DEPTH;
        let condition = r.pop(&mut depth) as u32;
        let entry = r.side();
        if condition != 0 {
            return r.branch(depth, entry);
        }
        r.set_side(entry.add(1));
        if r.byte(1) >= 0x80 {
            return skip(r, depth);
        }
        r.next(depth, 2)
    }

    /// Goes on behind an opcode and a LEB128.
    #[cold]
    fn skip_number<const DEPTH: usize>(r) {
        let (_, len) = leb(r.pc.add(1));
        r.next(DEPTH, 1 + len)
    }

    /// Goes on behind an opcode and a block type of several bytes.
    #[cold]
    fn skip_block_type<const DEPTH: usize>(r) {
        let len = block_type_len(r.pc.add(1));
        r.next(DEPTH, 1 + len)
    }

    fn br_table<const DEPTH: usize>(r) {
        let mut depth = DEPTH;
        let index = r.pop(&mut depth) as u32;
        let (count, _) = leb(r.pc.add(1));
        let entry = r.side().add(index.min(count) as usize);
        r.branch(depth, entry)
    }

    /// A branch with a record: the side-table pointer is at its entry.
    #[cold]
    fn far(r) {
        let entry = r.side();
        let code = &*(*r.ctx).code;
        let own = entry.offset_from(code.side.as_ptr()) as u32;
        // Record numbers in entries are modulo 2^16.
        let mut number = usize::from((*entry).entries as u16);
        while code.far[number].entry != own {
            number += 1 << 16;
        }
        let record = code.far[number];
        let (keep, drop) = (record.keep as usize, record.drop as usize);
        if drop > 0 {
            let from = r.sp.sub(keep);
            core::ptr::copy(from, from.sub(drop), keep);
            r.sp = r.sp.sub(drop);
        }
        r.pc = r.pc.offset(record.bytes as isize);
        r.set_side(entry.offset(record.entries as isize));
        r.go(0)
    }

    fn drop<const DEPTH: usize>(r) {
        let mut depth = DEPTH;
        r.pop(&mut depth);
        r.next(depth, 1)
    }

    fn select<const DEPTH: usize>(r) {
        let mut depth = DEPTH;
        r.select(&mut depth);
        r.next(depth, 1)
    }

    /// The vector of types has one, whose immediate may take several bytes.
    fn select_typed(r) {
        let (_, len) = leb(r.pc.add(1));
        let (_, type_len) = leb(r.pc.add(1 + len));
        // `(ref null ht)` and `(ref ht)` have a heap type behind the first byte.
        let heap_len = match *r.pc.add(1 + len) {
            0x63 | 0x64 => leb(r.pc.add(1 + len + type_len)).1,
            _ => 0,
        };
        let mut depth = 1;
        r.select(&mut depth);
        r.next(depth, 1 + len + type_len + heap_len)
    }
}

/// Whether a block type that begins with the byte has more: a type index that is no LEB128 of
/// one byte, or `(ref null ht)` (0x63) or `(ref ht)` (0x64).
#[inline(always)]
fn is_long_type(byte: u8) -> bool {
    byte >= 0x80 || byte.wrapping_sub(0x63) < 2
}

/// How many bytes a block type takes.
pub(super) unsafe fn block_type_len(at: *const u8) -> usize {
    // SAFETY: the caller is at a block type.
    unsafe {
        match *at {
            0x63 | 0x64 => 1 + leb(at.add(1)).1,
            _ => leb(at).1,
        }
    }
}

/// Goes on behind an opcode and a block type of several bytes.
#[inline(always)]
unsafe fn skip_type(r: Passed<'_>, depth: usize) -> Flow {
    // SAFETY: the caller's promise.
    unsafe {
        match depth {
            0 => r.call(skip_block_type::<0>),
            1 => r.call(skip_block_type::<1>),
            _ => r.call(skip_block_type::<2>),
        }
    }
}

/// Goes on behind an opcode and a LEB128.
#[inline(always)]
pub(super) unsafe fn skip(r: Passed<'_>, depth: usize) -> Flow {
    // SAFETY: the caller's promise.
    unsafe {
        match depth {
            0 => r.call(skip_number::<0>),
            1 => r.call(skip_number::<1>),
            _ => r.call(skip_number::<2>),
        }
    }
}

impl Regs {
    /// Branches by a side-table entry.
    #[inline(always)]
    #[allow(unused_mut)]
    pub unsafe fn branch(mut self: Passed<'_>, depth: usize, entry: *const Entry) -> Flow {
        // SAFETY: the side table has an entry for each branch that is executed.
        unsafe {
            let bytes = (*entry).bytes;
            if bytes == FAR {
                self.set_side(entry);
                self.spill(depth);
                return self.call(far);
            }
            self.set_side(entry.offset((*entry).entries.into()));
            self.pc = self.pc.offset(bytes.into());
            // An empty asm keeps LLVM from turning `if c { branch } else { next }` into a
            // conditional move of pc, which would make every branch wait for its condition.
            #[cfg(sampan_tail_calls)]
            core::arch::asm!(
                "/* {0} */",
                inout(reg) self.pc,
                options(nostack, preserves_flags),
            );
            self.go(depth)
        }
    }

    #[inline(always)]
    unsafe fn select(&mut self, depth: &mut usize) {
        // SAFETY: validation: there are three operands.
        unsafe {
            let condition = self.pop(depth) as u32;
            let second = self.pop(depth);
            let first = self.pop(depth);
            self.push(depth, if condition != 0 { first } else { second });
        }
    }
}
