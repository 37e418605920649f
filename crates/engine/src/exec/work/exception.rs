//! Throwing.

use super::{Shape, works};
use crate::heap::types::in_heap;
use crate::{RawRef, TrapKind, slots_of, slots_of_all};
use alloc::vec::Vec;
use sampan_wasm::{Module, ValType};

/// The shape of `throw` of a module's tag: its immediate is the tag.
pub(crate) fn throw_shape(module: &Module, tag: u32) -> Shape {
    let params = module.types.func(module.tags[tag as usize]).map_or(0, |ty| slots_of_all(ty.params()));
    Shape { work: throw, operands: params, results: 0 }
}

/// The shape of `throw_ref`, and of `rethrow` with the exception in its slot.
pub(crate) const THROW_REF: Shape = Shape { work: throw_ref, operands: 1, results: 0 };

works! {
    fn throw(machine, instance, s, i, j) {
        let machine = &mut *machine;
        let tag = (&(*instance).tags)[i as usize];
        let ty = machine.registry.func(machine.tags[tag.0 as usize].ty).ok_or(TrapKind::OutOfMemory)?;
        let is_func = |index| machine.registry.func(index).is_some();
        let mut is_ref = Vec::with_capacity(ty.params().len());
        for &ty in ty.params() {
            let heap = matches!(ty, ValType::Ref(ty) if in_heap(ty, is_func));
            is_ref.extend((0..slots_of(ty)).map(|_| heap));
        }
        let payload: Vec<u64> = (0..is_ref.len()).map(|slot| *s.add(slot)).collect();
        machine.exception = machine.new_exception(tag.0, &payload, &|slot| is_ref[slot])?;
        Err(TrapKind::Exception)
    }

    fn throw_ref(machine, instance, s, i, j) {
        let exception = RawRef(*s);
        if exception.is_null() {
            return Err(TrapKind::NullReference);
        }
        (*machine).exception = exception;
        Err(TrapKind::Exception)
    }
}
