//! What the processor reports, as a signal to the thread.

use super::{Fields, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP, SigInfo, bit};
use crate::kernel::Context;
use crate::machine::Exit;

/// Sends the signal that an exit stands for. It cannot be blocked or ignored.
pub fn raise(cx: &mut Context, exit: Exit) {
    let rip = cx.thread.registers.borrow().rip;
    let (signal, code, fields) = match exit {
        Exit::Fault(fault) => {
            let mapped = cx.mm().borrow().find(fault.addr).is_some();
            match (mapped, fault.present) {
                (true, true) => (SIGSEGV, 2, Fields::Address(fault.addr)),
                // Mapped, but behind the end of the file.
                (true, false) => (SIGBUS, 2, Fields::Address(fault.addr)),
                _ => (SIGSEGV, 1, Fields::Address(fault.addr)),
            }
        }
        Exit::InvalidOpcode => (SIGILL, 2, Fields::Address(rip)),
        Exit::Unsupported { rip, bytes } => {
            let note = alloc::format!("instruction {:02x?} at {rip:#x}", &bytes[..8]);
            cx.kernel.host.log(alloc::format!("sampan: unsupported {note}"));
            if cx.kernel.notes.len() < 1000 {
                cx.kernel.notes.insert(note);
            }
            (SIGILL, 2, Fields::Address(rip))
        }
        Exit::DivideError => (SIGFPE, 1, Fields::Address(rip)),
        Exit::X87Exception | Exit::SimdException => (SIGFPE, 3, Fields::Address(rip)),
        Exit::Breakpoint => (SIGTRAP, 0x80, Fields::None),
        Exit::SingleStep => (SIGTRAP, 2, Fields::Address(rip)),
        Exit::StackFault => (SIGBUS, 0x80, Fields::None),
        Exit::AlignmentCheck => (SIGBUS, 1, Fields::Address(0)),
        _ => (SIGSEGV, 0x80, Fields::None),
    };
    force(cx, SigInfo { signal, errno: 0, code, fields });
}

/// Sends a signal that must be taken: if it is blocked or ignored, it ends the
/// process.
pub fn force(cx: &mut Context, info: SigInfo) {
    let thread = cx.thread.clone();
    let blocked = thread.mask.get() & bit(info.signal) != 0;
    {
        let actions = thread.process.actions.borrow().clone();
        let mut actions = actions.borrow_mut();
        let action = &mut actions.0[info.signal as usize - 1];
        if blocked || action.handler == super::IGNORE {
            action.handler = super::DEFAULT;
        }
    }
    thread.mask.set(thread.mask.get() & !bit(info.signal));
    thread.pending.borrow_mut().push(info);
}
