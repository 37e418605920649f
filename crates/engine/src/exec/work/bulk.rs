//! Memories, tables and segments as a whole.

use super::{Shape, works};
use crate::RawRef;
use sampan_wasm::Opcode;

/// The shape of such an opcode.
pub(super) fn shape(op: Opcode) -> Option<Shape> {
    let shape = |work, operands, results| Some(Shape { work, operands, results });
    match op {
        Opcode::MemorySize if Opcode::MemorySize.is_built_in() => shape(memory_size, 0, 1),
        Opcode::MemoryGrow if Opcode::MemoryGrow.is_built_in() => shape(memory_grow, 1, 1),
        Opcode::MemoryFill if Opcode::MemoryFill.is_built_in() => shape(memory_fill, 3, 0),
        Opcode::MemoryCopy if Opcode::MemoryCopy.is_built_in() => shape(memory_copy, 3, 0),
        Opcode::MemoryInit if Opcode::MemoryInit.is_built_in() => shape(memory_init, 3, 0),
        Opcode::DataDrop if Opcode::DataDrop.is_built_in() => shape(data_drop, 0, 0),
        Opcode::TableGet if Opcode::TableGet.is_built_in() => shape(table_get, 1, 1),
        Opcode::TableSet if Opcode::TableSet.is_built_in() => shape(table_set, 2, 0),
        Opcode::TableSize if Opcode::TableSize.is_built_in() => shape(table_size, 0, 1),
        Opcode::TableGrow if Opcode::TableGrow.is_built_in() => shape(table_grow, 2, 1),
        Opcode::TableFill if Opcode::TableFill.is_built_in() => shape(table_fill, 3, 0),
        Opcode::TableCopy if Opcode::TableCopy.is_built_in() => shape(table_copy, 3, 0),
        Opcode::TableInit if Opcode::TableInit.is_built_in() => shape(table_init, 3, 0),
        Opcode::ElemDrop if Opcode::ElemDrop.is_built_in() => shape(elem_drop, 0, 0),
        Opcode::RefFunc if Opcode::RefFunc.is_built_in() => shape(ref_func, 0, 1),
        _ => None,
    }
}

/// A 32-bit operand.
unsafe fn u(slots: *mut u64, n: usize) -> u64 {
    // SAFETY: the caller has that operand.
    unsafe { u64::from(*slots.add(n) as u32) }
}

works! {
    fn memory_size(machine, instance, s, i, j) {
        *s = (*(&(*instance).memories)[i as usize]).pages();
        Ok(())
    }

    fn memory_grow(machine, instance, s, i, j) {
        let memory = &mut *(&(*instance).memories)[i as usize];
        let delta = memory.operand(*s);
        *s = memory.grow(delta, &mut (*machine).limits).unwrap_or(u64::MAX);
        Ok(())
    }

    fn memory_fill(machine, instance, s, i, j) {
        let memory = &mut *(&(*instance).memories)[i as usize];
        memory.fill(memory.operand(*s), *s.add(1) as u8, memory.operand(*s.add(2)))
    }

    fn memory_copy(machine, instance, s, i, j) {
        let (to, from) = ((&(*instance).memories)[i as usize], (&(*instance).memories)[j as usize]);
        if to == from {
            let memory = &mut *to;
            let (at, source) = (memory.operand(*s), memory.operand(*s.add(1)));
            return memory.copy_within(at, source, memory.operand(*s.add(2)));
        }
        let (to, from) = (&mut *to, &*from);
        // The length is an address of the narrower of the two.
        let len = to.operand(from.operand(*s.add(2)));
        to.copy_from(to.operand(*s), from, from.operand(*s.add(1)), len)
    }

    fn memory_init(machine, instance, s, i, j) {
        let instance = &*instance;
        let memory = &mut *instance.memories[j as usize];
        let source = instance.data_segment(i as u32);
        memory.init(memory.operand(*s), source, u(s, 1), u(s, 2))
    }

    fn data_drop(machine, instance, s, i, j) {
        (&mut (*instance).dropped_data)[i as usize] = true;
        Ok(())
    }

    fn table_get(machine, instance, s, i, j) {
        let table = &*(&(*instance).tables)[i as usize];
        *s = table.get(table.operand(*s))?.0;
        Ok(())
    }

    fn table_set(machine, instance, s, i, j) {
        let table = &mut *(&(*instance).tables)[i as usize];
        table.set(table.operand(*s), RawRef(*s.add(1)))
    }

    fn table_size(machine, instance, s, i, j) {
        *s = (*(&(*instance).tables)[i as usize]).size();
        Ok(())
    }

    fn table_grow(machine, instance, s, i, j) {
        let table = &mut *(&(*instance).tables)[i as usize];
        let delta = table.operand(*s.add(1));
        *s = table.grow(delta, RawRef(*s), &mut (*machine).limits).unwrap_or(u64::MAX);
        Ok(())
    }

    fn table_fill(machine, instance, s, i, j) {
        let table = &mut *(&(*instance).tables)[i as usize];
        table.fill(table.operand(*s), RawRef(*s.add(1)), table.operand(*s.add(2)))
    }

    fn table_copy(machine, instance, s, i, j) {
        let (to, from) = ((&(*instance).tables)[i as usize], (&(*instance).tables)[j as usize]);
        if to == from {
            let table = &mut *to;
            let (at, source) = (table.operand(*s), table.operand(*s.add(1)));
            return table.copy_within(at, source, table.operand(*s.add(2)));
        }
        let (to, from) = (&mut *to, &*from);
        let len = to.operand(from.operand(*s.add(2)));
        to.init(to.operand(*s), &from.elements, from.operand(*s.add(1)), len)
    }

    fn table_init(machine, instance, s, i, j) {
        let table = &mut *(&(*instance).tables)[j as usize];
        let segment = &(&(*instance).elements)[i as usize];
        table.init(table.operand(*s), segment, u(s, 1), u(s, 2))
    }

    fn elem_drop(machine, instance, s, i, j) {
        (&mut (*instance).elements)[i as usize] = Default::default();
        Ok(())
    }

    fn ref_func(machine, instance, s, i, j) {
        *s = RawRef::func((&(*instance).funcs)[i as usize]).0;
        Ok(())
    }
}
