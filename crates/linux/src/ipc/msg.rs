//! Message queues (`msgget(2)`, `msgsnd(2)`, `msgrcv(2)`).

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use super::{NOWAIT, Owner, READ, Record, Thing, WIDE, WRITE, command, find_or_make, now};
use crate::errno::{Errno, SysResult};
use crate::fs::buffer::Budget;
use crate::kernel::Context;
use crate::syscall::Args;
use crate::task::credentials::cap;
use crate::wait::WaitQueue;

/// Bytes of a message, and of a queue unless `IPC_SET` says otherwise.
const MESSAGE_MAX: u64 = 8192;
const QUEUE_MAX: u64 = 16384;
/// What a message costs beside its bytes.
const OVERHEAD: usize = 64;

struct Message {
    kind: i64,
    bytes: Vec<u8>,
}

/// A queue.
pub struct Queue {
    owner: Owner,
    messages: RefCell<VecDeque<Message>>,
    bytes: Cell<u64>,
    limit: Cell<u64>,
    sent: Cell<i64>,
    received: Cell<i64>,
    changed: Cell<i64>,
    sender: Cell<i32>,
    receiver: Cell<i32>,
    budget: Rc<Budget>,
    queue: WaitQueue,
}

impl Thing for Queue {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        for message in self.messages.take() {
            self.budget.give(message.bytes.len() + OVERHEAD);
        }
    }
}

/// `msgget(2)`.
pub fn msgget(cx: &mut Context, args: Args) -> SysResult {
    let (key, how) = (args.u32(0), args.u32(1));
    find_or_make(
        cx,
        |ipc| &mut ipc.msg,
        key,
        how,
        |_| Ok(()),
        |cx, owner| {
            Ok(Queue {
                owner,
                messages: RefCell::default(),
                bytes: Cell::new(0),
                limit: Cell::new(QUEUE_MAX),
                sent: Cell::new(0),
                received: Cell::new(0),
                changed: Cell::new(now(cx)),
                sender: Cell::new(0),
                receiver: Cell::new(0),
                budget: cx.kernel.buffers.clone(),
                queue: WaitQueue::new(),
            })
        },
    )
}

/// The queue of a number; a call that waited finds that it was removed.
fn find(cx: &mut Context, id: i32) -> SysResult<Rc<Queue>> {
    let again = cx.with_call(|call| call.again);
    let found = cx.kernel.ipc.msg.get(id);
    found.map_err(|error| if again { Errno::EIDRM } else { error })
}

/// `msgsnd(2)`.
pub fn msgsnd(cx: &mut Context, args: Args) -> SysResult {
    let (at, len, how) = (args.u64(1), args.u64(2), args.u32(3));
    let word = cx.word() as u64;
    let kind = match (cx.read_word(at)?, word) {
        (kind, 4) => i64::from(kind as i32),
        (kind, _) => kind as i64,
    };
    if kind < 1 || len > MESSAGE_MAX || args.int(0) < 0 {
        return Err(Errno::EINVAL);
    }
    let bytes = cx.read_vec(at + word, len)?;
    let queue = find(cx, args.int(0))?;
    queue.owner.permits(cx, WRITE)?;
    let count = queue.messages.borrow().len() as u64;
    let limit = queue.limit.get();
    let fits = queue.bytes.get() + len <= limit && count < limit;
    if !fits {
        if how & NOWAIT != 0 {
            return Err(Errno::EAGAIN);
        }
        cx.if_interrupted(Errno::EINTR);
        return Err(cx.wait_on(&queue.queue));
    }
    queue.budget.take(bytes.len() + OVERHEAD).map_err(|_| Errno::ENOMEM)?;
    queue.messages.borrow_mut().push_back(Message { kind, bytes });
    queue.bytes.set(queue.bytes.get() + len);
    queue.sender.set(cx.thread.process.pid);
    queue.sent.set(now(cx));
    queue.queue.wake_all();
    Ok(0)
}

/// Which message a receiver wants.
fn choose(messages: &VecDeque<Message>, kind: i64, except: bool) -> Option<usize> {
    match kind {
        0 => (!messages.is_empty()).then_some(0),
        1.. if except => messages.iter().position(|message| message.kind != kind),
        1.. => messages.iter().position(|message| message.kind == kind),
        _ => {
            // The first of the lowest kind that is not above.
            let most = kind.saturating_neg();
            let low = messages.iter().map(|m| m.kind).filter(|kind| *kind <= most).min()?;
            messages.iter().position(|message| message.kind == low)
        }
    }
}

/// `msgrcv(2)`.
pub fn msgrcv(cx: &mut Context, args: Args) -> SysResult {
    const NOERROR: u32 = 0o10000;
    const EXCEPT: u32 = 0o20000;
    const COPY: u32 = 0o40000;
    let (at, room, kind, how) = (args.u64(1), args.u64(2), args.i64(3), args.u32(4));
    if args.int(0) < 0 || room > i64::MAX as u64 {
        return Err(Errno::EINVAL);
    }
    if how & COPY != 0 {
        // Only kernels that can save processes have it.
        return Err(if how & EXCEPT != 0 || how & NOWAIT == 0 {
            Errno::EINVAL
        } else {
            Errno::ENOSYS
        });
    }
    let queue = find(cx, args.int(0))?;
    queue.owner.permits(cx, READ)?;
    let index = choose(&queue.messages.borrow(), kind, how & EXCEPT != 0);
    let Some(index) = index else {
        if how & NOWAIT != 0 {
            return Err(Errno::ENOMSG);
        }
        cx.if_interrupted(Errno::EINTR);
        return Err(cx.wait_on(&queue.queue));
    };
    let len = queue.messages.borrow()[index].bytes.len() as u64;
    if len > room && how & NOERROR == 0 {
        return Err(Errno::E2BIG);
    }
    let Some(message) = queue.messages.borrow_mut().remove(index) else {
        return Err(Errno::ENOMSG);
    };
    queue.budget.give(message.bytes.len() + OVERHEAD);
    queue.bytes.set(queue.bytes.get() - len);
    queue.receiver.set(cx.thread.process.pid);
    queue.received.set(now(cx));
    queue.queue.wake_all();
    let count = len.min(room) as usize;
    cx.write_word(at, message.kind as u64)?;
    cx.write_bytes(at + cx.word() as u64, &message.bytes[..count])?;
    Ok(count as u64)
}

/// `msgctl(2)`.
pub fn msgctl(cx: &mut Context, args: Args) -> SysResult {
    const MSG_STAT: u32 = 11;
    const MSG_INFO: u32 = 12;
    const MSG_STAT_ANY: u32 = 13;
    let (id, what, at) = (args.int(0), args.u32(1) & !WIDE, args.u64(2));
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    if matches!(what, command::INFO | MSG_INFO) {
        let list = &cx.kernel.ipc.msg.list;
        let highest = list.keys().map(|id| id % 32768).max().unwrap_or(0) as u64;
        let messages: usize = list.values().map(|queue| queue.messages.borrow().len()).sum();
        let bytes: u64 = list.values().map(|queue| queue.bytes.get()).sum();
        let own = what == MSG_INFO;
        let pick = |used: u64, limit: u64| if own { used as u32 } else { limit as u32 };
        let most = super::COUNT_MAX as u64;
        let mut record = Record(Vec::new());
        record.u32(pick(list.len() as u64, most * QUEUE_MAX / 1024));
        record.u32(pick(messages as u64, QUEUE_MAX));
        for value in [MESSAGE_MAX as u32, QUEUE_MAX as u32, most as u32, 16] {
            record.u32(value);
        }
        record.u32(pick(bytes, QUEUE_MAX));
        record.u32(0xffff);
        cx.write_bytes(at, &record.0)?;
        return Ok(highest);
    }
    if matches!(what, MSG_STAT | MSG_STAT_ANY) {
        let index = |full: &i32| full % 32768 == id;
        let full = cx.kernel.ipc.msg.list.keys().copied().find(index).ok_or(Errno::EINVAL)?;
        let queue = cx.kernel.ipc.msg.get(full)?;
        if what == MSG_STAT {
            queue.owner.permits(cx, READ)?;
        }
        stat(cx, &queue, at)?;
        return Ok(full as u64);
    }
    let queue = cx.kernel.ipc.msg.get(id)?;
    match what {
        command::STAT => {
            queue.owner.permits(cx, READ)?;
            stat(cx, &queue, at)
        }
        command::SET => {
            queue.owner.is_mine(cx)?;
            // Behind the owner, the times and the count of bytes and messages.
            let offset = if cx.word() == 8 { 88 } else { 68 };
            let limit = cx.read_word(at + offset)?;
            if limit > QUEUE_MAX && !cx.thread.credentials().has(cap::SYS_RESOURCE) {
                return Err(Errno::EPERM);
            }
            queue.owner.set(cx, at)?;
            queue.limit.set(limit);
            queue.changed.set(now(cx));
            queue.queue.wake_all();
            Ok(0)
        }
        command::RMID => {
            queue.owner.is_mine(cx)?;
            cx.kernel.ipc.msg.remove(id);
            queue.queue.wake_all();
            Ok(0)
        }
        _ => Err(Errno::EINVAL),
    }
}

fn stat(cx: &mut Context, queue: &Queue, at: u64) -> SysResult {
    let mut record = Record(queue.owner.encode(cx));
    for time in [&queue.sent, &queue.received, &queue.changed] {
        record.time(time.get());
    }
    let count = queue.messages.borrow().len() as u64;
    for value in [queue.bytes.get(), count, queue.limit.get()] {
        record.word(cx, value);
    }
    record.u32(queue.sender.get() as u32);
    record.u32(queue.receiver.get() as u32);
    record.word(cx, 0);
    record.word(cx, 0);
    cx.write_bytes(at, &record.0).map(|()| 0)
}
