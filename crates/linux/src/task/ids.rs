//! Numbers of processes, users and groups, limits, and the odds and ends of
//! threads that a C library asks for at its start.

use alloc::rc::Rc;
use core::cell::RefCell;

use super::{Process, Session, limits};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::machine::Descriptor;
use crate::syscall::{Abi, Args};

/// `getpid(2)`.
pub fn getpid(cx: &mut Context, _: Args) -> SysResult {
    Ok(cx.thread.process.pid as u64)
}

/// `gettid(2)`.
pub fn gettid(cx: &mut Context, _: Args) -> SysResult {
    Ok(cx.thread.tid as u64)
}

/// `getppid(2)`.
pub fn getppid(cx: &mut Context, _: Args) -> SysResult {
    Ok(cx.thread.process.parent.get() as u64)
}

fn process(cx: &Context, pid: i32) -> SysResult<Rc<Process>> {
    if pid == 0 {
        return Ok(cx.thread.process.clone());
    }
    cx.kernel.processes.get(&pid).cloned().ok_or(Errno::ESRCH)
}

/// `getpgid(2)`.
pub fn getpgid(cx: &mut Context, args: Args) -> SysResult {
    process(cx, args.int(0)).map(|process| process.pgrp.get() as u64)
}

/// `getpgrp(2)`.
pub fn getpgrp(cx: &mut Context, _: Args) -> SysResult {
    Ok(cx.thread.process.pgrp.get() as u64)
}

/// `getsid(2)`.
pub fn getsid(cx: &mut Context, args: Args) -> SysResult {
    let process = process(cx, args.int(0))?;
    let sid = process.session.borrow().sid;
    Ok(sid as u64)
}

/// `setpgid(2)`.
pub fn setpgid(cx: &mut Context, args: Args) -> SysResult {
    let own = cx.thread.process.clone();
    let (pid, mut pgrp) = (args.int(0), args.int(1));
    if pgrp < 0 {
        return Err(Errno::EINVAL);
    }
    let target = process(cx, pid)?;
    let same_session = |other: &Process| Rc::ptr_eq(&other.session.borrow(), &own.session.borrow());
    if target.parent.get() == own.pid && !Rc::ptr_eq(&target, &own) {
        if !same_session(&target) {
            return Err(Errno::EPERM);
        }
        if target.executed.get() {
            return Err(Errno::EACCES);
        }
    } else if !Rc::ptr_eq(&target, &own) {
        return Err(Errno::ESRCH);
    }
    if target.session.borrow().sid == target.pid {
        return Err(Errno::EPERM);
    }
    if pgrp == 0 {
        pgrp = target.pid;
    }
    let exists = |other: &Rc<Process>| other.pgrp.get() == pgrp && same_session(other);
    if pgrp != target.pid && !cx.kernel.processes.values().any(exists) {
        return Err(Errno::EPERM);
    }
    target.pgrp.set(pgrp);
    Ok(0)
}

/// `setsid(2)`.
pub fn setsid(cx: &mut Context, _: Args) -> SysResult {
    let own = cx.thread.process.clone();
    if cx.kernel.processes.values().any(|other| other.pgrp.get() == own.pid) {
        return Err(Errno::EPERM);
    }
    *own.session.borrow_mut() = Rc::new(Session { sid: own.pid, tty: RefCell::new(None) });
    own.pgrp.set(own.pid);
    Ok(own.pid as u64)
}

/// `getuid(2)`.
pub fn getuid(cx: &mut Context, _: Args) -> SysResult {
    Ok(u64::from(cx.thread.credentials().uid))
}

/// `geteuid(2)`.
pub fn geteuid(cx: &mut Context, _: Args) -> SysResult {
    Ok(u64::from(cx.thread.credentials().euid))
}

/// `getgid(2)`.
pub fn getgid(cx: &mut Context, _: Args) -> SysResult {
    Ok(u64::from(cx.thread.credentials().gid))
}

/// `getegid(2)`.
pub fn getegid(cx: &mut Context, _: Args) -> SysResult {
    Ok(u64::from(cx.thread.credentials().egid))
}

/// `getgroups(2)`.
pub fn getgroups(cx: &mut Context, args: Args) -> SysResult {
    let groups = cx.thread.credentials().groups.clone();
    let room = usize::try_from(args.int(0)).map_err(|_| Errno::EINVAL)?;
    if room != 0 {
        if room < groups.len() {
            return Err(Errno::EINVAL);
        }
        for (index, group) in groups.iter().enumerate() {
            cx.write_u32(args.u64(1) + 4 * index as u64, *group)?;
        }
    }
    Ok(groups.len() as u64)
}

/// `set_tid_address(2)`.
pub fn set_tid_address(cx: &mut Context, args: Args) -> SysResult {
    cx.thread.clear_child_tid.set(args.u64(0));
    Ok(cx.thread.tid as u64)
}

/// `set_robust_list(2)`.
pub fn set_robust_list(cx: &mut Context, args: Args) -> SysResult {
    if args.u64(1) != 3 * cx.word() as u64 {
        return Err(Errno::EINVAL);
    }
    cx.thread.robust_list.set(args.u64(0));
    Ok(0)
}

/// `arch_prctl(2)`.
pub fn arch_prctl(cx: &mut Context, args: Args) -> SysResult {
    let value = args.u64(1);
    let thread = cx.thread.clone();
    match args.u32(0) {
        0x1001 | 0x1002 if value >> 47 != 0 => Err(Errno::EPERM),
        0x1001 => {
            thread.registers.borrow_mut().gs_base = value;
            Ok(0)
        }
        0x1002 => {
            thread.registers.borrow_mut().fs_base = value;
            Ok(0)
        }
        0x1003 => {
            let base = thread.registers.borrow().fs_base;
            cx.write_u64(value, base).map(|()| 0)
        }
        0x1004 => {
            let base = thread.registers.borrow().gs_base;
            cx.write_u64(value, base).map(|()| 0)
        }
        _ => Err(Errno::EINVAL),
    }
}

/// `set_thread_area(2)`.
pub fn set_thread_area(cx: &mut Context, args: Args) -> SysResult {
    const EMPTY: u32 = 0x28;
    let at = args.u64(0);
    let wanted = cx.read_u32(at)?;
    let (base, limit, bits) = (cx.read_u32(at + 4)?, cx.read_u32(at + 8)?, cx.read_u32(at + 12)?);
    let mut registers = cx.thread.registers.borrow_mut();
    let number = match wanted {
        u32::MAX => {
            let free = registers.tls.iter().position(|entry| !entry.present);
            let number = 12 + free.ok_or(Errno::ESRCH)? as u32;
            cx.write_u32(at, number)?;
            number
        }
        12..=14 => wanted,
        _ => return Err(Errno::EINVAL),
    };
    let empty = base == 0 && limit == 0 && bits & EMPTY == EMPTY;
    registers.tls[number as usize - 12] = Descriptor { base, limit, present: !empty };
    let (fs, gs) = (registers.fs, registers.gs);
    if fs >> 3 == number as u16 {
        registers.fs_base = registers.segment_base(fs).unwrap_or(0);
    }
    if gs >> 3 == number as u16 {
        registers.gs_base = registers.segment_base(gs).unwrap_or(0);
    }
    Ok(0)
}

/// `prlimit(2)`.
pub fn prlimit64(cx: &mut Context, args: Args) -> SysResult {
    let which = usize::try_from(args.int(1)).ok().filter(|which| *which < limits::COUNT);
    let which = which.ok_or(Errno::EINVAL)?;
    let target = process(cx, args.int(0))?;
    let old = target.limit(which);
    if args.u64(2) != 0 {
        let new = (cx.read_u64(args.u64(2))?, cx.read_u64(args.u64(2) + 8)?);
        set_limit(cx, &target, which, new)?;
    }
    if args.u64(3) != 0 {
        cx.write_u64(args.u64(3), old.0)?;
        cx.write_u64(args.u64(3) + 8, old.1)?;
    }
    Ok(0)
}

fn set_limit(cx: &Context, target: &Process, which: usize, new: (u64, u64)) -> SysResult<()> {
    let root = cx.thread.credentials().is_root();
    if new.0 > new.1 {
        return Err(Errno::EINVAL);
    }
    if new.1 > target.limit(which).1 && !root || which == limits::NOFILE && new.1 > 1 << 20 {
        return Err(Errno::EPERM);
    }
    target.limits.borrow_mut()[which] = new;
    Ok(())
}

/// `getrlimit(2)`.
pub fn getrlimit(cx: &mut Context, args: Args) -> SysResult {
    let which = args.u32(0) as usize;
    if which >= limits::COUNT {
        return Err(Errno::EINVAL);
    }
    let (soft, hard) = cx.thread.process.limit(which);
    let cut = |value: u64| match cx.abi() {
        Abi::I386 => value.min(u64::from(u32::MAX)),
        Abi::Amd64 => value,
    };
    cx.write_word(args.u64(1), cut(soft))?;
    cx.write_word(args.u64(1) + cx.word() as u64, cut(hard))?;
    Ok(0)
}

/// `setrlimit(2)`.
pub fn setrlimit(cx: &mut Context, args: Args) -> SysResult {
    let which = args.u32(0) as usize;
    if which >= limits::COUNT {
        return Err(Errno::EINVAL);
    }
    let wide = |value: u64| match (cx.abi(), value) {
        (Abi::I386, 0xffff_ffff) => limits::INFINITY,
        (_, value) => value,
    };
    let soft = wide(cx.read_word(args.u64(1))?);
    let hard = wide(cx.read_word(args.u64(1) + cx.word() as u64)?);
    let target = cx.thread.process.clone();
    set_limit(cx, &target, which, (soft, hard)).map(|()| 0)
}

/// `sched_yield(2)`.
pub fn sched_yield(_: &mut Context, _: Args) -> SysResult {
    Ok(0)
}

/// `sched_getaffinity(2)`: there is one processor.
pub fn sched_getaffinity(cx: &mut Context, args: Args) -> SysResult {
    let len = args.u64(1);
    if len < 8 || !len.is_multiple_of(cx.word() as u64) {
        return Err(Errno::EINVAL);
    }
    cx.write_u64(args.u64(2), 1)?;
    Ok(8)
}

/// `getcpu(2)`.
pub fn getcpu(cx: &mut Context, args: Args) -> SysResult {
    for at in [args.u64(0), args.u64(1)] {
        if at != 0 {
            cx.write_u32(at, 0)?;
        }
    }
    Ok(0)
}

/// `prctl(2)`.
pub fn prctl(cx: &mut Context, args: Args) -> SysResult {
    let process = cx.thread.process.clone();
    match args.u32(0) {
        1 if args.u64(1) > 64 => Err(Errno::EINVAL),
        1 => {
            process.death_signal.set(args.int(1));
            Ok(0)
        }
        2 => cx.write_u32(args.u64(1), process.death_signal.get() as u32).map(|()| 0),
        3 => Ok(u64::from(process.dumpable.get())),
        4 if args.u64(1) > 1 => Err(Errno::EINVAL),
        4 => {
            process.dumpable.set(args.u64(1) == 1);
            Ok(0)
        }
        15 => {
            let name = cx.read_vec(args.u64(1), cx.readable(args.u64(1), 15))?;
            let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
            *cx.thread.name.borrow_mut() = name[..end].to_vec();
            Ok(0)
        }
        16 => {
            let mut name = cx.thread.name.borrow().clone();
            name.resize(16, 0);
            cx.write_bytes(args.u64(1), &name).map(|()| 0)
        }
        36 => {
            process.subreaper.set(args.u64(1) != 0);
            Ok(0)
        }
        37 => cx.write_u32(args.u64(1), u32::from(process.subreaper.get())).map(|()| 0),
        38 if args.u64(1) == 1 => {
            process.no_new_privs.set(true);
            Ok(0)
        }
        39 => Ok(u64::from(process.no_new_privs.get())),
        _ => Err(Errno::EINVAL),
    }
}

/// `personality(2)`.
pub fn personality(cx: &mut Context, args: Args) -> SysResult {
    let old = cx.thread.process.personality.get();
    if args.u32(0) != u32::MAX {
        cx.thread.process.personality.set(args.u32(0));
    }
    Ok(u64::from(old))
}
