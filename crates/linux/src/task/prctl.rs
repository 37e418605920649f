//! `prctl(2)`, `arch_prctl(2)` and `personality(2)`: odds and ends of threads.

use super::credentials::{ALL_CAPABILITIES, KEEP_CAPS, cap};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::Args;

/// Requests, as `linux/prctl.h` numbers them.
mod request {
    pub const SET_PDEATHSIG: u32 = 1;
    pub const GET_PDEATHSIG: u32 = 2;
    pub const GET_DUMPABLE: u32 = 3;
    pub const SET_DUMPABLE: u32 = 4;
    pub const GET_KEEPCAPS: u32 = 7;
    pub const SET_KEEPCAPS: u32 = 8;
    pub const GET_TIMING: u32 = 13;
    pub const SET_TIMING: u32 = 14;
    pub const SET_NAME: u32 = 15;
    pub const GET_NAME: u32 = 16;
    pub const GET_SECCOMP: u32 = 21;
    pub const CAPBSET_READ: u32 = 23;
    pub const CAPBSET_DROP: u32 = 24;
    pub const GET_TSC: u32 = 25;
    pub const GET_SECUREBITS: u32 = 27;
    pub const SET_SECUREBITS: u32 = 28;
    pub const SET_TIMERSLACK: u32 = 29;
    pub const GET_TIMERSLACK: u32 = 30;
    pub const MCE_KILL_GET: u32 = 34;
    pub const SET_CHILD_SUBREAPER: u32 = 36;
    pub const GET_CHILD_SUBREAPER: u32 = 37;
    pub const SET_NO_NEW_PRIVS: u32 = 38;
    pub const GET_NO_NEW_PRIVS: u32 = 39;
    pub const GET_TID_ADDRESS: u32 = 40;
    pub const SET_THP_DISABLE: u32 = 41;
    pub const GET_THP_DISABLE: u32 = 42;
    pub const CAP_AMBIENT: u32 = 47;
}

/// `prctl(2)`.
pub fn prctl(cx: &mut Context, args: Args) -> SysResult {
    use request::*;
    let process = cx.thread.process.clone();
    let rest_is_zero = args.0[2..5].iter().all(|&value| value == 0);
    match args.u32(0) {
        SET_PDEATHSIG if args.u64(1) > 64 => Err(Errno::EINVAL),
        SET_PDEATHSIG => {
            process.death_signal.set(args.int(1));
            Ok(0)
        }
        GET_PDEATHSIG => cx.write_u32(args.u64(1), process.death_signal.get() as u32).map(|()| 0),
        GET_DUMPABLE => Ok(u64::from(process.dumpable.get())),
        SET_DUMPABLE if args.u64(1) > 1 => Err(Errno::EINVAL),
        SET_DUMPABLE => {
            process.dumpable.set(args.u64(1) == 1);
            Ok(0)
        }
        GET_TIMING => Ok(0),
        SET_TIMING if args.u64(1) == 0 => Ok(0),
        SET_NAME => {
            // As `strncpy_from_user`: up to 15 bytes, or up to the zero before.
            let len = cx.readable(args.u64(1), 15)?;
            let name = cx.read_vec(args.u64(1), len)?;
            let end = name.iter().position(|&b| b == 0);
            if end.is_none() && name.len() < 15 {
                return Err(Errno::EFAULT);
            }
            *cx.thread.name.borrow_mut() = name[..end.unwrap_or(15)].to_vec();
            Ok(0)
        }
        GET_NAME => {
            let mut name = cx.thread.name.borrow().clone();
            name.resize(16, 0);
            cx.write_bytes(args.u64(1), &name).map(|()| 0)
        }
        GET_SECCOMP => Ok(0),
        // The time stamp counter may be read.
        GET_TSC => cx.write_u32(args.u64(1), 1).map(|()| 0),
        SET_TIMERSLACK => {
            cx.thread.timer_slack.set(if args.i64(1) <= 0 { 50_000 } else { args.u64(1) });
            Ok(0)
        }
        GET_TIMERSLACK => Ok(cx.thread.timer_slack.get()),
        MCE_KILL_GET => Ok(2),
        SET_CHILD_SUBREAPER => {
            process.subreaper.set(args.u64(1) != 0);
            Ok(0)
        }
        GET_CHILD_SUBREAPER => {
            cx.write_u32(args.u64(1), u32::from(process.subreaper.get())).map(|()| 0)
        }
        SET_NO_NEW_PRIVS if args.u64(1) == 1 && rest_is_zero => {
            process.no_new_privs.set(true);
            Ok(0)
        }
        GET_NO_NEW_PRIVS if args.u64(1) == 0 && rest_is_zero => {
            Ok(u64::from(process.no_new_privs.get()))
        }
        GET_TID_ADDRESS => cx.write_word(args.u64(1), cx.thread.clear_child_tid.get()).map(|()| 0),
        // There are no huge pages, so it does not matter whether they are wanted.
        SET_THP_DISABLE if rest_is_zero => {
            process.no_huge_pages.set(args.u64(1) != 0);
            Ok(0)
        }
        GET_THP_DISABLE if args.u64(1) == 0 && rest_is_zero => {
            Ok(u64::from(process.no_huge_pages.get()))
        }
        GET_KEEPCAPS | SET_KEEPCAPS | CAPBSET_READ | CAPBSET_DROP | GET_SECUREBITS
        | SET_SECUREBITS | CAP_AMBIENT => capabilities(cx, args),
        _ => Err(Errno::EINVAL),
    }
}

/// Requests about capabilities (`capabilities(7)`).
fn capabilities(cx: &mut Context, args: Args) -> SysResult {
    use request::*;
    let old = cx.thread.credentials();
    let mut new = (*old).clone();
    let capability = |value: u64| match value {
        0..=40 => Ok(1 << value),
        _ => Err(Errno::EINVAL),
    };
    match args.u32(0) {
        GET_KEEPCAPS => return Ok(u64::from(old.securebits & KEEP_CAPS != 0)),
        SET_KEEPCAPS if args.u64(1) > 1 => return Err(Errno::EINVAL),
        SET_KEEPCAPS if old.securebits & KEEP_CAPS << 1 != 0 => return Err(Errno::EPERM),
        SET_KEEPCAPS => {
            new.securebits &= !KEEP_CAPS;
            new.securebits |= if args.u64(1) == 1 { KEEP_CAPS } else { 0 };
        }
        CAPBSET_READ => return Ok(u64::from(old.bounding & capability(args.u64(1))? != 0)),
        CAPBSET_DROP if !old.has(cap::SETPCAP) => return Err(Errno::EPERM),
        CAPBSET_DROP => new.bounding &= !capability(args.u64(1))?,
        GET_SECUREBITS => return Ok(u64::from(old.securebits)),
        SET_SECUREBITS => {
            const LOCKS: u32 = 0xaa;
            let wanted = args.u32(1);
            let locked = (old.securebits & LOCKS) >> 1;
            let unlocks = old.securebits & LOCKS & !wanted != 0;
            let changes_locked = (old.securebits ^ wanted) & locked != 0;
            if args.u64(1) > 0xff || unlocks || changes_locked || !old.has(cap::SETPCAP) {
                return Err(Errno::EPERM);
            }
            new.securebits = wanted;
        }
        _ => {
            let (set, value) = (args.u32(1), args.u64(2));
            if args.0[3..5].iter().any(|&value| value != 0) {
                return Err(Errno::EINVAL);
            }
            match set {
                4 if value == 0 => new.ambient = 0,
                1 => return Ok(u64::from(old.ambient & capability(value)? != 0)),
                3 => new.ambient &= !capability(value)?,
                2 => {
                    let one = capability(value)?;
                    const NO_AMBIENT_RAISE: u32 = 1 << 6;
                    let locked = old.securebits & NO_AMBIENT_RAISE != 0;
                    if locked || old.permitted & old.inheritable & one == 0 {
                        return Err(Errno::EPERM);
                    }
                    new.ambient |= one;
                }
                _ => return Err(Errno::EINVAL),
            }
        }
    }
    new.bounding &= ALL_CAPABILITIES;
    cx.thread.set_credentials(new);
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

/// `personality(2)`.
pub fn personality(cx: &mut Context, args: Args) -> SysResult {
    let old = cx.thread.process.personality.get();
    if args.u32(0) != u32::MAX {
        cx.thread.process.personality.set(args.u32(0));
    }
    Ok(u64::from(old))
}
