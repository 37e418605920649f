//! Faults of compiled code become traps; all other faults are the embedder's.
//!
//! Source: POSIX sigaction(2); Linux signal(7).

use super::processor::{position, redirect};
use crate::activation::trap_at;
use libc::{SIGBUS, SIGFPE, SIGILL, SIGSEGV, c_int, c_void, sigaction, siginfo_t, ucontext_t};
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::OnceLock;

const SIGNALS: [c_int; 4] = [SIGSEGV, SIGBUS, SIGILL, SIGFPE];

/// What handled these signals before.
static PREVIOUS: [OnceLock<sigaction>; 4] = [const { OnceLock::new() }; 4];

/// Installs the handlers, once in a process.
///
/// # Errors
/// The system refused.
pub(crate) fn install() -> Result<(), String> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    DONE.get_or_init(|| {
        for (signal, previous) in SIGNALS.into_iter().zip(&PREVIOUS) {
            // SAFETY: the handler has the type that SA_SIGINFO asks for; both structures are
            // valid; zero is a valid mask and handler.
            unsafe {
                let mut old = MaybeUninit::<sigaction>::zeroed();
                if libc::sigaction(signal, std::ptr::null(), old.as_mut_ptr()) != 0 {
                    return Err(std::io::Error::last_os_error().to_string());
                }
                // It must be there before the first signal.
                let _ = previous.set(old.assume_init());
                let mut new: sigaction = std::mem::zeroed();
                new.sa_sigaction = handle as *const () as usize;
                // A fault in an embedder's handler must be seen, and stacks may be full.
                new.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
                libc::sigemptyset(&raw mut new.sa_mask);
                if libc::sigaction(signal, &raw const new, null_mut()) != 0 {
                    return Err(std::io::Error::last_os_error().to_string());
                }
            }
        }
        Ok(())
    })
    .clone()
}

unsafe extern "C" fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the system passes a context; it is ours to change.
    unsafe {
        let registers = &mut *context.cast::<ucontext_t>();
        let (pc, frame) = position(registers);
        if let Some(activation) = trap_at(pc, frame) {
            redirect(registers, activation);
            return;
        }
        pass_on(signal, info, context);
    }
}

/// Does what would have been done without us.
unsafe fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let index = SIGNALS.iter().position(|&known| known == signal);
    let previous = index.and_then(|index| PREVIOUS[index].get());
    // SAFETY: the previous handler has the type that its flags say.
    unsafe {
        match previous {
            Some(old) if old.sa_sigaction == libc::SIG_IGN => {}
            Some(old) if old.sa_sigaction != libc::SIG_DFL => {
                if old.sa_flags & libc::SA_SIGINFO != 0 {
                    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) =
                        std::mem::transmute(old.sa_sigaction);
                    handler(signal, info, context);
                } else {
                    let handler: extern "C" fn(c_int) = std::mem::transmute(old.sa_sigaction);
                    handler(signal);
                }
            }
            // The instruction is executed again and ends the process.
            _ => {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
    }
}
