//! Throwing.

use super::{Shape, works};
use crate::{RawRef, TrapKind, slots_of_all};
use sampan_wasm::Module;

/// The shape of `throw` of a module's tag: its immediate is the tag.
pub(crate) fn throw_shape(module: &Module, tag: u32) -> Shape {
    let ty = module.types.func(module.tags[tag as usize]);
    let operands = ty.map_or(0, |ty| slots_of_all(ty.params()));
    Shape { work: throw, operands, results: 0 }
}

/// The shape of `throw_ref`, and of `rethrow` with the exception in its slot.
pub(crate) const THROW_REF: Shape = Shape { work: throw_ref, operands: 1, results: 0 };

works! {
    fn throw(machine, instance, s, i, j) {
        let machine = &mut *machine;
        let tag = (&(*instance).tags)[i as usize];
        let slots = slots_of_all(machine.tag_type(tag).params()) as usize;
        let payload = core::slice::from_raw_parts(s, slots);
        let exception = machine.make_exception(tag, payload)?;
        machine.set_exception(exception);
        Err(TrapKind::Exception)
    }

    fn throw_ref(machine, instance, s, i, j) {
        let exception = RawRef(*s);
        if exception.is_null() {
            return Err(TrapKind::NullReference);
        }
        (*machine).set_exception(exception);
        Err(TrapKind::Exception)
    }
}
