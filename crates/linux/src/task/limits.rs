//! Limits of resources (`getrlimit(2)`).

use super::credentials::cap;
use super::{Process, ids};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::{Abi, Args};

/// How many there are.
pub const COUNT: usize = 16;
/// No limit.
pub const INFINITY: u64 = u64::MAX;

#[allow(missing_docs)]
mod numbers {
    pub const FSIZE: usize = 1;
    pub const STACK: usize = 3;
    pub const NPROC: usize = 6;
    pub const NOFILE: usize = 7;
    pub const MEMLOCK: usize = 8;
    pub const SIGPENDING: usize = 11;
    pub const MSGQUEUE: usize = 12;
    pub const NICE: usize = 13;
    pub const RTPRIO: usize = 14;
}
pub use numbers::*;

/// What the first process has: as Debian's.
pub const DEFAULT: [(u64, u64); COUNT] = {
    let mut limits = [(INFINITY, INFINITY); COUNT];
    limits[STACK] = (8 << 20, INFINITY);
    limits[4] = (0, INFINITY); // CORE
    limits[NPROC] = (8192, 8192);
    limits[NOFILE] = (1024, 1 << 20);
    limits[MEMLOCK] = (8 << 20, 8 << 20);
    limits[SIGPENDING] = (8192, 8192);
    limits[MSGQUEUE] = (819_200, 819_200);
    limits[NICE] = (0, 0);
    limits[RTPRIO] = (0, 0);
    limits
};

/// `prlimit(2)`.
pub fn prlimit64(cx: &mut Context, args: Args) -> SysResult {
    let which = usize::try_from(args.int(1)).ok().filter(|which| *which < COUNT);
    let which = which.ok_or(Errno::EINVAL)?;
    let target = ids::process(cx, args.int(0))?;
    let own = cx.thread.credentials();
    let others = target.threads.borrow().first().copied();
    let theirs = others.and_then(|tid| cx.kernel.threads.get(&tid)).map(|t| t.credentials());
    if let Some(c) = theirs
        && target.pid != cx.thread.process.pid
        && !own.has(cap::SYS_RESOURCE)
        && ([c.uid, c.euid, c.suid] != [own.uid; 3] || [c.gid, c.egid, c.sgid] != [own.gid; 3])
    {
        return Err(Errno::EPERM);
    }
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
    let root = cx.thread.credentials().has(cap::SYS_RESOURCE);
    if new.0 > new.1 {
        return Err(Errno::EINVAL);
    }
    if new.1 > target.limit(which).1 && !root || which == NOFILE && new.1 > 1 << 20 {
        return Err(Errno::EPERM);
    }
    target.limits.borrow_mut()[which] = new;
    Ok(())
}

/// `getrlimit(2)`.
pub fn getrlimit(cx: &mut Context, args: Args) -> SysResult {
    let which = args.u32(0) as usize;
    if which >= COUNT {
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
    if which >= COUNT {
        return Err(Errno::EINVAL);
    }
    let wide = |value: u64| match (cx.abi(), value) {
        (Abi::I386, 0xffff_ffff) => INFINITY,
        (_, value) => value,
    };
    let soft = wide(cx.read_word(args.u64(1))?);
    let hard = wide(cx.read_word(args.u64(1) + cx.word() as u64)?);
    let target = cx.thread.process.clone();
    set_limit(cx, &target, which, (soft, hard)).map(|()| 0)
}

/// `getrlimit` of i386 as it was first: what does not fit is the largest `long`.
pub fn old_getrlimit(cx: &mut Context, args: Args) -> SysResult {
    let which = args.u32(0) as usize;
    if which >= COUNT {
        return Err(Errno::EINVAL);
    }
    let (soft, hard) = cx.thread.process.limit(which);
    for (index, value) in [soft, hard].into_iter().enumerate() {
        cx.write_u32(args.u64(1) + 4 * index as u64, value.min(0x7fff_ffff) as u32)?;
    }
    Ok(0)
}
