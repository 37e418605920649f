//! `eventfd(2)`: a counter that is waited for.

use alloc::rc::Rc;
use core::any::Any;
use core::cell::Cell;

use crate::errno::{Errno, SysResult};
use crate::fs::{File, OpenFile, events, flags};
use crate::kernel::Context;
use crate::syscall::Args;
use crate::wait::WaitQueue;

const SEMAPHORE: u32 = 1;
/// The counter never becomes larger.
const MAX: u64 = u64::MAX - 1;

struct Counter {
    count: Cell<u64>,
    semaphore: bool,
    queue: WaitQueue,
}

/// `eventfd` without flags.
pub fn eventfd(cx: &mut Context, args: Args) -> SysResult {
    make(cx, args.u32(0), 0)
}

/// `eventfd2`: `eventfd(2)` as it is known.
pub fn eventfd2(cx: &mut Context, args: Args) -> SysResult {
    make(cx, args.u32(0), args.u32(1))
}

fn make(cx: &mut Context, count: u32, how: u32) -> SysResult {
    if how & !(SEMAPHORE | flags::CLOEXEC | flags::NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    let count = Cell::new(u64::from(count));
    let semaphore = how & SEMAPHORE != 0;
    let file = Rc::new(Counter { count, semaphore, queue: WaitQueue::new() });
    cx.install_file(file, how & !SEMAPHORE | flags::RDWR).map(|fd| fd as u64)
}

impl File for Counter {
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
        let count = self.count.get();
        if count == 0 {
            let blocks = !open.nonblocking();
            return Err(if blocks { cx.wait_on(&self.queue) } else { Errno::EAGAIN });
        }
        let taken = if self.semaphore { 1 } else { count };
        self.count.set(count - taken);
        *room = taken.to_le_bytes();
        self.queue.wake_all();
        Ok(8)
    }

    fn write(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        _: &mut u64,
        bytes: &[u8],
    ) -> SysResult<usize> {
        let more = u64::from_le_bytes(*bytes.first_chunk().ok_or(Errno::EINVAL)?);
        if more == u64::MAX {
            return Err(Errno::EINVAL);
        }
        if more > MAX - self.count.get() {
            let blocks = !open.nonblocking();
            return Err(if blocks { cx.wait_on(&self.queue) } else { Errno::EAGAIN });
        }
        self.count.set(self.count.get() + more);
        self.queue.wake_all();
        // What follows the number is taken without a look, as on the real system.
        Ok(8)
    }

    fn poll(&self, _: &mut Context, _: &OpenFile) -> u32 {
        let count = self.count.get();
        let input = if count > 0 { events::IN } else { 0 };
        input | if count < MAX { events::OUT } else { 0 }
    }

    fn queues(&self, tell: &mut dyn FnMut(&WaitQueue)) {
        tell(&self.queue);
    }

    fn description(&self) -> alloc::string::String {
        "anon_inode:[eventfd]".into()
    }
}
