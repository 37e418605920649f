//! Loads and stores of memories that are not plain: of 64-bit ones, of shared ones, of
//! others than the first. And what else has operands of 64 or 128 bits.

use super::memory::{Load, Store, ops};
use crate::TrapKind;
use crate::exec::fast::operand::Value;
use crate::exec::fast::regs::{Handler, Regs, handler};
use crate::exec::num;
use sampan_wasm::{AddrType, MemoryType, Opcode};

/// The kind of a memory.
pub(in crate::exec::fast) trait Place {
    const SHARED: bool;
    fn address(slot: u64) -> u64;
}

macro_rules! places {
    ($($name:ident $shared:literal $slot:ident $address:expr;)*) => {$(
        struct $name;
        impl Place for $name {
            const SHARED: bool = $shared;
            #[inline(always)]
            fn address($slot: u64) -> u64 {
                $address
            }
        }
    )*};
}
places! {
    Own32 false slot u64::from(slot as u32);
    Own64 false slot slot;
    Shared32 true slot u64::from(slot as u32);
    Shared64 true slot slot;
}

/// The effective address of `size` bytes: the address in field 1, the memory in field 2, the
/// offset in word 2.
#[inline(always)]
unsafe fn locate<P: Place>(r: &Regs, size: u64) -> Option<*mut u8> {
    // SAFETY: validation: the memory exists, and outlives execution.
    unsafe {
        let instance = &*(*r.ctx).instance;
        let memory = *instance.memories.get_unchecked(r.field(2) as usize);
        (*memory).locate(P::address(*r.slot(1)), r.word(2), size)
    }
}

handler! {
    fn load<O: Load, P: Place>(mut r) {
        match locate::<P>(&r, O::SIZE) {
            Some(at) => {
                let value = if P::SHARED { O::load_shared(at) } else { O::load(at) };
                *r.slot(0) = value.to_slot();
                O::T::set(&mut r, value);
                r.next(3)
            }
            None => r.trap(TrapKind::MemoryOutOfBounds),
        }
    }

    fn store<O: Store, P: Place>(mut r) {
        let value = O::T::from_slot(*r.slot(0));
        match locate::<P>(&r, O::SIZE) {
            Some(at) => {
                if P::SHARED { O::store_shared(at, value) } else { O::store(at, value) }
                r.next(3)
            }
            None => r.trap(TrapKind::MemoryOutOfBounds),
        }
    }

    /// The index of a call through a table with 64-bit indices, in field 1: one that 32 bits
    /// do not hold is beyond every table.
    fn narrow_index(mut r) {
        if *r.slot(1) >> 32 != 0 {
            return r.trap(TrapKind::UndefinedElement);
        }
        r.next(2)
    }

    /// Four operands from slot `field 0` on, two results.
    fn i64_add128(mut r) {
        let s = r.slot(0);
        (*s, *s.add(1)) = num::i64_add128((*s, *s.add(1)), (*s.add(2), *s.add(3)));
        r.next(2)
    }

    fn i64_sub128(mut r) {
        let s = r.slot(0);
        (*s, *s.add(1)) = num::i64_sub128((*s, *s.add(1)), (*s.add(2), *s.add(3)));
        r.next(2)
    }

    fn i64_mul_wide_s(mut r) {
        let s = r.slot(0);
        (*s, *s.add(1)) = num::i64_mul_wide_s(*s, *s.add(1));
        r.next(2)
    }

    fn i64_mul_wide_u(mut r) {
        let s = r.slot(0);
        (*s, *s.add(1)) = num::i64_mul_wide_u(*s, *s.add(1));
        r.next(2)
    }
}

/// The handler of an operation of wide arithmetic, and how many operands it takes.
pub(in crate::exec::fast) fn arithmetic(op: Opcode) -> Option<(Handler, u32)> {
    Some(match op {
        Opcode::I64Add128 => (i64_add128, 4),
        Opcode::I64Sub128 => (i64_sub128, 4),
        Opcode::I64MulWideS => (i64_mul_wide_s, 2),
        Opcode::I64MulWideU => (i64_mul_wide_u, 2),
        _ => return None,
    })
}

macro_rules! by_place {
    ($ty:expr, $name:ident, $o:ty) => {
        match ($ty.shared, $ty.addr) {
            (false, AddrType::I32) => $name::<$o, Own32>,
            (false, AddrType::I64) => $name::<$o, Own64>,
            (true, AddrType::I32) => $name::<$o, Shared32>,
            (true, AddrType::I64) => $name::<$o, Shared64>,
        }
    };
}

macro_rules! handlers {
    ($find:ident $name:ident: $($op:ident)*) => {
        /// The handler of an access to a memory of a type; `None` if `op` is none of a number.
        pub(in crate::exec::fast) fn $find(op: Opcode, ty: &MemoryType) -> Option<Handler> {
            Some(match op {
                $(Opcode::$op => by_place!(ty, $name, ops::$op),)*
                _ => return None,
            })
        }
    };
}
handlers! { load_handler load:
    I32Load I64Load F32Load F64Load I32Load8S I32Load8U I32Load16S I32Load16U
    I64Load8S I64Load8U I64Load16S I64Load16U I64Load32S I64Load32U
}
handlers! { store_handler store:
    I32Store I64Store F32Store F64Store I32Store8 I32Store16 I64Store8 I64Store16 I64Store32
}
