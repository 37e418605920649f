//! Locks of files and of ranges: `flock(2)`, and POSIX and OFD locks of `fcntl(2)`.
//!
//! An inode has one list of locks, whoever opened it. POSIX locks belong to a process and go
//! when it closes any descriptor of the file; the others belong to an open file description.
//! Waiting in a circle of processes is found by following who waits for whom.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::RefCell;

use super::{InodeRef, OpenFile};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::{Abi, Args};
use crate::task::Pid;
use crate::wait::WaitQueue;

/// Locks of one file: a guest must not fill memory with them.
const MAX: usize = 16384;
/// The end of a range that has none.
const END: u64 = i64::MAX as u64;

/// Who has a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// A POSIX lock, of a process.
    Process(Pid),
    /// An OFD lock, by the address of the description.
    Open(usize),
    /// A lock of `flock`, by the address of the description.
    Flock(usize),
}

/// A lock of a range; the end belongs to it.
#[derive(Clone, Copy, Debug)]
struct Lock {
    owner: Owner,
    write: bool,
    start: u64,
    end: u64,
}

impl Lock {
    /// Locks of `flock` and of ranges do not see each other.
    fn same_world(&self, other: &Lock) -> bool {
        matches!(self.owner, Owner::Flock(_)) == matches!(other.owner, Owner::Flock(_))
    }

    fn conflicts(&self, other: &Lock) -> bool {
        self.same_world(other)
            && self.owner != other.owner
            && (self.write || other.write)
            && self.start <= other.end
            && other.start <= self.end
    }
}

/// The locks of an inode.
#[derive(Default)]
struct Locks {
    list: RefCell<Vec<Lock>>,
    queue: WaitQueue,
}

fn of(inode: &InodeRef) -> Rc<Locks> {
    let slot: &RefCell<Option<Rc<dyn Any>>> = &inode.extra().locks;
    let there = slot.borrow().clone().and_then(|any| any.downcast::<Locks>().ok());
    there.unwrap_or_else(|| {
        let locks = Rc::new(Locks::default());
        *slot.borrow_mut() = Some(locks.clone());
        locks
    })
}

fn existing(inode: &InodeRef) -> Option<Rc<Locks>> {
    inode.extra().locks.borrow().clone().and_then(|any| any.downcast::<Locks>().ok())
}

impl Locks {
    fn blocker(&self, wanted: &Lock) -> Option<Lock> {
        self.list.borrow().iter().find(|lock| lock.conflicts(wanted)).copied()
    }

    /// Takes a range away from an owner.
    fn release(&self, owner: Owner, start: u64, end: u64) {
        let mut list = self.list.borrow_mut();
        let mut rest = Vec::new();
        list.retain(|lock| {
            let hit = lock.owner == owner && lock.start <= end && start <= lock.end;
            if hit {
                if lock.start < start {
                    rest.push(Lock { end: start - 1, ..*lock });
                }
                if lock.end > end {
                    rest.push(Lock { start: end + 1, ..*lock });
                }
            }
            !hit
        });
        list.append(&mut rest);
        drop(list);
        self.queue.wake_all();
    }

    /// Gives a lock, joined to its owner's neighbours.
    fn grant(&self, mut lock: Lock) -> SysResult<()> {
        if self.list.borrow().len() >= MAX {
            return Err(Errno::ENOLCK);
        }
        self.release(lock.owner, lock.start, lock.end);
        let mut list = self.list.borrow_mut();
        list.retain(|other| {
            let touches = other.owner == lock.owner
                && other.write == lock.write
                && other.start <= lock.end.saturating_add(1)
                && lock.start <= other.end.saturating_add(1);
            if touches {
                lock.start = lock.start.min(other.start);
                lock.end = lock.end.max(other.end);
            }
            !touches
        });
        list.push(lock);
        list.sort_unstable_by_key(|lock| lock.start);
        Ok(())
    }
}

/// A process closed a descriptor: its POSIX locks of the file go.
pub fn closed(cx: &Context, open: &OpenFile) {
    if let Some(locks) = open.inode().and_then(existing) {
        let pid = cx.thread.process.pid;
        if locks.list.borrow().iter().any(|lock| lock.owner == Owner::Process(pid)) {
            locks.release(Owner::Process(pid), 0, END);
        }
    }
}

/// The last descriptor of a description is closed: its own locks go.
pub fn dropped(open: &OpenFile) {
    if let Some(locks) = open.inode().and_then(existing) {
        let key = core::ptr::from_ref(open) as usize;
        for owner in [Owner::Open(key), Owner::Flock(key)] {
            if locks.list.borrow().iter().any(|lock| lock.owner == owner) {
                locks.release(owner, 0, END);
            }
        }
    }
}

/// `flock(2)`.
pub fn flock(cx: &mut Context, args: Args) -> SysResult {
    const NONBLOCK: u32 = 4;
    let open = cx.io_file(args.int(0))?;
    let owner = Owner::Flock(Rc::as_ptr(&open) as usize);
    let how = args.u32(1);
    let write = match how & !NONBLOCK {
        1 => false,
        2 => true,
        8 => {
            if let Some(locks) = open.inode().and_then(existing) {
                locks.release(owner, 0, END);
            }
            return Ok(0);
        }
        _ => return Err(Errno::EINVAL),
    };
    // Files without an inode have nobody to share them with but descriptions of their own.
    let Some(inode) = open.inode() else { return Ok(0) };
    let locks = of(inode);
    let wanted = Lock { owner, write, start: 0, end: END };
    if locks.blocker(&wanted).is_none() {
        return locks.grant(wanted).map(|()| 0);
    }
    if how & NONBLOCK != 0 {
        return Err(Errno::EAGAIN);
    }
    // As the man page says: what was held before is lost while it waits.
    if locks.list.borrow().iter().any(|lock| lock.owner == owner) {
        locks.release(owner, 0, END);
    }
    Err(cx.wait_on(&locks.queue))
}

/// `struct flock` as it was given.
struct Request {
    kind: u16,
    whence: u16,
    start: i64,
    len: i64,
    pid: i32,
}

/// Where fields are: the type of offsets decides, and how i386 aligns them.
#[derive(Clone, Copy)]
struct Layout {
    start: u64,
    size: u64,
}

impl Layout {
    fn of(abi: Abi, command: u32) -> Layout {
        match (abi, command) {
            (Abi::Amd64, _) => Layout { start: 8, size: 8 },
            // F_GETLK and its two siblings; the others have 64-bit offsets.
            (Abi::I386, 5..=7) => Layout { start: 4, size: 4 },
            (Abi::I386, _) => Layout { start: 4, size: 8 },
        }
    }

    fn read(self, cx: &Context, at: u64) -> SysResult<Request> {
        let head = cx.read_u32(at)?;
        let offset = |at: u64| match self.size {
            8 => cx.read_u64(at).map(|value| value as i64),
            _ => cx.read_u32(at).map(|value| i64::from(value as i32)),
        };
        Ok(Request {
            kind: head as u16,
            whence: (head >> 16) as u16,
            start: offset(at + self.start)?,
            len: offset(at + self.start + self.size)?,
            pid: cx.read_u32(at + self.start + 2 * self.size)? as i32,
        })
    }

    fn write(self, cx: &Context, at: u64, lock: &Lock) -> SysResult<()> {
        let kind: u32 = if lock.write { 1 } else { 0 };
        let len = if lock.end == END { 0 } else { lock.end - lock.start + 1 };
        if self.size == 4 && (lock.start > i32::MAX as u64 || len > i32::MAX as u64) {
            return Err(Errno::EOVERFLOW);
        }
        let pid = match lock.owner {
            Owner::Process(pid) => pid,
            _ => -1,
        };
        cx.write_u32(at, kind)?;
        for (index, value) in [lock.start, len].into_iter().enumerate() {
            let bytes = value.to_le_bytes();
            let at = at + self.start + index as u64 * self.size;
            cx.write_bytes(at, &bytes[..self.size as usize])?;
        }
        cx.write_u32(at + self.start + 2 * self.size, pid as u32)
    }
}

/// Whether `pid` waiting for `blocker` would close a circle of processes that wait.
fn deadlocks(cx: &Context, pid: Pid, blocker: Pid) -> bool {
    let mut at = blocker;
    // As many steps as there can be processes: the table never holds more.
    for _ in 0..cx.kernel.lock_waits.len() + 1 {
        if at == pid {
            return true;
        }
        match cx.kernel.lock_waits.get(&at) {
            Some(&(next, tid)) if still_waits(cx, tid) => at = next,
            _ => return false,
        }
    }
    false
}

/// Whether a thread is still in the call that noted its wait.
fn still_waits(cx: &Context, tid: i32) -> bool {
    let Some(thread) = cx.kernel.threads.get(&tid) else { return false };
    let call = thread.call.borrow();
    call.as_ref().and_then(|call| call.row).is_some_and(|row| row.name.starts_with("fcntl"))
}

/// The commands of `fcntl(2)` about locks; none if it is another.
pub fn fcntl(cx: &mut Context, open: &Rc<OpenFile>, args: Args) -> Option<SysResult> {
    let command = args.u32(1);
    let narrow = cx.abi() == Abi::I386;
    match command {
        5..=7 | 36..=38 => Some(range(cx, open, command, args.u64(2))),
        12..=14 if narrow => Some(range(cx, open, command, args.u64(2))),
        _ => None,
    }
}

fn range(cx: &mut Context, open: &Rc<OpenFile>, command: u32, at: u64) -> SysResult {
    const READ: u16 = 0;
    const WRITE: u16 = 1;
    const UNLOCK: u16 = 2;
    let layout = Layout::of(cx.abi(), command);
    let request = layout.read(cx, at)?;
    let description = matches!(command, 36..=38);
    let (get, wait) = (matches!(command, 5 | 12 | 36), matches!(command, 7 | 14 | 38));
    if description && request.pid != 0 {
        return Err(Errno::EINVAL);
    }
    let inode = open.inode().cloned().ok_or(Errno::EINVAL)?;
    let base = match request.whence {
        0 => 0,
        1 => open.pos.get() as i64,
        2 => open.stat(cx)?.size as i64,
        _ => return Err(Errno::EINVAL),
    };
    let start = base.checked_add(request.start).ok_or(Errno::EOVERFLOW)?;
    let (start, end) = match request.len {
        0 => (start, i64::MAX),
        len @ 1.. => (start, start.checked_add(len - 1).ok_or(Errno::EOVERFLOW)?),
        len => (start.checked_add(len).ok_or(Errno::EINVAL)?, start - 1),
    };
    if start < 0 {
        return Err(Errno::EINVAL);
    }
    let pid = cx.thread.process.pid;
    let owner = match description {
        true => Owner::Open(Rc::as_ptr(open) as usize),
        false => Owner::Process(pid),
    };
    let lock = Lock { owner, write: request.kind == WRITE, start: start as u64, end: end as u64 };
    let locks = of(&inode);
    cx.kernel.lock_waits.remove(&pid);
    match request.kind {
        READ | WRITE if get => {
            match locks.blocker(&lock) {
                Some(blocker) => layout.write(cx, at, &blocker)?,
                None => cx.write_bytes(at, &UNLOCK.to_le_bytes())?,
            }
            return Ok(0);
        }
        READ if !open.readable() => return Err(Errno::EBADF),
        WRITE if !open.writable() => return Err(Errno::EBADF),
        READ | WRITE => {}
        UNLOCK if !get => {
            locks.release(owner, lock.start, lock.end);
            return Ok(0);
        }
        _ => return Err(Errno::EINVAL),
    }
    let Some(blocker) = locks.blocker(&lock) else { return locks.grant(lock).map(|()| 0) };
    if !wait {
        return Err(Errno::EAGAIN);
    }
    if let (Owner::Process(own), Owner::Process(other)) = (owner, blocker.owner) {
        if deadlocks(cx, own, other) {
            return Err(Errno::EDEADLK);
        }
        cx.kernel.lock_waits.insert(own, (other, cx.thread.tid));
    }
    Err(cx.wait_on(&locks.queue))
}
