//! Vectors, and the instructions of functions that handle them.
//!
//! A vector takes two slots, the low half first, and is never in registers: its handlers
//! begin and end at depth 0. They are entered with `pc` at the last byte of the opcode.

use super::numeric::{Nans, Value};
use crate::exec::classic::ops::misc;
use crate::exec::classic::regs::{Regs, handler, leb};
use crate::exec::simd::{self, V128, with_simd_ops};

/// The address of `$size` bytes of memory 0. Accesses beyond its end, and all if it is not
/// plain, take the long way, for which `$start` is where operands ended in memory.
macro_rules! address {
    ($r:ident, $start:ident, $address:expr, $offset:expr, $size:expr) => {{
        // Both are below 2^33, so that nothing overflows.
        let at = u64::from($address as u32) + u64::from($offset);
        if at + $size > (*$r.ctx).memory_len {
            $r.sp = $start;
            return $r.call(far);
        }
        (*$r.ctx).memory.add(at as usize)
    }};
}

/// The offset of an access to memory 0, and the length up to its end; others take the long
/// way.
macro_rules! offset {
    ($r:ident) => {{
        let (align, align_len) = leb($r.pc.add(1));
        let (offset, offset_len) = leb($r.pc.add(1 + align_len));
        if align & 0x40 != 0 || *$r.pc.add(align_len + offset_len) >= 0x80 {
            return $r.call(far);
        }
        (offset, 1 + align_len + offset_len)
    }};
}

handler! {
    /// An access that takes the long way. Its opcode may have any number of bytes, of which
    /// `pc` is at the last; the prefix is no part of a number.
    #[cold]
    fn far(r) {
        r.pc = r.pc.sub(1);
        while *r.pc != 0xfd {
            r.pc = r.pc.sub(1);
        }
        r.call(misc::far_access)
    }

    /// `local.get` in a function that handles vectors.
    fn local_get<const DEPTH: usize>(r) {
        let (slot, width, len) = local(&r);
        let mut depth = DEPTH;
        if width == 1 {
            r.push(&mut depth, *r.fp.add(slot));
            return r.next(depth, len);
        }
        r.spill(depth);
        let value = get(r.fp.add(slot));
        put(&mut r, value);
        r.next(0, len)
    }

    fn local_set<const DEPTH: usize>(r) {
        let (slot, width, len) = local(&r);
        let mut depth = DEPTH;
        if width == 1 {
            *r.fp.add(slot) = r.pop(&mut depth);
            return r.next(depth, len);
        }
        r.spill(depth);
        let value = take(&mut r);
        set(r.fp.add(slot), value);
        r.next(0, len)
    }

    fn local_tee<const DEPTH: usize>(r) {
        let (slot, width, len) = local(&r);
        let mut depth = DEPTH;
        if width == 1 {
            let value = r.pop(&mut depth);
            *r.fp.add(slot) = value;
            r.push(&mut depth, value);
            return r.next(depth, len);
        }
        r.spill(depth);
        set(r.fp.add(slot), get(r.sp.sub(2)));
        r.next(0, len)
    }

    fn global_get(r) {
        let (index, len) = leb(r.pc.add(1));
        let global = *(*r.ctx).globals.add(index as usize);
        r.spill(1);
        *r.sp = (*global).value[0];
        r.sp = r.sp.add(1);
        if (*global).ty.content == sampan_wasm::ValType::V128 {
            *r.sp = (*global).value[1];
            r.sp = r.sp.add(1);
        }
        r.next(0, 1 + len)
    }

    fn global_set(r) {
        let (index, len) = leb(r.pc.add(1));
        let global = *(*r.ctx).globals.add(index as usize);
        if (*global).ty.content == sampan_wasm::ValType::V128 {
            r.sp = r.sp.sub(1);
            (*global).value = [*r.sp, r.a];
        } else {
            (*global).value[0] = r.a;
        }
        r.next(0, 1 + len)
    }

    /// The side table says how many slots the operand takes.
    fn drop(r) {
        let entry = r.side();
        r.sp = r.sp.sub((*entry).bytes as usize - 1);
        r.set_side(entry.add(1));
        r.next(0, 1)
    }

    fn select(r) {
        select_by_entry(&mut r);
        r.next(0, 1)
    }

    fn select_typed(r) {
        select_by_entry(&mut r);
        let (_, len) = leb(r.pc.add(1));
        let (_, type_len) = leb(r.pc.add(1 + len));
        let heap_len = match *r.pc.add(1 + len) {
            0x63 | 0x64 => leb(r.pc.add(1 + len + type_len)).1,
            _ => 0,
        };
        r.next(0, 1 + len + type_len + heap_len)
    }

    fn v128_const(r) {
        let value = V128(r.pc.add(1).cast::<[u8; 16]>().read());
        put(&mut r, value);
        r.next(0, 17)
    }

    fn v128_load(r) {
        let start = r.sp;
        let (offset, len) = offset!(r);
        r.sp = r.sp.sub(1);
        let at = address!(r, start, *r.sp, offset, 16);
        let value = V128(at.cast::<[u8; 16]>().read());
        put(&mut r, value);
        r.next(0, len)
    }

    fn v128_store(r) {
        let start = r.sp;
        let (offset, len) = offset!(r);
        let value = take(&mut r);
        r.sp = r.sp.sub(1);
        let at = address!(r, start, *r.sp, offset, 16);
        at.cast::<[u8; 16]>().write(value.0);
        r.next(0, len)
    }

    /// Loads `BYTES` bytes and makes a vector of them.
    fn load<const BYTES: usize, M: Make>(r) {
        let start = r.sp;
        let (offset, len) = offset!(r);
        r.sp = r.sp.sub(1);
        let at = address!(r, start, *r.sp, offset, BYTES as u64);
        let mut bytes = [0; 16];
        bytes[..BYTES].copy_from_slice(&at.cast::<[u8; BYTES]>().read());
        put(&mut r, M::make(V128(bytes)));
        r.next(0, len)
    }

    fn load_lane<const BYTES: usize>(r) {
        let start = r.sp;
        let (offset, len) = offset!(r);
        let lane = usize::from(r.byte(len)) * BYTES;
        let mut vector = take(&mut r);
        r.sp = r.sp.sub(1);
        let at = address!(r, start, *r.sp, offset, BYTES as u64);
        vector.0[lane..lane + BYTES].copy_from_slice(&at.cast::<[u8; BYTES]>().read());
        put(&mut r, vector);
        r.next(0, len + 1)
    }

    fn store_lane<const BYTES: usize>(r) {
        let start = r.sp;
        let (offset, len) = offset!(r);
        let lane = usize::from(r.byte(len)) * BYTES;
        let vector = take(&mut r);
        r.sp = r.sp.sub(1);
        let at = address!(r, start, *r.sp, offset, BYTES as u64);
        core::ptr::copy_nonoverlapping(vector.0[lane..].as_ptr(), at, BYTES);
        r.next(0, len + 1)
    }
}

/// Slot, width, and the instruction's length.
#[inline(always)]
unsafe fn local(r: &Regs) -> (usize, usize, usize) {
    // SAFETY: validation: the local exists.
    unsafe {
        let (index, len) = leb(r.pc.add(1));
        let slots = &(*(*r.ctx).code).local_slots;
        let first = *slots.get_unchecked(index as usize);
        let end = *slots.get_unchecked(index as usize + 1);
        (first as usize, (end - first) as usize, 1 + len)
    }
}

/// At depth 1, leaves depth 0.
#[inline(always)]
unsafe fn select_by_entry(r: &mut Regs) {
    // SAFETY: validation: there are the operands.
    unsafe {
        let entry = r.side();
        let width = (*entry).bytes as usize;
        r.set_side(entry.add(1));
        let second = r.sp.sub(width);
        if r.a as u32 == 0 {
            for slot in 0..width {
                *second.sub(width).add(slot) = *second.add(slot);
            }
        }
        r.sp = second;
    }
}

/// The vector in two slots.
#[inline(always)]
unsafe fn get(at: *const u64) -> V128 {
    // SAFETY: the caller has two slots there.
    unsafe {
        if cfg!(target_endian = "little") {
            return V128(at.cast::<[u8; 16]>().read());
        }
        V128::from(u128::from(*at) | u128::from(*at.add(1)) << 64)
    }
}

#[inline(always)]
unsafe fn set(at: *mut u64, value: V128) {
    // SAFETY: the caller has two slots there.
    unsafe {
        if cfg!(target_endian = "little") {
            at.cast::<[u8; 16]>().write(value.0);
            return;
        }
        let bits = u128::from(value);
        *at = bits as u64;
        *at.add(1) = (bits >> 64) as u64;
    }
}

#[inline(always)]
unsafe fn put(r: &mut Regs, value: V128) {
    // SAFETY: the frame has room for its operands.
    unsafe {
        set(r.sp, value);
        r.sp = r.sp.add(2);
    }
}

#[inline(always)]
unsafe fn take(r: &mut Regs) -> V128 {
    // SAFETY: validation: there is a vector.
    unsafe {
        r.sp = r.sp.sub(2);
        get(r.sp)
    }
}

#[inline(always)]
unsafe fn put_scalar<T: Value>(r: &mut Regs, value: T) {
    // SAFETY: the frame has room for its operands.
    unsafe {
        *r.sp = value.to_slot();
        r.sp = r.sp.add(1);
    }
}

#[inline(always)]
unsafe fn take_scalar<T: Value>(r: &mut Regs) -> T {
    // SAFETY: validation: there is a number.
    unsafe {
        r.sp = r.sp.sub(1);
        T::from_slot(*r.sp)
    }
}

/// What a load makes of the bytes in the low lanes.
pub(in crate::exec::classic) trait Make {
    fn make(low: V128) -> V128;
}
macro_rules! makes {
    ($($name:ident($v:ident) $body:expr;)*) => {$(
        pub(in crate::exec::classic) struct $name;
        impl Make for $name {
            #[inline(always)]
            fn make($v: V128) -> V128 { $body }
        }
    )*};
}
makes! {
    Zero(v) v;
    Extend8S(v) simd::i16x8_extend_low_i8x16_s(v);
    Extend8U(v) simd::i16x8_extend_low_i8x16_u(v);
    Extend16S(v) simd::i32x4_extend_low_i16x8_s(v);
    Extend16U(v) simd::i32x4_extend_low_i16x8_u(v);
    Extend32S(v) simd::i64x2_extend_low_i32x4_s(v);
    Extend32U(v) simd::i64x2_extend_low_i32x4_u(v);
    Splat8(v) simd::i8x16_splat(simd::i32x4_extract_lane(v, 0));
    Splat16(v) simd::i16x8_splat(simd::i32x4_extract_lane(v, 0));
    Splat32(v) simd::i32x4_splat(simd::i32x4_extract_lane(v, 0));
    Splat64(v) simd::i64x2_splat(simd::i64x2_extract_lane(v, 0));
}

macro_rules! rows {
    ($($shape:ident $variant:ident $f:ident $($t:ident)*;)*) => {
        $(row! { $shape $f $($t)* })*
    };
}

macro_rules! row {
    ($shape:ident $f:ident canon_f32x4) => {
        nan_row! { $shape $f canon_f32x4 }
    };
    ($shape:ident $f:ident canon_f64x2) => {
        nan_row! { $shape $f canon_f64x2 }
    };
    (unary $f:ident) => {
        handler! { fn $f(r) {
            let a = take(&mut r);
            put(&mut r, simd::$f(a));
            r.next(0, 1)
        } }
    };
    (binary $f:ident) => {
        handler! { fn $f(r) {
            let b = take(&mut r);
            let a = take(&mut r);
            put(&mut r, simd::$f(a, b));
            r.next(0, 1)
        } }
    };
    (ternary $f:ident) => {
        handler! { fn $f(r) {
            let c = take(&mut r);
            let b = take(&mut r);
            let a = take(&mut r);
            put(&mut r, simd::$f(a, b, c));
            r.next(0, 1)
        } }
    };
    (shift $f:ident) => {
        handler! { fn $f(r) {
            let count = take_scalar::<u32>(&mut r);
            let a = take(&mut r);
            put(&mut r, simd::$f(a, count));
            r.next(0, 1)
        } }
    };
    (test $f:ident) => {
        handler! { fn $f(r) {
            let a = take(&mut r);
            put_scalar(&mut r, simd::$f(a));
            r.next(0, 1)
        } }
    };
    (splat $f:ident $a:ident) => {
        handler! { fn $f(r) {
            let a = take_scalar::<$a>(&mut r);
            put(&mut r, simd::$f(a));
            r.next(0, 1)
        } }
    };
    (extract_lane $f:ident $a:ident) => {
        handler! { fn $f(r) {
            let a = take(&mut r);
            let value = simd::$f(a, r.byte(1));
            put_scalar::<$a>(&mut r, value);
            r.next(0, 2)
        } }
    };
    (replace_lane $f:ident $a:ident) => {
        handler! { fn $f(r) {
            let value = take_scalar::<$a>(&mut r);
            let a = take(&mut r);
            let vector = simd::$f(a, r.byte(1), value);
            put(&mut r, vector);
            r.next(0, 2)
        } }
    };
    (shuffle $f:ident) => {
        handler! { fn $f(r) {
            let lanes = r.pc.add(1).cast::<[u8; 16]>().read();
            let b = take(&mut r);
            let a = take(&mut r);
            put(&mut r, simd::$f(a, b, lanes));
            r.next(0, 17)
        } }
    };
}

macro_rules! nan_row {
    (unary $f:ident $canon:ident) => {
        handler! { fn $f<const DEPTH: usize, N: Nans>(r) {
            let a = take(&mut r);
            let value = simd::$f(a);
            put(&mut r, if N::CANONICAL { simd::$canon(value) } else { value });
            r.next(0, 1)
        } }
    };
    (binary $f:ident $canon:ident) => {
        handler! { fn $f<const DEPTH: usize, N: Nans>(r) {
            let b = take(&mut r);
            let a = take(&mut r);
            let value = simd::$f(a, b);
            put(&mut r, if N::CANONICAL { simd::$canon(value) } else { value });
            r.next(0, 1)
        } }
    };
    (ternary $f:ident $canon:ident) => {
        handler! { fn $f<const DEPTH: usize, N: Nans>(r) {
            let c = take(&mut r);
            let b = take(&mut r);
            let a = take(&mut r);
            let value = simd::$f(a, b, c);
            put(&mut r, if N::CANONICAL { simd::$canon(value) } else { value });
            r.next(0, 1)
        } }
    };
}

with_simd_ops!(rows);
