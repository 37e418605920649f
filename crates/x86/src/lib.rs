//! The x86 processor in software: user mode of i386 and x86-64-v2.
//!
//! A kernel owns an [`AddressSpace`], a [`Cpu`] (what is decoded of it) and the
//! [`Registers`] of each thread, calls [`Cpu::run`], and acts on the [`Exit`].
//! At every exit the registers are exact: after a trap (a system call, `int3`) `rip` is
//! the next instruction, at a fault it is the faulting one and nothing of it has happened,
//! but for string instructions, which stop between two elements as the hardware does.
//!
//! What is absent: rings, paging, real mode, devices, and any kernel.
//!
//! Unsafe code is confined to the files that `tidy.toml` lists; each says why it is sound.

#![no_std]
// Shifts and masks are everywhere here; more parentheses would hide them.
#![allow(clippy::precedence)]

extern crate alloc;

#[cfg(not(target_endian = "little"))]
compile_error!("guest registers and memory are accessed in place: the host must be little-endian");

mod cpu;
mod exit;
mod float;
mod fpu;
mod memory;
mod registers;
pub mod translate;
mod vector;
mod x87;

pub use cpu::Cpu;
pub use exit::{Access, Exit, Fault, SyscallKind};
pub use fpu::{F80, Fpu};
pub use memory::{AddressSpace, MapError, PAGE_SIZE, PageState, Prot, Reservation, SharedPages};
pub use registers::{Descriptor, Mode, Registers, flags, gpr};
