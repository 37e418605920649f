//! Entering and leaving code on AArch64.
//!
//! Source: Procedure Call Standard for the Arm 64-bit Architecture, section 6.

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
        "stp x29, x30, [sp, #-160]!",
        "mov x29, sp",
        "stp x19, x20, [sp, #16]",
        "stp x21, x22, [sp, #32]",
        "stp x23, x24, [sp, #48]",
        "stp x25, x26, [sp, #64]",
        "stp x27, x28, [sp, #80]",
        "stp d8, d9, [sp, #96]",
        "stp d10, d11, [sp, #112]",
        "stp d12, d13, [sp, #128]",
        "stp d14, d15, [sp, #144]",
        "str x29, [x4]",
        "blr x3",
        "mov x0, #0",
        "b {leave}",
        leave = sym leave,
    )
}

/// Where a thread goes on after a trap, with the activation in `x0`.
///
/// # Safety
/// Reached by [`redirect`] alone.
#[unsafe(naked)]
unsafe extern "C" fn landing(activation: *mut Activation) -> u64 {
    naked_asm!(
        "ldr x9, [x0]",
        "mov sp, x9",
        "mov x0, #1",
        "b {leave}",
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
        "ldp x19, x20, [sp, #16]",
        "ldp x21, x22, [sp, #32]",
        "ldp x23, x24, [sp, #48]",
        "ldp x25, x26, [sp, #64]",
        "ldp x27, x28, [sp, #80]",
        "ldp d8, d9, [sp, #96]",
        "ldp d10, d11, [sp, #112]",
        "ldp d12, d13, [sp, #128]",
        "ldp d14, d15, [sp, #144]",
        "ldp x29, x30, [sp], #160",
        "ret",
    )
}

/// The instruction that faulted, and the frame pointer there.
pub(super) fn position(context: &libc::ucontext_t) -> (usize, usize) {
    (context.uc_mcontext.pc as usize, context.uc_mcontext.regs[29] as usize)
}

/// Lets the thread go on at [`landing`].
pub(super) fn redirect(context: &mut libc::ucontext_t, activation: *mut Activation) {
    context.uc_mcontext.pc = landing as *const () as u64;
    context.uc_mcontext.regs[0] = activation as u64;
}

/// Makes code that was just written visible to instruction fetches, of all threads.
///
/// Source: Arm Architecture Reference Manual for A-profile, section B2.7.4.2; Linux
/// membarrier(2).
pub(super) fn publish(start: *const u8, len: usize) {
    use core::arch::asm;
    let (start, end) = (start as usize, start as usize + len);
    // SAFETY: these instructions write the caches of mapped memory back and change no register
    // but those named; the system calls touch no memory.
    unsafe {
        let sizes: usize;
        asm!("mrs {}, ctr_el0", out(reg) sizes, options(nomem, nostack, preserves_flags));
        let data_line = 4 << ((sizes >> 16) & 15);
        for line in (start & !(data_line - 1)..end).step_by(data_line) {
            asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags));
        }
        asm!("dsb ish", options(nostack, preserves_flags));
        let code_line = 4 << (sizes & 15);
        for line in (start & !(code_line - 1)..end).step_by(code_line) {
            asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags));
        }
        asm!("dsb ish", "isb", options(nostack, preserves_flags));
        // What other threads have fetched ahead. A system without these calls has one thread
        // at a time, or old code at no new address.
        const SYNC_CORE: libc::c_int = 1 << 5;
        const REGISTER_SYNC_CORE: libc::c_int = 1 << 6;
        for command in [REGISTER_SYNC_CORE, SYNC_CORE] {
            libc::syscall(libc::SYS_membarrier, command, 0, 0);
        }
    }
}
