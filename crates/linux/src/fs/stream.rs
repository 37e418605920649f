//! A standard stream of the host that is no terminal: a pipe or a file.

use alloc::rc::Rc;
use core::any::Any;

use super::{File, FileType, OpenFile, Stat, events};
use crate::errno::{Errno, SysResult};
use crate::host::{Stream, StreamResult};
use crate::kernel::Context;
use crate::wait::WaitQueue;

/// One of the host's streams.
pub struct HostStream {
    stream: Stream,
    news: Rc<WaitQueue>,
}

impl HostStream {
    /// The stream of this number; `news` is the kernel's queue for news of the host.
    pub fn new(stream: Stream, news: Rc<WaitQueue>) -> Rc<HostStream> {
        Rc::new(HostStream { stream, news })
    }
}

impl File for HostStream {
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
        match cx.kernel.host.stream_read(self.stream, buf) {
            StreamResult::Done(count) => Ok(count),
            StreamResult::Broken => Err(Errno::EIO),
            StreamResult::NotReady if open.nonblocking() => Err(Errno::EAGAIN),
            StreamResult::NotReady => Err(cx.wait_on(&self.news)),
        }
    }

    fn write(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        _: &mut u64,
        bytes: &[u8],
    ) -> SysResult<usize> {
        let mut done = 0;
        while done < bytes.len() {
            match cx.kernel.host.stream_write(self.stream, &bytes[done..]) {
                StreamResult::Done(count) => done += count,
                StreamResult::Broken => {
                    let info = crate::signal::SigInfo::kernel(crate::signal::SIGPIPE);
                    let thread = cx.thread.clone();
                    cx.kernel.signal_thread(&thread, info);
                    return Err(Errno::EPIPE);
                }
                StreamResult::NotReady if open.nonblocking() && done == 0 => {
                    return Err(Errno::EAGAIN);
                }
                StreamResult::NotReady if open.nonblocking() => break,
                StreamResult::NotReady => {
                    cx.add_progress(done as u64);
                    return Err(cx.wait_on(&self.news));
                }
            }
        }
        Ok(done)
    }

    fn poll(&self, cx: &mut Context, _: &OpenFile) -> u32 {
        let mut ready = 0;
        if cx.kernel.host.stream_ready(self.stream, false) {
            ready |= events::IN | events::RDNORM;
        }
        if cx.kernel.host.stream_ready(self.stream, true) {
            ready |= events::OUT | events::WRNORM;
        }
        ready
    }

    fn queues(&self, tell: &mut dyn FnMut(&WaitQueue)) {
        tell(&self.news);
    }

    fn stat(&self, cx: &mut Context) -> SysResult<Stat> {
        let mut stat = Stat::new(13, u64::from(self.stream) + 1, FileType::Fifo as u32 | 0o600);
        let now = cx.kernel.now();
        (stat.atime, stat.mtime, stat.ctime) = (now, now, now);
        Ok(stat)
    }

    fn description(&self) -> alloc::string::String {
        alloc::format!("pipe:[{}]", u64::from(self.stream) + 1)
    }
}
