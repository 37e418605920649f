//! Numbers of processes, groups and sessions, and what a C library tells about its
//! threads at their start.

use alloc::rc::Rc;
use core::cell::RefCell;

use super::{Process, Session};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::machine::Descriptor;
use crate::syscall::Args;

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

/// The process of a number; 0 is the caller's.
pub fn process(cx: &Context, pid: i32) -> SysResult<Rc<Process>> {
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

/// `get_robust_list(2)`.
pub fn get_robust_list(cx: &mut Context, args: Args) -> SysResult {
    let thread = match args.int(0) {
        0 => cx.thread.clone(),
        tid => cx.kernel.threads.get(&tid).cloned().ok_or(Errno::ESRCH)?,
    };
    super::memory::may_reach(cx, &thread)?;
    cx.write_word(args.u64(2), 3 * cx.word() as u64)?;
    cx.write_word(args.u64(1), thread.robust_list.get())?;
    Ok(0)
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
