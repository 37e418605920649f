//! Loads and stores of memory 0.

use super::numeric::Value;
use crate::exec::classic::ops::misc;
use crate::exec::classic::regs::{handler, leb};

/// What is in memory, and the number that comes of it.
pub(in crate::exec::classic) trait Access {
    /// The number on the stack.
    type Stack: Value;
    const SIZE: u64;
    unsafe fn load(at: *const u8) -> Self::Stack;
    unsafe fn store(at: *mut u8, value: Self::Stack);
}

macro_rules! accesses {
    ($($name:ident $memory:ty, $stack:ty;)*) => {$(
        pub(in crate::exec::classic) struct $name;
        impl Access for $name {
            type Stack = $stack;
            const SIZE: u64 = size_of::<$memory>() as u64;
            #[inline(always)]
            unsafe fn load(at: *const u8) -> $stack {
                // SAFETY: the caller checked the bounds.
                let bytes = unsafe { at.cast::<[u8; size_of::<$memory>()]>().read() };
                <$memory>::from_le_bytes(bytes) as $stack
            }
            #[inline(always)]
            unsafe fn store(at: *mut u8, value: $stack) {
                let bytes = (value as $memory).to_le_bytes();
                // SAFETY: the caller checked the bounds.
                unsafe { at.cast::<[u8; size_of::<$memory>()]>().write(bytes) }
            }
        }
    )*};
}

accesses! {
    I32 u32, u32;
    I64 u64, u64;
    I32As8S i8, u32;
    I32As8 u8, u32;
    I32As16S i16, u32;
    I32As16 u16, u32;
    I64As8S i8, u64;
    I64As8 u8, u64;
    I64As16S i16, u64;
    I64As16 u16, u64;
    I64As32S i32, u64;
    I64As32 u32, u64;
}

/// The offset of an access whose immediates take two bytes, as most do.
macro_rules! short_offset {
    ($r:ident, $long:expr) => {{
        let immediates = u16::from_le($r.pc.add(1).cast::<u16>().read_unaligned());
        // Bit 6 says that the memory is named.
        if immediates & 0x80c0 != 0 {
            return $r.call($long);
        }
        u32::from(immediates >> 8)
    }};
}
#[cfg(sampan_tail_calls)]
pub(super) use short_offset;

/// The address of `$size` bytes of memory 0. Accesses beyond its end, and all if it is not
/// plain, take the long way, for which `$start` is where operands ended in memory.
macro_rules! address {
    ($r:ident, $start:ident, $address:expr, $offset:expr, $size:expr) => {{
        // Both are below 2^33, so that nothing overflows.
        let at = u64::from($address as u32) + u64::from($offset);
        if at + $size > (*$r.ctx).memory_len {
            $r.sp = $start;
            return $r.call($crate::exec::classic::ops::memory::far::<DEPTH>);
        }
        (*$r.ctx).memory.add(at as usize)
    }};
}
#[cfg(sampan_tail_calls)]
pub(super) use address;

/// The offset of an access to memory 0 with immediates of any length, and the whole length;
/// other memories, and numbers that only 64 bits have, take the long way.
macro_rules! long_offset {
    ($r:ident) => {{
        let (align, align_len) = leb($r.pc.add(1));
        let (offset, offset_len) = leb($r.pc.add(1 + align_len));
        if align & 0x40 != 0 || *$r.pc.add(align_len + offset_len) >= 0x80 {
            return $r.call(far::<DEPTH>);
        }
        (offset, 1 + align_len + offset_len)
    }};
}

/// The handlers `load` and `store` of accesses whose immediates take two bytes. `$loaded` goes on
/// with a value behind so many bytes, `$stored` without one.
macro_rules! short_accesses {
    ($loaded:ident, $stored:ident) => {
        handler! {
            fn load<const DEPTH: usize, A: Access>(r) {
                let offset = short_offset!(r, load_long::<DEPTH, A>);
                let start = r.sp;
                let mut depth = DEPTH;
                let address = r.pop(&mut depth);
                let at = address!(r, start, address, offset, A::SIZE);
                $loaded!(r, depth, A::load(at).to_slot(), 3)
            }

            fn store<const DEPTH: usize, A: Access>(r) {
                let offset = short_offset!(r, store_long::<DEPTH, A>);
                let start = r.sp;
                let mut depth = DEPTH;
                let value = A::Stack::from_slot(r.pop(&mut depth));
                let address = r.pop(&mut depth);
                let at = address!(r, start, address, offset, A::SIZE);
                A::store(at, value);
                $stored!(r, depth, 3)
            }
        }
    };
}
#[cfg(sampan_tail_calls)]
pub(super) use short_accesses;

macro_rules! push {
    ($r:ident, $depth:ident, $value:expr, $len:expr) => {{
        $r.push(&mut $depth, $value);
        $r.next($depth, $len)
    }};
}
macro_rules! next {
    ($r:ident, $depth:ident, $len:expr) => {
        $r.next($depth, $len)
    };
}
short_accesses!(push, next);

handler! {
    #[cold]
    fn far<const DEPTH: usize>(r) {
        r.spill(DEPTH);
        r.call(misc::far_access)
    }

    fn load_long<const DEPTH: usize, A: Access>(r) {
        let (offset, len) = long_offset!(r);
        let start = r.sp;
        let mut depth = DEPTH;
        let address = r.pop(&mut depth);
        let at = address!(r, start, address, offset, A::SIZE);
        r.push(&mut depth, A::load(at).to_slot());
        r.next(depth, len)
    }

    fn store_long<const DEPTH: usize, A: Access>(r) {
        let (offset, len) = long_offset!(r);
        let start = r.sp;
        let mut depth = DEPTH;
        let value = A::Stack::from_slot(r.pop(&mut depth));
        let address = r.pop(&mut depth);
        let at = address!(r, start, address, offset, A::SIZE);
        A::store(at, value);
        r.next(depth, len)
    }
}
