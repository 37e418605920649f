//! Streams that listen, and connections that wait to be accepted.

use alloc::rc::Rc;

use super::socket::{SHUT_READ, own_identity};
use super::{Address, Family, Socket};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;

/// Connections that wait to be accepted, at most (`somaxconn`).
const BACKLOG_MAX: usize = 4096;

impl Socket {
    /// `listen(2)`.
    pub fn listen(&self, cx: &mut Context, backlog: i32) -> SysResult<()> {
        if !self.connects() || self.family == Family::Netlink {
            return Err(Errno::EOPNOTSUPP);
        }
        if self.connected.get() {
            return Err(Errno::EINVAL);
        }
        let max = usize::try_from(backlog).unwrap_or(BACKLOG_MAX).min(BACKLOG_MAX);
        self.listening.set(Some(max));
        self.owner.set(own_identity(cx));
        Ok(())
    }

    /// `accept(2)`: the next connection.
    pub fn accept(&self, cx: &mut Context, nonblocking: bool) -> SysResult<Rc<Socket>> {
        if !self.connects() {
            return Err(Errno::EOPNOTSUPP);
        }
        if !self.is_listening() {
            return Err(Errno::EINVAL);
        }
        let next = self.backlog.borrow_mut().pop_front();
        match next {
            Some(socket) => {
                self.queue.wake_all();
                Ok(socket)
            }
            None if self.shut.get() & SHUT_READ != 0 => Err(Errno::EINVAL),
            None => Err(self.wait(cx, 0, nonblocking)),
        }
    }

    /// Connects a stream to a listening socket.
    pub fn connect_stream(
        self: &Rc<Socket>,
        cx: &mut Context,
        target: &Rc<Socket>,
        to: Address,
        nonblocking: bool,
    ) -> SysResult<()> {
        let Some(max) = target.listening.get() else { return Err(Errno::ECONNREFUSED) };
        if target.shut.get() & SHUT_READ != 0 {
            return Err(Errno::ECONNREFUSED);
        }
        let waiting = target.backlog.borrow().len();
        let full = waiting > max && (self.family == Family::Unix || waiting >= BACKLOG_MAX);
        if full {
            return Err(target.wait(cx, 1, nonblocking));
        }
        self.shut.set(0);
        let other = Socket::new(cx, target.family, target.kind, target.protocol);
        other.owner.set(target.owner.get());
        self.owner.set(own_identity(cx));
        *other.local.borrow_mut() = match (&to, self.family) {
            (Address::Ip(..), _) => Some(to.clone()),
            _ => target.local.borrow().clone(),
        };
        *other.options.borrow_mut() = target.options.borrow().clone();
        *other.remote.borrow_mut() = self.local.borrow().clone();
        *self.remote.borrow_mut() = Some(to);
        Socket::pair(self, &other);
        target.queue_connection(other);
        self.queue.wake_all();
        Ok(())
    }

    /// Whether it listens and another connection may wait to be accepted.
    pub(super) fn has_room(&self) -> bool {
        let open = self.is_listening() && self.shut.get() & SHUT_READ == 0;
        open && self.backlog.borrow().len() < BACKLOG_MAX
    }

    /// A connection waits to be accepted.
    pub(super) fn queue_connection(&self, socket: Rc<Socket>) {
        self.backlog.borrow_mut().push_back(socket);
        self.queue.wake_all();
    }

    /// Connections that wait find that nobody will accept them.
    pub(super) fn refuse_waiting(&self) {
        let waiting = core::mem::take(&mut *self.backlog.borrow_mut());
        for socket in waiting {
            if let Some(peer) = socket.peer() {
                peer.error.set(Some(Errno::ECONNRESET));
            }
            socket.close();
        }
    }
}
