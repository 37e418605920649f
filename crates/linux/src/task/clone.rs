//! `fork(2)`, `vfork(2)`, `clone(2)`, `clone3(2)`.

use alloc::rc::Rc;
use core::cell::RefCell;

use super::ptrace::event;
use super::{Parts, Process, Session, Thread, limits};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::machine::{Descriptor, Mode, gpr};
use crate::signal::SIGCHLD;
use crate::syscall::{Abi, Args};
use crate::wait::WaitQueue;

#[allow(missing_docs)]
mod flag {
    pub const VM: u64 = 0x100;
    pub const FS: u64 = 0x200;
    pub const FILES: u64 = 0x400;
    pub const SIGHAND: u64 = 0x800;
    pub const PIDFD: u64 = 0x1000;
    pub const VFORK: u64 = 0x4000;
    pub const PARENT: u64 = 0x8000;
    pub const THREAD: u64 = 0x1_0000;
    pub const UNTRACED: u64 = 0x80_0000;
    pub const SETTLS: u64 = 0x8_0000;
    pub const PARENT_SETTID: u64 = 0x10_0000;
    pub const CHILD_CLEARTID: u64 = 0x20_0000;
    pub const CHILD_SETTID: u64 = 0x100_0000;
    pub const CLEAR_SIGHAND: u64 = 1 << 32;
    /// Name spaces of their own.
    pub const NAMESPACES: u64 = 0x7e02_0000;
}

/// What a child shall be.
#[derive(Default)]
struct Request {
    flags: u64,
    exit_signal: i32,
    stack: u64,
    parent_tid: u64,
    /// Where the descriptor of the process goes.
    pidfd: u64,
    child_tid: u64,
    tls: u64,
}

/// `fork(2)`.
pub fn fork(cx: &mut Context, _: Args) -> SysResult {
    clone_with(cx, Request { exit_signal: SIGCHLD, ..Request::default() })
}

/// `vfork(2)`.
pub fn vfork(cx: &mut Context, _: Args) -> SysResult {
    let flags = flag::VFORK | flag::VM;
    clone_with(cx, Request { flags, exit_signal: SIGCHLD, ..Request::default() })
}

/// `clone(2)`; the order of arguments depends on the ABI.
pub fn clone(cx: &mut Context, args: Args) -> SysResult {
    let (tls, child_tid) = match cx.abi() {
        Abi::I386 => (args.u64(3), args.u64(4)),
        Abi::Amd64 => (args.u64(4), args.u64(3)),
    };
    let flags = args.u64(0) & 0xffff_ffff;
    // Both have one place for what they tell.
    if flags & flag::PIDFD != 0 && flags & flag::PARENT_SETTID != 0 {
        return Err(Errno::EINVAL);
    }
    let request = Request {
        flags: flags & !0xff,
        exit_signal: (flags & 0xff) as i32,
        stack: args.u64(1),
        parent_tid: args.u64(2),
        pidfd: args.u64(2),
        child_tid,
        tls,
    };
    clone_with(cx, request)
}

/// `clone3(2)`.
pub fn clone3(cx: &mut Context, args: Args) -> SysResult {
    let (at, size) = (args.u64(0), args.u64(1));
    if size < 64 {
        return Err(Errno::EINVAL);
    }
    if size > 4096 {
        return Err(Errno::E2BIG);
    }
    let bytes = cx.read_vec(at, size)?;
    let field = |index: usize| {
        let part = bytes.get(index * 8..index * 8 + 8)?;
        Some(u64::from_le_bytes(part.try_into().ok()?))
    };
    let get = |index: usize| field(index).unwrap_or(0);
    if bytes.len() > 88 && bytes[88..].iter().any(|&b| b != 0) {
        return Err(Errno::E2BIG);
    }
    let (stack, stack_size, signal) = (get(5), get(6), get(4));
    if get(0) & 0xff != 0 || signal > 64 || (stack == 0) != (stack_size == 0) || get(9) != 0 {
        return Err(Errno::EINVAL);
    }
    let request = Request {
        flags: get(0),
        exit_signal: signal as i32,
        stack: stack.wrapping_add(stack_size),
        parent_tid: get(3),
        pidfd: get(1),
        child_tid: get(2),
        tls: get(7),
    };
    clone_with(cx, request)
}

fn clone_with(cx: &mut Context, request: Request) -> SysResult {
    // Called again when the child of a vfork let go of the memory.
    let waited = cx.with_call(|call| {
        let saved = call.saved.as_ref()?.downcast_ref::<(i32, Rc<WaitQueue>)>();
        saved.cloned()
    });
    if let Some((tid, queue)) = waited {
        let holds = |thread: &Rc<Thread>| thread.vfork_done.borrow().is_some();
        if cx.kernel.threads.get(&tid).is_some_and(holds)
            && cx.thread.process.exiting.get().is_none()
        {
            cx.wait_on(&queue);
            return Err(Errno::PARK);
        }
        let parent = cx.thread.clone();
        cx.kernel.traced_vfork_done(&parent, tid);
        return Ok(tid as u64);
    }
    let flags = request.flags;
    let has = |bits: u64| flags & bits != 0;
    if has(flag::SIGHAND) && !has(flag::VM) || has(flag::THREAD) && !has(flag::SIGHAND) {
        return Err(Errno::EINVAL);
    }
    if has(flag::NAMESPACES) || has(flag::PIDFD) && has(flag::THREAD) {
        return Err(Errno::EINVAL);
    }
    let parent = cx.thread.clone();
    if has(flag::PARENT) && parent.process.pid == 1 {
        return Err(Errno::EINVAL);
    }
    let limit = parent.process.limit(limits::NPROC).0;
    // Those that only a tracer waits for count as well.
    let count = cx.kernel.threads.len() + cx.kernel.dead_tracees.len();
    if count as u64 >= limit.min(16384) {
        return Err(Errno::EAGAIN);
    }
    let parts = Parts {
        mm: if has(flag::VM) {
            parent.mm()
        } else {
            let copy = parent.mm().borrow().fork()?;
            Rc::new(RefCell::new(copy))
        },
        files: if has(flag::FILES) {
            parent.files()
        } else {
            Rc::new(RefCell::new(parent.files().borrow().clone()))
        },
        fs: if has(flag::FS) { parent.fs() } else { parent.fs().copy() },
        credentials: parent.credentials(),
    };
    let tid = cx.kernel.new_pid();
    let process = match has(flag::THREAD) {
        true => parent.process.clone(),
        false => new_process(cx, tid, &request),
    };
    let mut registers = parent.registers.borrow().clone();
    registers.gpr[gpr::RAX] = 0;
    if request.stack != 0 {
        registers.gpr[gpr::RSP] = request.stack;
    }
    if has(flag::SETTLS) {
        match registers.mode {
            Mode::Amd64 => registers.fs_base = request.tls,
            Mode::I386 => {
                let number = cx.read_u32(request.tls)?;
                let descriptor = Descriptor {
                    base: cx.read_u32(request.tls + 4)?,
                    limit: cx.read_u32(request.tls + 8)?,
                    present: true,
                };
                let index = number.wrapping_sub(12) as usize;
                *registers.tls.get_mut(index).ok_or(Errno::EINVAL)? = descriptor;
                registers.gs_base = registers.segment_base(registers.gs).unwrap_or(0);
            }
        }
    }
    if has(flag::PIDFD) {
        let fd = super::pidfd::install(cx, process.clone(), 0)?;
        if let Err(error) = cx.write_u32(request.pidfd, fd as u32) {
            cx.files().borrow_mut().remove(fd)?;
            return Err(error);
        }
    }
    if has(flag::PARENT_SETTID) {
        cx.write_u32(request.parent_tid, tid as u32)?;
    }
    let thread = Thread::new(tid, process.clone(), registers, parts);
    thread.abi.set(parent.abi.get());
    thread.mask.set(parent.mask.get());
    thread.scheduling.set(parent.scheduling.get().inherited());
    thread.timer_slack.set(parent.timer_slack.get());
    *thread.name.borrow_mut() = parent.name.borrow().clone();
    if !has(flag::VM) || has(flag::VFORK) {
        thread.altstack.set(parent.altstack.get());
    }
    if has(flag::CHILD_CLEARTID) {
        thread.clear_child_tid.set(request.child_tid);
    }
    process.threads.borrow_mut().push(tid);
    cx.kernel.threads.insert(tid, thread.clone());
    cx.kernel.processes.entry(process.pid).or_insert(process);
    if has(flag::CHILD_SETTID) {
        let child = Context { kernel: cx.kernel, thread: thread.clone() };
        // As on the real system, the child finds out if this fails.
        let _ = child.write_u32(request.child_tid, tid as u32);
    }
    if !has(flag::UNTRACED) {
        let what = match request.exit_signal {
            _ if has(flag::VFORK) => event::VFORK,
            SIGCHLD if !has(flag::THREAD) => event::FORK,
            _ => event::CLONE,
        };
        cx.kernel.traced_child(&parent, &thread, what);
    }
    cx.kernel.enqueue(&thread);
    if has(flag::VFORK) {
        let queue = Rc::new(WaitQueue::new());
        *thread.vfork_done.borrow_mut() = Some(queue.clone());
        cx.with_call(|call| {
            call.saved = Some(alloc::boxed::Box::new((tid, queue.clone())));
            // Signals wait until the child is done.
            call.interrupted = Errno::ERESTARTNOINTR;
            call.uninterruptible = true;
        });
        return Err(cx.wait_on(&queue));
    }
    Ok(tid as u64)
}

fn new_process(cx: &mut Context, pid: i32, request: &Request) -> Rc<Process> {
    let parent = cx.thread.process.clone();
    let session: Rc<Session> = parent.session.borrow().clone();
    let process = Process::new(pid, session, cx.kernel.monotonic_ns());
    let real_parent =
        if request.flags & flag::PARENT != 0 { parent.parent.get() } else { parent.pid };
    process.parent.set(real_parent);
    process.pgrp.set(parent.pgrp.get());
    // A sibling tells the common parent as its maker would.
    let sibling = request.flags & flag::PARENT != 0;
    process.exit_signal.set(if sibling { parent.exit_signal.get() } else { request.exit_signal });
    *process.limits.borrow_mut() = *parent.limits.borrow();
    process.dumpable.set(parent.dumpable.get());
    process.no_new_privs.set(parent.no_new_privs.get());
    process.no_huge_pages.set(parent.no_huge_pages.get());
    process.personality.set(parent.personality.get());
    process.nice.set(parent.nice.get());
    let actions = parent.actions.borrow().clone();
    *process.actions.borrow_mut() = if request.flags & flag::SIGHAND != 0 {
        actions
    } else {
        let mut copy = actions.borrow().clone();
        if request.flags & flag::CLEAR_SIGHAND != 0 {
            for action in copy.0.iter_mut().filter(|action| action.handler > 1) {
                *action = Default::default();
            }
        }
        Rc::new(RefCell::new(copy))
    };
    Rc::new(process)
}
