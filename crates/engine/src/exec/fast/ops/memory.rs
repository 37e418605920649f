//! Loads and stores of memory 0, and globals.

use super::{Loc, Pair, memory, moves::Class};
use crate::TrapKind;
use crate::exec::fast::operand::{A, Dst, I, S, Src, Value};
use crate::exec::fast::regs::{Handler, Regs, handler};
use sampan_wasm::Opcode;

/// A load: what is in memory, and what comes of it.
pub(in crate::exec::fast) trait Load {
    type T: Value;
    const SIZE: u64;
    unsafe fn load(at: *const u8) -> Self::T;
    /// The load, while other threads may write.
    unsafe fn load_shared(at: *const u8) -> Self::T;
}

/// A store.
pub(in crate::exec::fast) trait Store {
    type T: Value;
    const SIZE: u64;
    unsafe fn store(at: *mut u8, value: Self::T);
    /// The store, while other threads may access the bytes.
    unsafe fn store_shared(at: *mut u8, value: Self::T);
}

/// Where the translator has an address: in one place, or as the sum of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exec::fast) enum Address {
    Slot,
    Acc,
    /// All of it is the offset.
    Imm,
    SlotSlot,
    SlotImm,
    AccSlot,
    AccImm,
    AccAcc,
    /// The first is shifted left, by the upper half of the last word.
    ShlSlotSlot,
    ShlSlotImm,
    ShlSlotAcc,
    ShlAccSlot,
    ShlAccImm,
}

/// How the address operand is made: from field 1 and, for a sum, the last word.
pub(in crate::exec::fast) trait Base {
    /// Whether there is a last word.
    const EXTRA: usize;
    unsafe fn base(r: &Regs, last: usize) -> u32;
}

macro_rules! bases {
    ($($name:ident $extra:literal ($r:ident, $last:ident) $body:expr;)*) => {$(
        pub(in crate::exec::fast) struct $name;
        impl Base for $name {
            const EXTRA: usize = $extra;
            #[inline(always)]
            unsafe fn base($r: &Regs, $last: usize) -> u32 {
                let _ = ($r, $last);
                // SAFETY: the slots are in the frame, and the word is the instruction's.
                #[allow(unused_unsafe)]
                unsafe {
                    $body
                }
            }
        }
    )*};
}
bases! {
    BaseSlot 0 (r, last) *r.slot(1) as u32;
    BaseAcc 0 (r, last) r.acc as u32;
    BaseImm 0 (r, last) 0;
    BaseSlotSlot 1 (r, last) (*r.slot(1) as u32).wrapping_add(*r.slot(4 * last - 4) as u32);
    BaseSlotImm 1 (r, last) (*r.slot(1) as u32).wrapping_add(r.word(last) as u32);
    BaseAccSlot 1 (r, last) (r.acc as u32).wrapping_add(*r.slot(4 * last - 4) as u32);
    BaseAccImm 1 (r, last) (r.acc as u32).wrapping_add(r.word(last) as u32);
    BaseShlSlotSlot 1 (r, last)
        shl(*r.slot(1), r.word(last)).wrapping_add(*r.slot(4 * last - 4) as u32);
    BaseShlSlotImm 1 (r, last) shl(*r.slot(1), r.word(last)).wrapping_add(r.word(last) as u32);
    BaseShlSlotAcc 1 (r, last) shl(*r.slot(1), r.word(last)).wrapping_add(r.acc as u32);
    BaseShlAccSlot 1 (r, last)
        shl(r.acc, r.word(last)).wrapping_add(*r.slot(4 * last - 4) as u32);
    BaseShlAccImm 1 (r, last) shl(r.acc, r.word(last)).wrapping_add(r.word(last) as u32);
    BaseAccAcc 1 (r, last) (r.acc as u32).wrapping_add(r.acc as u32);
}

/// The index, shifted by the distance in the upper half of a word.
#[inline(always)]
fn shl(index: u64, word: u64) -> u32 {
    (index as u32).wrapping_shl((word >> 32) as u32)
}

/// The effective address, if `size` bytes from there are in memory.
#[inline(always)]
pub(super) unsafe fn address<L: Base>(r: &Regs, last: usize, size: u64) -> Option<*mut u8> {
    // SAFETY: the operands are the translator's.
    let at = unsafe { u64::from(L::base(r, last)) + u64::from(r.imm() as u32) };
    if at + size > r.len as u64 {
        return None;
    }
    // SAFETY: checked just now.
    Some(unsafe { r.mem.add(at as usize) })
}

handler! {
    fn load<O: Load, L: Base, D: Dst>(mut r) {
        match address::<L>(&r, 2, O::SIZE) {
            Some(at) => {
                D::write(&mut r, O::load(at));
                r.next(2 + L::EXTRA)
            }
            None => r.trap(TrapKind::MemoryOutOfBounds),
        }
    }

    fn store<O: Store, L: Base, V: Src>(mut r) {
        let value = V::read_right::<O::T>(&r);
        match address::<L>(&r, V::WORDS, O::SIZE) {
            Some(at) => {
                O::store(at, value);
                r.next(V::WORDS + L::EXTRA)
            }
            None => r.trap(TrapKind::MemoryOutOfBounds),
        }
    }

    fn load_v128<L: Base>(mut r) {
        match address::<L>(&r, 2, 16) {
            Some(at) => {
                let value = at.cast::<[u64; 2]>().read_unaligned();
                *r.slot(0) = value[0];
                *r.slot(0).add(1) = value[1];
                r.next(2)
            }
            None => r.trap(TrapKind::MemoryOutOfBounds),
        }
    }

    fn store_v128<L: Base>(mut r) {
        let value = [*r.slot(0), *r.slot(0).add(1)];
        match address::<L>(&r, 2, 16) {
            Some(at) => {
                at.cast::<[u64; 2]>().write_unaligned(value);
                r.next(2)
            }
            None => r.trap(TrapKind::MemoryOutOfBounds),
        }
    }

    fn global_get<T: Value, D: Dst>(mut r) {
        let global = *(*r.ctx).globals.add(r.imm() as u32 as usize);
        let value = T::from_slot((*global).value[0]);
        D::write(&mut r, value);
        r.next(2)
    }

    fn global_set<T: Value, L: Src>(mut r) {
        let global = *(*r.ctx).globals.add(r.imm() as u32 as usize);
        (*global).value[0] = L::read::<T>(&r, 1).to_slot();
        r.next(2)
    }

    fn global_get_v128(mut r) {
        let global = *(*r.ctx).globals.add(r.imm() as u32 as usize);
        *r.slot(0) = (*global).value[0];
        *r.slot(0).add(1) = (*global).value[1];
        r.next(2)
    }

    fn global_set_v128(mut r) {
        let global = *(*r.ctx).globals.add(r.imm() as u32 as usize);
        (*global).value = [*r.slot(1), *r.slot(1).add(1)];
        r.next(2)
    }
}

/// Picks a generic item's instance by the kind of an address.
#[cfg(sampan_small)]
macro_rules! by_address {
    ($l:expr, $make:ident!($name:ident, $o:ty)) => {{
        let _ = $l; // It is in a slot, as everything is.
        $make!($name, $o, memory::BaseSlot)
    }};
}

/// Picks a generic item's instance by the kind of an address.
#[cfg(not(sampan_small))]
macro_rules! by_address {
    ($l:expr, $make:ident!($name:ident, $o:ty)) => {
        match $l {
            memory::Address::Slot => $make!($name, $o, memory::BaseSlot),
            memory::Address::Acc => $make!($name, $o, memory::BaseAcc),
            memory::Address::Imm => $make!($name, $o, memory::BaseImm),
            memory::Address::SlotSlot => $make!($name, $o, memory::BaseSlotSlot),
            memory::Address::SlotImm => $make!($name, $o, memory::BaseSlotImm),
            memory::Address::AccSlot => $make!($name, $o, memory::BaseAccSlot),
            memory::Address::AccImm => $make!($name, $o, memory::BaseAccImm),
            memory::Address::AccAcc => $make!($name, $o, memory::BaseAccAcc),
            memory::Address::ShlSlotSlot => $make!($name, $o, memory::BaseShlSlotSlot),
            memory::Address::ShlSlotImm => $make!($name, $o, memory::BaseShlSlotImm),
            memory::Address::ShlSlotAcc => $make!($name, $o, memory::BaseShlSlotAcc),
            memory::Address::ShlAccSlot => $make!($name, $o, memory::BaseShlAccSlot),
            memory::Address::ShlAccImm => $make!($name, $o, memory::BaseShlAccImm),
        }
    };
}

pub(super) use by_address;

macro_rules! pair {
    ($name:ident, $o:ty, $l:ty) => {
        Pair { acc: $name::<$o, $l, A>, slot: $name::<$o, $l, S> }
    };
}

fn load_pair<O: Load>(address: Address) -> Pair {
    by_address!(address, pair!(load, O))
}

fn store_handler<O: Store>(address: Address, value: Loc) -> Handler {
    macro_rules! by_value {
        ($name:ident, $o:ty, $l:ty) => {
            match value {
                Loc::Slot(_) => $name::<$o, $l, S>,
                Loc::Acc => $name::<$o, $l, A>,
                Loc::Imm(_) => $name::<$o, $l, I>,
            }
        };
    }
    by_address!(address, by_value!(store, O))
}

/// The load of a vector.
pub(in crate::exec::fast) fn v128_load(address: Loc) -> Handler {
    match address {
        Loc::Slot(_) => load_v128::<BaseSlot>,
        Loc::Acc => load_v128::<BaseAcc>,
        Loc::Imm(_) => load_v128::<BaseImm>,
    }
}

/// The store of a vector.
pub(in crate::exec::fast) fn v128_store(address: Loc) -> Handler {
    match address {
        Loc::Slot(_) => store_v128::<BaseSlot>,
        Loc::Acc => store_v128::<BaseAcc>,
        Loc::Imm(_) => store_v128::<BaseImm>,
    }
}

/// `global.get` of a value with one slot.
pub(in crate::exec::fast) fn get(class: Class) -> Pair {
    match class {
        Class::F32 => Pair { acc: global_get::<f32, A>, slot: global_get::<f32, S> },
        Class::F64 => Pair { acc: global_get::<f64, A>, slot: global_get::<f64, S> },
        _ => Pair { acc: global_get::<u64, A>, slot: global_get::<u64, S> },
    }
}

/// `global.set` of a value with one slot.
pub(in crate::exec::fast) fn set(class: Class, value: Loc) -> Handler {
    match (class, value) {
        (Class::F32, Loc::Acc) => global_set::<f32, A>,
        (Class::F64, Loc::Acc) => global_set::<f64, A>,
        (_, Loc::Acc) => global_set::<u64, A>,
        _ => global_set::<u64, S>,
    }
}

macro_rules! accesses {
    (loads { $($lop:ident $mem:ty => $out:ty;)* } stores { $($sop:ident $in:ty => $smem:ty;)* }) => {
        pub(super) mod ops {
            use super::*;
            use crate::relaxed;
            $(
                pub(in crate::exec::fast) struct $lop;
                impl Load for $lop {
                    type T = $out;
                    const SIZE: u64 = size_of::<$mem>() as u64;
                    #[inline(always)]
                    unsafe fn load(at: *const u8) -> $out {
                        // SAFETY: the caller checked the bounds.
                        let bytes = unsafe { at.cast::<[u8; size_of::<$mem>()]>().read() };
                        <$mem>::from_le_bytes(bytes) as $out
                    }
                    #[inline(always)]
                    unsafe fn load_shared(at: *const u8) -> $out {
                        // SAFETY: the caller checked the bounds.
                        let bytes = unsafe { relaxed::read::<{ size_of::<$mem>() }>(at, true) };
                        <$mem>::from_le_bytes(bytes) as $out
                    }
                }
            )*
            $(
                pub(in crate::exec::fast) struct $sop;
                impl Store for $sop {
                    type T = $in;
                    const SIZE: u64 = size_of::<$smem>() as u64;
                    #[inline(always)]
                    unsafe fn store(at: *mut u8, value: $in) {
                        let bytes = (value as $smem).to_le_bytes();
                        // SAFETY: the caller checked the bounds.
                        unsafe { at.cast::<[u8; size_of::<$smem>()]>().write(bytes) }
                    }
                    #[inline(always)]
                    unsafe fn store_shared(at: *mut u8, value: $in) {
                        let bytes = (value as $smem).to_le_bytes();
                        // SAFETY: the caller checked the bounds.
                        unsafe { relaxed::write::<{ size_of::<$smem>() }>(at, bytes, true) }
                    }
                }
            )*
        }

        /// How a load is translated; `None` if `op` is none.
        pub(in crate::exec::fast) fn load_shape(op: Opcode) -> Option<fn(Address) -> Pair> {
            Some(match op {
                $(Opcode::$lop => load_pair::<ops::$lop>,)*
                _ => return None,
            })
        }

        /// How a store is translated: from the places of address and value.
        pub(in crate::exec::fast) fn store_shape(op: Opcode) -> Option<fn(Address, Loc) -> Handler> {
            Some(match op {
                $(Opcode::$sop => store_handler::<ops::$sop>,)*
                _ => return None,
            })
        }
    };
}
accesses! {
    loads {
        I32Load u32 => u32;
        I64Load u64 => u64;
        F32Load f32 => f32;
        F64Load f64 => f64;
        I32Load8S i8 => u32;
        I32Load8U u8 => u32;
        I32Load16S i16 => u32;
        I32Load16U u16 => u32;
        I64Load8S i8 => u64;
        I64Load8U u8 => u64;
        I64Load16S i16 => u64;
        I64Load16U u16 => u64;
        I64Load32S i32 => u64;
        I64Load32U u32 => u64;
    }
    stores {
        I32Store u32 => u32;
        I64Store u64 => u64;
        F32Store f32 => f32;
        F64Store f64 => f64;
        I32Store8 u32 => u8;
        I32Store16 u32 => u16;
        I64Store8 u64 => u8;
        I64Store16 u64 => u16;
        I64Store32 u64 => u32;
    }
}
