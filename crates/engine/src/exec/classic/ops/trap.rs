//! How execution stops.

use crate::exec::classic::regs::{Flow, Regs, handler};
use crate::{Trap, TrapKind};

macro_rules! traps {
    ($($name:ident $kind:ident;)*) => {
        handler! {$(
            #[cold]
            fn $name(r) { r.raise(Trap::new(TrapKind::$kind)) }
        )*}
    };
}

traps! {
    unreachable Unreachable;
    memory_out_of_bounds MemoryOutOfBounds;
    stack_overflow StackOverflow;
    out_of_fuel OutOfFuel;
    interrupted Interrupted;
}

handler! {
    /// A byte that validated code does not have as an opcode.
    #[cold]
    fn invalid(r) { r.raise(Trap::new(TrapKind::Unreachable)) }

    /// Where the outermost function returns to: its results go to memory.
    fn leave<const DEPTH: usize>(r) {
        r.spill(DEPTH);
        r.stop()
    }
}

impl Regs {
    /// Stops with a trap in the current instruction. Takes no registers away from the code
    /// that goes on.
    #[cold]
    #[inline(never)]
    pub unsafe fn raise(mut self, trap: Trap) -> Flow {
        let (pc, fp) = (self.pc.wrapping_add(1), self.fp);
        let ctx = self.context();
        ctx.trap = Some(trap);
        (ctx.trap_pc, ctx.trap_fp) = (pc, fp);
        self.stop()
    }

    /// As [`Regs::raise`].
    #[cold]
    #[inline(never)]
    pub unsafe fn trap(self, kind: TrapKind) -> Flow {
        // SAFETY: the caller's promise.
        unsafe { self.raise(Trap::new(kind)) }
    }

    #[cfg(sampan_tail_calls)]
    fn stop(self) -> Flow {}

    #[cfg(not(sampan_tail_calls))]
    fn stop(mut self) -> Flow {
        self.context().running = false;
        self
    }
}
