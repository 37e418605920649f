//! Instructions whose work outweighs their dispatch: one handler calls a function that
//! finds its operands in consecutive slots and leaves its result in the first.

use crate::exec::fast::regs::{handler, kind_of, trap_code};
use crate::exec::fast::run::Ctx;
use crate::{RawRef, TrapKind};
use sampan_wasm::Opcode;

/// Such a function: the context, the operands, and the instruction's immediates. The result
/// is [`DONE`] or the number of a trap: a `Result` would be in memory, whose address
/// keeps the handler's last call from being a jump.
pub(in crate::exec::fast) type Slow = unsafe fn(*mut Ctx, *mut u64, u32, u32) -> u8;

handler! {
    /// Operands from slot `field 0` on; immediates in the upper half and in word 3; the
    /// function in word 2.
    fn slow(mut r) {
        let work: Slow = core::mem::transmute::<usize, Slow>(r.word(2) as usize);
        let operands = r.slot(0);
        let outcome = work(r.ctx, operands, r.imm() as u32, r.word(3) as u32);
        if outcome != DONE {
            return r.trap_with(outcome);
        }
        (r.mem, r.len) = (*r.ctx).memory();
        r.next(4)
    }
}

/// Does what an opcode of this kind does.
///
/// # Safety
/// As for [`Slow`]: operands and immediates are those of a valid instruction.
pub(in crate::exec::fast) unsafe fn execute(
    ctx: *mut Ctx,
    op: Opcode,
    operands: *mut u64,
    i: u32,
    j: u32,
) -> Result<(), TrapKind> {
    let work = slow_shape(op).expect("compiled code calls for such an opcode only");
    // SAFETY: the caller's promise.
    match unsafe { work(ctx, operands, i, j) } {
        DONE => Ok(()),
        code => Err(kind_of(code)),
    }
}

/// The work is done; any other outcome is the number of a trap.
const DONE: u8 = u8::MAX;

/// The function of an opcode; `None` if it is not of this kind.
pub(in crate::exec::fast) fn slow_shape(op: Opcode) -> Option<Slow> {
    Some(match op {
        Opcode::MemorySize => memory_size,
        Opcode::MemoryGrow => memory_grow,
        Opcode::MemoryFill => memory_fill,
        Opcode::MemoryCopy => memory_copy,
        Opcode::MemoryInit => memory_init,
        Opcode::DataDrop => data_drop,
        Opcode::TableGet => table_get,
        Opcode::TableSet => table_set,
        Opcode::TableSize => table_size,
        Opcode::TableGrow => table_grow,
        Opcode::TableFill => table_fill,
        Opcode::TableCopy => table_copy,
        Opcode::TableInit => table_init,
        Opcode::ElemDrop => elem_drop,
        Opcode::RefFunc => ref_func,
        _ => return None,
    })
}

macro_rules! slow_ops {
    ($(fn $name:ident($ctx:ident, $s:ident, $i:ident, $j:ident) $body:block)*) => {$(
        unsafe fn $name(ctx: *mut Ctx, slots: *mut u64, $i: u32, $j: u32) -> u8 {
            let work = || -> Result<(), TrapKind> {
                let _ = ($i, $j);
                // SAFETY: validation gives each instruction its operands and indices in range;
                // entities outlive execution, and no reference to them is held across this.
                unsafe {
                    let ($ctx, $s) = (&mut *ctx, slots);
                    $body
                }
            };
            match work() {
                Ok(()) => DONE,
                Err(kind) => trap_code(&kind),
            }
        }
    )*};
}

/// A 32-bit operand.
unsafe fn u(slots: *mut u64, n: usize) -> u64 {
    // SAFETY: the caller has that operand.
    unsafe { u64::from(*slots.add(n) as u32) }
}

slow_ops! {
    fn memory_size(ctx, s, i, j) {
        let memory = &*(&(*ctx.instance).memories)[i as usize];
        *s = memory.pages();
        Ok(())
    }

    fn memory_grow(ctx, s, i, j) {
        let memory = &mut *(&(*ctx.instance).memories)[i as usize];
        let limits = &mut (*ctx.machine).limits;
        *s = memory.grow(u(s, 0), limits).unwrap_or(u64::from(u32::MAX));
        Ok(())
    }

    fn memory_fill(ctx, s, i, j) {
        let memory = &mut *(&(*ctx.instance).memories)[i as usize];
        memory.fill(u(s, 0), *s.add(1) as u8, u(s, 2))
    }

    fn memory_copy(ctx, s, i, j) {
        // The validator admits one memory only, until more are executed.
        let memory = &mut *(&(*ctx.instance).memories)[i as usize];
        memory.copy_within(u(s, 0), u(s, 1), u(s, 2))
    }

    fn memory_init(ctx, s, i, j) {
        let instance = &*ctx.instance;
        let memory = &mut *(&(*ctx.instance).memories)[j as usize];
        memory.init(u(s, 0), instance.data_segment(i), u(s, 1), u(s, 2))
    }

    fn data_drop(ctx, s, i, j) {
        let _ = s;
        (&mut (*ctx.instance).dropped_data)[i as usize] = true;
        Ok(())
    }

    fn table_get(ctx, s, i, j) {
        let table = &*(&(*ctx.instance).tables)[i as usize];
        *s = table.get(u(s, 0))?.0;
        Ok(())
    }

    fn table_set(ctx, s, i, j) {
        let table = &mut *(&(*ctx.instance).tables)[i as usize];
        table.set(u(s, 0), RawRef(*s.add(1)))
    }

    fn table_size(ctx, s, i, j) {
        let table = &*(&(*ctx.instance).tables)[i as usize];
        *s = table.size();
        Ok(())
    }

    fn table_grow(ctx, s, i, j) {
        let table = &mut *(&(*ctx.instance).tables)[i as usize];
        let limits = &mut (*ctx.machine).limits;
        *s = table.grow(u(s, 1), RawRef(*s), limits).unwrap_or(u64::from(u32::MAX));
        Ok(())
    }

    fn table_fill(ctx, s, i, j) {
        let table = &mut *(&(*ctx.instance).tables)[i as usize];
        table.fill(u(s, 0), RawRef(*s.add(1)), u(s, 2))
    }

    fn table_copy(ctx, s, i, j) {
        let to = (&(*ctx.instance).tables)[i as usize];
        let from = (&(*ctx.instance).tables)[j as usize];
        if to == from {
            return (*to).copy_within(u(s, 0), u(s, 1), u(s, 2));
        }
        (*to).init(u(s, 0), &(*from).elements, u(s, 1), u(s, 2))
    }

    fn table_init(ctx, s, i, j) {
        let table = &mut *(&(*ctx.instance).tables)[j as usize];
        let segment = &(&(*ctx.instance).elements)[i as usize];
        table.init(u(s, 0), segment, u(s, 1), u(s, 2))
    }

    fn elem_drop(ctx, s, i, j) {
        let _ = s;
        (&mut (*ctx.instance).elements)[i as usize] = Default::default();
        Ok(())
    }

    fn ref_func(ctx, s, i, j) {
        *s = RawRef::func((&(*ctx.instance).funcs)[i as usize]).0;
        Ok(())
    }
}
