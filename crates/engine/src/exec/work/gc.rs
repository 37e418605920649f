//! Structs, arrays, `i31` and casts.
//!
//! How many slots operands and results take depends on types, so that the shape of such an
//! instruction is asked for with its immediates. The first is a type of the module, or the
//! bits of a reference type.

use super::{Shape, Work, works};
use crate::entity::InstanceData;
use crate::heap::object::non_null;
use crate::heap::types::Storage;
use crate::trap::{DONE, Outcome};
use crate::{Machine, RawRef, TrapKind};
use sampan_wasm::{CompositeType, Imm, Module, Opcode, RefType, StorageType};

/// The shape of an instruction of the proposal and its immediates; `None` if it is executed
/// otherwise. `results` of the shape counts slots.
pub(crate) fn shape(module: &Module, op: Opcode, imm: &Imm<'_>) -> Option<(Shape, u64, u64)> {
    let (i, j) = match *imm {
        Imm::Index(ty) => (ty, 0),
        Imm::Index2(ty, other) => (ty, other),
        Imm::HeapType(ty) => {
            let nullable = matches!(op, Opcode::RefTestNull | Opcode::RefCastNull);
            (RefType::new(nullable, ty).to_bits(), 0)
        }
        _ => (0, 0),
    };
    let composite = || module.types.get(i).map(|sub| &sub.composite);
    let width = |field: u32| match composite() {
        Some(CompositeType::Struct(fields)) => width_of(fields[field as usize].storage),
        Some(CompositeType::Array(element)) => width_of(element.storage),
        _ => 1,
    };
    let (work, operands, results): (Work, u32, u32) = match op {
        Opcode::StructNew => {
            let Some(CompositeType::Struct(fields)) = composite() else { return None };
            let all = fields.iter().map(|field| width_of(field.storage)).sum();
            (struct_new, all, 1)
        }
        Opcode::StructNewDefault => (struct_new_default, 0, 1),
        Opcode::StructGet | Opcode::StructGetU => (struct_get, 1, width(j)),
        Opcode::StructGetS => (struct_get_s, 1, 1),
        Opcode::StructSet => (struct_set, 1 + width(j), 0),
        Opcode::ArrayNew => (array_new, width(0) + 1, 1),
        Opcode::ArrayNewDefault => (array_new_default, 1, 1),
        Opcode::ArrayNewFixed => (array_new_fixed, width(0) * j, 1),
        Opcode::ArrayNewData => (array_new_data, 2, 1),
        Opcode::ArrayNewElem => (array_new_elem, 2, 1),
        Opcode::ArrayGet | Opcode::ArrayGetU => (array_get, 2, width(0)),
        Opcode::ArrayGetS => (array_get_s, 2, 1),
        Opcode::ArraySet => (array_set, 2 + width(0), 0),
        Opcode::ArrayLen => (array_len, 1, 1),
        Opcode::ArrayFill => (array_fill, 3 + width(0), 0),
        Opcode::ArrayCopy => (array_copy, 5, 0),
        Opcode::ArrayInitData => (array_init_data, 4, 0),
        Opcode::ArrayInitElem => (array_init_elem, 4, 0),
        Opcode::RefTest | Opcode::RefTestNull => (ref_test, 1, 1),
        Opcode::RefCast | Opcode::RefCastNull => (ref_cast, 1, 1),
        Opcode::RefI31 => (ref_i31, 1, 1),
        Opcode::I31GetS => (i31_get_s, 1, 1),
        Opcode::I31GetU => (i31_get_u, 1, 1),
        Opcode::RefEq => (ref_eq, 2, 1),
        Opcode::AnyConvertExtern | Opcode::ExternConvertAny => (nothing, 1, 1),
        _ => return None,
    };
    Some((Shape { work, operands, results }, i.into(), j.into()))
}

/// Whether an instruction may collect.
pub(crate) fn allocates(op: Opcode) -> bool {
    matches!(
        op,
        Opcode::StructNew
            | Opcode::StructNewDefault
            | Opcode::ArrayNew
            | Opcode::ArrayNewDefault
            | Opcode::ArrayNewFixed
            | Opcode::ArrayNewData
            | Opcode::ArrayNewElem
    )
}

/// Whether a reference is of a type that is given by its bits, in an instance's numbering.
///
/// # Safety
/// The instance is one of the machine's.
pub(crate) unsafe fn is_of(
    machine: *const Machine,
    instance: *const InstanceData,
    reference: RawRef,
    bits: u32,
) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let ty = RefType::from_bits(bits).map_index(|index| (&(*instance).types)[index as usize]);
        (*machine).is_of(reference, ty)
    }
}

fn width_of(storage: StorageType) -> u32 {
    Storage::of(storage, |_| false).slots()
}

/// A value in slots: a vector takes two.
unsafe fn value(slots: *const u64, storage: Storage) -> [u64; 2] {
    // SAFETY: the caller has the value there.
    unsafe { [*slots, if storage == Storage::B128 { *slots.add(1) } else { 0 }] }
}

unsafe fn put(slots: *mut u64, storage: Storage, value: [u64; 2]) {
    // SAFETY: the caller has room for the value.
    unsafe {
        *slots = value[0];
        if storage == Storage::B128 {
            *slots.add(1) = value[1];
        }
    }
}

/// A packed value, sign-extended to 32 bits.
fn extended(value: u64, storage: Storage) -> u64 {
    let value = match storage {
        Storage::I8 => i32::from(value as i8),
        Storage::I16 => i32::from(value as i16),
        _ => value as i32,
    };
    u64::from(value as u32)
}

/// A 32-bit operand.
unsafe fn u(slots: *mut u64, n: usize) -> u64 {
    // SAFETY: the caller has that operand.
    unsafe { u64::from(*slots.add(n) as u32) }
}

/// A conversion that changes nothing.
unsafe fn nothing(_: *mut Machine, _: *mut InstanceData, _: *mut u64, _: u64, _: u64) -> Outcome {
    DONE
}

works! {
    fn struct_new(machine, instance, s, i, j) {
        let ty = (&(*instance).types)[i as usize];
        let machine = &mut *machine;
        let slots = machine.struct_shape(ty).slots as usize;
        let object = machine.new_struct(ty, core::slice::from_raw_parts(s, slots))?;
        *s = object.0;
        Ok(())
    }

    fn struct_new_default(machine, instance, s, i, j) {
        *s = (*machine).new_struct_default((&(*instance).types)[i as usize])?.0;
        Ok(())
    }

    fn struct_get(machine, instance, s, i, j) {
        let object = non_null(RawRef(*s))?;
        let ty = (&(*instance).types)[i as usize];
        let (offset, storage) = (*machine).struct_shape(ty).fields[j as usize];
        put(s, storage, (*machine).heap.load(object, offset, storage));
        Ok(())
    }

    fn struct_get_s(machine, instance, s, i, j) {
        let object = non_null(RawRef(*s))?;
        let ty = (&(*instance).types)[i as usize];
        let (offset, storage) = (*machine).struct_shape(ty).fields[j as usize];
        *s = extended((*machine).heap.load(object, offset, storage)[0], storage);
        Ok(())
    }

    fn struct_set(machine, instance, s, i, j) {
        let object = non_null(RawRef(*s))?;
        let ty = (&(*instance).types)[i as usize];
        let (offset, storage) = (*machine).struct_shape(ty).fields[j as usize];
        (*machine).heap.store(object, offset, storage, value(s.add(1), storage));
        Ok(())
    }

    fn array_new(machine, instance, s, i, j) {
        let ty = (&(*instance).types)[i as usize];
        let storage = (*machine).array_storage(ty);
        let len = u(s, storage.slots() as usize);
        *s = (*machine).new_array(ty, len, value(s, storage))?.0;
        Ok(())
    }

    fn array_new_default(machine, instance, s, i, j) {
        *s = (*machine).new_array_default((&(*instance).types)[i as usize], u(s, 0))?.0;
        Ok(())
    }

    fn array_new_fixed(machine, instance, s, i, j) {
        let ty = (&(*instance).types)[i as usize];
        let slots = (*machine).array_storage(ty).slots() as usize * j as usize;
        *s = (*machine).new_array_fixed(ty, core::slice::from_raw_parts(s, slots))?.0;
        Ok(())
    }

    fn array_new_data(machine, instance, s, i, j) {
        let instance = &*instance;
        let data = instance.data_segment(j as u32);
        *s = (*machine).new_array_data(instance.types[i as usize], data, u(s, 0), u(s, 1))?.0;
        Ok(())
    }

    fn array_new_elem(machine, instance, s, i, j) {
        let instance = &*instance;
        let items = &instance.elements[j as usize];
        *s = (*machine).new_array_elem(instance.types[i as usize], items, u(s, 0), u(s, 1))?.0;
        Ok(())
    }

    fn array_get(machine, instance, s, i, j) {
        let array = non_null(RawRef(*s))?;
        let ty = (&(*instance).types)[i as usize];
        let element = (*machine).array_get(array, ty, u(s, 1))?;
        put(s, (*machine).array_storage(ty), element);
        Ok(())
    }

    fn array_get_s(machine, instance, s, i, j) {
        let array = non_null(RawRef(*s))?;
        let ty = (&(*instance).types)[i as usize];
        let [element, _] = (*machine).array_get(array, ty, u(s, 1))?;
        *s = extended(element, (*machine).array_storage(ty));
        Ok(())
    }

    fn array_set(machine, instance, s, i, j) {
        let array = non_null(RawRef(*s))?;
        let ty = (&(*instance).types)[i as usize];
        let element = value(s.add(2), (*machine).array_storage(ty));
        (*machine).array_set(array, ty, u(s, 1), element)
    }

    fn array_len(machine, instance, s, i, j) {
        *s = (*machine).array_len(non_null(RawRef(*s))?).into();
        Ok(())
    }

    fn array_fill(machine, instance, s, i, j) {
        let array = non_null(RawRef(*s))?;
        let ty = (&(*instance).types)[i as usize];
        let storage = (*machine).array_storage(ty);
        let len = u(s, 2 + storage.slots() as usize);
        (*machine).array_fill(array, ty, u(s, 1), value(s.add(2), storage), len)
    }

    fn array_copy(machine, instance, s, i, j) {
        let to = non_null(RawRef(*s))?;
        let from = non_null(RawRef(*s.add(2)))?;
        let ty = (&(*instance).types)[i as usize];
        (*machine).array_copy(ty, to, u(s, 1), from, u(s, 3), u(s, 4))
    }

    fn array_init_data(machine, instance, s, i, j) {
        let array = non_null(RawRef(*s))?;
        let instance = &*instance;
        let (ty, data) = (instance.types[i as usize], instance.data_segment(j as u32));
        (*machine).array_init_data(array, ty, u(s, 1), data, u(s, 2), u(s, 3))
    }

    fn array_init_elem(machine, instance, s, i, j) {
        let array = non_null(RawRef(*s))?;
        let instance = &*instance;
        let (ty, items) = (instance.types[i as usize], &instance.elements[j as usize]);
        (*machine).array_init_elem(array, ty, u(s, 1), items, u(s, 2), u(s, 3))
    }

    fn ref_test(machine, instance, s, i, j) {
        *s = is_of(machine, instance, RawRef(*s), i as u32).into();
        Ok(())
    }

    fn ref_cast(machine, instance, s, i, j) {
        match is_of(machine, instance, RawRef(*s), i as u32) {
            true => Ok(()),
            false => Err(TrapKind::CastFailure),
        }
    }

    fn ref_i31(machine, instance, s, i, j) {
        *s = RawRef::i31(*s as u32).0;
        Ok(())
    }

    fn i31_get_s(machine, instance, s, i, j) {
        non_null(RawRef(*s))?;
        *s = u64::from((*s as i32 >> 1) as u32);
        Ok(())
    }

    fn i31_get_u(machine, instance, s, i, j) {
        non_null(RawRef(*s))?;
        *s = u64::from(*s as u32 >> 1);
        Ok(())
    }

    fn ref_eq(machine, instance, s, i, j) {
        *s = (*s == *s.add(1)).into();
        Ok(())
    }
}
