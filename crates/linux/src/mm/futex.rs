//! `futex(2)`: threads that wait until another changes a word.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::{Backing, Mm};
use crate::errno::{Errno, SysResult};
use crate::kernel::{Context, Kernel};
use crate::syscall::{Abi, Args};
use crate::task::Thread;
use crate::time::Timespec;
use crate::wait::Parked;

/// What tells words apart: the memory or the shared object, and where in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(usize, u64);

struct Waiter {
    parked: Rc<Parked>,
    bits: u32,
    /// The call that waits looks here for how it was woken.
    woken: Rc<core::cell::Cell<bool>>,
}

/// Those who wait, in the order in which they came.
#[derive(Default)]
pub struct FutexQueues(BTreeMap<Key, Vec<Waiter>>);

impl FutexQueues {
    fn push(&mut self, key: Key, waiter: Waiter) {
        let queue = self.0.entry(key).or_default();
        queue.retain(|waiter| waiter.parked.is_active());
        queue.push(waiter);
    }

    /// Wakes at most so many that wait for one of `bits`.
    pub fn wake(&mut self, key: Key, max: u64, bits: u32) -> u64 {
        let Some(queue) = self.0.get_mut(&key) else { return 0 };
        let mut count = 0;
        queue.retain(|waiter| {
            if count < max && waiter.bits & bits != 0 && waiter.parked.is_active() {
                waiter.woken.set(true);
                waiter.parked.wake();
                count += 1;
                return false;
            }
            waiter.parked.is_active()
        });
        if queue.is_empty() {
            self.0.remove(&key);
        }
        count
    }

    fn requeue(&mut self, from: Key, to: Key, max: u64) -> u64 {
        let Some(mut queue) = self.0.remove(&from) else { return 0 };
        queue.retain(|waiter| waiter.parked.is_active());
        let count = queue.len().min(usize::try_from(max).unwrap_or(usize::MAX));
        let rest = queue.split_off(count);
        if !rest.is_empty() {
            self.0.insert(from, rest);
        }
        self.0.entry(to).or_default().extend(queue);
        count as u64
    }
}

fn key(mm: &Rc<RefCell<Mm>>, addr: u64) -> Key {
    if let Some((start, vma)) = mm.borrow().find(addr)
        && let Backing::Shared { file, offset, .. } = &vma.backing
    {
        return Key(Rc::as_ptr(file) as usize, offset + addr - start);
    }
    Key(Rc::as_ptr(mm) as usize, addr)
}

/// `futex` with 64-bit times, or the only one of amd64.
pub fn futex(cx: &mut Context, args: Args) -> SysResult {
    common(cx, args, true)
}

/// `futex` of i386 with 32-bit times.
pub fn futex32(cx: &mut Context, args: Args) -> SysResult {
    common(cx, args, false)
}

fn common(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    const REALTIME: u32 = 0x100;
    let (addr, op, value) = (args.u64(0), args.u32(1), args.u32(2));
    let command = op & 0x7f;
    if !addr.is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    let here = key(&cx.mm(), addr);
    match command {
        0 | 9 => {
            let bits = if command == 9 { args.u32(5) } else { u32::MAX };
            if bits == 0 {
                return Err(Errno::EINVAL);
            }
            let time = match args.u64(3) {
                0 => None,
                at => Some(crate::time::calls::read_timespec(cx, at, wide)?),
            };
            let absolute = command == 9;
            wait(cx, here, addr, value, bits, time, absolute, op & REALTIME != 0)
        }
        1 => Ok(cx.kernel.futexes.wake(here, u64::from(value), u32::MAX)),
        10 if args.u32(5) == 0 => Err(Errno::EINVAL),
        10 => Ok(cx.kernel.futexes.wake(here, u64::from(value), args.u32(5))),
        3 | 4 => {
            let there_addr = args.u64(4);
            if !there_addr.is_multiple_of(4) {
                return Err(Errno::EINVAL);
            }
            if (value as i32) < 0 || (args.u32(3) as i32) < 0 {
                return Err(Errno::EINVAL);
            }
            if command == 4 && cx.read_u32(addr)? != args.u32(5) {
                return Err(Errno::EAGAIN);
            }
            let there = key(&cx.mm(), there_addr);
            let woken = cx.kernel.futexes.wake(here, u64::from(value), u32::MAX);
            let moved = cx.kernel.futexes.requeue(here, there, u64::from(args.u32(3)));
            Ok(woken + moved)
        }
        5 => wake_op(cx, args, here),
        6 | 7 | 8 | 13 => pi(cx, args, command, wide, here),
        _ => Err(Errno::ENOSYS),
    }
}

#[allow(clippy::too_many_arguments)]
fn wait(
    cx: &mut Context,
    key: Key,
    addr: u64,
    value: u32,
    bits: u32,
    time: Option<Timespec>,
    absolute: bool,
    realtime: bool,
) -> SysResult {
    let flag = cx.with_call(|call| {
        let saved = call.saved.as_ref()?.downcast_ref::<Rc<core::cell::Cell<bool>>>();
        saved.cloned()
    });
    if flag.as_ref().is_some_and(|flag| flag.get()) {
        return Ok(0);
    }
    if flag.is_none() && cx.read_u32(addr)? != value {
        return Err(Errno::EAGAIN);
    }
    let timeout = match time {
        None => None,
        Some(time) if !absolute => Some(time.as_ns()),
        Some(time) if realtime => Some(time.as_ns().saturating_sub(cx.kernel.realtime_ns())),
        Some(time) => {
            let now = cx.kernel.monotonic_ns();
            Some(time.as_ns().saturating_sub(now))
        }
    };
    let deadline = cx.deadline(timeout);
    if cx.is_past(deadline) {
        return Err(Errno::ETIMEDOUT);
    }
    let woken = flag.unwrap_or_default();
    let parked = cx.parked();
    cx.kernel.futexes.push(key, Waiter { parked, bits, woken: woken.clone() });
    // A wait with a relative time goes on with what is left of it.
    let restart = timeout.is_some() && !absolute;
    cx.with_call(|call| {
        call.saved = Some(alloc::boxed::Box::new(woken));
        if restart {
            call.interrupted = Errno::ERESTART_RESTARTBLOCK;
        }
    });
    if let Some(deadline) = deadline {
        cx.wait_until(deadline);
    }
    Err(Errno::PARK)
}

/// `FUTEX_WAKE_OP`: changes a second word and wakes there depending on what it was.
fn wake_op(cx: &mut Context, args: Args, here: Key) -> SysResult {
    let (addr, code) = (args.u64(4), args.u32(5));
    let (op, compare) = (code >> 28 & 7, code >> 24 & 15);
    let sign = |value: u32| (value << 20) as i32 >> 20;
    let (mut operand, expected) = (sign(code >> 12 & 0xfff) as u32, sign(code & 0xfff));
    if code >> 31 != 0 {
        operand = 1u32.checked_shl(operand & 31).unwrap_or(0);
    }
    if !addr.is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    let old = cx.read_u32(addr)?;
    let new = match op {
        0 => operand,
        1 => old.wrapping_add(operand),
        2 => old | operand,
        3 => old & !operand,
        4 => old ^ operand,
        _ => return Err(Errno::ENOSYS),
    };
    cx.write_u32(addr, new)?;
    let there = key(&cx.mm(), addr);
    let mut count = cx.kernel.futexes.wake(here, u64::from(args.u32(2)), u32::MAX);
    let signed = old as i32;
    let matches = match compare {
        0 => signed == expected,
        1 => signed != expected,
        2 => signed < expected,
        3 => signed <= expected,
        4 => signed > expected,
        5 => signed >= expected,
        _ => return Err(Errno::ENOSYS),
    };
    if matches {
        count += cx.kernel.futexes.wake(there, u64::from(args.u32(3)), u32::MAX);
    }
    Ok(count)
}

/// Locks with priority inheritance. There are no priorities: the word holds the
/// owner, and those who wait are woken in order.
fn pi(cx: &mut Context, args: Args, command: u32, wide: bool, key: Key) -> SysResult {
    const WAITERS: u32 = 0x8000_0000;
    const OWNER_DIED: u32 = 0x4000_0000;
    const TID: u32 = 0x3fff_ffff;
    let (addr, tid) = (args.u64(0), cx.thread.tid as u32);
    let word = cx.read_u32(addr)?;
    if command == 7 {
        if word & TID != tid {
            return Err(Errno::EPERM);
        }
        cx.write_u32(addr, 0)?;
        cx.kernel.futexes.wake(key, u64::MAX, u32::MAX);
        return Ok(0);
    }
    if word & TID == 0 {
        cx.write_u32(addr, tid | word & OWNER_DIED)?;
        return Ok(0);
    }
    if word & TID == tid {
        return Err(Errno::EDEADLK);
    }
    if command == 8 {
        return Err(Errno::EAGAIN);
    }
    if !cx.kernel.threads.contains_key(&((word & TID) as i32)) {
        return Err(Errno::ESRCH);
    }
    let deadline = match args.u64(3) {
        0 => None,
        at => {
            let time = crate::time::calls::read_timespec(cx, at, wide)?.as_ns();
            let now = if command == 6 { cx.kernel.realtime_ns() } else { cx.kernel.monotonic_ns() };
            cx.deadline(Some(time.saturating_sub(now)))
        }
    };
    if cx.is_past(deadline) {
        return Err(Errno::ETIMEDOUT);
    }
    cx.write_u32(addr, word | WAITERS)?;
    let parked = cx.parked();
    cx.kernel.futexes.push(key, Waiter { parked, bits: u32::MAX, woken: Rc::default() });
    cx.if_interrupted(Errno::ERESTARTNOINTR);
    if let Some(deadline) = deadline {
        cx.wait_until(deadline);
    }
    Err(Errno::PARK)
}

impl Kernel {
    /// What the end of a thread means for futexes: robust ones that it holds are
    /// marked, and the word that `set_tid_address` named is zeroed.
    pub fn futexes_of_dead(&mut self, thread: &Rc<Thread>, is_last_of_memory: bool) {
        let mut cx = Context { kernel: self, thread: thread.clone() };
        robust(&mut cx);
        let addr = thread.clear_child_tid.take();
        if addr != 0 && !is_last_of_memory && cx.write_u32(addr, 0).is_ok() {
            let key = key(&thread.mm(), addr);
            cx.kernel.futexes.wake(key, 1, u32::MAX);
        }
    }
}

/// Walks the list of robust futexes (`set_robust_list(2)`); the list is the
/// program's, so it is cut after the kernel's own limit.
fn robust(cx: &mut Context) {
    const LIMIT: usize = 2048;
    let head = cx.thread.robust_list.take();
    if head == 0 {
        return;
    }
    let word = cx.word() as u64;
    let Ok(offset) = cx.read_word(head + word) else { return };
    let pending = cx.read_word(head + 2 * word).unwrap_or(0) & !1;
    let mut at = cx.read_word(head).unwrap_or(head) & !1;
    let mut count = 0;
    while at != head && count < LIMIT {
        if at != pending {
            died(cx, at.wrapping_add(offset));
        }
        let Ok(next) = cx.read_word(at) else { break };
        at = next & !1;
        count += 1;
    }
    if pending != 0 {
        died(cx, pending.wrapping_add(offset));
    }
}

fn died(cx: &mut Context, addr: u64) {
    // Offsets are signed; those of i386 wrap at 32 bits.
    let addr = if cx.abi() == Abi::I386 { addr & 0xffff_ffff } else { addr };
    let Ok(word) = cx.read_u32(addr) else { return };
    if word & 0x3fff_ffff == cx.thread.tid as u32 {
        let _ = cx.write_u32(addr, word & 0x8000_0000 | 0x4000_0000);
        let key = key(&cx.mm(), addr);
        cx.kernel.futexes.wake(key, 1, u32::MAX);
    }
}
