//! Entering and leaving code on RISC-V with 64 bits and the standard's `G` extensions.
//!
//! Source: RISC-V ABIs Specification, chapters 1 and 2.

use crate::activation::Activation;
use core::arch::naked_asm;

/// Calls `entry(context, slots, code)`; not 0 if it ended in a trap. Saves what a callee must
/// preserve, and where, before.
///
/// # Safety
/// That of [`super::enter`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn call_entry(
    context: *mut u64,
    slots: *mut u64,
    code: *const u8,
    entry: *const u8,
    activation: *mut Activation,
) -> u64 {
    naked_asm!(
        ".option push",
        ".option arch, +d",
        "addi sp, sp, -208",
        "sd s0, 192(sp)",
        "sd ra, 200(sp)",
        "addi s0, sp, 192",
        "sd s1, 0(sp)",
        "sd s2, 8(sp)",
        "sd s3, 16(sp)",
        "sd s4, 24(sp)",
        "sd s5, 32(sp)",
        "sd s6, 40(sp)",
        "sd s7, 48(sp)",
        "sd s8, 56(sp)",
        "sd s9, 64(sp)",
        "sd s10, 72(sp)",
        "sd s11, 80(sp)",
        "fsd fs0, 88(sp)",
        "fsd fs1, 96(sp)",
        "fsd fs2, 104(sp)",
        "fsd fs3, 112(sp)",
        "fsd fs4, 120(sp)",
        "fsd fs5, 128(sp)",
        "fsd fs6, 136(sp)",
        "fsd fs7, 144(sp)",
        "fsd fs8, 152(sp)",
        "fsd fs9, 160(sp)",
        "fsd fs10, 168(sp)",
        "fsd fs11, 176(sp)",
        "sd sp, 0(a4)",
        "jalr a3",
        "li a0, 0",
        "tail {leave}",
        ".option pop",
        leave = sym leave,
    )
}

/// Where a thread goes on after a trap, with the activation in `a0`.
///
/// # Safety
/// Reached by [`redirect`] alone.
#[unsafe(naked)]
unsafe extern "C" fn landing(activation: *mut Activation) -> u64 {
    naked_asm!(
        ".option push",
        ".option arch, +d",
        "ld sp, 0(a0)",
        "li a0, 1",
        "tail {leave}",
        ".option pop",
        leave = sym leave,
    )
}

/// Restores what [`call_entry`] saved below the stack pointer, and returns from it.
///
/// # Safety
/// Reached by jumps of [`call_entry`] and [`landing`] alone, with the result in its register.
#[unsafe(naked)]
unsafe extern "C" fn leave() -> u64 {
    naked_asm!(
        ".option push",
        ".option arch, +d",
        "ld s1, 0(sp)",
        "ld s2, 8(sp)",
        "ld s3, 16(sp)",
        "ld s4, 24(sp)",
        "ld s5, 32(sp)",
        "ld s6, 40(sp)",
        "ld s7, 48(sp)",
        "ld s8, 56(sp)",
        "ld s9, 64(sp)",
        "ld s10, 72(sp)",
        "ld s11, 80(sp)",
        "fld fs0, 88(sp)",
        "fld fs1, 96(sp)",
        "fld fs2, 104(sp)",
        "fld fs3, 112(sp)",
        "fld fs4, 120(sp)",
        "fld fs5, 128(sp)",
        "fld fs6, 136(sp)",
        "fld fs7, 144(sp)",
        "fld fs8, 152(sp)",
        "fld fs9, 160(sp)",
        "fld fs10, 168(sp)",
        "fld fs11, 176(sp)",
        "ld s0, 192(sp)",
        "ld ra, 200(sp)",
        "addi sp, sp, 208",
        "ret",
        ".option pop",
    )
}

/// The instruction that faulted, and the frame pointer there.
pub(super) fn position(context: &libc::ucontext_t) -> (usize, usize) {
    let registers = &context.uc_mcontext.__gregs;
    (registers[libc::REG_PC] as usize, registers[libc::REG_S0] as usize)
}

/// Lets the thread go on at [`landing`].
pub(super) fn redirect(context: &mut libc::ucontext_t, activation: *mut Activation) {
    let registers = &mut context.uc_mcontext.__gregs;
    registers[libc::REG_PC] = landing as *const () as u64;
    registers[libc::REG_A0] = activation as u64;
}

/// Makes code that was just written visible to instruction fetches, of all threads.
///
/// Source: Linux, Documentation/arch/riscv/cmodx.rst; the call `riscv_flush_icache`.
pub(super) fn publish(start: *const u8, len: usize) {
    // SAFETY: the call touches no memory.
    unsafe {
        libc::syscall(259, start, start.wrapping_add(len), 0);
    }
}
