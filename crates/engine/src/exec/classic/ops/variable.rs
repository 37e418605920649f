//! Locals, globals and constants.

use crate::exec::classic::regs::{handler, leb, signed_leb, signed_leb_64};

/// The index after the opcode and the instruction's length, if the index takes one byte.
macro_rules! short_index {
    ($r:ident, $long:expr) => {{
        let index = $r.byte(1);
        if index >= 0x80 {
            return $r.call($long);
        }
        usize::from(index)
    }};
}

handler! {
    fn local_get<const DEPTH: usize>(r) {
        let index = short_index!(r, local_get_long::<DEPTH>);
        let mut depth = DEPTH;
        r.push(&mut depth, *r.fp.add(index));
        r.next(depth, 2)
    }

    fn local_set<const DEPTH: usize>(r) {
        let index = short_index!(r, local_set_long::<DEPTH>);
        let mut depth = DEPTH;
        *r.fp.add(index) = r.pop(&mut depth);
        r.next(depth, 2)
    }

    fn local_tee<const DEPTH: usize>(r) {
        let index = short_index!(r, local_tee_long::<DEPTH>);
        let mut depth = DEPTH;
        let value = r.pop(&mut depth);
        *r.fp.add(index) = value;
        r.push(&mut depth, value);
        r.next(depth, 2)
    }

    fn local_get_long<const DEPTH: usize>(r) {
        let (index, len) = leb(r.pc.add(1));
        let mut depth = DEPTH;
        r.push(&mut depth, *r.fp.add(index as usize));
        r.next(depth, 1 + len)
    }

    fn local_set_long<const DEPTH: usize>(r) {
        let (index, len) = leb(r.pc.add(1));
        let mut depth = DEPTH;
        *r.fp.add(index as usize) = r.pop(&mut depth);
        r.next(depth, 1 + len)
    }

    fn local_tee_long<const DEPTH: usize>(r) {
        let (index, len) = leb(r.pc.add(1));
        let mut depth = DEPTH;
        let value = r.pop(&mut depth);
        *r.fp.add(index as usize) = value;
        r.push(&mut depth, value);
        r.next(depth, 1 + len)
    }

    fn i32_const<const DEPTH: usize>(r) {
        let byte = r.byte(1);
        if byte >= 0x80 {
            return r.call(i32_const_long::<DEPTH>);
        }
        let mut depth = DEPTH;
        r.push(&mut depth, ((byte as i8) << 1 >> 1) as u32 as u64);
        r.next(depth, 2)
    }

    fn i32_const_long<const DEPTH: usize>(r) {
        let (value, len) = signed_leb(r.pc.add(1));
        let mut depth = DEPTH;
        r.push(&mut depth, value as u32 as u64);
        r.next(depth, 1 + len)
    }

    fn i64_const<const DEPTH: usize>(r) {
        let byte = r.byte(1);
        if byte >= 0x80 {
            return r.call(i64_const_long::<DEPTH>);
        }
        let mut depth = DEPTH;
        r.push(&mut depth, ((byte as i8) << 1 >> 1) as u64);
        r.next(depth, 2)
    }

    fn i64_const_long<const DEPTH: usize>(r) {
        let (value, len) = signed_leb_64(r.pc.add(1));
        let mut depth = DEPTH;
        r.push(&mut depth, value as u64);
        r.next(depth, 1 + len)
    }

    fn f32_const<const DEPTH: usize>(r) {
        let bits = u32::from_le(r.pc.add(1).cast::<u32>().read_unaligned());
        let mut depth = DEPTH;
        r.push(&mut depth, bits.into());
        r.next(depth, 5)
    }

    fn f64_const<const DEPTH: usize>(r) {
        let bits = u64::from_le(r.pc.add(1).cast::<u64>().read_unaligned());
        let mut depth = DEPTH;
        r.push(&mut depth, bits);
        r.next(depth, 9)
    }

    fn global_get<const DEPTH: usize>(r) {
        let index = short_index!(r, global_get_long::<DEPTH>);
        let global = *(*r.ctx).globals.add(index);
        let mut depth = DEPTH;
        r.push(&mut depth, (*global).value[0]);
        r.next(depth, 2)
    }

    fn global_set<const DEPTH: usize>(r) {
        let index = short_index!(r, global_set_long::<DEPTH>);
        let global = *(*r.ctx).globals.add(index);
        let mut depth = DEPTH;
        (*global).value[0] = r.pop(&mut depth);
        r.next(depth, 2)
    }

    fn global_get_long<const DEPTH: usize>(r) {
        let (index, len) = leb(r.pc.add(1));
        let global = *(*r.ctx).globals.add(index as usize);
        let mut depth = DEPTH;
        r.push(&mut depth, (*global).value[0]);
        r.next(depth, 1 + len)
    }

    fn global_set_long<const DEPTH: usize>(r) {
        let (index, len) = leb(r.pc.add(1));
        let global = *(*r.ctx).globals.add(index as usize);
        let mut depth = DEPTH;
        (*global).value[0] = r.pop(&mut depth);
        r.next(depth, 1 + len)
    }
}
