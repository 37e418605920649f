//! Calls about signals.

use alloc::vec::Vec;

use super::{Action, DEFAULT, SIGCONT, SigInfo, UNBLOCKABLE, bit, checked, sa};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::machine::gpr;
use crate::syscall::{Abi, Args};
use crate::task::{Credentials, Process};

fn set_size(args: &Args, index: usize) -> SysResult<()> {
    if args.u64(index) == 8 { Ok(()) } else { Err(Errno::EINVAL) }
}

/// `sigaction(2)`.
pub fn rt_sigaction(cx: &mut Context, args: Args) -> SysResult {
    set_size(&args, 3)?;
    let word = cx.word() as u64;
    let new = match args.u64(1) {
        0 => None,
        at => Some(Action {
            handler: cx.read_word(at)?,
            flags: cx.read_word(at + word)? as u32,
            restorer: cx.read_word(at + 2 * word)?,
            mask: cx.read_u64(at + 3 * word)?,
        }),
    };
    let old = exchange(cx, args.int(0), new)?;
    if args.u64(2) != 0 {
        let at = args.u64(2);
        cx.write_word(at, old.handler)?;
        cx.write_word(at + word, u64::from(old.flags))?;
        cx.write_word(at + 2 * word, old.restorer)?;
        cx.write_u64(at + 3 * word, old.mask)?;
    }
    Ok(0)
}

/// `sigaction` of i386 with a mask of 32 bits.
pub fn sigaction(cx: &mut Context, args: Args) -> SysResult {
    let new = match args.u64(1) {
        0 => None,
        at => Some(Action {
            handler: cx.read_word(at)?,
            mask: u64::from(cx.read_u32(at + 4)?),
            flags: cx.read_u32(at + 8)?,
            restorer: cx.read_word(at + 12)?,
        }),
    };
    let old = exchange(cx, args.int(0), new)?;
    if args.u64(2) != 0 {
        let values = [old.handler, old.mask, u64::from(old.flags), old.restorer];
        for (index, value) in values.into_iter().enumerate() {
            cx.write_word(args.u64(2) + 4 * index as u64, value)?;
        }
    }
    Ok(0)
}

/// `signal` of i386.
pub fn signal(cx: &mut Context, args: Args) -> SysResult {
    let flags = sa::RESETHAND | sa::NODEFER;
    let new = Action { handler: args.u64(1), flags, ..Action::default() };
    exchange(cx, args.int(0), Some(new)).map(|old| old.handler)
}

fn exchange(cx: &mut Context, signal: i32, new: Option<Action>) -> SysResult<Action> {
    let kept = signal > 0 && bit(checked(signal)?) & UNBLOCKABLE != 0;
    if checked(signal)? == 0 || new.is_some() && kept {
        return Err(Errno::EINVAL);
    }
    let process = cx.thread.process.clone();
    let actions = process.actions.borrow().clone();
    let old = actions.borrow().get(signal);
    if let Some(mut new) = new {
        new.mask &= !UNBLOCKABLE;
        actions.borrow_mut().0[signal as usize - 1] = new;
        // What is ignored from now on is not pending any more.
        if actions.borrow().ignores(signal) {
            process.pending.borrow_mut().drop_set(bit(signal));
            for tid in process.threads.borrow().iter() {
                if let Some(thread) = cx.kernel.threads.get(tid) {
                    thread.pending.borrow_mut().drop_set(bit(signal));
                }
            }
        }
    }
    Ok(old)
}

/// `sigprocmask(2)`.
pub fn rt_sigprocmask(cx: &mut Context, args: Args) -> SysResult {
    set_size(&args, 3)?;
    let set = if args.u64(1) == 0 { None } else { Some(cx.read_u64(args.u64(1))?) };
    let old = change_mask(cx, args.u32(0), set)?;
    if args.u64(2) != 0 {
        cx.write_u64(args.u64(2), old)?;
    }
    Ok(0)
}

/// `sigprocmask` of i386 with a mask of 32 bits.
pub fn sigprocmask(cx: &mut Context, args: Args) -> SysResult {
    let set = if args.u64(1) == 0 { None } else { Some(u64::from(cx.read_u32(args.u64(1))?)) };
    let high = cx.thread.mask.get() & !0xffff_ffff;
    let old = change_mask(cx, args.u32(0), set)?;
    if args.u32(0) == 2 && set.is_some() {
        cx.thread.mask.set(cx.thread.mask.get() | high);
    }
    if args.u64(2) != 0 {
        cx.write_u32(args.u64(2), old as u32)?;
    }
    Ok(0)
}

fn change_mask(cx: &Context, how: u32, set: Option<u64>) -> SysResult<u64> {
    let old = cx.thread.mask.get();
    if let Some(set) = set {
        let new = match how {
            0 => old | set,
            1 => old & !set,
            2 => set,
            _ => return Err(Errno::EINVAL),
        };
        cx.thread.mask.set(new & !UNBLOCKABLE);
    }
    Ok(old)
}

/// `sigpending(2)`.
pub fn rt_sigpending(cx: &mut Context, args: Args) -> SysResult {
    if args.u64(1) > 8 {
        return Err(Errno::EINVAL);
    }
    let set = cx.thread.pending.borrow().set | cx.thread.process.pending.borrow().set;
    let bytes = (set & cx.thread.mask.get()).to_le_bytes();
    cx.write_bytes(args.u64(0), &bytes[..args.u64(1) as usize]).map(|()| 0)
}

/// `sigsuspend(2)`.
pub fn rt_sigsuspend(cx: &mut Context, args: Args) -> SysResult {
    set_size(&args, 1)?;
    let mask = cx.read_u64(args.u64(0))?;
    suspend(cx, mask)
}

/// `sigsuspend` of i386: the mask is the third argument.
pub fn sigsuspend(cx: &mut Context, args: Args) -> SysResult {
    suspend(cx, args.u64(2))
}

fn suspend(cx: &mut Context, mask: u64) -> SysResult {
    if cx.thread.saved_mask.get().is_none() {
        cx.thread.saved_mask.set(Some(cx.thread.mask.get()));
        cx.thread.mask.set(mask & !UNBLOCKABLE);
    }
    cx.if_interrupted(Errno::ERESTARTNOHAND);
    cx.parked();
    Err(Errno::PARK)
}

/// `pause(2)`.
pub fn pause(cx: &mut Context, _: Args) -> SysResult {
    cx.if_interrupted(Errno::ERESTARTNOHAND);
    cx.parked();
    Err(Errno::PARK)
}

/// `sigtimedwait(2)`.
pub fn rt_sigtimedwait(cx: &mut Context, args: Args) -> SysResult {
    timed_wait(cx, args, true)
}

/// `sigtimedwait` of i386 with 32-bit times.
pub fn rt_sigtimedwait32(cx: &mut Context, args: Args) -> SysResult {
    timed_wait(cx, args, false)
}

fn timed_wait(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    set_size(&args, 3)?;
    let set = cx.read_u64(args.u64(0))? & !UNBLOCKABLE;
    let timeout = match args.u64(2) {
        0 => None,
        at => Some(crate::time::calls::read_timespec(cx, at, wide)?.as_ns()),
    };
    let own = cx.thread.pending.borrow_mut().take(set);
    let info = own.or_else(|| cx.thread.process.pending.borrow_mut().take(set));
    if let Some(info) = info {
        if args.u64(1) != 0 {
            cx.write_bytes(args.u64(1), &info.encode(cx.abi()))?;
        }
        return Ok(info.signal as u64);
    }
    let deadline = cx.deadline(timeout);
    if cx.is_past(deadline) {
        return Err(Errno::EAGAIN);
    }
    cx.if_interrupted(Errno::EINTR);
    cx.parked();
    if let Some(deadline) = deadline {
        cx.wait_until(deadline);
    }
    Err(Errno::PARK)
}

/// `sigaltstack(2)`.
pub fn sigaltstack(cx: &mut Context, args: Args) -> SysResult {
    const DISABLE: u32 = 2;
    const AUTODISARM: u32 = 0x8000_0000;
    let word = cx.word() as u64;
    let (start, size, flags) = cx.thread.altstack.get();
    let sp = cx.thread.registers.borrow().gpr[gpr::RSP];
    let on_it = size != 0 && sp > start && sp - start <= size;
    if args.u64(0) != 0 {
        let at = args.u64(0);
        let (new, new_flags) = (cx.read_word(at)?, cx.read_u32(at + word)?);
        let new_size = cx.read_word(at + 2 * word)?;
        if on_it {
            return Err(Errno::EPERM);
        }
        let mode = new_flags & !AUTODISARM;
        match mode {
            DISABLE => cx.thread.altstack.set((0, 0, DISABLE)),
            0 | 1 if new_size < 2048 => return Err(Errno::ENOMEM),
            0 | 1 => cx.thread.altstack.set((new, new_size, new_flags)),
            _ => return Err(Errno::EINVAL),
        }
    }
    if args.u64(1) != 0 {
        let at = args.u64(1);
        let state = if size == 0 { DISABLE } else { u32::from(on_it) | flags & AUTODISARM };
        cx.write_word(at, start)?;
        cx.write_u32(at + word, state)?;
        if cx.abi() == Abi::Amd64 {
            cx.write_u32(at + 12, 0)?;
        }
        cx.write_word(at + 2 * word, size)?;
    }
    Ok(0)
}

fn may_signal(credentials: &Credentials, target: &Credentials) -> bool {
    credentials.has(crate::task::credentials::cap::KILL)
        || [target.uid, target.suid]
            .iter()
            .any(|id| [credentials.uid, credentials.euid].contains(id))
}

fn allowed(cx: &Context, process: &Process, signal: i32) -> bool {
    let tid = process.threads.borrow().first().copied();
    let target = tid.and_then(|tid| cx.kernel.threads.get(&tid)).map(|thread| thread.credentials());
    let same_session =
        alloc::rc::Rc::ptr_eq(&process.session.borrow(), &cx.thread.process.session.borrow());
    match target {
        Some(target) => {
            may_signal(&cx.thread.credentials(), &target) || signal == SIGCONT && same_session
        }
        None => true,
    }
}

/// `kill(2)`.
pub fn kill(cx: &mut Context, args: Args) -> SysResult {
    let (pid, signal) = (args.int(0), checked(args.int(1))?);
    let own = cx.thread.process.clone();
    let wanted = |process: &Process| match pid {
        0 => process.pgrp.get() == own.pgrp.get(),
        -1 => process.pid != 1 && process.pid != own.pid,
        pid if pid > 0 => process.pid == pid,
        group => process.pgrp.get() == group.wrapping_neg(),
    };
    let list: Vec<_> = cx.kernel.processes.values().filter(|p| wanted(p)).cloned().collect();
    if list.is_empty() {
        return Err(Errno::ESRCH);
    }
    let mut sent = false;
    for process in list {
        if !allowed(cx, &process, signal) {
            continue;
        }
        sent = true;
        if signal != 0 {
            let info = SigInfo::user(cx, signal, 0);
            cx.kernel.signal_process(&process, info);
        }
    }
    if sent { Ok(0) } else { Err(Errno::EPERM) }
}

/// `tgkill(2)`.
pub fn tgkill(cx: &mut Context, args: Args) -> SysResult {
    if args.int(0) <= 0 {
        return Err(Errno::EINVAL);
    }
    to_thread(cx, Some(args.int(0)), args.int(1), args.int(2))
}

/// `tkill(2)`.
pub fn tkill(cx: &mut Context, args: Args) -> SysResult {
    to_thread(cx, None, args.int(0), args.int(1))
}

fn to_thread(cx: &mut Context, pid: Option<i32>, tid: i32, signal: i32) -> SysResult {
    if tid <= 0 {
        return Err(Errno::EINVAL);
    }
    let signal = checked(signal)?;
    let thread = cx.kernel.threads.get(&tid).cloned().ok_or(Errno::ESRCH)?;
    if pid.is_some_and(|pid| pid != thread.process.pid) {
        return Err(Errno::ESRCH);
    }
    if !allowed(cx, &thread.process, signal) {
        return Err(Errno::EPERM);
    }
    if signal != 0 {
        let info = SigInfo::user(cx, signal, -6);
        cx.kernel.signal_thread(&thread, info);
    }
    Ok(0)
}

/// Signals that have a handler or are ignored, for `/proc/PID/status`.
pub fn caught(process: &Process) -> (u64, u64) {
    let actions = process.actions.borrow().clone();
    let (mut ignored, mut handled) = (0, 0);
    for (index, action) in actions.borrow().0.iter().enumerate() {
        match action.handler {
            DEFAULT => {}
            super::IGNORE => ignored |= 1 << index,
            _ => handled |= 1 << index,
        }
    }
    (ignored, handled)
}
