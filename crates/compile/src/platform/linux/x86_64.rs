//! Entering and leaving code on x86-64.
//!
//! Source: System V ABI, AMD64 supplement, section 3.2.

use crate::activation::Activation;
use core::arch::naked_asm;

/// Calls `entry(context, slots, code)`; not 0 if it ended in a trap. Saves what a callee must
/// preserve, and where, before.
///
/// # Safety
/// That of [`super::enter`].
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn call_entry(
    context: *mut u64,
    slots: *mut u64,
    code: *const u8,
    entry: *const u8,
    activation: *mut Activation,
) -> u64 {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, 8",
        "mov [r8], rsp",
        "call rcx",
        "xor eax, eax",
        "jmp {leave}",
        leave = sym leave,
    )
}

/// Where a thread goes on after a trap, with the activation in `rdi`.
///
/// # Safety
/// Reached by [`redirect`] alone.
#[unsafe(naked)]
unsafe extern "sysv64" fn landing(activation: *mut Activation) -> u64 {
    naked_asm!(
        "mov rsp, [rdi]",
        "mov eax, 1",
        "jmp {leave}",
        leave = sym leave,
    )
}

/// Restores what [`call_entry`] saved below the stack pointer, and returns from it.
///
/// # Safety
/// Reached by jumps of [`call_entry`] and [`landing`] alone, with the result in its register.
#[unsafe(naked)]
unsafe extern "sysv64" fn leave() -> u64 {
    naked_asm!(
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
    )
}

/// The instruction that faulted, and the frame pointer there.
pub(super) fn position(context: &libc::ucontext_t) -> (usize, usize) {
    let registers = &context.uc_mcontext.gregs;
    (registers[libc::REG_RIP as usize] as usize, registers[libc::REG_RBP as usize] as usize)
}

/// Lets the thread go on at [`landing`].
pub(super) fn redirect(context: &mut libc::ucontext_t, activation: *mut Activation) {
    let registers = &mut context.uc_mcontext.gregs;
    registers[libc::REG_RIP as usize] = landing as *const () as i64;
    registers[libc::REG_RDI as usize] = activation as i64;
    // The direction flag is clear between functions.
    registers[libc::REG_EFL as usize] &= !0x400;
}

/// Makes code that was just written visible to instruction fetches: here always so.
pub(super) fn publish(_: *const u8, _: usize) {}
