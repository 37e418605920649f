//! Loads and stores of memory 0, and globals.

use super::{Loc, Pair, moves::Class};
use crate::TrapKind;
use crate::exec::fast::operand::{A, Dst, I, S, Src, Value};
use crate::exec::fast::regs::{Handler, Regs, handler};
use sampan_wasm::Opcode;

/// A load: what is in memory, and what comes of it.
pub(in crate::exec::fast) trait Load {
    type T: Value;
    const SIZE: u64;
    unsafe fn load(at: *const u8) -> Self::T;
}

/// A store.
pub(in crate::exec::fast) trait Store {
    type T: Value;
    const SIZE: u64;
    unsafe fn store(at: *mut u8, value: Self::T);
}

/// The effective address, if `size` bytes from there are in memory.
#[inline(always)]
unsafe fn address<L: Src>(r: &Regs, size: u64) -> Option<*mut u8> {
    // SAFETY: the operands are the translator's.
    let at = unsafe { u64::from(L::read_address(r)) + u64::from(r.imm() as u32) };
    if at + size > r.len as u64 {
        return None;
    }
    // SAFETY: checked just now.
    Some(unsafe { r.mem.add(at as usize) })
}

trait ReadAddress: Src {
    unsafe fn read_address(r: &Regs) -> u32;
}

impl<L: Src> ReadAddress for L {
    #[inline(always)]
    unsafe fn read_address(r: &Regs) -> u32 {
        // A constant address is part of the offset.
        // SAFETY: the operands are the translator's.
        if L::WORDS == I::WORDS { 0 } else { unsafe { L::read::<u32>(r, 1) } }
    }
}

handler! {
    fn load<O: Load, L: Src, D: Dst>(mut r) {
        match address::<L>(&r, O::SIZE) {
            Some(at) => {
                D::write(&mut r, O::load(at));
                r.next(2)
            }
            None => r.trap(TrapKind::MemoryOutOfBounds),
        }
    }

    fn store<O: Store, L: Src, V: Src>(mut r) {
        let value = V::read_right::<O::T>(&r);
        match address::<L>(&r, O::SIZE) {
            Some(at) => {
                O::store(at, value);
                r.next(V::WORDS)
            }
            None => r.trap(TrapKind::MemoryOutOfBounds),
        }
    }

    fn load_v128<L: Src>(mut r) {
        match address::<L>(&r, 16) {
            Some(at) => {
                let value = at.cast::<[u64; 2]>().read_unaligned();
                *r.slot(0) = value[0];
                *r.slot(0).add(1) = value[1];
                r.next(2)
            }
            None => r.trap(TrapKind::MemoryOutOfBounds),
        }
    }

    fn store_v128<L: Src>(mut r) {
        let value = [*r.slot(0), *r.slot(0).add(1)];
        match address::<L>(&r, 16) {
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

macro_rules! by_address {
    ($l:expr, $make:ident!($name:ident, $o:ty)) => {
        match $l {
            Loc::Slot(_) => $make!($name, $o, S),
            Loc::Acc => $make!($name, $o, A),
            Loc::Imm(_) => $make!($name, $o, I),
        }
    };
}

macro_rules! pair {
    ($name:ident, $o:ty, $l:ty) => {
        Pair { acc: $name::<$o, $l, A>, slot: $name::<$o, $l, S> }
    };
}

fn load_pair<O: Load>(address: Loc) -> Pair {
    by_address!(address, pair!(load, O))
}

fn store_handler<O: Store>(address: Loc, value: Loc) -> Handler {
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
        Loc::Slot(_) => load_v128::<S>,
        Loc::Acc => load_v128::<A>,
        Loc::Imm(_) => load_v128::<I>,
    }
}

/// The store of a vector.
pub(in crate::exec::fast) fn v128_store(address: Loc) -> Handler {
    match address {
        Loc::Slot(_) => store_v128::<S>,
        Loc::Acc => store_v128::<A>,
        Loc::Imm(_) => store_v128::<I>,
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
        mod ops {
            use super::*;
            $(
                pub(super) struct $lop;
                impl Load for $lop {
                    type T = $out;
                    const SIZE: u64 = size_of::<$mem>() as u64;
                    #[inline(always)]
                    unsafe fn load(at: *const u8) -> $out {
                        // SAFETY: the caller checked the bounds.
                        let bytes = unsafe { at.cast::<[u8; size_of::<$mem>()]>().read() };
                        <$mem>::from_le_bytes(bytes) as $out
                    }
                }
            )*
            $(
                pub(super) struct $sop;
                impl Store for $sop {
                    type T = $in;
                    const SIZE: u64 = size_of::<$smem>() as u64;
                    #[inline(always)]
                    unsafe fn store(at: *mut u8, value: $in) {
                        let bytes = (value as $smem).to_le_bytes();
                        // SAFETY: the caller checked the bounds.
                        unsafe { at.cast::<[u8; size_of::<$smem>()]>().write(bytes) }
                    }
                }
            )*
        }

        /// How a load is translated; `None` if `op` is none.
        pub(in crate::exec::fast) fn load_shape(op: Opcode) -> Option<fn(Loc) -> Pair> {
            Some(match op {
                $(Opcode::$lop => load_pair::<ops::$lop>,)*
                _ => return None,
            })
        }

        /// How a store is translated: from the places of address and value.
        pub(in crate::exec::fast) fn store_shape(op: Opcode) -> Option<fn(Loc, Loc) -> Handler> {
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
