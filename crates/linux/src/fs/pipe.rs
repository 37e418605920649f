//! Pipes (`pipe(7)`). FIFOs are not there yet.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::string::String;
use core::any::Any;
use core::cell::{Cell, RefCell};

use super::{File, FileType, OpenFile, Stat, events, flags};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::signal::{SIGPIPE, SigInfo};
use crate::syscall::Args;
use crate::time::Timespec;
use crate::wait::WaitQueue;

/// Bytes that a pipe holds.
const CAPACITY: usize = 65536;
/// Writes up to this size are not mixed with others'.
const ATOMIC: usize = 4096;

/// What both ends share.
struct Pipe {
    ino: u64,
    made: Timespec,
    bytes: RefCell<VecDeque<u8>>,
    readers: Cell<u32>,
    writers: Cell<u32>,
    queue: WaitQueue,
}

/// One end of a pipe.
struct End {
    pipe: Rc<Pipe>,
    write: bool,
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
    let pipe = Rc::new(Pipe {
        ino: cx.kernel.new_anonymous_ino(),
        made: cx.kernel.now(),
        bytes: RefCell::default(),
        readers: Cell::new(1),
        writers: Cell::new(1),
        queue: WaitQueue::new(),
    });
    let reader = End { pipe: pipe.clone(), write: false };
    let writer = End { pipe, write: true };
    let read_fd = cx.install_file(Rc::new(reader), how | flags::RDONLY)?;
    let files = cx.files();
    let written = cx.install_file(Rc::new(writer), how | flags::WRONLY).and_then(|write_fd| {
        let pair = u64::from(read_fd as u32) | u64::from(write_fd as u32) << 32;
        let told = cx.write_u64(at, pair);
        if told.is_err() {
            files.borrow_mut().remove(write_fd)?;
        }
        told
    });
    if let Err(error) = written {
        files.borrow_mut().remove(read_fd)?;
        return Err(error);
    }
    Ok(0)
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
        let mut bytes = self.pipe.bytes.borrow_mut();
        if bytes.is_empty() && !buf.is_empty() {
            return match (self.pipe.writers.get(), open.nonblocking()) {
                (0, _) => Ok(0),
                (_, true) => Err(Errno::EAGAIN),
                _ => Err(cx.wait_on(&self.pipe.queue)),
            };
        }
        let count = bytes.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(bytes.drain(..count)) {
            *to = from;
        }
        drop(bytes);
        self.pipe.queue.wake_all();
        Ok(count)
    }

    fn write(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        _: &mut u64,
        bytes: &[u8],
    ) -> SysResult<usize> {
        if self.pipe.readers.get() == 0 {
            let thread = cx.thread.clone();
            let info = SigInfo::user(cx, SIGPIPE, 0);
            cx.kernel.signal_thread(&thread, info);
            return Err(Errno::EPIPE);
        }
        let room = CAPACITY - self.pipe.bytes.borrow().len();
        let fits = if bytes.len() <= ATOMIC && room < bytes.len() { 0 } else { room };
        let count = bytes.len().min(fits);
        self.pipe.bytes.borrow_mut().extend(&bytes[..count]);
        if count > 0 {
            self.pipe.queue.wake_all();
        }
        if count == bytes.len() || count > 0 && open.nonblocking() {
            return Ok(count);
        }
        if open.nonblocking() {
            return Err(Errno::EAGAIN);
        }
        cx.add_progress(count as u64);
        Err(cx.wait_on(&self.pipe.queue))
    }

    fn poll(&self, _: &mut Context, _: &OpenFile) -> u32 {
        let len = self.pipe.bytes.borrow().len();
        if self.write {
            let room = if CAPACITY - len >= ATOMIC { events::OUT | events::WRNORM } else { 0 };
            return room | if self.pipe.readers.get() == 0 { events::ERR } else { 0 };
        }
        let data = if len > 0 { events::IN | events::RDNORM } else { 0 };
        data | if self.pipe.writers.get() == 0 { events::HUP } else { 0 }
    }

    fn queues(&self, tell: &mut dyn FnMut(&WaitQueue)) {
        tell(&self.pipe.queue);
    }

    fn ioctl(&self, cx: &mut Context, _: &OpenFile, args: Args) -> SysResult {
        const FIONREAD: u32 = 0x541b;
        if args.u32(1) != FIONREAD {
            return Err(Errno::ENOTTY);
        }
        let len = self.pipe.bytes.borrow().len() as u32;
        cx.write_u32(args.u64(2), len).map(|()| 0)
    }

    fn stat(&self, _: &mut Context) -> SysResult<Stat> {
        let mut stat = Stat::new(14, self.pipe.ino, FileType::Fifo as u32 | 0o600);
        let made = self.pipe.made;
        (stat.atime, stat.mtime, stat.ctime) = (made, made, made);
        Ok(stat)
    }

    fn release(&self, _: &OpenFile) {
        let count = if self.write { &self.pipe.writers } else { &self.pipe.readers };
        count.set(count.get() - 1);
        self.pipe.queue.wake_all();
    }

    fn description(&self) -> String {
        alloc::format!("pipe:[{}]", self.pipe.ino)
    }
}
