//! Pipes and FIFOs (`pipe(7)`, `fifo(7)`).

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use core::any::Any;
use core::cell::{Cell, RefCell};

use super::buffer::Buffer;
use super::{File, FileType, InodeRef, Location, OpenFile, Stat, events, flags};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::signal::{SIGPIPE, SigInfo};
use crate::syscall::Args;
use crate::time::Timespec;
use crate::wait::WaitQueue;

/// Bytes that a pipe holds, if nobody says otherwise.
const CAPACITY: usize = 65536;
/// Most that it may be made to hold (`/proc/sys/fs/pipe-max-size`).
const CAPACITY_MAX: usize = 1 << 20;
/// Writes up to this size are not mixed with others'.
const ATOMIC: usize = 4096;

/// What all ends share.
pub struct Pipe {
    ino: u64,
    made: Timespec,
    buffer: Buffer,
    readers: Cell<u32>,
    writers: Cell<u32>,
    /// How often it was opened for reading and for writing: who opens a FIFO waits for
    /// the other side to come, even if that has gone again.
    opened: Cell<(u32, u32)>,
    queue: WaitQueue,
}

/// One end of a pipe; a FIFO may be opened as both.
pub struct End {
    pipe: Rc<Pipe>,
    reads: bool,
    writes: bool,
}

impl Pipe {
    fn new(cx: &mut Context) -> Rc<Pipe> {
        Rc::new(Pipe {
            ino: cx.kernel.new_anonymous_ino(),
            made: cx.kernel.now(),
            buffer: Buffer::new(CAPACITY, cx.kernel.buffers.clone()),
            readers: Cell::new(0),
            writers: Cell::new(0),
            opened: Cell::new((0, 0)),
            queue: WaitQueue::new(),
        })
    }

    fn end(self: &Rc<Pipe>, reads: bool, writes: bool) -> Rc<End> {
        self.readers.set(self.readers.get() + u32::from(reads));
        self.writers.set(self.writers.get() + u32::from(writes));
        let (readers, writers) = self.opened.get();
        let more = |count: u32, one: bool| count.wrapping_add(u32::from(one));
        self.opened.set((more(readers, reads), more(writers, writes)));
        Rc::new(End { pipe: self.clone(), reads, writes })
    }
}

/// `pipe(2)`.
pub fn pipe(cx: &mut Context, args: Args) -> SysResult {
    make(cx, args.u64(0), 0)
}

/// `pipe2(2)`.
pub fn pipe2(cx: &mut Context, args: Args) -> SysResult {
    if args.u32(1) & !(flags::CLOEXEC | flags::NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    make(cx, args.u64(0), args.u32(1))
}

fn make(cx: &mut Context, at: u64, how: u32) -> SysResult {
    let pipe = Pipe::new(cx);
    let (reader, writer) = (pipe.end(true, false), pipe.end(false, true));
    let reader = OpenFile::new(reader, None, how | flags::RDONLY);
    let writer = OpenFile::new(writer, None, how | flags::WRONLY);
    cx.install_pair(at, [reader, writer], how)
}

/// Opens a FIFO: waits for the other side, unless that is there or `O_NONBLOCK` is given.
pub fn open_fifo(cx: &mut Context, place: &Location, how: u32) -> SysResult<Rc<OpenFile>> {
    struct Waits {
        open: Rc<OpenFile>,
        opened: (u32, u32),
    }
    let waits = cx.with_call(|call| call.saved.take());
    let waits = match waits.and_then(|saved| saved.downcast::<Waits>().ok()) {
        Some(waits) => waits,
        None => {
            let pipe = of_inode(cx, place.inode());
            let access = how & flags::ACCMODE;
            let (reads, writes) = (access != flags::WRONLY, access != flags::RDONLY);
            let nonblocking = how & flags::NONBLOCK != 0;
            if nonblocking && !reads && pipe.readers.get() == 0 {
                return Err(Errno::ENXIO);
            }
            let other_side = match (reads, writes) {
                (true, false) => pipe.writers.get() > 0,
                (false, true) => pipe.readers.get() > 0,
                _ => true,
            };
            let open = OpenFile::new(pipe.end(reads, writes), Some(place.clone()), how);
            pipe.queue.wake_all();
            if other_side || nonblocking {
                return Ok(open);
            }
            Box::new(Waits { open, opened: pipe.opened.get() })
        }
    };
    let pipe = waits.open.file.as_any().downcast_ref::<End>().ok_or(Errno::EIO)?.pipe.clone();
    let (old, now) = (waits.opened, pipe.opened.get());
    let came = if waits.open.readable() { old.1 != now.1 } else { old.0 != now.0 };
    if came {
        return Ok(waits.open);
    }
    cx.with_call(|call| call.saved = Some(waits));
    Err(cx.wait_on(&pipe.queue))
}

/// The pipe of a FIFO, which stays with the inode.
fn of_inode(cx: &mut Context, inode: &InodeRef) -> Rc<Pipe> {
    let slot: &RefCell<Option<Rc<dyn Any>>> = &inode.extra().fifo;
    let there = slot.borrow().clone().and_then(|any| any.downcast::<Pipe>().ok());
    there.unwrap_or_else(|| {
        let pipe = Pipe::new(cx);
        *slot.borrow_mut() = Some(pipe.clone());
        pipe
    })
}

/// `F_GETPIPE_SZ` and `F_SETPIPE_SZ` of `fcntl(2)`.
pub fn resize(cx: &mut Context, open: &OpenFile, size: Option<u32>) -> SysResult {
    let end = open.file.as_any().downcast_ref::<End>().ok_or(Errno::EBADF)?;
    let buffer = &end.pipe.buffer;
    let Some(size) = size else { return Ok(buffer.capacity() as u64) };
    if size > 1 << 31 {
        return Err(Errno::EINVAL);
    }
    let size = (size as usize).next_power_of_two().max(4096);
    let privileged = cx.thread.credentials().has(crate::task::credentials::cap::SYS_RESOURCE);
    if size > CAPACITY_MAX && !(privileged && size <= 64 * CAPACITY_MAX) {
        return Err(Errno::EPERM);
    }
    if size < buffer.len() {
        return Err(Errno::EBUSY);
    }
    buffer.set_capacity(size);
    end.pipe.queue.wake_all();
    Ok(size as u64)
}

impl End {
    /// Whether both are ends of one pipe.
    pub fn is_same(&self, other: &End) -> bool {
        Rc::ptr_eq(&self.pipe, &other.pipe)
    }

    /// Whether nobody writes any more.
    pub fn ended(&self) -> bool {
        self.pipe.writers.get() == 0
    }

    /// Bytes that could be read now.
    pub fn waiting(&self) -> &Buffer {
        &self.pipe.buffer
    }
}

impl File for End {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn read(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        _: &mut u64,
        buf: &mut [u8],
    ) -> SysResult<usize> {
        let pipe = &self.pipe;
        if pipe.buffer.is_empty() && !buf.is_empty() {
            return match (pipe.writers.get(), open.nonblocking()) {
                (0, _) => Ok(0),
                (_, true) => Err(Errno::EAGAIN),
                _ => Err(cx.wait_on(&pipe.queue)),
            };
        }
        let count = pipe.buffer.pull(buf, true);
        pipe.queue.wake_all();
        Ok(count)
    }

    fn write(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        _: &mut u64,
        bytes: &[u8],
    ) -> SysResult<usize> {
        let pipe = &self.pipe;
        if pipe.readers.get() == 0 {
            let thread = cx.thread.clone();
            let info = SigInfo::user(cx, SIGPIPE, 0);
            cx.kernel.signal_thread(&thread, info);
            return Err(Errno::EPIPE);
        }
        let whole = bytes.len() <= ATOMIC && pipe.buffer.room() < bytes.len();
        let count = if whole { 0 } else { pipe.buffer.push(bytes)? };
        if count > 0 {
            pipe.queue.wake_all();
        }
        cx.end_write(open, count, bytes.len(), &pipe.queue)
    }

    fn poll(&self, _: &mut Context, _: &OpenFile) -> u32 {
        let pipe = &self.pipe;
        let mut now = 0;
        if self.writes {
            let room = pipe.buffer.room() >= ATOMIC.min(pipe.buffer.capacity());
            now |= if room { events::OUT | events::WRNORM } else { 0 };
            now |= if pipe.readers.get() == 0 { events::ERR } else { 0 };
        }
        if self.reads {
            let data = !pipe.buffer.is_empty();
            now |= if data { events::IN | events::RDNORM } else { 0 };
            // Who opened a FIFO before any writer came sees no end of it yet.
            let ended = pipe.writers.get() == 0 && pipe.opened.get().1 != 0;
            now |= if ended { events::HUP } else { 0 };
        }
        now
    }

    fn queues(&self, tell: &mut dyn FnMut(&WaitQueue)) {
        tell(&self.pipe.queue);
    }

    fn ioctl(&self, cx: &mut Context, _: &OpenFile, args: Args) -> SysResult {
        const FIONREAD: u32 = 0x541b;
        if args.u32(1) != FIONREAD {
            return Err(Errno::ENOTTY);
        }
        cx.write_u32(args.u64(2), self.pipe.buffer.len() as u32).map(|()| 0)
    }

    fn stat(&self, _: &mut Context) -> SysResult<Stat> {
        let mut stat = Stat::new(14, self.pipe.ino, FileType::Fifo as u32 | 0o600);
        let made = self.pipe.made;
        (stat.atime, stat.mtime, stat.ctime) = (made, made, made);
        Ok(stat)
    }

    fn release(&self, _: &OpenFile) {
        let pipe = &self.pipe;
        pipe.readers.set(pipe.readers.get() - u32::from(self.reads));
        pipe.writers.set(pipe.writers.get() - u32::from(self.writes));
        if pipe.readers.get() == 0 && pipe.writers.get() == 0 {
            // What nobody read before all left a FIFO is gone.
            pipe.buffer.clear();
        }
        pipe.queue.wake_all();
    }

    fn description(&self) -> String {
        alloc::format!("pipe:[{}]", self.pipe.ino)
    }
}
