//! Loads and stores of memory 0 where size counts: one handler, which looks up what to do.

use crate::exec::classic::ops::misc;
use crate::exec::classic::regs::{handler, leb};

// The lowest two bits are log2 of the bytes; then whether it is a store, whether a load
// extends the sign, and whether its result has 64 bits.
const STORE: u8 = 4;
const SIGNED: u8 = 8;
const WIDE: u8 = 16;
// From `i32.load` (0x28) to `i64.store32` (0x3e).
static ACCESSES: [u8; 23] = [
    2,
    3 | WIDE,
    2,
    3 | WIDE,
    SIGNED,
    0,
    1 | SIGNED,
    1,
    SIGNED | WIDE,
    WIDE,
    1 | SIGNED | WIDE,
    1 | WIDE,
    2 | SIGNED | WIDE,
    2 | WIDE,
    2 | STORE,
    3 | STORE,
    2 | STORE,
    3 | STORE,
    STORE,
    1 | STORE,
    STORE,
    1 | STORE,
    2 | STORE,
];

handler! {
    fn access(r) {
        let kind = ACCESSES[usize::from(*r.pc - 0x28) % ACCESSES.len()];
        let (align, align_len) = leb(r.pc.add(1));
        let (offset, offset_len) = leb(r.pc.add(1 + align_len));
        // Other memories, and numbers that only 64 bits have.
        if align & 0x40 != 0 || *r.pc.add(align_len + offset_len) >= 0x80 {
            return r.call(misc::far_access);
        }
        let size = 1usize << (kind & 3);
        let operands = if kind & STORE != 0 { 2 } else { 1 };
        let slot = r.sp.sub(operands);
        let at = u64::from(*slot as u32) + u64::from(offset);
        if at + size as u64 > (*r.ctx).memory_len {
            return r.call(misc::far_access);
        }
        let place = (*r.ctx).memory.add(at as usize);
        let mut bytes = [0; 8];
        if kind & STORE != 0 {
            bytes = (*slot.add(1)).to_le_bytes();
            place.copy_from_nonoverlapping(bytes.as_ptr(), size);
        } else {
            bytes.as_mut_ptr().copy_from_nonoverlapping(place, size);
            let mut value = u64::from_le_bytes(bytes);
            if kind & SIGNED != 0 {
                let unused = 64 - 8 * size as u32;
                value = ((value << unused) as i64 >> unused) as u64;
            }
            *slot = if kind & WIDE != 0 { value } else { value & 0xffff_ffff };
        }
        r.sp = slot.add(2 - operands);
        r.next(0, 1 + align_len + offset_len)
    }
}
