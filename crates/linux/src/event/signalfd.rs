//! `signalfd(2)`: signals that are read.

use alloc::rc::Rc;
use core::any::Any;
use core::cell::Cell;

use crate::errno::{Errno, SysResult};
use crate::fs::{File, OpenFile, events, flags};
use crate::kernel::Context;
use crate::signal::{Fields, SigInfo, UNBLOCKABLE};
use crate::syscall::Args;
use crate::wait::WaitQueue;

/// Bytes of a `signalfd_siginfo`.
const RECORD: usize = 128;

struct SignalFd {
    mask: Cell<u64>,
    /// Woken when the process that made it gets a signal.
    news: Rc<WaitQueue>,
}

/// `signalfd` without flags.
pub fn signalfd(cx: &mut Context, args: Args) -> SysResult {
    make(cx, args, 0)
}

/// `signalfd4`: `signalfd(2)` as it is known.
pub fn signalfd4(cx: &mut Context, args: Args) -> SysResult {
    make(cx, args, args.u32(3))
}

fn make(cx: &mut Context, args: Args, how: u32) -> SysResult {
    if args.u64(2) != 8 || how & !(flags::CLOEXEC | flags::NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    let mask = cx.read_u64(args.u64(1))? & !UNBLOCKABLE;
    if args.int(0) != -1 {
        let open = cx.io_file(args.int(0))?;
        let old = open.file.as_any().downcast_ref::<SignalFd>().ok_or(Errno::EINVAL)?;
        old.mask.set(mask);
        old.news.wake_all();
        return Ok(args.int(0) as u64);
    }
    let news = cx.thread.process.signal_news.clone();
    let file = Rc::new(SignalFd { mask: Cell::new(mask), news });
    cx.install_file(file, how | flags::RDWR).map(|fd| fd as u64)
}

fn record(info: &SigInfo) -> [u8; RECORD] {
    let mut bytes = [0; RECORD];
    let mut put = |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    put(0, info.signal as u32);
    put(4, info.errno as u32);
    put(8, info.code as u32);
    let mut sender = |pid: i32, uid: u32| {
        put(12, pid as u32);
        put(16, uid);
    };
    match info.fields {
        Fields::None => {}
        Fields::Sender { pid, uid } => sender(pid, uid),
        Fields::Value { pid, uid, value } => {
            sender(pid, uid);
            put(44, value as u32);
            put(48, value as u32);
            put(52, (value >> 32) as u32);
        }
        Fields::Timer { id, overrun, value } => {
            put(24, id as u32);
            put(32, overrun as u32);
            put(44, value as u32);
            put(48, value as u32);
            put(52, (value >> 32) as u32);
        }
        Fields::Child { pid, uid, status, user, system } => {
            sender(pid, uid);
            put(40, status as u32);
            put(56, user as u32);
            put(64, system as u32);
        }
        Fields::Address(addr) => {
            put(72, addr as u32);
            put(76, (addr >> 32) as u32);
        }
        Fields::Band { band, fd } => {
            put(20, fd as u32);
            put(28, band as u32);
        }
    }
    bytes
}

impl File for SignalFd {
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
        if buf.len() < RECORD {
            return Err(Errno::EINVAL);
        }
        let mut done = 0;
        for room in buf.chunks_exact_mut(RECORD) {
            let own = cx.thread.pending.borrow_mut().take(self.mask.get());
            let process = cx.thread.process.clone();
            let info = own.or_else(|| process.pending.borrow_mut().take(self.mask.get()));
            let Some(info) = info else { break };
            room.copy_from_slice(&record(&info));
            done += RECORD;
        }
        match done {
            0 if open.nonblocking() => Err(Errno::EAGAIN),
            0 => Err(cx.wait_on(&cx.thread.process.signal_news.clone())),
            done => Ok(done),
        }
    }

    fn poll(&self, cx: &mut Context, _: &OpenFile) -> u32 {
        let set = cx.thread.pending.borrow().set | cx.thread.process.pending.borrow().set;
        if set & self.mask.get() != 0 { events::IN } else { 0 }
    }

    fn queues(&self, tell: &mut dyn FnMut(&WaitQueue)) {
        tell(&self.news);
    }

    fn description(&self) -> alloc::string::String {
        "anon_inode:[signalfd]".into()
    }
}
