//! Ends of threads and processes.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::ptrace::Dead;
use super::{Pid, Process, State, Thread};
use crate::errno::{Errno, SysResult};
use crate::kernel::{Context, Kernel};
use crate::signal::{self, Fields, SIGCHLD, SIGCONT, SIGHUP, SigInfo, sa};
use crate::syscall::Args;

/// `exit(2)`: one thread.
pub fn exit(cx: &mut Context, args: Args) -> SysResult {
    let thread = cx.thread.clone();
    let status = (args.int(0) & 0xff) << 8;
    if stops_before(cx, status) {
        return Err(Errno::PARK);
    }
    cx.kernel.end_thread(&thread, status);
    Ok(0)
}

/// Whether a traced thread stops first; then the call is made again.
fn stops_before(cx: &mut Context, status: i32) -> bool {
    let thread = cx.thread.clone();
    let stops = cx.kernel.traced_exit(&thread, status);
    if stops {
        cx.with_call(|call| call.uninterruptible = true);
    }
    stops
}

/// `exit_group(2)`: the process.
pub fn exit_group(cx: &mut Context, args: Args) -> SysResult {
    let thread = cx.thread.clone();
    let status = (args.int(0) & 0xff) << 8;
    if stops_before(cx, status) {
        return Err(Errno::PARK);
    }
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
        self.tracer_ended(thread.tid);
        self.traced_thread_ended(thread, status);
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
        let groups = self.groups_held_by(process);
        self.adopt_children(process);
        self.hang_up_orphans(&groups);
        let is_leader = process.session.borrow().sid == process.pid;
        if is_leader {
            let session = process.session.borrow().clone();
            let tty = session.tty.take();
            if let Some(tty) = tty {
                crate::tty::leader_ended(self, tty);
            }
        }
        self.forget_tracees(process.pid);
        let tracer = process.tracer.replace(0);
        if tracer != 0 && tracer != process.parent.get() {
            // The tracer is told first, and the parent once it knows.
            let (tid, process) = (process.pid, process.clone());
            process.held.set(true);
            if self.tell_tracer_of_end(Dead { tid, tracer, process: process.clone(), status }) {
                return;
            }
            process.held.set(false);
        }
        self.tell_parent_of_end(process, status);
    }

    /// Nobody waits any more for what a process traced.
    fn forget_tracees(&mut self, tracer: Pid) {
        let (gone, kept) =
            core::mem::take(&mut self.dead_tracees).into_iter().partition(|d| d.tracer == tracer);
        self.dead_tracees = kept;
        let gone: Vec<Dead> = gone;
        for dead in gone {
            self.told_of_end(&dead);
        }
    }

    /// A tracer knows of an end: if it is a process's, its parent is told now.
    pub(super) fn told_of_end(&mut self, dead: &Dead) {
        if dead.tid == dead.process.pid && dead.process.held.replace(false) {
            self.tell_parent_of_end(&dead.process, dead.status);
        }
    }

    fn tell_parent_of_end(&mut self, process: &Rc<Process>, status: i32) {
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
            if let Some(status) = child.status.get().filter(|_| !child.held.get())
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

    /// Groups of a process's session that it may have kept from being orphans: its own, and
    /// those of its children (`kill_orphaned_pgrp` in Linux, kernel/exit.c).
    fn groups_held_by(&self, process: &Rc<Process>) -> Vec<Pid> {
        let session = process.session.borrow().clone();
        let (pgrp, parent) = (process.pgrp.get(), process.parent.get());
        let other = |other: &Rc<Process>| {
            other.pgrp.get() != pgrp && Rc::ptr_eq(&other.session.borrow(), &session)
        };
        let own = self.processes.get(&parent).filter(|parent| other(parent)).map(|_| pgrp);
        let is_child = |child: &&Rc<Process>| child.parent.get() == process.pid && other(child);
        let children = self.processes.values().filter(is_child).map(|child| child.pgrp.get());
        let mut groups: Vec<Pid> = own.into_iter().chain(children).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// Of these groups, those that are orphans now and have stopped members are told so.
    fn hang_up_orphans(&mut self, groups: &[Pid]) {
        for &pgrp in groups {
            let is_stopped =
                |member: &&Rc<Process>| member.pgrp.get() == pgrp && member.stopped.get();
            let stopped = self.processes.values().find(is_stopped).cloned();
            if stopped.is_some_and(|member| self.is_orphaned(&member)) {
                self.signal_group(pgrp, SigInfo::kernel(SIGHUP));
                self.signal_group(pgrp, SigInfo::kernel(SIGCONT));
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

pub(super) fn child_info(process: &Rc<Process>, status: i32) -> SigInfo {
    let (code, value) = match status & 0x7f {
        0 => (1, status >> 8),
        signal => (2, signal),
    };
    let user = process.dead_ns.get() / 10_000_000;
    let fields = Fields::Child { pid: process.pid, uid: 0, status: value, user, system: 0 };
    SigInfo { signal: SIGCHLD, errno: 0, code, fields }
}
