//! Waiting for children, and for threads that are traced (`wait(2)`).

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::exit::child_info;
use super::ptrace::Stop;
use super::{Pid, Process};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::signal::{Fields, SIGCHLD, SIGCONT, SigInfo};
use crate::syscall::{Abi, Args};

const WNOHANG: u32 = 1;
const WUNTRACED: u32 = 2;
const WEXITED: u32 = 4;
const WCONTINUED: u32 = 8;
const WNOWAIT: u32 = 0x0100_0000;

/// What a wait found.
struct Found {
    /// The process, or the traced thread.
    pid: Pid,
    process: Rc<Process>,
    status: i32,
    code: i32,
    value: i32,
}

/// Looks for a child or a traced thread that changed; none if it should not wait.
fn look(
    cx: &mut Context,
    which: impl Fn(Pid, &Process) -> bool,
    flags: u32,
) -> SysResult<Option<Found>> {
    let own = cx.thread.process.clone();
    let is_child = |child: &&Rc<Process>| child.parent.get() == own.pid && which(child.pid, child);
    let children: Vec<_> = cx.kernel.processes.values().filter(is_child).cloned().collect();
    let (traced, found) = look_at_traced(cx, own.pid, &which, flags);
    if found.is_some() {
        return Ok(found);
    }
    if children.is_empty() && !traced {
        return Err(Errno::ECHILD);
    }
    for child in children.iter().filter(|child| !child.held.get()) {
        let pid = child.pid;
        if let Some(status) = child.status.get()
            && flags & WEXITED != 0
        {
            if flags & WNOWAIT == 0 {
                cx.kernel.processes.remove(&child.pid);
                let used = child.dead_ns.get() + child.children_ns.get();
                own.children_ns.set(own.children_ns.get() + used);
            }
            return Ok(Some(ended(pid, child, status)));
        }
        // The stops of whom it traces are told thread by thread.
        if child.tracer.get() == own.pid {
            continue;
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
        return Ok(Some(Found { pid, process: child.clone(), status, code, value }));
    }
    if flags & WNOHANG != 0 {
        return Ok(None);
    }
    Err(cx.wait_on(&own.child_news))
}

/// Looks for stops and ends of those that a process traces, and whether there are any at all.
fn look_at_traced(
    cx: &mut Context,
    own: Pid,
    which: impl Fn(Pid, &Process) -> bool,
    flags: u32,
) -> (bool, Option<Found>) {
    let mut traced = false;
    for thread in cx.kernel.threads.values() {
        let Some(tracing) = thread.tracing() else { continue };
        if tracing.process != own || !which(thread.tid, &thread.process) {
            continue;
        }
        traced = true;
        let Some(stop) = tracing.stop.get().filter(|stop| !stop.told && !stop.listening) else {
            continue;
        };
        if flags & WNOWAIT == 0 {
            tracing.stop.set(Some(Stop { told: true, ..stop }));
        }
        let (process, status) = (thread.process.clone(), stop.code << 8 | 0x7f);
        let found = Found { pid: thread.tid, process, status, code: 4, value: stop.code };
        return (true, Some(found));
    }
    let dead = cx
        .kernel
        .dead_tracees
        .iter()
        .position(|dead| dead.tracer == own && which(dead.tid, &dead.process));
    let Some(index) = dead else { return (traced, None) };
    if flags & WEXITED == 0 {
        return (true, None);
    }
    let dead = &cx.kernel.dead_tracees[index];
    let found = ended(dead.tid, &dead.process, dead.status);
    if flags & WNOWAIT == 0 {
        let dead = cx.kernel.dead_tracees.remove(index);
        cx.kernel.told_of_end(&dead);
    }
    (true, Some(found))
}

fn ended(pid: Pid, process: &Rc<Process>, status: i32) -> Found {
    let info = child_info(process, status);
    let value = match info.fields {
        Fields::Child { status, .. } => status,
        _ => 0,
    };
    Found { pid, process: process.clone(), status, code: info.code, value }
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
    let which = move |own: Pid, child: &Process| match pid {
        -1 => true,
        0 => child.pgrp.get() == own_group,
        pid if pid > 0 => own == pid,
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
    Ok(found.pid as u64)
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
    let which = move |own: Pid, child: &Process| match kind {
        0 => true,
        1 => own == id as Pid,
        3 => Some(own) == by_descriptor,
        _ => child.pgrp.get() == if id == 0 { own_group } else { id },
    };
    let found = look(cx, which, flags)?;
    if args.u64(2) != 0 {
        let bytes = match &found {
            Some(found) => {
                let fields = Fields::Child {
                    pid: found.pid,
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
