//! Sets of semaphores (`semget(2)`, `semop(2)`, `semctl(2)`).
//!
//! The operations of a call are done together or not at all. Whoever waits is woken by each
//! change of the set and tries again from the start.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use super::{NOWAIT, Owner, READ, Record, Thing, WIDE, WRITE, Waiters, command, find_or_make, now};
use crate::errno::{Errno, SysResult};
use crate::kernel::{Context, Kernel};
use crate::syscall::Args;
use crate::task::{Pid, State};
use crate::time::calls::read_timespec;
use crate::wait::WaitQueue;

const VALUE_MAX: i32 = 32767;
/// Semaphores of a set, of all sets, and operations of a call.
const SET_MAX: u32 = 32000;
const ALL_MAX: usize = 1_024_000;
const OPERATIONS_MAX: u64 = 500;
const UNDO: u16 = 0o10000;

#[derive(Clone, Copy, Default)]
struct Semaphore {
    value: u16,
    last: Pid,
}

/// A set.
pub struct Set {
    owner: Owner,
    list: RefCell<Vec<Semaphore>>,
    operated: Cell<i64>,
    changed: Cell<i64>,
    /// What is added to semaphores when a process ends (`SEM_UNDO`).
    undo: RefCell<BTreeMap<(Pid, u16), i32>>,
    waiters: Waiters,
    queue: WaitQueue,
}

impl Thing for Set {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// `semget(2)`.
pub fn semget(cx: &mut Context, args: Args) -> SysResult {
    let (key, count, how) = (args.u32(0), args.u32(1), args.u32(2));
    if count > SET_MAX {
        return Err(Errno::EINVAL);
    }
    let fits = |set: &Set| {
        if count as usize > set.list.borrow().len() { Err(Errno::EINVAL) } else { Ok(()) }
    };
    find_or_make(
        cx,
        |ipc| &mut ipc.sem,
        key,
        how,
        fits,
        |cx, owner| {
            if count == 0 {
                return Err(Errno::EINVAL);
            }
            let all: usize =
                cx.kernel.ipc.sem.list.values().map(|set| set.list.borrow().len()).sum();
            if all + count as usize > ALL_MAX {
                return Err(Errno::ENOSPC);
            }
            Ok(Set {
                owner,
                list: RefCell::new(alloc::vec![Semaphore::default(); count as usize]),
                operated: Cell::new(0),
                changed: Cell::new(now(cx)),
                undo: RefCell::default(),
                waiters: RefCell::default(),
                queue: WaitQueue::new(),
            })
        },
    )
}

/// `semop(2)`.
pub fn semop(cx: &mut Context, args: Args) -> SysResult {
    operate(cx, args, None)
}

/// `semtimedop(2)`.
pub fn semtimedop(cx: &mut Context, args: Args) -> SysResult {
    let timeout = timeout(cx, args.u64(3), true)?;
    operate(cx, args, timeout)
}

/// `semtimedop(2)` of i386 with 32-bit times.
pub fn semtimedop32(cx: &mut Context, args: Args) -> SysResult {
    let timeout = timeout(cx, args.u64(3), false)?;
    operate(cx, args, timeout)
}

fn timeout(cx: &Context, at: u64, wide: bool) -> SysResult<Option<u64>> {
    if at == 0 { Ok(None) } else { read_timespec(cx, at, wide).map(|time| Some(time.as_ns())) }
}

/// A `struct sembuf`.
#[derive(Clone, Copy)]
struct Operation {
    number: u16,
    change: i16,
    flags: u16,
}

fn operate(cx: &mut Context, args: Args, timeout: Option<u64>) -> SysResult {
    let (id, count) = (args.int(0), args.u64(2));
    if count == 0 || id < 0 {
        return Err(Errno::EINVAL);
    }
    if count > OPERATIONS_MAX {
        return Err(Errno::E2BIG);
    }
    let bytes = cx.read_vec(args.u64(1), count * 6)?;
    let half = |part: &[u8], at: usize| u16::from_le_bytes([part[at], part[at + 1]]);
    let list: Vec<Operation> = bytes
        .chunks_exact(6)
        .map(|part| Operation {
            number: half(part, 0),
            change: half(part, 2) as i16,
            flags: half(part, 4),
        })
        .collect();
    let again = cx.with_call(|call| call.again);
    let set = match cx.kernel.ipc.sem.get(id) {
        Ok(set) => set,
        Err(_) if again => return Err(Errno::EIDRM),
        Err(error) => return Err(error),
    };
    set.waiters.borrow_mut().remove(&cx.thread.tid);
    let size = set.list.borrow().len();
    if list.iter().any(|operation| usize::from(operation.number) >= size) {
        return Err(Errno::EFBIG);
    }
    let changes = list.iter().any(|operation| operation.change != 0);
    set.owner.permits(cx, if changes { WRITE } else { READ })?;
    // Woken with time over, the call still succeeds if it can.
    let deadline = cx.deadline(timeout);
    match set.attempt(&list, cx.thread.process.pid)? {
        None => {
            set.operated.set(now(cx));
            if changes {
                set.queue.wake_all();
            }
            Ok(0)
        }
        Some(blocked) if u32::from(blocked.flags) & NOWAIT != 0 => Err(Errno::EAGAIN),
        Some(_) if cx.is_past(deadline) => Err(Errno::EAGAIN),
        Some(blocked) => {
            let entry = (blocked.number, blocked.change == 0);
            set.waiters.borrow_mut().insert(cx.thread.tid, entry);
            cx.if_interrupted(Errno::EINTR);
            if let Some(deadline) = deadline {
                cx.wait_until(deadline);
            }
            Err(cx.wait_on(&set.queue))
        }
    }
}

impl Set {
    /// Does all operations, or none; then the one that must wait is told.
    fn attempt(&self, list: &[Operation], pid: Pid) -> SysResult<Option<Operation>> {
        let mut new = self.list.borrow().clone();
        let mut undo = BTreeMap::new();
        for operation in list {
            let semaphore = &mut new[usize::from(operation.number)];
            let value = i32::from(semaphore.value) + i32::from(operation.change);
            if operation.change == 0 && semaphore.value != 0 || value < 0 {
                return Ok(Some(*operation));
            }
            if value > VALUE_MAX {
                return Err(Errno::ERANGE);
            }
            semaphore.value = value as u16;
            semaphore.last = pid;
            if operation.flags & UNDO != 0 && operation.change != 0 {
                let key = (pid, operation.number);
                let old = self.undo.borrow().get(&key).copied().unwrap_or(0);
                let sum = undo.entry(key).or_insert(old);
                *sum -= i32::from(operation.change);
                if !(-VALUE_MAX - 1..=VALUE_MAX).contains(sum) {
                    return Err(Errno::ERANGE);
                }
            }
        }
        *self.list.borrow_mut() = new;
        self.undo.borrow_mut().extend(undo);
        Ok(None)
    }

    /// How many wait for a semaphore to grow, or (`zero`) to become zero.
    fn count_waiters(&self, kernel: &Kernel, number: u16, zero: bool) -> u64 {
        // Who was interrupted is still in the list.
        let waits = |tid: &i32| {
            kernel.threads.get(tid).is_some_and(|thread| {
                let call = thread.call.borrow();
                let name = call.as_ref().and_then(|call| call.row).map_or("", |row| row.name);
                thread.state.get() == State::Parked && (name.starts_with("sem") || name == "ipc")
            })
        };
        let mut waiters = self.waiters.borrow_mut();
        waiters.retain(|tid, _| waits(tid));
        waiters.values().filter(|entry| **entry == (number, zero)).count() as u64
    }
}

impl Kernel {
    /// Takes back what a process that ended did with `SEM_UNDO`.
    pub(crate) fn undo_semaphores(&mut self, pid: Pid) {
        for set in self.ipc.sem.list.values() {
            let own: Vec<(u16, i32)> = set
                .undo
                .borrow()
                .range((pid, 0)..=(pid, u16::MAX))
                .map(|(&(_, number), &change)| (number, change))
                .collect();
            if own.is_empty() {
                continue;
            }
            for (number, change) in own {
                set.undo.borrow_mut().remove(&(pid, number));
                if let Some(semaphore) = set.list.borrow_mut().get_mut(usize::from(number)) {
                    let value = i32::from(semaphore.value) + change;
                    semaphore.value = value.clamp(0, VALUE_MAX) as u16;
                    semaphore.last = pid;
                }
            }
            set.queue.wake_all();
        }
    }
}

/// `semctl(2)`.
pub fn semctl(cx: &mut Context, args: Args) -> SysResult {
    const GETPID: u32 = 11;
    const GETVAL: u32 = 12;
    const GETALL: u32 = 13;
    const GETNCNT: u32 = 14;
    const GETZCNT: u32 = 15;
    const SETVAL: u32 = 16;
    const SETALL: u32 = 17;
    const SEM_STAT: u32 = 18;
    const SEM_INFO: u32 = 19;
    const SEM_STAT_ANY: u32 = 20;
    let (id, number, what, at) = (args.int(0), args.int(1), args.u32(2) & !WIDE, args.u64(3));
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    if matches!(what, command::INFO | SEM_INFO) {
        let sets = cx.kernel.ipc.sem.list.len() as u32;
        let all: usize = cx.kernel.ipc.sem.list.values().map(|set| set.list.borrow().len()).sum();
        let (used, total) = if what == SEM_INFO { (sets, all as u32) } else { (20, 32767) };
        let mut record = Record(Vec::new());
        let most = super::COUNT_MAX as u32;
        let all_max = ALL_MAX as u32;
        for value in [all_max, most, all_max, all_max, SET_MAX, 500, 500, used, 32767, total] {
            record.u32(value);
        }
        cx.write_bytes(at, &record.0)?;
        return Ok(cx.kernel.ipc.sem.list.keys().map(|id| id % 32768).max().unwrap_or(0) as u64);
    }
    if matches!(what, SEM_STAT | SEM_STAT_ANY) {
        let index = |full: &i32| full % 32768 == id;
        let full = cx.kernel.ipc.sem.list.keys().copied().find(index).ok_or(Errno::EINVAL)?;
        let set = cx.kernel.ipc.sem.get(full)?;
        if what == SEM_STAT {
            set.owner.permits(cx, READ)?;
        }
        stat(cx, &set, at)?;
        return Ok(full as u64);
    }
    let set = cx.kernel.ipc.sem.get(id)?;
    let size = set.list.borrow().len();
    let one = || usize::try_from(number).ok().filter(|n| *n < size).ok_or(Errno::EINVAL);
    match what {
        command::STAT => {
            set.owner.permits(cx, READ)?;
            stat(cx, &set, at)
        }
        command::SET => {
            set.owner.is_mine(cx)?;
            set.owner.set(cx, at)?;
            set.changed.set(now(cx));
            Ok(0)
        }
        command::RMID => {
            set.owner.is_mine(cx)?;
            cx.kernel.ipc.sem.remove(id);
            set.queue.wake_all();
            Ok(0)
        }
        GETALL => {
            set.owner.permits(cx, READ)?;
            let values: Vec<u8> =
                set.list.borrow().iter().flat_map(|s| s.value.to_le_bytes()).collect();
            cx.write_bytes(at, &values).map(|()| 0)
        }
        SETALL => {
            set.owner.permits(cx, WRITE)?;
            let bytes = cx.read_vec(at, size as u64 * 2)?;
            let values: Vec<u16> =
                bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            if values.iter().any(|&value| i32::from(value) > VALUE_MAX) {
                return Err(Errno::ERANGE);
            }
            let last = cx.thread.process.pid;
            *set.list.borrow_mut() =
                values.into_iter().map(|value| Semaphore { value, last }).collect();
            set.undo.borrow_mut().clear();
            set.changed.set(now(cx));
            set.queue.wake_all();
            Ok(0)
        }
        GETPID | GETVAL | GETNCNT | GETZCNT => {
            set.owner.permits(cx, READ)?;
            let index = one()?;
            let semaphore = set.list.borrow()[index];
            Ok(match what {
                GETPID => semaphore.last as u64,
                GETVAL => u64::from(semaphore.value),
                _ => set.count_waiters(cx.kernel, index as u16, what == GETZCNT),
            })
        }
        SETVAL => {
            // Only the argument's lower half counts; what it is, is looked at first.
            let value = at as i32;
            if !(0..=VALUE_MAX).contains(&value) {
                return Err(Errno::ERANGE);
            }
            let index = one()?;
            set.owner.permits(cx, WRITE)?;
            let last = cx.thread.process.pid;
            set.list.borrow_mut()[index] = Semaphore { value: value as u16, last };
            set.undo.borrow_mut().retain(|(_, number), _| usize::from(*number) != index);
            set.changed.set(now(cx));
            set.queue.wake_all();
            Ok(0)
        }
        _ => Err(Errno::EINVAL),
    }
}

fn stat(cx: &mut Context, set: &Rc<Set>, at: u64) -> SysResult {
    let mut record = Record(set.owner.encode(cx));
    // Two words for each time on both ABIs.
    for time in [set.operated.get(), set.changed.get()] {
        record.time(time);
        if cx.word() == 8 {
            record.time(0);
        }
    }
    for value in [set.list.borrow().len() as u64, 0, 0] {
        record.word(cx, value);
    }
    cx.write_bytes(at, &record.0).map(|()| 0)
}
