//! How execution stops.

#[cfg(not(sampan_small))]
use crate::exec::classic::regs::Handler;
use crate::exec::classic::regs::{Flow, Passed, Regs, handler};
use crate::trap::Outcome;
use crate::{Trap, TrapKind};

macro_rules! traps {
    ($($name:ident $kind:ident;)*) => {
        handler! {$(
            #[cold]
            #[cfg_attr(sampan_small, allow(dead_code))] // There, numbers serve for some.
            fn $name(r) { r.raise_code(TrapKind::$kind.code()) }
        )*}
    };
}

traps! {
    unreachable Unreachable;
    memory_out_of_bounds MemoryOutOfBounds;
    stack_overflow StackOverflow;
    out_of_fuel OutOfFuel;
    interrupted Interrupted;
    undefined_element UndefinedElement;
    uninitialized_element UninitializedElement;
    indirect_call_type_mismatch IndirectCallTypeMismatch;
    divide_by_zero IntegerDivideByZero;
    integer_overflow IntegerOverflow;
    invalid_conversion InvalidConversionToInteger;
    table_out_of_bounds TableOutOfBounds;
    null_reference NullReference;
}

/// The trap that an operation chose.
#[cfg(not(sampan_small))]
#[inline(always)]
pub(super) fn of_kind(kind: &TrapKind) -> Handler {
    match kind {
        TrapKind::IntegerDivideByZero => divide_by_zero,
        TrapKind::IntegerOverflow => integer_overflow,
        TrapKind::InvalidConversionToInteger => invalid_conversion,
        TrapKind::TableOutOfBounds => table_out_of_bounds,
        _ => memory_out_of_bounds,
    }
}

handler! {
    /// A byte that validated code does not have as an opcode.
    #[cold]
    fn invalid(r) { r.raise_code(TrapKind::Unreachable.code()) }

    /// Stops with the trap whose number is in the context.
    #[cold]
    fn refused(r) {
        let code = r.context().refusal;
        r.raise_code(code)
    }

    /// Stops with the trap that is in the context.
    #[cold]
    fn raise_pending(r) {
        let trap = r.context().trap.take().expect("the caller put it there");
        r.raise(trap)
    }

    /// Where the outermost function returns to: its results go to memory.
    fn leave<const DEPTH: usize>(r) {
        r.spill(DEPTH);
        r.stop()
    }
}

impl Regs {
    /// Stops with the trap that has a number.
    #[cold]
    #[inline(never)]
    unsafe fn raise_code(self: Passed<'_>, code: Outcome) -> Flow {
        // SAFETY: the caller's promise.
        unsafe { self.raise(Trap::new(TrapKind::from_code(code))) }
    }

    /// Stops with a trap that an operation chose.
    #[cold]
    #[inline(never)]
    #[cfg(sampan_small)]
    pub unsafe fn fail(self: Passed<'_>, kind: TrapKind) -> Flow {
        // SAFETY: the caller's promise.
        unsafe { self.raise(Trap::new(kind)) }
    }

    /// Stops with a trap in the current instruction. Takes no registers away from the code
    /// that goes on.
    #[cold]
    #[inline(never)]
    #[allow(unused_mut)]
    pub unsafe fn raise(mut self: Passed<'_>, trap: Trap) -> Flow {
        let (pc, fp) = (self.pc.wrapping_add(1), self.fp);
        let ctx = self.context();
        ctx.trap = Some(trap);
        (ctx.trap_pc, ctx.trap_fp) = (pc, fp);
        self.stop()
    }

    #[cfg(sampan_tail_calls)]
    fn stop(self) -> Flow {}

    #[cfg(not(sampan_tail_calls))]
    fn stop(&mut self) -> Flow {
        self.context().running = false;
    }
}
