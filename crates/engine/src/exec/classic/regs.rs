//! The registers of the classic interpreter, and how a handler passes on to the next.
//!
//! Each opcode has a handler. Where the compiler turns a call in tail position into a jump
//! (`cfg(sampan_tail_calls)`, see build.rs), the registers are the handlers' parameters
//! and so stay in the processor's registers, and a handler ends by jumping to that of the
//! next opcode; elsewhere a loop calls one handler after the other.
//!
//! Up to two operands on top of the stack are in registers. How many is known from the
//! handler that runs: there are three of each frequent opcode, one for each *depth*, and
//! the dispatch table has a part for each depth. So `local.get`, `local.get`, `i32.add`,
//! `local.set` never touches the operand stack in memory. An opcode without a handler for
//! a depth has one there that moves operands and jumps to its handler for depth 1. In the
//! loop the depth is always 0. When the operand stack is empty at depth 1, the register
//! holds the word below it, which is part of the frame's linkage and never changes.

use super::code::Entry;
use super::context::Context;
pub(super) use super::leb::{leb, leb_64, signed_leb, signed_leb_64};
use super::tables::Tables;

/// The registers.
#[derive(Clone, Copy)]
pub(super) struct Regs {
    /// The instruction being executed.
    pub pc: *const u8,
    /// The first free slot of the operand stack in memory.
    pub sp: *mut u64,
    /// The first local.
    pub fp: *mut u64,
    pub ctx: *mut Context,
    /// The topmost operand at depth 1, the second at depth 2.
    pub a: u64,
    /// The topmost operand at depth 2.
    pub b: u64,
    /// The next entry of the side table.
    pub side: Side,
}

/// A pointer into the side table. The sixth and last integer register is taken where the
/// calling convention is that of x86-64, so a float register carries its bits.
#[cfg(target_arch = "x86_64")]
pub(super) type Side = f64;
#[cfg(not(target_arch = "x86_64"))]
pub(super) type Side = *const Entry;

/// No side table.
#[cfg(target_arch = "x86_64")]
pub(super) const NO_SIDE: Side = 0.0;
#[cfg(not(target_arch = "x86_64"))]
pub(super) const NO_SIDE: Side = core::ptr::null();

/// The code of an opcode.
#[cfg(sampan_tail_calls)]
pub(super) type Handler =
    unsafe fn(*const u8, *mut u64, *mut u64, *mut Context, u64, u64, Side) -> Flow;
/// The code of an opcode.
#[cfg(not(sampan_tail_calls))]
pub(super) type Handler = unsafe fn(&mut Regs) -> Flow;

/// How the registers are handed on: by value to the next handler, or in place by the loop,
/// which makes small code.
#[cfg(sampan_tail_calls)]
pub(super) type Passed<'a> = Regs;
/// How the registers are handed on.
#[cfg(not(sampan_tail_calls))]
pub(super) type Passed<'a> = &'a mut Regs;

/// What a handler returns: nothing. The last one of all returns to `run`, or tells the loop
/// so by `Context::running`.
pub(super) type Flow = ();

/// Declares handlers: `fn name<const G: Type, T: Bound>(regs) { body }`, generic or not. The body ends in one of
/// the methods of [`Regs`] that return a [`Flow`].
macro_rules! handler {
    ($($(#[$m:meta])* fn $name:ident $(<const $g:ident : $t:ty $(, $a:ident : $b:ident)?>)? ($r:ident) $body:block)*) => {$(
        $crate::exec::classic::regs::one_handler! {
            $(#[$m])* fn $name [$(const $g: $t $(, $a: $b)?)?] ($r) $body
        }
    )*};
}
pub(super) use handler;

/// One handler, with its generic parameters in brackets.
macro_rules! one_handler {
    ($(#[$m:meta])* fn $name:ident [$($g:tt)*] ($r:ident) $body:block) => {
        #[cfg(sampan_tail_calls)]
        $(#[$m])*
        // Where one handler goes on in another, it jumps, and needs no registers for both.
        #[inline(never)]
        pub(in crate::exec::classic) unsafe fn $name<$($g)*>(
            pc: *const u8,
            sp: *mut u64,
            fp: *mut u64,
            ctx: *mut $crate::exec::classic::context::Context,
            a: u64,
            b: u64,
            side: $crate::exec::classic::regs::Side,
        ) -> $crate::exec::classic::regs::Flow {
            #[allow(unused_mut)]
            let mut $r = $crate::exec::classic::regs::Regs { pc, sp, fp, ctx, a, b, side };
            // SAFETY: validation: the operands are on the stack, indices are in range, and
            // an instruction follows. `enter` saw to it that the frame fits the stack, and
            // the machine keeps all entities while it runs.
            unsafe { $body }
        }

        #[cfg(not(sampan_tail_calls))]
        $(#[$m])*
        pub(in crate::exec::classic) unsafe fn $name<$($g)*>(
            #[allow(unused_mut)] mut $r: &mut $crate::exec::classic::regs::Regs,
        ) -> $crate::exec::classic::regs::Flow {
            // SAFETY: as above.
            unsafe { $body }
        }
    };
}
pub(super) use one_handler;

impl Regs {
    /// Goes on `len` bytes further with `depth` operands in registers.
    ///
    /// # Safety
    /// There must be an instruction; so for all that follow.
    #[inline(always)]
    #[allow(unused_mut)]
    pub unsafe fn next(mut self: Passed<'_>, depth: usize, len: usize) -> Flow {
        // SAFETY: the caller's promise.
        unsafe {
            self.pc = self.pc.add(len);
            self.go(depth)
        }
    }

    /// Goes on at `self.pc`.
    #[cfg(sampan_tail_calls)]
    #[inline(always)]
    pub unsafe fn go(self, depth: usize) -> Flow {
        // SAFETY: every byte has an entry.
        unsafe {
            let tables = (*self.ctx).tables;
            self.call((*tables)[depth][*self.pc as usize])
        }
    }

    /// Goes on at `self.pc`.
    #[cfg(not(sampan_tail_calls))]
    #[inline(always)]
    pub unsafe fn go(&mut self, depth: usize) -> Flow {
        // SAFETY: the caller's promise.
        unsafe { self.spill(depth) }
    }

    /// Executes the instruction at `self.pc` with the function's own tables, unmetered.
    #[inline(always)]
    pub unsafe fn go_base(self: Passed<'_>, depth: usize) -> Flow {
        // SAFETY: every byte has an entry.
        unsafe {
            let tables: *const Tables = (*(*self.ctx).code).base;
            #[cfg(sampan_tail_calls)]
            let part = depth;
            #[cfg(not(sampan_tail_calls))]
            let part = {
                self.go(depth);
                0
            };
            self.call((*tables)[part][*self.pc as usize])
        }
    }

    /// Goes on in another handler.
    #[cfg(sampan_tail_calls)]
    #[inline(always)]
    pub unsafe fn call(self, handler: Handler) -> Flow {
        // SAFETY: the handler's demands are those on the caller.
        unsafe { handler(self.pc, self.sp, self.fp, self.ctx, self.a, self.b, self.side) }
    }

    /// Goes on in another handler.
    #[cfg(not(sampan_tail_calls))]
    #[inline(always)]
    pub unsafe fn call(&mut self, handler: Handler) -> Flow {
        // SAFETY: the handler's demands are those on the caller.
        unsafe { handler(self) }
    }

    /// Puts an operand on the stack.
    #[inline(always)]
    pub unsafe fn push(&mut self, depth: &mut usize, value: u64) {
        match *depth {
            0 => {
                self.a = value;
                *depth = 1;
            }
            1 => {
                self.b = value;
                *depth = 2;
            }
            _ => {
                // SAFETY: the frame has room for its operands.
                unsafe {
                    *self.sp = self.a;
                    self.sp = self.sp.add(1);
                }
                self.a = self.b;
                self.b = value;
            }
        }
    }

    /// Takes an operand from the stack.
    #[inline(always)]
    pub unsafe fn pop(&mut self, depth: &mut usize) -> u64 {
        match *depth {
            // SAFETY: the caller knows of an operand.
            0 => unsafe {
                self.sp = self.sp.sub(1);
                *self.sp
            },
            1 => {
                *depth = 0;
                self.a
            }
            _ => {
                *depth = 1;
                self.b
            }
        }
    }

    /// Writes operands in registers to the stack in memory.
    #[inline(always)]
    pub unsafe fn spill(&mut self, depth: usize) {
        // SAFETY: the frame has room for its operands.
        unsafe {
            if depth > 0 {
                *self.sp = self.a;
                self.sp = self.sp.add(1);
            }
            if depth > 1 {
                *self.sp = self.b;
                self.sp = self.sp.add(1);
            }
        }
    }

    /// The next side-table entry.
    #[inline(always)]
    pub fn side(&self) -> *const Entry {
        #[cfg(target_arch = "x86_64")]
        return core::ptr::with_exposed_provenance(self.side.to_bits() as usize);
        #[cfg(not(target_arch = "x86_64"))]
        return self.side;
    }

    #[inline(always)]
    pub fn set_side(&mut self, side: *const Entry) {
        #[cfg(target_arch = "x86_64")]
        {
            self.side = f64::from_bits(side.expose_provenance() as u64);
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            self.side = side;
        }
    }

    /// The byte after the opcode.
    #[inline(always)]
    pub unsafe fn byte(&self, at: usize) -> u8 {
        // SAFETY: the instruction has that many bytes.
        unsafe { *self.pc.add(at) }
    }
}
