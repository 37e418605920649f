//! `timerfd_create(2)`: a timer that is read.

use alloc::rc::{Rc, Weak};
use core::any::Any;
use core::cell::{Cell, RefCell};

use crate::errno::{Errno, SysResult};
use crate::fs::{File, OpenFile, events, flags};
use crate::kernel::{Context, Kernel};
use crate::syscall::Args;
use crate::time::calls::clock;
use crate::time::posix::{Setting, read_setting, write_setting};
use crate::time::timers::{Alarm, Armed, Target};
use crate::wait::WaitQueue;

const ABSTIME: u32 = 1;
const CANCEL_ON_SET: u32 = 2;

struct TimerFd {
    clock: i32,
    /// When it expires next (monotonic); 0 for never.
    next: Cell<u64>,
    interval: Cell<u64>,
    /// Expirations that were not read.
    ticks: Cell<u64>,
    armed: RefCell<Option<Armed>>,
    queue: WaitQueue,
}

/// What the kernel's timers hold; the descriptor may be gone when it fires.
struct Tick(Weak<TimerFd>);

impl Alarm for Tick {
    fn fire(self: Rc<Self>, kernel: &mut Kernel) {
        let Some(timer) = self.0.upgrade() else { return };
        timer.expire(kernel.monotonic_ns());
        timer.arm(kernel);
        timer.queue.wake_all();
    }
}

impl TimerFd {
    /// Counts what expired until now.
    fn expire(&self, now: u64) {
        let (next, interval) = (self.next.get(), self.interval.get());
        if next == 0 || now < next {
            return;
        }
        let more = (now - next).checked_div(interval);
        let count = 1 + more.unwrap_or(0);
        self.ticks.set(self.ticks.get().saturating_add(count));
        self.next.set(if interval == 0 { 0 } else { next + count * interval });
    }

    fn arm(self: &Rc<TimerFd>, kernel: &mut Kernel) {
        let next = self.next.get();
        let alarm = Target::Alarm(Rc::new(Tick(Rc::downgrade(self))));
        *self.armed.borrow_mut() = (next != 0).then(|| kernel.timers.arm(next, alarm));
    }

    fn setting(&self, now: u64) -> Setting {
        let value = match self.next.get() {
            0 => 0,
            next => next.saturating_sub(now).max(1),
        };
        Setting { interval: self.interval.get(), value }
    }
}

/// `timerfd_create(2)`.
pub fn timerfd_create(cx: &mut Context, args: Args) -> SysResult {
    let how = args.u32(1);
    if !matches!(args.int(0), 0 | 1 | 7 | 8 | 9) || how & !(flags::CLOEXEC | flags::NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    let file = TimerFd {
        clock: args.int(0),
        next: Cell::new(0),
        interval: Cell::new(0),
        ticks: Cell::new(0),
        armed: RefCell::new(None),
        queue: WaitQueue::new(),
    };
    // Alarms need the object itself, which `as_any` of a file does not give.
    let file = Shared(Rc::new(file));
    cx.install_file(Rc::new(file), how | flags::RDWR).map(|fd| fd as u64)
}

/// The file; its alarms point at what is inside.
struct Shared(Rc<TimerFd>);

fn timer(cx: &Context, fd: i32) -> SysResult<Rc<TimerFd>> {
    let open = cx.io_file(fd)?;
    let shared = open.file.as_any().downcast_ref::<Shared>().ok_or(Errno::EINVAL)?;
    Ok(shared.0.clone())
}

fn set(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    if args.u32(1) & !(ABSTIME | CANCEL_ON_SET) != 0 {
        return Err(Errno::EINVAL);
    }
    let new = read_setting(cx, args.u64(2), wide)?;
    let timer = timer(cx, args.int(0))?;
    let now = cx.kernel.monotonic_ns();
    timer.expire(now);
    let old = timer.setting(now);
    let absolute = args.u32(1) & ABSTIME != 0;
    let shown = if absolute { clock(cx, timer.clock)? } else { 0 };
    timer.next.set(match new.value {
        0 => 0,
        value => now.saturating_add(value.saturating_sub(shown)).max(1),
    });
    timer.interval.set(new.interval);
    timer.ticks.set(0);
    timer.arm(cx.kernel);
    if args.u64(3) != 0 {
        write_setting(cx, args.u64(3), old, wide)?;
    }
    Ok(0)
}

fn get(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    let timer = timer(cx, args.int(0))?;
    let now = cx.kernel.monotonic_ns();
    timer.expire(now);
    write_setting(cx, args.u64(1), timer.setting(now), wide).map(|()| 0)
}

/// `timerfd_settime(2)`.
pub fn timerfd_settime(cx: &mut Context, args: Args) -> SysResult {
    set(cx, args, true)
}

/// `timerfd_settime` of i386 with 32-bit times.
pub fn timerfd_settime32(cx: &mut Context, args: Args) -> SysResult {
    set(cx, args, false)
}

/// `timerfd_gettime(2)`.
pub fn timerfd_gettime(cx: &mut Context, args: Args) -> SysResult {
    get(cx, args, true)
}

/// `timerfd_gettime` of i386 with 32-bit times.
pub fn timerfd_gettime32(cx: &mut Context, args: Args) -> SysResult {
    get(cx, args, false)
}

impl File for Shared {
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
        let Some(room) = buf.first_chunk_mut::<8>() else { return Err(Errno::EINVAL) };
        self.0.expire(cx.kernel.monotonic_ns());
        match self.0.ticks.take() {
            0 if open.nonblocking() => Err(Errno::EAGAIN),
            0 => Err(cx.wait_on(&self.0.queue)),
            ticks => {
                *room = ticks.to_le_bytes();
                Ok(8)
            }
        }
    }

    fn poll(&self, cx: &mut Context, _: &OpenFile) -> u32 {
        self.0.expire(cx.kernel.monotonic_ns());
        if self.0.ticks.get() > 0 { events::IN } else { 0 }
    }

    fn queues(&self, tell: &mut dyn FnMut(&WaitQueue)) {
        tell(&self.0.queue);
    }

    fn description(&self) -> alloc::string::String {
        "anon_inode:[timerfd]".into()
    }
}
