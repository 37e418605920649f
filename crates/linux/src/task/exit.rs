//! Ends of threads and processes, and waiting for them (`wait(2)`).

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::{Pid, Process, State, Thread};
use crate::errno::{Errno, SysResult};
use crate::kernel::{Context, Kernel};
use crate::signal::{self, Fields, SIGCHLD, SIGCONT, SIGHUP, SigInfo, sa};
use crate::syscall::{Abi, Args};

/// `exit(2)`: one thread.
pub fn exit(cx: &mut Context, args: Args) -> SysResult {
    let thread = cx.thread.clone();
    cx.kernel.end_thread(&thread, (args.int(0) & 0xff) << 8);
    Ok(0)
}

/// `exit_group(2)`: the process.
pub fn exit_group(cx: &mut Context, args: Args) -> SysResult {
    let thread = cx.thread.clone();
    let status = (args.int(0) & 0xff) << 8;
    cx.kernel.end_process(&thread.process, status);
    let status = thread.process.exiting.get().unwrap_or(status);
    cx.kernel.end_thread(&thread, status);
    Ok(0)
}

impl Kernel {
    /// Lets all threads of a process end.
    pub fn end_process(&mut self, process: &Rc<Process>, status: i32) {
        if process.exiting.get().is_some() {
            return;
        }
        process.exiting.set(Some(status));
        process.stopped.set(false);
        let threads = process.threads.borrow().clone();
        for tid in threads {
            if let Some(thread) = self.threads.get(&tid).cloned() {
                self.wake(&thread);
            }
        }
    }

    /// Ends a thread; with the last one ends its process.
    pub fn end_thread(&mut self, thread: &Rc<Thread>, status: i32) {
        if thread.state.replace(State::Dead) == State::Dead {
            return;
        }
        if let Some(call) = thread.call.take() {
            if let Some(parked) = call.parked {
                parked.cancel();
            }
            if let Some(timer) = call.timer {
                self.timers.cancel(timer);
            }
        }
        let mm = thread.mm();
        let mut cx = Context { kernel: self, thread: thread.clone() };
        super::exec::release_memory(&mut cx, &mm);
        let files = thread.set_files(Rc::default());
        if let Some(files) = Rc::into_inner(files) {
            for (_, open) in files.into_inner().iter() {
                open.closed(&mut cx);
            }
        }
        self.threads.remove(&thread.tid);
        let process = thread.process.clone();
        process.dead_ns.set(process.dead_ns.get() + thread.cpu_ns.get());
        process.threads.borrow_mut().retain(|tid| *tid != thread.tid);
        if process.threads.borrow().is_empty() {
            let status = process.exiting.get().unwrap_or(status);
            self.process_ended(&process, status);
        }
        self.reap_files(thread);
    }

    /// Lets file systems free what nobody holds any more.
    pub fn reap_files(&mut self, thread: &Rc<Thread>) {
        let list: Vec<_> = self.mounts.iter().map(|mount| mount.fs.clone()).collect();
        let mut cx = Context { kernel: self, thread: thread.clone() };
        for fs in list {
            fs.reap(&mut cx);
        }
    }

    fn process_ended(&mut self, process: &Rc<Process>, status: i32) {
        process.status.set(Some(status));
        process.timers.borrow_mut().clear();
        self.undo_semaphores(process.pid);
        process.end_news.wake_all();
        if process.pid == 1 {
            self.exited = Some(status);
            return;
        }
        self.adopt_children(process);
        self.hang_up_orphans(process);
        let is_leader = process.session.borrow().sid == process.pid;
        if is_leader {
            let session = process.session.borrow().clone();
            let tty = session.tty.take();
            if let Some(tty) = tty {
                crate::tty::leader_ended(self, tty);
            }
        }
        let Some(parent) = self.processes.get(&process.parent.get()).cloned() else {
            self.processes.remove(&process.pid);
            if process.parent.get() == 0 {
                self.ended.push((process.pid, status));
            }
            return;
        };
        let exit_signal = process.exit_signal.get();
        let action = parent.actions.borrow().borrow().get(SIGCHLD);
        let unwanted = exit_signal == SIGCHLD
            && (action.handler == signal::IGNORE || action.flags & sa::NOCLDWAIT != 0);
        if (1..=signal::SIGNALS).contains(&exit_signal) {
            let info = SigInfo { signal: exit_signal, ..child_info(process, status) };
            self.signal_process(&parent, info);
        }
        if unwanted {
            self.processes.remove(&process.pid);
        }
        parent.child_news.wake_all();
    }

    /// Children of an ended process go to the nearest that takes them.
    fn adopt_children(&mut self, process: &Rc<Process>) {
        let mut heir = process.parent.get();
        while heir > 1 {
            match self.processes.get(&heir) {
                Some(found) if found.subreaper.get() && found.status.get().is_none() => break,
                Some(found) => heir = found.parent.get(),
                None => heir = 1,
            }
        }
        let heir = heir.max(1);
        let is_child = |child: &&Rc<Process>| child.parent.get() == process.pid;
        let children: Vec<_> = self.processes.values().filter(is_child).cloned().collect();
        for child in children {
            child.parent.set(heir);
            // Whoever takes them in asked for no signal of its own.
            child.exit_signal.set(SIGCHLD);
            if let Some(status) = child.status.get()
                && let Some(heir) = self.processes.get(&heir).cloned()
            {
                self.signal_process(&heir, child_info(&child, status));
                heir.child_news.wake_all();
            }
            let death_signal = child.death_signal.get();
            if death_signal != 0 {
                self.signal_process(&child, SigInfo::kernel(death_signal));
            }
        }
    }

    /// Groups that became orphans with stopped members are told so.
    fn hang_up_orphans(&mut self, process: &Rc<Process>) {
        let stopped = |other: &&Rc<Process>| {
            other.stopped.get() && Rc::ptr_eq(&other.session.borrow(), &process.session.borrow())
        };
        let list: Vec<_> = self.processes.values().filter(stopped).cloned().collect();
        for other in list {
            if self.is_orphaned(&other) {
                self.signal_group(other.pgrp.get(), SigInfo::kernel(SIGHUP));
                self.signal_group(other.pgrp.get(), SigInfo::kernel(SIGCONT));
            }
        }
    }

    /// Whether nobody in the session could let the process's group go on: no
    /// member has a parent in another group of the session.
    pub fn is_orphaned(&self, process: &Rc<Process>) -> bool {
        let pgrp = process.pgrp.get();
        let session = process.session.borrow().clone();
        !self.processes.values().any(|member| {
            member.pgrp.get() == pgrp
                && member.status.get().is_none()
                && self.processes.get(&member.parent.get()).is_some_and(|parent| {
                    parent.pgrp.get() != pgrp && Rc::ptr_eq(&parent.session.borrow(), &session)
                })
        })
    }
}

fn child_info(process: &Rc<Process>, status: i32) -> SigInfo {
    let (code, value) = match status & 0x7f {
        0 => (1, status >> 8),
        signal => (2, signal),
    };
    let user = process.dead_ns.get() / 10_000_000;
    let fields = Fields::Child { pid: process.pid, uid: 0, status: value, user, system: 0 };
    SigInfo { signal: SIGCHLD, errno: 0, code, fields }
}

const WNOHANG: u32 = 1;
const WUNTRACED: u32 = 2;
const WEXITED: u32 = 4;
const WCONTINUED: u32 = 8;
const WNOWAIT: u32 = 0x0100_0000;

/// What a wait found.
struct Found {
    process: Rc<Process>,
    status: i32,
    code: i32,
    value: i32,
}

/// Looks for a child that changed; none if it should not wait.
fn look(
    cx: &mut Context,
    which: impl Fn(&Process) -> bool,
    flags: u32,
) -> SysResult<Option<Found>> {
    let own = cx.thread.process.clone();
    let is_child = |child: &&Rc<Process>| child.parent.get() == own.pid && which(child);
    let children: Vec<_> = cx.kernel.processes.values().filter(is_child).cloned().collect();
    if children.is_empty() {
        return Err(Errno::ECHILD);
    }
    for child in &children {
        if let Some(status) = child.status.get()
            && flags & WEXITED != 0
        {
            if flags & WNOWAIT == 0 {
                cx.kernel.processes.remove(&child.pid);
                let used = child.dead_ns.get() + child.children_ns.get();
                own.children_ns.set(own.children_ns.get() + used);
            }
            let info = child_info(child, status);
            let Fields::Child { status: value, .. } = info.fields else { continue };
            return Ok(Some(Found { process: child.clone(), status, code: info.code, value }));
        }
        let (status, code, value) = match child.event.get() {
            Some(0) if flags & WCONTINUED != 0 => (0xffff, 6, SIGCONT),
            Some(signal) if signal != 0 && flags & WUNTRACED != 0 => {
                (signal << 8 | 0x7f, 5, signal)
            }
            _ => continue,
        };
        if flags & WNOWAIT == 0 {
            child.event.set(None);
        }
        return Ok(Some(Found { process: child.clone(), status, code, value }));
    }
    if flags & WNOHANG != 0 {
        return Ok(None);
    }
    Err(cx.wait_on(&own.child_news))
}

/// `wait4(2)`.
pub fn wait4(cx: &mut Context, args: Args) -> SysResult {
    let (pid, flags) = (args.int(0), args.u32(2));
    if flags & !(WNOHANG | WUNTRACED | WCONTINUED | 0xe000_0000) != 0 {
        return Err(Errno::EINVAL);
    }
    if pid == i32::MIN {
        return Err(Errno::ESRCH);
    }
    let own_group = cx.thread.process.pgrp.get();
    let which = move |child: &Process| match pid {
        -1 => true,
        0 => child.pgrp.get() == own_group,
        pid if pid > 0 => child.pid == pid,
        group => child.pgrp.get() == -group,
    };
    let Some(found) = look(cx, which, flags | WEXITED)? else { return Ok(0) };
    if args.u64(1) != 0 {
        cx.write_u32(args.u64(1), found.status as u32)?;
    }
    if args.u64(3) != 0 {
        let used = found.process.dead_ns.get();
        crate::time::usage::write_rusage(cx, args.u64(3), used)?;
    }
    Ok(found.process.pid as u64)
}

/// `waitpid` of i386.
pub fn waitpid(cx: &mut Context, args: Args) -> SysResult {
    let [pid, status, flags, ..] = args.0;
    wait4(cx, Args([pid, status, flags, 0, 0, 0]))
}

/// `waitid(2)`.
pub fn waitid(cx: &mut Context, args: Args) -> SysResult {
    let (kind, id, flags) = (args.int(0), args.int(1), args.u32(3));
    let wanted = WEXITED | WUNTRACED | WCONTINUED;
    if flags & !(wanted | WNOHANG | WNOWAIT | 0xe000_0000) != 0 || flags & wanted == 0 {
        return Err(Errno::EINVAL);
    }
    let by_descriptor = match kind {
        3 => Some(super::pidfd::process(cx, id)?.pid),
        _ => None,
    };
    if !(0..=3).contains(&kind) || kind == 1 && id <= 0 || kind == 2 && id < 0 {
        return Err(Errno::EINVAL);
    }
    let own_group = cx.thread.process.pgrp.get();
    let which = move |child: &Process| match kind {
        0 => true,
        1 => child.pid == id as Pid,
        3 => Some(child.pid) == by_descriptor,
        _ => child.pgrp.get() == if id == 0 { own_group } else { id },
    };
    let found = look(cx, which, flags)?;
    if args.u64(2) != 0 {
        let bytes = match &found {
            Some(found) => {
                let fields = Fields::Child {
                    pid: found.process.pid,
                    uid: 0,
                    status: found.value,
                    user: 0,
                    system: 0,
                };
                SigInfo { signal: SIGCHLD, errno: 0, code: found.code, fields }.encode(cx.abi())
            }
            None => [0; 128],
        };
        let len = if cx.abi() == Abi::Amd64 { 32 } else { 24 };
        cx.write_bytes(args.u64(2), &bytes[..len])?;
    }
    if let Some(found) = &found
        && args.u64(4) != 0
    {
        crate::time::usage::write_rusage(cx, args.u64(4), found.process.dead_ns.get())?;
    }
    Ok(0)
}
