//! Scheduling policies, priorities and affinities (`sched(7)`).
//!
//! All threads take turns of the same length on one processor, whatever their policy; what
//! a program sets is checked as on the real system, kept, and told again.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::credentials::cap;
use super::{Process, Thread, limits};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::Args;
use crate::time::Timespec;
use crate::time::calls::write_timespec;

const OTHER: u32 = 0;
const FIFO: u32 = 1;
const RR: u32 = 2;
const BATCH: u32 = 3;
const IDLE: u32 = 5;
const RESET_ON_FORK: u32 = 0x4000_0000;

/// Policy (with the flag to reset it), priority of real-time policies, and that of disks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scheduling {
    /// `SCHED_…`.
    pub policy: u32,
    /// 1 to 99 for `SCHED_FIFO` and `SCHED_RR`, else 0.
    pub priority: u32,
    /// What `ioprio_set(2)` said.
    pub io: u32,
}

impl Scheduling {
    /// What a child gets.
    pub fn inherited(self) -> Scheduling {
        match self.policy & RESET_ON_FORK {
            0 => self,
            _ => Scheduling { policy: OTHER, priority: 0, ..self },
        }
    }
}

fn thread(cx: &Context, tid: i32) -> SysResult<Rc<Thread>> {
    match tid {
        0 => Ok(cx.thread.clone()),
        tid if tid < 0 => Err(Errno::EINVAL),
        tid => cx.kernel.threads.get(&tid).cloned().ok_or(Errno::ESRCH),
    }
}

/// Whether the caller may change how a thread is scheduled.
fn may_change(cx: &Context, target: &Thread) -> SysResult<()> {
    let (own, other) = (cx.thread.credentials(), target.credentials());
    let same = own.euid == other.euid || own.euid == other.uid;
    if same || own.has(cap::SYS_NICE) { Ok(()) } else { Err(Errno::EPERM) }
}

/// `sched_yield(2)`: the turn ends after some calls anyway.
pub fn sched_yield(_: &mut Context, _: Args) -> SysResult {
    Ok(0)
}

/// `sched_getaffinity(2)`: there is one processor.
pub fn sched_getaffinity(cx: &mut Context, args: Args) -> SysResult {
    let len = u64::from(args.u32(1));
    if len < 8 || !len.is_multiple_of(cx.word() as u64) {
        return Err(Errno::EINVAL);
    }
    let pid = args.int(0);
    if pid < 0 {
        return Err(Errno::ESRCH);
    }
    thread(cx, pid)?;
    cx.write_u64(args.u64(2), 1)?;
    Ok(8)
}

/// `sched_setaffinity(2)`: the one processor must be in the set.
pub fn sched_setaffinity(cx: &mut Context, args: Args) -> SysResult {
    let mut first = [0];
    if args.u32(1) > 0 {
        cx.read_bytes(args.u64(2), &mut first)?;
    }
    let target = thread(cx, args.int(0))?;
    may_change(cx, &target)?;
    if first[0] & 1 == 0 { Err(Errno::EINVAL) } else { Ok(0) }
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

/// The lowest and the highest priority of a policy.
fn priorities(policy: u32) -> SysResult<(u32, u32)> {
    match policy {
        FIFO | RR => Ok((1, 99)),
        OTHER | BATCH | IDLE | 6 => Ok((0, 0)),
        _ => Err(Errno::EINVAL),
    }
}

/// `sched_get_priority_max(2)`.
pub fn sched_get_priority_max(_: &mut Context, args: Args) -> SysResult {
    priorities(args.u32(0)).map(|range| u64::from(range.1))
}

/// `sched_get_priority_min(2)`.
pub fn sched_get_priority_min(_: &mut Context, args: Args) -> SysResult {
    priorities(args.u32(0)).map(|range| u64::from(range.0))
}

fn set(cx: &Context, target: &Thread, policy: u32, priority: u32) -> SysResult {
    let plain = policy & !RESET_ON_FORK;
    let (low, high) = priorities(plain)?;
    // Deadlines would be a promise that cannot be kept.
    if plain == 6 || priority < low || priority > high {
        return Err(Errno::EINVAL);
    }
    let old = target.scheduling.get();
    let privileged = cx.thread.credentials().has(cap::SYS_NICE);
    if !privileged && matches!(plain, FIFO | RR) {
        let limit = target.process.limit(limits::RTPRIO).0;
        let changes = plain != old.policy & !RESET_ON_FORK && limit == 0;
        if changes || u64::from(priority) > limit && priority > old.priority {
            return Err(Errno::EPERM);
        }
    }
    may_change(cx, target)?;
    if !privileged && old.policy & RESET_ON_FORK & !policy != 0 {
        return Err(Errno::EPERM);
    }
    target.scheduling.set(Scheduling { policy, priority, ..old });
    Ok(0)
}

/// `sched_setscheduler(2)`.
pub fn sched_setscheduler(cx: &mut Context, args: Args) -> SysResult {
    if args.int(1) < 0 || args.u64(2) == 0 {
        return Err(Errno::EINVAL);
    }
    let priority = cx.read_u32(args.u64(2))?;
    let target = thread(cx, args.int(0))?;
    set(cx, &target, args.u32(1), priority)
}

/// `sched_getscheduler(2)`.
pub fn sched_getscheduler(cx: &mut Context, args: Args) -> SysResult {
    thread(cx, args.int(0)).map(|thread| u64::from(thread.scheduling.get().policy))
}

/// `sched_setparam(2)`.
pub fn sched_setparam(cx: &mut Context, args: Args) -> SysResult {
    if args.u64(1) == 0 {
        return Err(Errno::EINVAL);
    }
    let priority = cx.read_u32(args.u64(1))?;
    let target = thread(cx, args.int(0))?;
    set(cx, &target, target.scheduling.get().policy, priority)
}

/// `sched_getparam(2)`.
pub fn sched_getparam(cx: &mut Context, args: Args) -> SysResult {
    if args.u64(1) == 0 {
        return Err(Errno::EINVAL);
    }
    let target = thread(cx, args.int(0))?;
    cx.write_u32(args.u64(1), target.scheduling.get().priority).map(|()| 0)
}

/// Bytes of the first `struct sched_attr`.
const ATTR_SIZE: u32 = 48;

/// `sched_getattr(2)`.
pub fn sched_getattr(cx: &mut Context, args: Args) -> SysResult {
    let size = args.u32(2);
    if args.u64(1) == 0 || !(ATTR_SIZE..=4096).contains(&size) || args.u32(3) != 0 {
        return Err(Errno::EINVAL);
    }
    let target = thread(cx, args.int(0))?;
    let state = target.scheduling.get();
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&ATTR_SIZE.to_le_bytes());
    bytes.extend_from_slice(&(state.policy & !RESET_ON_FORK).to_le_bytes());
    bytes.extend_from_slice(&u64::from(state.policy & RESET_ON_FORK != 0).to_le_bytes());
    bytes.extend_from_slice(&target.process.nice.get().to_le_bytes());
    bytes.extend_from_slice(&state.priority.to_le_bytes());
    bytes.resize(ATTR_SIZE as usize, 0);
    cx.write_bytes(args.u64(1), &bytes).map(|()| 0)
}

/// `sched_setattr(2)`.
pub fn sched_setattr(cx: &mut Context, args: Args) -> SysResult {
    let at = args.u64(1);
    if at == 0 || args.u32(2) != 0 {
        return Err(Errno::EINVAL);
    }
    let size = cx.read_u32(at)?;
    if size != 0 && size < ATTR_SIZE {
        cx.write_u32(at, ATTR_SIZE)?;
        return Err(Errno::E2BIG);
    }
    let (mut policy, flags) = (cx.read_u32(at + 4)?, cx.read_u64(at + 8)?);
    if policy as i32 >= 0 && flags & 1 != 0 {
        policy |= RESET_ON_FORK;
    }
    let (nice, priority) = (cx.read_u32(at + 16)? as i32, cx.read_u32(at + 20)?);
    let target = thread(cx, args.int(0))?;
    set(cx, &target, policy, priority)?;
    if matches!(policy & !RESET_ON_FORK, OTHER | BATCH) {
        set_nice(cx, &target.process, nice)?;
    }
    Ok(0)
}

/// The turn of a thread of `SCHED_RR`, and what others show on the real system.
fn interval(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    let target = thread(cx, args.int(0))?;
    let nanos = match target.scheduling.get().policy & !RESET_ON_FORK {
        FIFO => 0,
        RR => 100_000_000,
        _ => 3_000_000,
    };
    write_timespec(cx, args.u64(1), Timespec { seconds: 0, nanos }, wide).map(|()| 0)
}

/// `sched_rr_get_interval(2)`.
pub fn sched_rr_get_interval(cx: &mut Context, args: Args) -> SysResult {
    interval(cx, args, true)
}

/// `sched_rr_get_interval` of i386 with 32-bit times.
pub fn sched_rr_get_interval32(cx: &mut Context, args: Args) -> SysResult {
    interval(cx, args, false)
}

/// The processes that `getpriority(2)` is about.
fn selected(cx: &Context, which: i32, who: i32) -> SysResult<Vec<Rc<Process>>> {
    let own = cx.thread.process.clone();
    let uid = cx.thread.credentials().uid;
    let of_user = |process: &Process, wanted: u32| {
        let tid = process.threads.borrow().first().copied();
        let thread = tid.and_then(|tid| cx.kernel.threads.get(&tid));
        thread.is_some_and(|thread| thread.credentials().uid == wanted)
    };
    let wanted = |process: &&Rc<Process>| match (which, who) {
        (0, 0) => process.pid == own.pid,
        (0, pid) => process.pid == pid,
        (1, 0) => process.pgrp.get() == own.pgrp.get(),
        (1, pgrp) => process.pgrp.get() == pgrp,
        (_, 0) => of_user(process, uid),
        (_, user) => of_user(process, user as u32),
    };
    if !(0..=2).contains(&which) {
        return Err(Errno::EINVAL);
    }
    let list: Vec<_> = cx.kernel.processes.values().filter(wanted).cloned().collect();
    if list.is_empty() { Err(Errno::ESRCH) } else { Ok(list) }
}

/// `getpriority(2)`: 20 less the nicest value, so that it is no error number.
pub fn getpriority(cx: &mut Context, args: Args) -> SysResult {
    let list = selected(cx, args.int(0), args.int(1))?;
    let lowest = list.iter().map(|process| process.nice.get()).min().unwrap_or(0);
    Ok((20 - lowest) as u64)
}

fn set_nice(cx: &Context, process: &Process, nice: i32) -> SysResult<()> {
    let nice = nice.clamp(-20, 19);
    let limit = process.limit(limits::NICE).0.min(40) as i32;
    let allowed = nice >= process.nice.get() || nice >= 20 - limit;
    if !allowed && !cx.thread.credentials().has(cap::SYS_NICE) {
        return Err(Errno::EACCES);
    }
    process.nice.set(nice);
    Ok(())
}

/// `setpriority(2)`.
pub fn setpriority(cx: &mut Context, args: Args) -> SysResult {
    let mut result = Ok(0);
    for process in selected(cx, args.int(0), args.int(1))? {
        let tid = process.threads.borrow().first().copied();
        let first = tid.and_then(|tid| cx.kernel.threads.get(&tid).cloned());
        let may = first.map_or(Ok(()), |thread| may_change(cx, &thread));
        if let Err(error) = may.and_then(|()| set_nice(cx, &process, args.int(2))) {
            result = Err(error);
        }
    }
    result
}

/// `nice(2)`, which is a call of its own on i386.
pub fn nice(cx: &mut Context, args: Args) -> SysResult {
    let process = cx.thread.process.clone();
    let wanted = process.nice.get() + args.int(0).clamp(-40, 40);
    set_nice(cx, &process, wanted).map(|()| 0).map_err(|_| Errno::EPERM)
}

/// `ioprio_get(2)`, of a process.
pub fn ioprio_get(cx: &mut Context, args: Args) -> SysResult {
    if !(1..=3).contains(&args.int(0)) {
        return Err(Errno::EINVAL);
    }
    let list = match args.int(0) {
        1 => return thread(cx, args.int(1)).map(|thread| u64::from(thread.scheduling.get().io)),
        which => selected(cx, which - 1, args.int(1))?,
    };
    let of = |process: &Rc<Process>| {
        let tid = *process.threads.borrow().first()?;
        Some(cx.kernel.threads.get(&tid)?.scheduling.get().io)
    };
    Ok(u64::from(list.iter().filter_map(of).min().unwrap_or(0)))
}

/// `ioprio_set(2)`.
pub fn ioprio_set(cx: &mut Context, args: Args) -> SysResult {
    let (class, level) = (args.u32(2) >> 13, args.u32(2) & 7);
    match class {
        0 if level != 0 => return Err(Errno::EINVAL),
        0 | 2 | 3 => {}
        1 if cx.thread.credentials().has(cap::SYS_NICE) => {}
        1 => return Err(Errno::EPERM),
        _ => return Err(Errno::EINVAL),
    }
    let threads: Vec<Rc<Thread>> = match args.int(0) {
        1 => alloc::vec![thread(cx, args.int(1))?],
        which @ 2..=3 => selected(cx, which - 1, args.int(1))?
            .iter()
            .flat_map(|process| process.threads.borrow().clone())
            .filter_map(|tid| cx.kernel.threads.get(&tid).cloned())
            .collect(),
        _ => return Err(Errno::EINVAL),
    };
    for target in threads {
        may_change(cx, &target)?;
        target.scheduling.set(Scheduling { io: args.u32(2), ..target.scheduling.get() });
    }
    Ok(0)
}
