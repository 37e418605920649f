//! Decoded code, and how a handler passes on to the next.
//!
//! A block is a sequence of [`Op`]s. An op is the address of its handler with its operands
//! resolved: general registers are byte offsets into the [`Context`], so that `ah` and
//! `eax` are reached alike. Where the compiler turns a call in tail position into a jump
//! (`cfg(sampan_tail_calls)`, see build.rs) handlers jump to each other; elsewhere a loop
//! calls them.

use super::context::Context;
use super::slow;
use crate::memory::page;
use core::ptr::null;

/// Executes an op and all that follow; gives back null, or in the loop's form the next op.
pub(super) type Handler = unsafe fn(*const Op, *mut Context, *mut u8, *const u8) -> *const Op;

/// A decoded operation.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Op {
    pub run: Handler,
    /// An immediate operand, or the first op of the block that a branch leads to.
    pub imm: u64,
    /// Displacement of the memory operand, or the target of a branch.
    pub disp: i32,
    /// Address of the instruction.
    pub rip: u32,
    /// Destination register, as an offset.
    pub a: u8,
    /// Source register, as an offset.
    pub b: u8,
    /// Base register of the memory operand, as an offset.
    pub base: u8,
    /// Index register of the memory operand, as an offset.
    pub index: u8,
    /// By how much the index is shifted.
    pub scale: u8,
    /// Length of the instruction.
    pub len: u8,
    /// What else the handler needs; in branches, the number of instructions up to here.
    pub x: u8,
    /// What else the handler needs.
    pub y: u8,
}

const _: () = assert!(size_of::<Op>() <= 32);

/// What a handler sees. Its methods are sound under the invariants that lowering keeps:
/// `op` lies in a live block and is not its last unless it ends the block; offsets are
/// inside the context; `mem` is the first byte of an address space and `pages` of its table.
#[derive(Clone, Copy)]
pub(super) struct R {
    pub op: *const Op,
    pub cx: *mut Context,
    pub mem: *mut u8,
    pub pages: *const u8,
}

/// Declares handlers: `fn name<G: Bound, ...>(r) { body }`, where the body ends in one of
/// `r.next()`, `r.go(op)`, `r.fault()`.
macro_rules! handler {
    ($($(#[$m:meta])* fn $name:ident $(<$($g:ident : $b:path),*>)? ($r:ident) $body:block)*) => {$(
        $(#[$m])*
        pub(in crate::cpu) unsafe fn $name $(<$($g: $b),*>)? (
            op: *const $crate::cpu::op::Op,
            cx: *mut $crate::cpu::context::Context,
            mem: *mut u8,
            pages: *const u8,
        ) -> *const $crate::cpu::op::Op {
            let $r = $crate::cpu::op::R { op, cx, mem, pages };
            // SAFETY: lowering emits a handler only with the operands that it expects.
            unsafe { $body }
        }
    )*};
}
pub(super) use handler;

/// The value, or leaves the handler with the fault that has been noted.
macro_rules! get {
    ($r:ident, $value:expr) => {
        match $value {
            Some(value) => value,
            None => return $r.fault(),
        }
    };
}
pub(super) use get;

impl R {
    /// Goes on with the next op.
    #[inline(always)]
    pub unsafe fn next(self) -> *const Op {
        // SAFETY: see R.
        unsafe { self.go(self.op.add(1)) }
    }

    /// Goes on at an op.
    #[inline(always)]
    pub unsafe fn go(self, op: *const Op) -> *const Op {
        #[cfg(sampan_tail_calls)]
        // SAFETY: see R.
        unsafe {
            ((*op).run)(op, self.cx, self.mem, self.pages)
        }
        #[cfg(not(sampan_tail_calls))]
        op
    }

    /// Passes on to a handler that does the rest of this op.
    #[inline(always)]
    pub unsafe fn pass_to(self, handler: Handler) -> *const Op {
        // SAFETY: see R.
        unsafe { handler(self.op, self.cx, self.mem, self.pages) }
    }

    /// Leaves with `exit` as noted in the context, at this instruction.
    #[inline(always)]
    pub unsafe fn fault(self) -> *const Op {
        // SAFETY: see R.
        unsafe { (*self.cx).rip = u64::from((*self.op).rip) };
        null()
    }

    /// Leaves with an exit at this instruction.
    #[inline(always)]
    pub unsafe fn raise(self, exit: crate::Exit) -> *const Op {
        // SAFETY: see R.
        unsafe {
            (*self.cx).exit = exit;
            self.fault()
        }
    }

    /// Leaves with an exit after this instruction.
    #[inline(always)]
    pub unsafe fn trap(self, exit: crate::Exit) -> *const Op {
        // SAFETY: see R.
        unsafe {
            (*self.cx).exit = exit;
            (*self.cx).rip = self.next_rip();
        }
        null()
    }

    /// The op.
    #[inline(always)]
    pub fn op(&self) -> &Op {
        // SAFETY: see R.
        unsafe { &*self.op }
    }

    /// The context; handlers keep no reference over a call that makes another.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)] // It is the one that the pointer leads to.
    pub fn cx(&self) -> &mut Context {
        // SAFETY: see R.
        unsafe { &mut *self.cx }
    }

    /// The floating-point registers.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)] // It is the one that the pointer leads to.
    pub fn fpu(&self) -> &mut crate::Fpu {
        // SAFETY: the registers outlive the run, and only handlers use them meanwhile.
        unsafe { &mut (*(*self.cx).registers).fpu }
    }

    /// The address of the instruction after this one.
    #[inline(always)]
    pub fn next_rip(&self) -> u64 {
        (u64::from(self.op().rip) + u64::from(self.op().len)) & self.cx().mask
    }

    /// The address of the memory operand.
    #[inline(always)]
    pub fn ea(&self) -> u64 {
        let op = self.op();
        let cx = self.cx();
        cx.get::<u64>(op.base)
            .wrapping_add(cx.get::<u64>(op.index) << op.scale)
            .wrapping_add(op.disp as i64 as u64)
            & cx.mask
    }

    /// Where `size` bytes can be read; null if not, with the fault noted.
    #[inline(always)]
    pub unsafe fn readable(&self, addr: u64, size: usize) -> *const u8 {
        // SAFETY: the table has a byte for each page below 4 GiB.
        unsafe {
            if addr >> 32 == 0
                && addr & 0xfff <= 4096 - size as u64
                && *self.pages.add((addr >> 12) as usize) & page::FAST_READ != 0
            {
                self.mem.add(addr as usize)
            } else {
                slow::readable(self.cx, addr, size)
            }
        }
    }

    /// Where `size` bytes can be read and written, which they are about to be; null if not,
    /// with the fault noted.
    #[inline(always)]
    pub unsafe fn writable(&self, addr: u64, size: usize) -> *mut u8 {
        // SAFETY: the table has a byte for each page below 4 GiB.
        unsafe {
            if addr >> 32 == 0
                && addr & 0xfff <= 4096 - size as u64
                && *self.pages.add((addr >> 12) as usize) & page::FAST_WRITE != 0
            {
                self.mem.add(addr as usize)
            } else {
                slow::writable(self.cx, addr, size)
            }
        }
    }

    /// Loads a value.
    #[inline(always)]
    pub unsafe fn load<T: Copy>(&self, addr: u64) -> Option<T> {
        // SAFETY: readable() checks.
        unsafe {
            let at = self.readable(addr, size_of::<T>());
            if at.is_null() { None } else { Some(at.cast::<T>().read_unaligned()) }
        }
    }

    /// Stores a value.
    #[inline(always)]
    pub unsafe fn store<T: Copy>(&self, addr: u64, value: T) -> Option<()> {
        // SAFETY: writable() checks.
        unsafe {
            let at = self.writable(addr, size_of::<T>());
            if at.is_null() {
                return None;
            }
            at.cast::<T>().write_unaligned(value);
        }
        Some(())
    }
}
