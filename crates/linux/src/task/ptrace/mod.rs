//! Tracing of threads (`ptrace(2)`): who traces whom, where a traced thread stops, and how it
//! goes on.
//!
//! A stop is a state of its own beside running and waiting: a thread with [`Tracing::stop`] set
//! is on no run queue, whatever else it would do. It is entered where the thread would go back
//! to its program ([`before_user`]), at the beginning of a call, or in the middle of `clone`,
//! `execve` and `exit`; the tracer hears of it by `wait(2)`.

pub mod calls;
mod memory;
mod registers;
pub mod watch;

use alloc::rc::Rc;
use core::cell::Cell;

pub use memory::{peek, poke};

use super::{Pid, Process, Thread, Tid};
use crate::kernel::{Context, Kernel};
use crate::signal::{Fields, SIGCHLD, SIGKILL, SIGSTOP, SIGTRAP, SigInfo, sa};

/// Bits of `PTRACE_SETOPTIONS`.
#[allow(missing_docs)]
pub mod option {
    pub const SYSGOOD: u32 = 1;
    pub const FORK: u32 = 2;
    pub const VFORK: u32 = 4;
    pub const CLONE: u32 = 8;
    pub const EXEC: u32 = 0x10;
    pub const VFORK_DONE: u32 = 0x20;
    pub const EXIT: u32 = 0x40;
    pub const SECCOMP: u32 = 0x80;
    pub const EXITKILL: u32 = 0x10_0000;
    pub const SUSPEND_SECCOMP: u32 = 0x20_0000;
    pub const ALL: u32 = 0xff | EXITKILL | SUSPEND_SECCOMP;
}

/// `PTRACE_EVENT_…`.
#[allow(missing_docs)]
pub mod event {
    pub const FORK: i32 = 1;
    pub const VFORK: i32 = 2;
    pub const CLONE: i32 = 3;
    pub const EXEC: i32 = 4;
    pub const VFORK_DONE: i32 = 5;
    pub const EXIT: i32 = 6;
    pub const STOP: i32 = 128;
}

/// How a thread goes on after a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Until something happens.
    Continue,
    /// Until the next beginning or end of a call.
    Syscall,
    /// For one instruction.
    Step,
}

/// Why a thread is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// At the beginning of a call.
    Entry,
    /// At its end.
    Exit,
    /// Before a signal is delivered.
    Signal,
    /// `PTRACE_EVENT_…`.
    Event,
    /// With its process, by a signal.
    Group,
}

/// A stop.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// Why.
    pub why: Why,
    /// As `wait(2)` tells it in its upper bits: the signal, and an event above it.
    pub code: i32,
    /// What `PTRACE_GETSIGINFO` gives.
    pub info: Option<SigInfo>,
    /// Whether `wait(2)` has told.
    pub told: bool,
    /// The tracer only waits for the end of the stop (`PTRACE_LISTEN`).
    pub listening: bool,
}

/// That a thread is traced.
pub struct Tracing {
    /// The thread that traces it.
    pub tracer: Tid,
    /// Its process.
    pub process: Pid,
    /// It began with `PTRACE_SEIZE`.
    pub seized: bool,
    /// Bits of [`option`].
    pub options: Cell<u32>,
    /// What `PTRACE_GETEVENTMSG` gives.
    pub message: Cell<u64>,
    /// The stop that it is in.
    pub stop: Cell<Option<Stop>>,
    /// How it went on last.
    pub resume: Cell<Resume>,
    /// It shall stop as soon as it can.
    pub interrupt: Cell<bool>,
    /// A signal that the tracer lets through.
    pub deliver: Cell<Option<SigInfo>>,
    /// A call has ended since the last stop at one.
    pub call_ended: Cell<bool>,
    /// `PTRACE_EVENT_EXIT` was told.
    pub exit_told: Cell<bool>,
    /// Addresses at which it stops.
    pub debug: watch::Debug,
}

impl Tracing {
    fn new(tracer: &Thread, seized: bool, options: u32) -> Tracing {
        Tracing {
            tracer: tracer.tid,
            process: tracer.process.pid,
            seized,
            options: Cell::new(options),
            message: Cell::new(0),
            stop: Cell::new(None),
            resume: Cell::new(Resume::Continue),
            interrupt: Cell::new(false),
            deliver: Cell::new(None),
            call_ended: Cell::new(false),
            exit_told: Cell::new(false),
            debug: watch::Debug::default(),
        }
    }

    /// Whether the tracer can make requests.
    pub fn is_stopped(&self) -> bool {
        self.stop.get().is_some_and(|stop| !stop.listening)
    }

    fn has(&self, option: u32) -> bool {
        self.options.get() & option != 0
    }
}

/// A traced thread that ended, until its tracer has waited for it.
pub struct Dead {
    /// Its number.
    pub tid: Tid,
    /// The process that traces it.
    pub tracer: Pid,
    /// The process that it was in.
    pub process: Rc<Process>,
    /// How it ended, as `wait(2)` tells it.
    pub status: i32,
}

impl Thread {
    /// That it is traced, if so.
    pub fn tracing(&self) -> Option<Rc<Tracing>> {
        if self.is_traced.get() { self.traced.borrow().clone() } else { None }
    }

    /// Whether a stop keeps it from running.
    pub fn is_held(&self) -> bool {
        if self.process.exiting.get().is_some() {
            return false;
        }
        match &*self.traced.borrow() {
            Some(tracing) if tracing.stop.get().is_some() => true,
            Some(tracing) if tracing.interrupt.get() => false,
            _ => self.process.stopped.get(),
        }
    }

    fn resumes_by(&self, how: Resume) -> bool {
        let by_tracer = |tracing: &Rc<Tracing>| tracing.resume.get() == how;
        self.is_traced.get() && self.traced.borrow().as_ref().is_some_and(by_tracer)
    }

    /// Whether it executes one instruction at a time.
    pub fn is_stepped(&self) -> bool {
        self.resumes_by(Resume::Step)
    }
}

impl Kernel {
    fn attach(&mut self, thread: &Rc<Thread>, tracing: Tracing) {
        if thread.tid == thread.process.pid {
            thread.process.tracer.set(tracing.process);
        }
        *thread.traced.borrow_mut() = Some(Rc::new(tracing));
        thread.is_traced.set(true);
    }

    /// Ends tracing; a stopped thread goes on, with a signal.
    fn detach(&mut self, thread: &Rc<Thread>, signal: Option<SigInfo>) {
        if thread.tid == thread.process.pid {
            thread.process.tracer.set(0);
        }
        let Some(tracing) = thread.traced.take() else { return };
        thread.is_traced.set(false);
        if let Some(info) = signal.or(tracing.deliver.get()) {
            thread.pending.borrow_mut().push(info);
        }
        self.wake(thread);
    }

    /// Stops a traced thread, and tells its tracer.
    pub fn trace_stop(&mut self, thread: &Rc<Thread>, why: Why, code: i32, info: Option<SigInfo>) {
        let Some(tracing) = thread.tracing() else { return };
        if thread.process.exiting.get().is_some() {
            return;
        }
        // Any stop is what an interruption asked for.
        tracing.interrupt.set(false);
        tracing.stop.set(Some(Stop { why, code, info, told: false, listening: false }));
        let Some(tracer) = self.processes.get(&tracing.process).cloned() else { return };
        let action = tracer.actions.borrow().borrow().get(SIGCHLD);
        if action.flags & sa::NOCLDSTOP == 0 {
            let (pid, uid, status) = (thread.tid, thread.credentials().uid, code & 0x7f);
            let fields = Fields::Child { pid, uid, status, user: 0, system: 0 };
            let code = if why == Why::Group { 5 } else { 4 };
            self.signal_process(&tracer, SigInfo { signal: SIGCHLD, errno: 0, code, fields });
        }
        tracer.child_news.wake_all();
    }

    /// A stop that is no signal's: `siginfo` is about the thread itself.
    fn event_stop(&mut self, thread: &Rc<Thread>, why: Why, code: i32) {
        let (pid, uid) = (thread.process.pid, thread.credentials().uid);
        let fields = Fields::Sender { pid, uid };
        let signal = code & 0x7f;
        self.trace_stop(thread, why, code, Some(SigInfo { signal, errno: 0, code, fields }));
    }

    /// Stops a thread with an event if its tracer wants that. False if not.
    fn event(&mut self, thread: &Rc<Thread>, option: u32, event: i32, message: u64) -> bool {
        let Some(tracing) = thread.tracing().filter(|tracing| tracing.has(option)) else {
            return false;
        };
        tracing.message.set(message);
        self.event_stop(thread, Why::Event, SIGTRAP | event << 8);
        true
    }

    /// Lets a stopped thread go on. A signal is what comes of a stop before a signal, or of one
    /// at a call.
    fn resume(&mut self, thread: &Rc<Thread>, how: Resume, signal: Option<SigInfo>) {
        let Some(tracing) = thread.tracing() else { return };
        let Some(stop) = tracing.stop.take() else { return };
        tracing.resume.set(how);
        match stop.why {
            Why::Signal => tracing.deliver.set(signal),
            Why::Entry | Why::Exit => {
                if let Some(info) = signal {
                    thread.pending.borrow_mut().push(info);
                }
            }
            Why::Group => self.end_stop(&thread.process),
            Why::Event => {}
        }
        self.wake(thread);
    }

    /// Threads of a stopped process run again.
    fn end_stop(&mut self, process: &Rc<Process>) {
        process.stopped.set(false);
        let threads = process.threads.borrow().clone();
        for tid in threads {
            if let Some(thread) = self.threads.get(&tid).cloned() {
                self.enqueue(&thread);
            }
        }
    }

    /// A process was stopped, or goes on: its traced threads tell their tracers.
    pub fn tell_tracers_of_stop(&mut self, process: &Rc<Process>, stopped: bool) {
        let threads = process.threads.borrow().clone();
        for tid in threads {
            let Some(thread) = self.threads.get(&tid).cloned() else { continue };
            let Some(tracing) = thread.tracing() else { continue };
            // Who was not seized is not told that it goes on.
            if !stopped && !tracing.seized {
                continue;
            }
            tracing.interrupt.set(true);
            match tracing.stop.get() {
                Some(stop) if stop.listening => tracing.stop.set(None),
                // It is told once it goes on.
                Some(_) => continue,
                None => {}
            }
            self.wake(&thread);
        }
    }

    /// What a thread traced goes on without it, or ends.
    pub fn tracer_ended(&mut self, tid: Tid) {
        let is_traced = |thread: &&Rc<Thread>| {
            thread.traced.borrow().as_ref().is_some_and(|tracing| tracing.tracer == tid)
        };
        let traced: alloc::vec::Vec<_> = self.threads.values().filter(is_traced).cloned().collect();
        for thread in traced {
            if thread.tracing().is_some_and(|tracing| tracing.has(option::EXITKILL)) {
                self.signal_process(&thread.process, SigInfo::kernel(SIGKILL));
            }
            self.detach(&thread, None);
        }
    }

    /// A traced thread ended, which is not the first of its process.
    pub fn traced_thread_ended(&mut self, thread: &Rc<Thread>, status: i32) {
        let Some(tracing) = thread.traced.take() else { return };
        thread.is_traced.set(false);
        if thread.tid == thread.process.pid {
            // It is told with its process.
            return;
        }
        let process = thread.process.clone();
        self.tell_tracer_of_end(Dead { tid: thread.tid, tracer: tracing.process, process, status });
    }

    /// Keeps the end of a traced thread for its tracer, if there is still one.
    pub fn tell_tracer_of_end(&mut self, dead: Dead) -> bool {
        let Some(tracer) = self.processes.get(&dead.tracer).cloned() else { return false };
        if tracer.status.get().is_some() {
            return false;
        }
        self.dead_tracees.push(dead);
        self.signal_process(&tracer, SigInfo::kernel(SIGCHLD));
        tracer.child_news.wake_all();
        true
    }

    /// A new child of a traced thread: whether it is traced too, and whether its maker stops.
    pub fn traced_child(&mut self, parent: &Rc<Thread>, child: &Rc<Thread>, what: i32) {
        let Some(tracing) = parent.tracing() else { return };
        let bit = match what {
            event::VFORK => option::VFORK,
            event::CLONE => option::CLONE,
            _ => option::FORK,
        };
        if !tracing.has(bit) {
            return;
        }
        let Some(tracer) = self.threads.get(&tracing.tracer).cloned() else { return };
        let (seized, options) = (tracing.seized, tracing.options.get());
        self.attach(child, Tracing::new(&tracer, seized, options));
        if seized {
            if let Some(tracing) = child.tracing() {
                tracing.interrupt.set(true);
            }
        } else {
            child.pending.borrow_mut().push(SigInfo::kernel(SIGSTOP));
        }
        self.event(parent, bit, what, child.tid as u64);
    }

    /// A vfork's child let go of the memory. True if the parent stops before it goes on.
    pub fn traced_vfork_done(&mut self, parent: &Rc<Thread>, child: Tid) -> bool {
        self.event(parent, option::VFORK_DONE, event::VFORK_DONE, child as u64)
    }

    /// A traced thread runs a new program.
    pub fn traced_exec(&mut self, thread: &Rc<Thread>) {
        let Some(tracing) = thread.tracing() else { return };
        if !self.event(thread, option::EXEC, event::EXEC, thread.tid as u64) && !tracing.seized {
            let (pid, uid) = (thread.process.pid, thread.credentials().uid);
            let fields = Fields::Sender { pid, uid };
            let info = SigInfo { signal: SIGTRAP, errno: 0, code: 0, fields };
            thread.pending.borrow_mut().push(info);
        }
    }

    /// A traced thread is about to end with a status. True if it stops before.
    pub fn traced_exit(&mut self, thread: &Rc<Thread>, status: i32) -> bool {
        let Some(tracing) = thread.tracing() else { return false };
        if thread.process.exiting.get().is_some() || tracing.exit_told.replace(true) {
            return false;
        }
        self.event(thread, option::EXIT, event::EXIT, status as u64)
    }
}

/// Before a traced thread goes back to its program. False if it stops.
pub fn before_user(cx: &mut Context, tracing: &Tracing) -> bool {
    let thread = cx.thread.clone();
    if tracing.stop.get().is_some() {
        return false;
    }
    if tracing.call_ended.replace(false) && tracing.resume.get() == Resume::Syscall {
        let good = if tracing.has(option::SYSGOOD) { 0x80 } else { 0 };
        cx.kernel.event_stop(&thread, Why::Exit, SIGTRAP | good);
        return false;
    }
    if !tracing.interrupt.get() {
        return true;
    }
    let stopped = thread.process.stopped.get();
    let signal = if stopped { thread.process.stop_signal.get() } else { SIGTRAP };
    match (tracing.seized, stopped) {
        (true, true) => cx.kernel.event_stop(&thread, Why::Group, signal | event::STOP << 8),
        (true, false) => cx.kernel.event_stop(&thread, Why::Event, signal | event::STOP << 8),
        (false, true) => cx.kernel.trace_stop(&thread, Why::Group, signal, None),
        (false, false) => {
            tracing.interrupt.set(false);
            return true;
        }
    }
    false
}

/// At the beginning of a call. True if the thread stops there.
pub fn call_begins(cx: &mut Context) -> bool {
    if !cx.thread.resumes_by(Resume::Syscall) {
        return false;
    }
    let thread = cx.thread.clone();
    let good = thread.tracing().is_some_and(|tracing| tracing.has(option::SYSGOOD));
    cx.kernel.event_stop(&thread, Why::Entry, SIGTRAP | if good { 0x80 } else { 0 });
    true
}

/// At the end of a call.
pub fn call_ends(thread: &Thread) {
    let Some(tracing) = thread.tracing() else { return };
    tracing.call_ended.set(true);
    if tracing.resume.get() == Resume::Step {
        let info = SigInfo { signal: SIGTRAP, errno: 0, code: 1, fields: Fields::None };
        thread.pending.borrow_mut().push(info);
    }
}

/// After a handler's frame was made. True if the thread stops there, as one that is stepped.
pub fn handler_begins(cx: &mut Context) -> bool {
    let thread = cx.thread.clone();
    if !thread.is_stepped() {
        return false;
    }
    cx.kernel.event_stop(&thread, Why::Event, SIGTRAP);
    true
}
