//! The open file of a socket.

use alloc::rc::Rc;
use core::any::Any;

use super::send::With;
use super::socket::{BUFFER, SHUT_READ, SHUT_WRITE};
use super::{Family, Kind, Socket, interfaces};
use crate::errno::{Errno, SysResult};
use crate::fs::{File, FileType, OpenFile, Stat, events};
use crate::kernel::Context;
use crate::syscall::Args;
use crate::wait::WaitQueue;

impl Socket {
    /// The socket of an open file; `ENOTSOCK` if it is something else.
    pub fn of(open: &OpenFile) -> SysResult<Rc<Socket>> {
        let file = open.file.as_any().downcast_ref::<Handle>().ok_or(Errno::ENOTSOCK)?;
        Ok(file.0.clone())
    }

    /// A file for it.
    pub fn file(self: &Rc<Socket>) -> Rc<dyn File> {
        Rc::new(Handle(self.clone()))
    }

    /// What `poll(2)` tells.
    fn state(&self) -> u32 {
        use events::*;
        let mut now = if self.error.get().is_some() { ERR } else { 0 };
        if self.is_listening() {
            let waiting = !self.backlog.borrow().is_empty();
            return now | if waiting { IN | RDNORM } else { 0 };
        }
        if self.pending.get() {
            return 0;
        }
        let shut = self.shut.get();
        if !self.inbox.is_empty() || shut & SHUT_READ != 0 {
            now |= IN | RDNORM;
        }
        if shut & SHUT_READ != 0 {
            now |= RDHUP;
        }
        if self.connects() {
            if shut == SHUT_READ | SHUT_WRITE || !self.connected.get() {
                now |= HUP;
            }
            let peer = self.peer().filter(|_| self.connected.get());
            let room = peer.is_none_or(|peer| peer.inbox.room() > BUFFER / 4);
            if room {
                now |= OUT | WRNORM | WRBAND;
            }
        } else {
            let unix = self.family == Family::Unix;
            let full = |peer: Rc<Socket>| unix && peer.inbox.len() > 10;
            if !self.peer().is_some_and(full) {
                now |= OUT | WRNORM | WRBAND;
            }
        }
        now
    }
}

struct Handle(Rc<Socket>);

impl File for Handle {
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
        if buf.is_empty() {
            return Ok(0);
        }
        self.0.receive(cx, open.nonblocking(), buf, 0).map(|received| received.count)
    }

    fn write(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        _: &mut u64,
        bytes: &[u8],
    ) -> SysResult<usize> {
        self.0.send(cx, open.nonblocking(), bytes, None, With::default(), 0)
    }

    fn poll(&self, _: &mut Context, _: &OpenFile) -> u32 {
        self.0.state()
    }

    fn queues(&self, tell: &mut dyn FnMut(&WaitQueue)) {
        tell(&self.0.queue);
        if let Some(peer) = self.0.peer() {
            tell(&peer.queue);
        }
    }

    fn ioctl(&self, cx: &mut Context, _: &OpenFile, args: Args) -> SysResult {
        const FIONREAD: u32 = 0x541b;
        const TIOCOUTQ: u32 = 0x5411;
        let count = match args.u32(1) {
            FIONREAD if self.0.is_listening() => return Err(Errno::EINVAL),
            FIONREAD => self.0.inbox.readable(self.0.kind == Kind::Stream),
            TIOCOUTQ => 0,
            _ => return interfaces::ioctl(cx, args),
        };
        cx.write_u32(args.u64(2), count as u32).map(|()| 0)
    }

    fn stat(&self, _: &mut Context) -> SysResult<Stat> {
        Ok(Stat::new(9, self.0.ino, FileType::Socket as u32 | 0o777))
    }

    fn release(&self, _: &OpenFile) {
        self.0.close();
    }

    fn description(&self) -> alloc::string::String {
        alloc::format!("socket:[{}]", self.0.ino)
    }
}
