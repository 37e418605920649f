//! Instructions whose work outweighs their dispatch: memories and tables as a whole.

use crate::exec::classic::context::Context;
use crate::exec::classic::regs::{Regs, handler, leb};
use crate::{RawRef, TrapKind};

/// What an instruction does: with the context, its indices, and the end of its operands.
/// Gives the end of its results.
type Work = unsafe fn(&mut Context, usize, usize, *mut u64) -> Result<*mut u64, TrapKind>;

/// Executes an instruction that ends `len` bytes further.
macro_rules! work {
    ($r:ident, $work:expr, $i:expr, $j:expr, $len:expr) => {{
        $r.spill(1);
        let (i, j, len) = ($i as usize, $j as usize, $len);
        match perform($work, &mut $r, i, j) {
            Ok(()) => $r.next(0, len),
            Err(kind) => $r.trap(kind),
        }
    }};
}

#[inline(never)]
unsafe fn perform(work: Work, r: &mut Regs, i: usize, j: usize) -> Result<(), TrapKind> {
    let sp = r.sp;
    // SAFETY: validation gives each instruction its operands and indices in range.
    r.sp = unsafe { work(r.context(), i, j, sp)? };
    Ok(())
}

macro_rules! handlers {
    ($($name:ident $work:ident $indices:literal;)*) => {
        handler! {$(
            fn $name(r) {
                let (i, mut len) = leb(r.pc.add(1));
                let mut j = 0;
                if $indices == 2 {
                    let (second, second_len) = leb(r.pc.add(1 + len));
                    j = second;
                    len += second_len;
                }
                work!(r, $work, i, j, 1 + len)
            }
        )*}
    };
}

handlers! {
    op_memory_size memory_size 1;
    op_memory_grow memory_grow 1;
    op_memory_fill memory_fill 1;
    op_memory_copy memory_copy 2;
    op_memory_init memory_init 2;
    op_data_drop data_drop 1;
    op_table_get table_get 1;
    op_table_set table_set 1;
    op_table_size table_size 1;
    op_table_grow table_grow 1;
    op_table_fill table_fill 1;
    op_table_copy table_copy 2;
    op_table_init table_init 2;
    op_elem_drop elem_drop 1;
}

macro_rules! works {
    ($(fn $name:ident($ctx:ident, $i:ident, $j:ident, $sp:ident) $body:block)*) => {$(
        unsafe fn $name(
            $ctx: &mut Context,
            $i: usize,
            $j: usize,
            $sp: *mut u64,
        ) -> Result<*mut u64, TrapKind> {
            let _ = ($i, $j);
            // SAFETY: the operands are below `sp`; entities outlive execution, and no
            // reference to them is held across this.
            unsafe { $body }
        }
    )*};
}

/// An operand of 32 bits.
unsafe fn u(at: *const u64) -> u64 {
    // SAFETY: the caller has that operand.
    unsafe { u64::from(*at as u32) }
}

works! {
    fn memory_size(ctx, i, j, sp) {
        *sp = (*(&(*ctx.instance).memories)[i]).pages();
        Ok(sp.add(1))
    }

    fn memory_grow(ctx, i, j, sp) {
        let memory = &mut *(&(*ctx.instance).memories)[i];
        let pages = sp.sub(1);
        let limits = &mut (*ctx.machine).limits;
        *pages = memory.grow(u(pages), limits).unwrap_or(u32::MAX.into());
        ctx.load_memory();
        Ok(sp)
    }

    fn memory_fill(ctx, i, j, sp) {
        let s = sp.sub(3);
        let memory = &mut *(&(*ctx.instance).memories)[i];
        memory.fill(u(s), *s.add(1) as u8, u(s.add(2)))?;
        Ok(s)
    }

    fn memory_copy(ctx, i, j, sp) {
        // The validator admits one memory only, until more are executed.
        let s = sp.sub(3);
        let memory = &mut *(&(*ctx.instance).memories)[i];
        memory.copy_within(u(s), u(s.add(1)), u(s.add(2)))?;
        Ok(s)
    }

    fn memory_init(ctx, i, j, sp) {
        let s = sp.sub(3);
        let instance = &*ctx.instance;
        let memory = &mut *instance.memories[j];
        memory.init(u(s), instance.data_segment(i as u32), u(s.add(1)), u(s.add(2)))?;
        Ok(s)
    }

    fn data_drop(ctx, i, j, sp) {
        (&mut (*ctx.instance).dropped_data)[i] = true;
        Ok(sp)
    }

    fn table_get(ctx, i, j, sp) {
        let s = sp.sub(1);
        *s = (*(&(*ctx.instance).tables)[i]).get(u(s))?.0;
        Ok(sp)
    }

    fn table_set(ctx, i, j, sp) {
        let s = sp.sub(2);
        (*(&(*ctx.instance).tables)[i]).set(u(s), RawRef(*s.add(1)))?;
        Ok(s)
    }

    fn table_size(ctx, i, j, sp) {
        *sp = (*(&(*ctx.instance).tables)[i]).size();
        Ok(sp.add(1))
    }

    fn table_grow(ctx, i, j, sp) {
        let s = sp.sub(2);
        let limits = &mut (*ctx.machine).limits;
        let table = &mut *(&(*ctx.instance).tables)[i];
        *s = table.grow(u(s.add(1)), RawRef(*s), limits).unwrap_or(u32::MAX.into());
        Ok(s.add(1))
    }

    fn table_fill(ctx, i, j, sp) {
        let s = sp.sub(3);
        (*(&(*ctx.instance).tables)[i]).fill(u(s), RawRef(*s.add(1)), u(s.add(2)))?;
        Ok(s)
    }

    fn table_copy(ctx, i, j, sp) {
        let s = sp.sub(3);
        let (to, from) = ((&(*ctx.instance).tables)[i], (&(*ctx.instance).tables)[j]);
        if to == from {
            (*to).copy_within(u(s), u(s.add(1)), u(s.add(2)))?;
        } else {
            (*to).init(u(s), &(*from).elements, u(s.add(1)), u(s.add(2)))?;
        }
        Ok(s)
    }

    fn table_init(ctx, i, j, sp) {
        let s = sp.sub(3);
        let segment = &(&(*ctx.instance).elements)[i];
        (*(&(*ctx.instance).tables)[j]).init(u(s), segment, u(s.add(1)), u(s.add(2)))?;
        Ok(s)
    }

    fn elem_drop(ctx, i, j, sp) {
        (&mut (*ctx.instance).elements)[i] = Default::default();
        Ok(sp)
    }
}
