//! Signals: what is pending, what is done about it, and who gets what
//! (`signal(7)`).

pub mod calls;
pub mod fault;
pub mod frame;
mod info;

use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub use info::{Fields, SigInfo};

use crate::errno::{Errno, SysResult};
use crate::kernel::{Context, Kernel};
use crate::machine::gpr;
use crate::syscall::Abi;
use crate::task::{Pid, Process, State, Thread, ptrace};

macro_rules! signals {
    ($($name:ident $number:literal)*) => {
        #[allow(missing_docs)]
        mod numbers {
            $(pub const $name: i32 = $number;)*
        }
        pub use numbers::*;

        /// The name of a signal.
        pub fn name(signal: i32) -> String {
            match signal {
                $($number => stringify!($name).into(),)*
                other => other.to_string(),
            }
        }
    };
}

signals! {
    SIGHUP 1 SIGINT 2 SIGQUIT 3 SIGILL 4 SIGTRAP 5 SIGABRT 6 SIGBUS 7 SIGFPE 8 SIGKILL 9
    SIGUSR1 10 SIGSEGV 11 SIGUSR2 12 SIGPIPE 13 SIGALRM 14 SIGTERM 15 SIGSTKFLT 16
    SIGCHLD 17 SIGCONT 18 SIGSTOP 19 SIGTSTP 20 SIGTTIN 21 SIGTTOU 22 SIGURG 23
    SIGXCPU 24 SIGXFSZ 25 SIGVTALRM 26 SIGPROF 27 SIGWINCH 28 SIGIO 29 SIGPWR 30 SIGSYS 31
}

/// The highest signal.
pub const SIGNALS: i32 = 64;

/// The bit of a signal in a mask.
pub const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// What cannot be blocked.
pub const UNBLOCKABLE: u64 = bit(SIGKILL) | bit(SIGSTOP);
const STOPS: u64 = bit(SIGSTOP) | bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU);
const IGNORED: u64 = bit(SIGCHLD) | bit(SIGCONT) | bit(SIGURG) | bit(SIGWINCH);
const SYNCHRONOUS: u64 =
    bit(SIGSEGV) | bit(SIGBUS) | bit(SIGILL) | bit(SIGTRAP) | bit(SIGFPE) | bit(SIGSYS);

/// Signals that wait to be taken.
#[derive(Default)]
pub struct Pending {
    /// Which.
    pub set: u64,
    queue: Vec<SigInfo>,
}

impl Pending {
    /// Most signals that are queued for one taker.
    const MAX: usize = 8192;

    /// Adds a signal. An ordinary one that is there already is not added again.
    pub fn push(&mut self, info: SigInfo) -> bool {
        let there = self.set & bit(info.signal) != 0;
        if there && info.signal < 32 {
            return false;
        }
        if self.queue.len() >= Pending::MAX {
            return false;
        }
        self.set |= bit(info.signal);
        self.queue.push(info);
        true
    }

    /// Takes the first signal of a set: faults first, then the lowest.
    pub fn take(&mut self, set: u64) -> Option<SigInfo> {
        let found = self.set & set;
        if found == 0 {
            return None;
        }
        let first = if found & SYNCHRONOUS != 0 { found & SYNCHRONOUS } else { found };
        let signal = first.trailing_zeros() as i32 + 1;
        let index = self.queue.iter().position(|info| info.signal == signal);
        let info = match index {
            Some(index) => self.queue.remove(index),
            None => SigInfo::kernel(signal),
        };
        if !self.queue.iter().any(|info| info.signal == signal) {
            self.set &= !bit(signal);
        }
        Some(info)
    }

    /// Counts expiries of a timer whose signal is still queued; how many that makes.
    pub fn overrun(&mut self, timer: i32, more: i32) -> Option<i32> {
        self.queue.iter_mut().find_map(|info| match &mut info.fields {
            Fields::Timer { id, overrun, .. } if *id == timer => {
                *overrun = overrun.saturating_add(more);
                Some(*overrun)
            }
            _ => None,
        })
    }

    /// Drops signals.
    pub fn drop_set(&mut self, set: u64) {
        self.set &= !set;
        self.queue.retain(|info| bit(info.signal) & set == 0);
    }
}

/// What a signal does (`struct sigaction`).
#[derive(Clone, Copy, Debug, Default)]
pub struct Action {
    /// The handler's address; 0: default, 1: ignore.
    pub handler: u64,
    /// `SA_…`.
    pub flags: u32,
    /// Where the handler returns to.
    pub restorer: u64,
    /// Blocked while it runs.
    pub mask: u64,
}

/// `SIG_DFL`.
pub const DEFAULT: u64 = 0;
/// `SIG_IGN`.
pub const IGNORE: u64 = 1;
#[allow(missing_docs)]
pub mod sa {
    pub const NOCLDSTOP: u32 = 1;
    pub const NOCLDWAIT: u32 = 2;
    pub const SIGINFO: u32 = 4;
    pub const RESTORER: u32 = 0x0400_0000;
    pub const ONSTACK: u32 = 0x0800_0000;
    pub const RESTART: u32 = 0x1000_0000;
    pub const NODEFER: u32 = 0x4000_0000;
    pub const RESETHAND: u32 = 0x8000_0000;
}

/// What each signal does, signal 1 first.
#[derive(Clone, Debug)]
pub struct Actions(pub [Action; SIGNALS as usize]);

impl Default for Actions {
    fn default() -> Actions {
        Actions([Action::default(); SIGNALS as usize])
    }
}

impl Actions {
    /// What a signal does.
    pub fn get(&self, signal: i32) -> Action {
        self.0[signal as usize - 1]
    }

    /// Whether a signal has no effect.
    pub fn ignores(&self, signal: i32) -> bool {
        match self.get(signal).handler {
            IGNORE => true,
            DEFAULT => bit(signal) & IGNORED != 0,
            _ => false,
        }
    }
}

/// Whether a thread has a signal to handle.
pub fn is_pending(thread: &Thread) -> bool {
    if thread.process.exiting.get().is_some() {
        return true;
    }
    if thread.tracing().is_some_and(|tracing| tracing.interrupt.get()) {
        return true;
    }
    let set = thread.pending.borrow().set | thread.process.pending.borrow().set;
    set & (!thread.mask.get() | UNBLOCKABLE) != 0
}

impl Kernel {
    /// Sends a signal to a process.
    pub fn signal_process(&mut self, process: &Rc<Process>, info: SigInfo) {
        if !self.prepare(process, info.signal) {
            return;
        }
        process.pending.borrow_mut().push(info);
        process.signal_news.wake_all();
        self.nudge(process, info.signal);
    }

    /// Sends a signal to a thread.
    pub fn signal_thread(&mut self, thread: &Rc<Thread>, info: SigInfo) {
        let blocked = thread.mask.get() & bit(info.signal) != 0;
        if !self.prepare_for(&thread.process, info.signal, blocked) {
            return;
        }
        thread.pending.borrow_mut().push(info);
        thread.process.signal_news.wake_all();
        if is_pending(thread) || blocked {
            self.interrupt(thread);
        }
    }

    /// Sends a signal to all processes of a group. False if there is none.
    pub fn signal_group(&mut self, pgrp: Pid, info: SigInfo) -> bool {
        let in_group =
            |process: &&Rc<Process>| process.pgrp.get() == pgrp && process.status.get().is_none();
        let processes: Vec<_> = self.processes.values().filter(in_group).cloned().collect();
        for process in &processes {
            self.signal_process(process, info);
        }
        !processes.is_empty()
    }

    fn prepare(&mut self, process: &Rc<Process>, signal: i32) -> bool {
        let blocked = process.threads.borrow().iter().all(|tid| {
            self.threads.get(tid).is_some_and(|thread| thread.mask.get() & bit(signal) != 0)
        });
        self.prepare_for(process, signal, blocked)
    }

    /// What a signal does at once, and whether it is queued at all.
    fn prepare_for(&mut self, process: &Rc<Process>, signal: i32, blocked: bool) -> bool {
        if process.status.get().is_some() {
            return false;
        }
        if signal == SIGCONT || signal == SIGKILL {
            self.drop_pending(process, STOPS);
            if process.stopped.replace(false) {
                if signal == SIGCONT {
                    process.event.set(Some(0));
                    self.tell_parent_of_stop(process);
                }
                let threads = process.threads.borrow().clone();
                for tid in threads {
                    if let Some(thread) = self.threads.get(&tid).cloned() {
                        self.enqueue(&thread);
                    }
                }
                self.tell_tracers_of_stop(process, false);
            }
        } else if bit(signal) & STOPS != 0 {
            self.drop_pending(process, bit(SIGCONT));
        }
        if signal == SIGKILL {
            // Nothing keeps it off, so no thread need see it first.
            self.end_process(process, SIGKILL);
            return false;
        }
        // A tracer sees what its tracee ignores, too.
        blocked || self.is_traced(process) || !process.actions.borrow().borrow().ignores(signal)
    }

    fn is_traced(&self, process: &Process) -> bool {
        let traced = |thread: &Rc<Thread>| thread.is_traced.get();
        process.threads.borrow().iter().any(|tid| self.threads.get(tid).is_some_and(traced))
    }

    fn drop_pending(&mut self, process: &Rc<Process>, set: u64) {
        process.pending.borrow_mut().drop_set(set);
        for tid in process.threads.borrow().iter() {
            if let Some(thread) = self.threads.get(tid) {
                thread.pending.borrow_mut().drop_set(set);
            }
        }
    }

    /// Lets a thread that may take the signal see it.
    fn nudge(&mut self, process: &Rc<Process>, signal: i32) {
        let threads = process.threads.borrow().clone();
        for tid in threads {
            let Some(thread) = self.threads.get(&tid).cloned() else { continue };
            let takes = thread.mask.get() & bit(signal) == 0 || bit(signal) & UNBLOCKABLE != 0;
            // `sigtimedwait` and signalfds wait for what is blocked.
            if takes || thread.state.get() == State::Parked {
                self.interrupt(&thread);
                if takes && signal != SIGKILL {
                    return;
                }
            }
        }
    }

    /// Lets a call that waits look at its signals.
    pub fn interrupt(&mut self, thread: &Rc<Thread>) {
        self.wake(thread);
    }

    /// Tells the parent that a child stopped or went on.
    pub fn tell_parent_of_stop(&mut self, process: &Rc<Process>) {
        let Some(parent) = self.processes.get(&process.parent.get()).cloned() else { return };
        let status = process.event.get().unwrap_or(0);
        let action = parent.actions.borrow().borrow().get(SIGCHLD);
        if action.flags & sa::NOCLDSTOP == 0 {
            let (code, status) = if status == 0 { (6, SIGCONT) } else { (5, status) };
            let fields = Fields::Child { pid: process.pid, uid: 0, status, user: 0, system: 0 };
            self.signal_process(&parent, SigInfo { signal: SIGCHLD, errno: 0, code, fields });
        }
        parent.child_news.wake_all();
    }
}

/// Handles what is pending before a thread goes on in its program. False if it
/// does not go on: it ended or stopped.
pub fn before_user(cx: &mut Context) -> bool {
    let thread = cx.thread.clone();
    loop {
        if let Some(status) = thread.process.exiting.get() {
            cx.kernel.end_thread(&thread, status);
            return false;
        }
        let tracing = thread.tracing();
        if let Some(tracing) = &tracing
            && !ptrace::before_user(cx, tracing)
        {
            return false;
        }
        let allowed = !thread.mask.get() | UNBLOCKABLE;
        let let_through = tracing.as_ref().and_then(|tracing| tracing.deliver.take());
        let info = if let_through.is_some() {
            let_through
        } else if is_pending(&thread) {
            let own = thread.pending.borrow_mut().take(allowed);
            own.or_else(|| thread.process.pending.borrow_mut().take(allowed))
        } else {
            None
        };
        let Some(info) = info else {
            restart(cx, None);
            if let Some(mask) = thread.saved_mask.take() {
                thread.mask.set(mask);
                continue;
            }
            return true;
        };
        let signal = info.signal;
        if tracing.is_some() && let_through.is_none() {
            cx.kernel.trace_stop(&thread, ptrace::Why::Signal, signal, Some(info));
            return false;
        }
        let action = {
            let actions = thread.process.actions.borrow().clone();
            let mut actions = actions.borrow_mut();
            let action = actions.get(signal);
            if action.handler > IGNORE && action.flags & sa::RESETHAND != 0 {
                actions.0[signal as usize - 1].handler = DEFAULT;
            }
            action
        };
        match action.handler {
            IGNORE => continue,
            DEFAULT if bit(signal) & IGNORED != 0 => continue,
            DEFAULT if bit(signal) & STOPS != 0 => {
                if signal != SIGSTOP && cx.kernel.is_orphaned(&thread.process) {
                    continue;
                }
                thread.process.stopped.set(true);
                thread.process.stop_signal.set(signal);
                thread.process.event.set(Some(signal));
                cx.kernel.tell_parent_of_stop(&thread.process);
                cx.kernel.tell_tracers_of_stop(&thread.process, true);
                if tracing.is_some() {
                    // It stops for its tracer as well.
                    continue;
                }
                return false;
            }
            DEFAULT => {
                if cx.kernel.traced_exit(&thread, signal) {
                    // It ends once the tracer lets it go on.
                    if let Some(tracing) = &tracing {
                        tracing.deliver.set(Some(info));
                    }
                    return false;
                }
                // No core file is written, so the flag for one is not set either.
                cx.kernel.end_process(&thread.process, signal);
                continue;
            }
            _ => {}
        }
        restart(cx, Some(action));
        if push(cx, &info, action).is_err() {
            cx.kernel.end_process(&thread.process, SIGSEGV);
            continue;
        }
        if tracing.is_some() && ptrace::handler_begins(cx) {
            return false;
        }
        return true;
    }
}

/// Writes a handler's frame, whose page may be absent.
fn push(cx: &mut Context, info: &SigInfo, action: Action) -> SysResult<()> {
    loop {
        match frame::push(cx, info, action) {
            Err(Errno::ABSENT) => {
                let (mm, addr) = (cx.mm(), cx.thread.absent.get());
                crate::mm::demand::load(cx, &mm, addr)?;
            }
            result => return result,
        }
    }
}

/// What becomes of a call that was interrupted, when a handler runs or not.
fn restart(cx: &mut Context, action: Option<Action>) {
    let Some((errno, number)) = cx.thread.restart.take() else { return };
    let mut registers = cx.thread.registers.borrow_mut();
    let again = match (errno, action) {
        (Errno::ERESTARTSYS, Some(action)) => action.flags & sa::RESTART != 0,
        (Errno::ERESTARTNOINTR, _) | (_, None) => true,
        (_, Some(_)) => false,
    };
    if !again {
        let value = Errno::EINTR.as_result();
        let narrow = cx.thread.abi.get() == Abi::I386;
        registers.gpr[gpr::RAX] = if narrow { value & 0xffff_ffff } else { value };
        return;
    }
    let number = match (errno, cx.thread.abi.get()) {
        (Errno::ERESTART_RESTARTBLOCK, Abi::I386) => 0,
        (Errno::ERESTART_RESTARTBLOCK, Abi::Amd64) => 219,
        _ => number,
    };
    registers.gpr[gpr::RAX] = u64::from(number);
    registers.rip = registers.rip.wrapping_sub(2);
}

/// Checks a signal's number; 0 only asks whether the receiver is there.
pub fn checked(signal: i32) -> SysResult<i32> {
    if (0..=SIGNALS).contains(&signal) { Ok(signal) } else { Err(Errno::EINVAL) }
}
