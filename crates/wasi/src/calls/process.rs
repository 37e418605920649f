//! Ending and yielding.

use crate::{Errno, GuestMemory, Halt, WasiCtx};

pub(crate) fn proc_exit(_ctx: &mut WasiCtx, code: u32) -> Halt {
    Halt::Exit(code)
}

/// A guest has no handlers, so a signal does what it does by default.
pub(crate) fn proc_raise(
    _ctx: &mut WasiCtx,
    _mem: &mut GuestMemory<'_>,
    signal: u32,
) -> Result<Errno, Halt> {
    // The numbers of `signal` in `typenames.witx`.
    const NONE: u32 = 0;
    const CHLD: u32 = 16;
    const CONT: u32 = 17;
    const STOP: u32 = 18;
    const TTOU: u32 = 21;
    const URG: u32 = 22;
    const WINCH: u32 = 27;
    const SYS: u32 = 30;

    match signal {
        NONE | CHLD | CONT | URG | WINCH => Ok(Errno::Success),
        // A guest can't be stopped and continued.
        STOP..=TTOU => Ok(Errno::NotSup),
        1..=SYS => Err(Halt::Raise(signal as u8)),
        _ => Ok(Errno::Inval),
    }
}

pub(crate) fn sched_yield(_ctx: &mut WasiCtx, _mem: &mut GuestMemory<'_>) -> Result<(), Errno> {
    std::thread::yield_now();
    Ok(())
}
