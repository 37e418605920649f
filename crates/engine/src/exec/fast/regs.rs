//! The registers of the fast interpreter, and how a handler passes on to the next.
//!
//! A function's code is a sequence of 64-bit words. An instruction is the address of its
//! handler and one or more words of operands. Where the compiler turns a call in tail
//! position into a jump (`cfg(sampan_tail_calls)`, see build.rs), the registers are the
//! handlers' parameters and so stay in the processor's registers; elsewhere a loop calls
//! one handler after the other. Handlers are written once for both, by [`handler!`].
//!
//! An instruction's operand words hold up to four 16-bit fields (slots of the frame), or two
//! fields and 32 bits.

use super::run::Ctx;
use crate::{Trap, TrapKind};

/// The registers. `acc`, `facc` and `sacc` hold the latest result of their type; the high
/// half of `acc` is zero after a 32-bit result.
#[derive(Clone, Copy)]
pub(super) struct Regs {
    /// The instruction being executed.
    pub ip: *const u64,
    /// The frame: locals, constants, temporaries. The word below is the return address.
    pub sp: *mut u64,
    /// Memory 0 of the current instance.
    pub mem: *mut u8,
    /// Its length in bytes.
    pub len: usize,
    pub ctx: *mut Ctx,
    pub acc: u64,
    pub facc: f64,
    pub sacc: f32,
    /// Set to leave the loop.
    #[cfg(not(sampan_tail_calls))]
    pub exit: u64,
}

/// Execution goes on. Only the loop sees it.
#[cfg(not(sampan_tail_calls))]
pub(super) const RUNNING: u64 = 0;
/// The outermost function returned.
pub(super) const DONE: u64 = 1;
/// `Ctx::trap` says why execution stopped.
pub(super) const TRAPPED: u64 = 2;

#[cfg(sampan_tail_calls)]
pub(super) type Handler =
    unsafe fn(*const u64, *mut u64, *mut u8, usize, *mut Ctx, u64, f64, f32) -> u64;
#[cfg(not(sampan_tail_calls))]
pub(super) type Handler = unsafe fn(&mut Regs);

/// How the registers are handed on: by value to the next handler, or in place by the loop.
#[cfg(sampan_tail_calls)]
pub(super) type Passed<'a> = Regs;
/// How the registers are handed on.
#[cfg(not(sampan_tail_calls))]
pub(super) type Passed<'a> = &'a mut Regs;

/// What a handler returns.
#[cfg(sampan_tail_calls)]
pub(super) type Flow = u64;
/// What a handler returns.
#[cfg(not(sampan_tail_calls))]
pub(super) type Flow = ();

/// Declares handlers: `fn name<G: Bound, ...>(regs) { body }`, where the body ends in one of
/// `regs.next(words)`, `regs.jump(bytes)`, `regs.go()`, `regs.trap(kind)`.
macro_rules! handler {
    ($($(#[$m:meta])* fn $name:ident $(<$($g:ident : $b:path),*>)? (mut $r:ident) $body:block)*) => {$(
        #[cfg(sampan_tail_calls)]
        $(#[$m])*
        #[allow(clippy::too_many_arguments)] // They are the registers.
        pub(in crate::exec::fast) unsafe fn $name $(<$($g: $b),*>)? (
            ip: *const u64, sp: *mut u64, mem: *mut u8, len: usize,
            ctx: *mut $crate::exec::fast::run::Ctx, acc: u64, facc: f64, sacc: f32,
        ) -> $crate::exec::fast::regs::Flow {
            #[allow(unused_mut)]
            let mut $r = $crate::exec::fast::regs::Regs { ip, sp, mem, len, ctx, acc, facc, sacc };
            // SAFETY: the translator emits a handler only with the operands that it expects.
            unsafe { $body }
        }
        #[cfg(not(sampan_tail_calls))]
        $(#[$m])*
        pub(in crate::exec::fast) unsafe fn $name $(<$($g: $b),*>)? (
            #[allow(unused_mut)] mut $r: &mut $crate::exec::fast::regs::Regs,
        ) -> $crate::exec::fast::regs::Flow {
            // SAFETY: the translator emits a handler only with the operands that it expects.
            unsafe { $body }
        }
    )*};
}
pub(super) use handler;

impl Regs {
    /// Goes on with the instruction `words` further.
    ///
    /// # Safety
    /// There must be one; so for all that follow.
    #[inline(always)]
    #[allow(unused_mut)]
    pub unsafe fn next(mut self: Passed<'_>, words: usize) -> Flow {
        // SAFETY: the caller's promise.
        unsafe {
            self.ip = self.ip.add(words);
            self.go()
        }
    }

    /// Jumps by `bytes` from this instruction's start.
    #[inline(always)]
    #[allow(unused_mut)]
    pub unsafe fn jump(mut self: Passed<'_>, bytes: i32) -> Flow {
        // An empty asm keeps LLVM from turning `if c { jump } else { next }` into a
        // conditional move of ip, which would make every branch wait for its condition.
        #[cfg(sampan_tail_calls)]
        // SAFETY: it has no instructions.
        unsafe {
            core::arch::asm!("", options(nomem, nostack, preserves_flags));
        }
        // SAFETY: the caller's promise.
        unsafe {
            self.ip = self.ip.byte_offset(bytes as isize);
            self.go()
        }
    }

    /// Goes on at `self.ip`.
    #[cfg(sampan_tail_calls)]
    #[inline(always)]
    pub unsafe fn go(self) -> Flow {
        // SAFETY: the first word of an instruction is its handler.
        unsafe {
            let handler = *self.ip.cast::<Handler>();
            handler(self.ip, self.sp, self.mem, self.len, self.ctx, self.acc, self.facc, self.sacc)
        }
    }

    /// Goes on at `self.ip`.
    #[cfg(not(sampan_tail_calls))]
    #[inline(always)]
    pub unsafe fn go(&mut self) -> Flow {}

    /// Passes on to a handler that does the rest of this instruction. What is rare and needs
    /// many registers of the processor is kept in a handler of its own, so that the frequent
    /// way saves none.
    #[cfg(sampan_tail_calls)]
    #[inline(always)]
    pub unsafe fn pass_to(self, handler: Handler) -> Flow {
        // SAFETY: the caller's promise.
        unsafe {
            handler(self.ip, self.sp, self.mem, self.len, self.ctx, self.acc, self.facc, self.sacc)
        }
    }

    /// Passes on to a handler that does the rest of this instruction.
    #[cfg(not(sampan_tail_calls))]
    #[inline(always)]
    pub unsafe fn pass_to(&mut self, handler: Handler) -> Flow {
        // SAFETY: the caller's promise.
        unsafe { handler(self) }
    }

    /// Leaves the interpreter.
    #[inline(always)]
    #[allow(unused_mut)] // Only the loop's form writes it.
    pub unsafe fn exit(mut self: Passed<'_>, code: u64) -> Flow {
        #[cfg(sampan_tail_calls)]
        return code;
        #[cfg(not(sampan_tail_calls))]
        {
            self.exit = code;
        }
    }

    /// Stops with a trap at this instruction.
    #[inline(always)]
    pub unsafe fn trap(self: Passed<'_>, kind: TrapKind) -> Flow {
        // The kind goes as a number: its address must not escape, or calls would not be jumps.
        let code = kind.code();
        core::mem::forget(kind);
        // SAFETY: the caller's promise.
        unsafe { self.trap_with(code) }
    }

    /// Stops with the trap that a number stands for.
    #[cfg_attr(not(sampan_small), inline(always))]
    #[cfg_attr(sampan_small, inline(never))]
    pub unsafe fn trap_with(self: Passed<'_>, code: u8) -> Flow {
        // SAFETY: the caller's promise.
        unsafe {
            trap_with_code(self.ctx, self.ip, self.sp, code);
            self.exit(TRAPPED)
        }
    }

    /// Stops with a trap that a host function or a call made.
    #[cfg_attr(not(sampan_small), inline(always))]
    #[cfg_attr(sampan_small, inline(never))]
    pub unsafe fn raise(self: Passed<'_>, trap: Trap) -> Flow {
        // SAFETY: the caller's promise.
        unsafe {
            raise_trap(self.ctx, self.ip, self.sp, trap);
            self.exit(TRAPPED)
        }
    }

    /// Takes up execution where `ctx.resume` says.
    #[inline(always)]
    #[allow(unused_mut)]
    pub unsafe fn resume(mut self: Passed<'_>) -> Flow {
        // SAFETY: the caller set it.
        unsafe {
            let resume = &(*self.ctx).resume;
            (self.ip, self.sp) = (resume.ip, resume.sp);
            (self.acc, self.facc, self.sacc) = (resume.acc, resume.facc, resume.sacc);
            (self.mem, self.len) = (*self.ctx).memory();
            self.go()
        }
    }

    /// The 16-bit field with a number, counted through the operand words.
    #[inline(always)]
    pub unsafe fn field(&self, n: usize) -> u16 {
        // SAFETY: the caller's promise.
        unsafe { *self.ip.cast::<u16>().add(4 + n) }
    }

    /// The 32 bits in the upper half of the first operand word.
    #[inline(always)]
    pub unsafe fn imm(&self) -> i32 {
        // SAFETY: the caller's promise.
        unsafe { *self.ip.cast::<i32>().add(3) }
    }

    /// The operand word with a number; the first is 1.
    #[inline(always)]
    pub unsafe fn word(&self, n: usize) -> u64 {
        // SAFETY: the caller's promise.
        unsafe { *self.ip.add(n) }
    }

    /// The slot that field `n` names.
    #[inline(always)]
    pub unsafe fn slot(&self, n: usize) -> *mut u64 {
        // SAFETY: validation and translation keep every slot within the frame.
        unsafe { self.sp.add(self.field(n) as usize) }
    }
}

#[cold]
#[inline(never)]
unsafe fn trap_with_code(ctx: *mut Ctx, ip: *const u64, sp: *mut u64, code: u8) {
    // SAFETY: the caller's promise.
    unsafe { raise_trap(ctx, ip, sp, Trap::new(TrapKind::from_code(code))) }
}

#[cold]
#[inline(never)]
unsafe fn raise_trap(ctx: *mut Ctx, ip: *const u64, sp: *mut u64, trap: Trap) {
    // SAFETY: ctx outlives execution, and nobody else refers to it now.
    let ctx = unsafe { &mut *ctx };
    ctx.trap = Some(trap);
    ctx.trap_ip = ip;
    ctx.trap_sp = sp;
}
