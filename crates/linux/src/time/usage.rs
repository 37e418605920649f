//! Time on the processor: `getrusage(2)`, `times(2)`.

use alloc::rc::Rc;

use super::SECOND;
use crate::errno::{Errno, SysResult};
use crate::kernel::{Context, Kernel};
use crate::syscall::Args;
use crate::task::Process;

impl Kernel {
    /// What a process used, ended threads included.
    pub fn process_ns(&self, process: &Rc<Process>) -> u64 {
        let threads = process.threads.borrow();
        let running = threads.iter().filter_map(|tid| self.threads.get(tid));
        process.dead_ns.get() + running.map(|thread| thread.cpu_ns.get()).sum::<u64>()
    }
}

/// Writes a `struct rusage`; all time counts as the program's own.
pub fn write_rusage(cx: &Context, at: u64, used_ns: u64) -> SysResult<()> {
    let word = cx.word() as u64;
    for index in 0..18 {
        cx.write_word(at + index * word, 0)?;
    }
    cx.write_word(at, used_ns / SECOND)?;
    cx.write_word(at + word, used_ns % SECOND / 1000)?;
    let pages = cx.mm().borrow().machine.touched_pages() as u64;
    cx.write_word(at + 4 * word, pages * 4)
}

/// `getrusage(2)`.
pub fn getrusage(cx: &mut Context, args: Args) -> SysResult {
    let process = cx.thread.process.clone();
    let used = match args.int(0) {
        0 => cx.kernel.process_ns(&process),
        -1 => process.children_ns.get(),
        1 => cx.thread.cpu_ns.get(),
        _ => return Err(Errno::EINVAL),
    };
    write_rusage(cx, args.u64(1), used).map(|()| 0)
}

/// `times(2)`, in hundredths of a second.
pub fn times(cx: &mut Context, args: Args) -> SysResult {
    const TICK: u64 = 10_000_000;
    let process = cx.thread.process.clone();
    if args.u64(0) != 0 {
        let word = cx.word() as u64;
        let values = [cx.kernel.process_ns(&process), 0, process.children_ns.get(), 0];
        for (index, value) in values.into_iter().enumerate() {
            cx.write_word(args.u64(0) + index as u64 * word, value / TICK)?;
        }
    }
    Ok(cx.kernel.monotonic_ns() / TICK)
}
