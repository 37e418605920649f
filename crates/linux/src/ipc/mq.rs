//! POSIX message queues (`mq_overview(7)`): named, bounded, ordered by priority. There is no file
//! system of them; their names are their own.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};

use super::{Owner, READ, WRITE};
use crate::errno::{Errno, SysResult};
use crate::fs::buffer::Budget;
use crate::fs::{File, OpenFile, events, flags};
use crate::kernel::Context;
use crate::signal::{Fields, SigInfo};
use crate::syscall::Args;
use crate::task::credentials::cap;
use crate::task::{Pid, limits::MSGQUEUE};
use crate::time::calls::read_timespec;
use crate::wait::WaitQueue;

/// Priorities are below this.
const PRIORITIES: u32 = 32768;
/// What a queue has that is made without attributes, and at most what users may ask for.
const DEFAULT: (u64, u64) = (10, 8192);
/// Most messages, and bytes of one, that anybody may ask for.
const MOST: (u64, u64) = (65536, 16 << 20);
/// What a message costs beside its bytes.
const OVERHEAD: u64 = 96;
/// Queues, at most.
const COUNT_MAX: usize = 256;

/// Queues by name.
#[derive(Default)]
pub struct Names {
    queues: BTreeMap<Vec<u8>, Rc<Queue>>,
    /// Bytes that all queues may hold, against the limit of who makes one.
    promised: Rc<Cell<u64>>,
}

/// A queue.
pub struct Queue {
    owner: Owner,
    messages_max: u64,
    message_size: u64,
    /// By priority; of one priority the oldest is first.
    messages: RefCell<BTreeMap<u32, VecDeque<Vec<u8>>>>,
    count: Cell<u64>,
    /// Who is told of a message in the empty queue.
    notify: Cell<Option<(Pid, Option<Signal>)>>,
    /// Receivers that wait are served before anybody is told.
    receivers: WaitQueue,
    senders: WaitQueue,
    budget: Rc<Budget>,
    promised: Rc<Cell<u64>>,
}

#[derive(Clone, Copy)]
struct Signal {
    number: i32,
    value: u64,
}

impl Queue {
    fn promise(messages_max: u64, message_size: u64) -> u64 {
        messages_max * (message_size + OVERHEAD)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        for bytes in self.messages.take().values().flatten() {
            self.budget.give(bytes.len() + OVERHEAD as usize);
        }
        let own = Queue::promise(self.messages_max, self.message_size);
        self.promised.set(self.promised.get() - own);
    }
}

/// A queue that is open.
struct Descriptor(Rc<Queue>);

impl File for Descriptor {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn poll(&self, _: &mut Context, _: &OpenFile) -> u32 {
        let count = self.0.count.get();
        let input = if count > 0 { events::IN | events::RDNORM } else { 0 };
        let room = count < self.0.messages_max;
        input | if room { events::OUT | events::WRNORM } else { 0 }
    }

    fn queues(&self, tell: &mut dyn FnMut(&WaitQueue)) {
        tell(&self.0.receivers);
        tell(&self.0.senders);
    }

    /// A process that closes the queue is told no more.
    fn flush(&self, cx: &mut Context) {
        if self.0.notify.get().is_some_and(|(pid, _)| pid == cx.thread.process.pid) {
            self.0.notify.set(None);
        }
    }
}

/// `mq_open(2)`; the C library has taken the slash off the name.
pub fn mq_open(cx: &mut Context, args: Args) -> SysResult {
    let (how, mode, attributes) = (args.u32(1), args.u32(2), args.u64(3));
    let wanted = match attributes {
        0 => DEFAULT,
        at if how & flags::CREAT != 0 => {
            let word = cx.word() as u64;
            (cx.read_word(at + word)?, cx.read_word(at + 2 * word)?)
        }
        _ => DEFAULT,
    };
    let name = name(cx, args.u64(0))?;
    let found = cx.kernel.ipc.mq.queues.get(&name).cloned();
    let queue = match found {
        Some(_) if how & flags::CREAT != 0 && how & flags::EXCL != 0 => return Err(Errno::EEXIST),
        Some(queue) => {
            let want = match how & flags::ACCMODE {
                flags::RDONLY => READ,
                flags::WRONLY => WRITE,
                flags::RDWR => READ | WRITE,
                _ => return Err(Errno::EINVAL),
            };
            queue.owner.permits(cx, want)?;
            queue
        }
        None if how & flags::CREAT == 0 => return Err(Errno::ENOENT),
        None => make(cx, name, mode, wanted)?,
    };
    let kept = how & (flags::ACCMODE | flags::NONBLOCK);
    let open = OpenFile::new(Rc::new(Descriptor(queue)), None, kept);
    cx.install(open, flags::CLOEXEC).map(|fd| fd as u64)
}

fn make(cx: &mut Context, name: Vec<u8>, mode: u32, wanted: (u64, u64)) -> SysResult<Rc<Queue>> {
    let most = if cx.thread.credentials().has(cap::SYS_RESOURCE) { MOST } else { DEFAULT };
    let (messages_max, message_size) = wanted;
    if !(1..=most.0).contains(&messages_max) || !(1..=most.1).contains(&message_size) {
        return Err(Errno::EINVAL);
    }
    let promised = cx.kernel.ipc.mq.promised.clone();
    let all = promised.get() + Queue::promise(messages_max, message_size);
    if all > cx.thread.process.limit(MSGQUEUE).0 {
        return Err(Errno::EMFILE);
    }
    if cx.kernel.ipc.mq.queues.len() >= COUNT_MAX {
        return Err(Errno::ENOSPC);
    }
    promised.set(all);
    let mode = mode & 0o777 & !cx.thread.fs().umask.get();
    let queue = Rc::new(Queue {
        owner: Owner::of_caller(cx, mode),
        messages_max,
        message_size,
        messages: RefCell::default(),
        count: Cell::new(0),
        notify: Cell::new(None),
        receivers: WaitQueue::new(),
        senders: WaitQueue::new(),
        budget: cx.kernel.buffers.clone(),
        promised,
    });
    cx.kernel.ipc.mq.queues.insert(name, queue.clone());
    Ok(queue)
}

fn name(cx: &Context, at: u64) -> SysResult<Vec<u8>> {
    let name = cx.read_path(at)?;
    match name.len() {
        0 => Err(Errno::ENOENT),
        256.. => Err(Errno::ENAMETOOLONG),
        _ if name.contains(&b'/') => Err(Errno::EACCES),
        _ => Ok(name),
    }
}

/// `mq_unlink(2)`.
pub fn mq_unlink(cx: &mut Context, args: Args) -> SysResult {
    let name = name(cx, args.u64(0))?;
    let queue = cx.kernel.ipc.mq.queues.get(&name).ok_or(Errno::ENOENT)?.clone();
    queue.owner.is_mine(cx).map_err(|_| Errno::EACCES)?;
    cx.kernel.ipc.mq.queues.remove(&name);
    Ok(0)
}

fn find(cx: &Context, fd: i32) -> SysResult<(Rc<OpenFile>, Rc<Queue>)> {
    let open = cx.io_file(fd)?;
    let queue = open.file.as_any().downcast_ref::<Descriptor>().ok_or(Errno::EBADF)?.0.clone();
    Ok((open, queue))
}

/// `mq_timedsend(2)`.
pub fn mq_timedsend(cx: &mut Context, args: Args) -> SysResult {
    send(cx, args, true)
}

/// `mq_timedsend(2)` with 32-bit times.
pub fn mq_timedsend32(cx: &mut Context, args: Args) -> SysResult {
    send(cx, args, false)
}

/// `mq_timedreceive(2)`.
pub fn mq_timedreceive(cx: &mut Context, args: Args) -> SysResult {
    receive(cx, args, true)
}

/// `mq_timedreceive(2)` with 32-bit times.
pub fn mq_timedreceive32(cx: &mut Context, args: Args) -> SysResult {
    receive(cx, args, false)
}

fn send(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    let (at, len, priority) = (args.u64(1), args.u64(2), args.u32(3));
    if priority >= PRIORITIES {
        return Err(Errno::EINVAL);
    }
    let deadline = deadline(cx, args.u64(4), wide)?;
    let (open, queue) = find(cx, args.int(0))?;
    if !open.writable() {
        return Err(Errno::EBADF);
    }
    if len > queue.message_size {
        return Err(Errno::EMSGSIZE);
    }
    let bytes = cx.read_vec(at, len)?;
    if queue.count.get() >= queue.messages_max {
        return Err(wait(cx, &open, deadline, &queue.senders));
    }
    queue.budget.take(bytes.len() + OVERHEAD as usize).map_err(|_| Errno::ENOMEM)?;
    queue.messages.borrow_mut().entry(priority).or_default().push_back(bytes);
    queue.count.set(queue.count.get() + 1);
    if queue.count.get() == 1 && !queue.receivers.has_waiters() {
        tell(cx, &queue);
    }
    queue.receivers.wake_all();
    Ok(0)
}

fn receive(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    let (at, len, priority_at) = (args.u64(1), args.u64(2), args.u64(3));
    let deadline = deadline(cx, args.u64(4), wide)?;
    let (open, queue) = find(cx, args.int(0))?;
    if !open.readable() {
        return Err(Errno::EBADF);
    }
    if len < queue.message_size {
        return Err(Errno::EMSGSIZE);
    }
    let mut messages = queue.messages.borrow_mut();
    let Some(mut highest) = messages.last_entry() else {
        return Err(wait(cx, &open, deadline, &queue.receivers));
    };
    let priority = *highest.key();
    let bytes = highest.get_mut().pop_front().unwrap_or_default();
    if highest.get().is_empty() {
        highest.remove();
    }
    queue.budget.give(bytes.len() + OVERHEAD as usize);
    queue.count.set(queue.count.get() - 1);
    queue.senders.wake_all();
    if priority_at != 0 {
        cx.write_u32(priority_at, priority)?;
    }
    cx.write_bytes(at, &bytes)?;
    Ok(bytes.len() as u64)
}

/// When a call gives up, which says so by a moment of the wall clock.
fn deadline(cx: &mut Context, at: u64, wide: bool) -> SysResult<Option<u64>> {
    if at == 0 {
        return Ok(None);
    }
    let end = read_timespec(cx, at, wide)?.as_ns();
    let left = end.saturating_sub(cx.kernel.now().as_ns());
    Ok(cx.deadline(Some(left)))
}

fn wait(cx: &mut Context, open: &OpenFile, deadline: Option<u64>, queue: &WaitQueue) -> Errno {
    if open.nonblocking() {
        return Errno::EAGAIN;
    }
    if cx.is_past(deadline) {
        return Errno::ETIMEDOUT;
    }
    if let Some(deadline) = deadline {
        cx.wait_until(deadline);
    }
    cx.wait_on(queue)
}

/// Tells who asked for it, once, that there is a message.
fn tell(cx: &mut Context, queue: &Queue) {
    const MESSAGE: i32 = -3;
    let Some((pid, Some(signal))) = queue.notify.take() else { return };
    let (own, uid) = (cx.thread.process.pid, cx.thread.credentials().uid);
    let fields = Fields::Value { pid: own, uid, value: signal.value };
    let info = SigInfo { signal: signal.number, errno: 0, code: MESSAGE, fields };
    if let Some(process) = cx.kernel.processes.get(&pid).cloned() {
        cx.kernel.signal_process(&process, info);
    }
}

/// `mq_notify(2)`.
pub fn mq_notify(cx: &mut Context, args: Args) -> SysResult {
    const SIGNAL: u32 = 0;
    const NONE: u32 = 1;
    let event = match args.u64(1) {
        0 => None,
        at => {
            let word = cx.word() as u64;
            let value = cx.read_word(at)?;
            let number = cx.read_u32(at + word)? as i32;
            match cx.read_u32(at + word + 4)? {
                SIGNAL if number == 0 => return Err(Errno::EINVAL),
                SIGNAL => {
                    let number = crate::signal::checked(number)?;
                    Some(Some(Signal { number, value }))
                }
                NONE => Some(None),
                _ => return Err(Errno::EINVAL),
            }
        }
    };
    let (_, queue) = find(cx, args.int(0))?;
    let own = cx.thread.process.pid;
    // Who asked and is gone asks no more.
    let registered = queue.notify.get().filter(|(pid, _)| cx.kernel.processes.contains_key(pid));
    match (event, registered) {
        (Some(_), Some(_)) => return Err(Errno::EBUSY),
        (Some(event), None) => queue.notify.set(Some((own, event))),
        (None, Some((pid, _))) if pid == own => queue.notify.set(None),
        (None, _) => {}
    }
    Ok(0)
}

/// `mq_getsetattr(2)`.
pub fn mq_getsetattr(cx: &mut Context, args: Args) -> SysResult {
    let word = cx.word() as u64;
    let new = match args.u64(1) {
        0 => None,
        at => Some(cx.read_word(at)?),
    };
    if new.is_some_and(|new| new & !u64::from(flags::NONBLOCK) != 0) {
        return Err(Errno::EINVAL);
    }
    let (open, queue) = find(cx, args.int(0))?;
    let old = open.flags.get();
    if let Some(new) = new {
        open.flags.set(old & !flags::NONBLOCK | new as u32);
    }
    if args.u64(2) != 0 {
        let blocks = u64::from(old & flags::NONBLOCK);
        let values = [blocks, queue.messages_max, queue.message_size, queue.count.get()];
        for (index, value) in values.into_iter().chain([0; 4]).enumerate() {
            cx.write_word(args.u64(2) + index as u64 * word, value)?;
        }
    }
    Ok(0)
}
