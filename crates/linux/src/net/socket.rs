//! A socket: its state, and its other side. How connections come about is in `listen.rs`, what an
//! open file of it does in `handle.rs`.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};

use super::inbox::{Inbox, Sender};
use super::rights::Rights;
use super::{Address, Family, Kind};
use crate::errno::{Errno, SysResult};
use crate::fs::{Location, OpenFile, flags};
use crate::kernel::{Context, Kernel};
use crate::wait::WaitQueue;

/// Bytes of an inbox, as `SO_RCVBUF` tells it.
pub const BUFFER: usize = 212_992;
/// `SHUT_RD` and `SHUT_WR` as bits.
pub const SHUT_READ: u32 = 1;
/// See [`SHUT_READ`].
pub const SHUT_WRITE: u32 = 2;

/// A socket.
pub struct Socket {
    me: Weak<Socket>,
    /// `AF_…`.
    pub family: Family,
    /// `SOCK_…`.
    pub kind: Kind,
    /// `IPPROTO_…`, or what netlink is about.
    pub protocol: u32,
    pub(super) ino: u64,
    /// Its name.
    pub local: RefCell<Option<Address>>,
    /// Its name before it was connected, if the connection gave it another.
    pub(super) unconnected: RefCell<Option<Address>>,
    /// The file that it is bound to.
    pub place: RefCell<Option<Location>>,
    /// The name of what it is connected to.
    pub remote: RefCell<Option<Address>>,
    pub(super) peer: RefCell<Weak<Socket>>,
    /// Whether it was ever connected (streams).
    pub connected: Cell<bool>,
    /// A connection that a nonblocking `connect` made and nobody asked about yet.
    pub connecting: Cell<bool>,
    /// A connection to the outside is being made.
    pub pending: Cell<bool>,
    /// What is to be read.
    pub inbox: Inbox,
    pub(super) shut: Cell<u32>,
    /// The last descriptor is closed.
    pub closed: Cell<bool>,
    pub(super) error: Cell<Option<Errno>>,
    /// How many connections may wait to be accepted, if it listens; see `net/listen.rs`.
    pub(super) listening: Cell<Option<usize>>,
    pub(super) backlog: RefCell<VecDeque<Rc<Socket>>>,
    /// Who made it, listens on it, or connected it (`SO_PEERCRED` of the other side).
    pub owner: Cell<Sender>,
    /// `SO_PEERCRED`.
    pub peer_owner: Cell<Option<Sender>>,
    pub(super) options: RefCell<BTreeMap<(u32, u32), u32>>,
    pub(super) timeouts: Cell<[Option<u64>; 2]>,
    /// Woken when anything here changes.
    pub queue: WaitQueue,
}

impl Socket {
    /// A new one.
    pub fn new(cx: &mut Context, family: Family, kind: Kind, protocol: u32) -> Rc<Socket> {
        let owner = own_identity(cx);
        Socket::owned_by(cx.kernel, owner, family, kind, protocol)
    }

    /// A new one that somebody else than the running thread made.
    pub(super) fn owned_by(
        kernel: &mut Kernel,
        owner: Sender,
        family: Family,
        kind: Kind,
        protocol: u32,
    ) -> Rc<Socket> {
        let ino = kernel.new_anonymous_ino();
        let inbox = Inbox::new(BUFFER, kernel.buffers.clone());
        Rc::new_cyclic(|me| Socket {
            me: me.clone(),
            family,
            kind,
            protocol,
            ino,
            local: RefCell::new(None),
            unconnected: RefCell::new(None),
            place: RefCell::new(None),
            remote: RefCell::new(None),
            peer: RefCell::default(),
            connected: Cell::new(false),
            connecting: Cell::new(false),
            pending: Cell::new(false),
            inbox,
            shut: Cell::new(0),
            closed: Cell::new(false),
            error: Cell::new(None),
            listening: Cell::new(None),
            backlog: RefCell::default(),
            owner: Cell::new(owner),
            peer_owner: Cell::new(None),
            options: RefCell::default(),
            timeouts: Cell::new([None; 2]),
            queue: WaitQueue::new(),
        })
    }

    /// The socket of a descriptor.
    pub fn of_fd(cx: &Context, fd: i32) -> SysResult<(Rc<Socket>, Rc<OpenFile>)> {
        let open = cx.io_file(fd)?;
        Ok((Socket::of(&open)?, open))
    }

    /// Whether it listens.
    pub fn is_listening(&self) -> bool {
        self.listening.get().is_some()
    }

    /// Whether it is a stream in the wide sense: connections, no single packets.
    pub fn connects(&self) -> bool {
        self.kind != Kind::Datagram
    }

    /// The other side.
    pub fn peer(&self) -> Option<Rc<Socket>> {
        self.peer.borrow().upgrade()
    }

    /// Links both sides.
    pub fn pair(one: &Rc<Socket>, other: &Rc<Socket>) {
        for (from, to) in [(one, other), (other, one)] {
            *from.peer.borrow_mut() = Rc::downgrade(to);
            from.connected.set(true);
            from.peer_owner.set(Some(to.owner.get()));
        }
    }

    /// Takes and clears the error that waits (`SO_ERROR`).
    pub fn take_error(&self) -> Option<Errno> {
        self.error.take()
    }

    /// Leaves an error.
    pub fn set_error(&self, error: Errno) {
        self.error.set(Some(error));
        self.queue.wake_all();
    }

    /// A connection that was refused: the error waits, and both directions are shut.
    pub fn refused(&self) {
        self.failed(Errno::ECONNREFUSED);
    }

    /// A connection that broke: the error waits, and both directions are shut.
    pub fn failed(&self, error: Errno) {
        self.shut.set(SHUT_READ | SHUT_WRITE);
        self.set_error(error);
    }

    /// Tells each file that waits in it, and in connections that nobody accepted.
    pub fn each_right(&self, tell: &mut dyn FnMut(&Rc<OpenFile>)) {
        let mut all = |inbox: &Inbox| {
            inbox.for_each(|packet| {
                packet.rights.iter().flat_map(Rights::files).for_each(&mut *tell);
            });
        };
        all(&self.inbox);
        self.backlog.borrow().iter().for_each(|socket| all(&socket.inbox));
    }

    /// Waits for something here, at most as long as `SO_RCVTIMEO` (0) or `SO_SNDTIMEO` (1)
    /// says.
    pub fn wait(&self, cx: &mut Context, which: usize, nonblocking: bool) -> Errno {
        if nonblocking {
            return Errno::EAGAIN;
        }
        let timeout = self.timeouts.get()[which];
        let deadline = cx.deadline(timeout);
        if cx.is_past(deadline) {
            return Errno::EAGAIN;
        }
        if timeout.is_some() {
            cx.if_interrupted(Errno::EINTR);
        }
        let errno = cx.wait_on(&self.queue);
        if let Some(deadline) = deadline {
            cx.wait_until(deadline);
        }
        errno
    }

    /// `shutdown(2)`.
    pub fn shutdown(&self, how: u32) -> SysResult<()> {
        if self.is_listening() {
            self.shut.set(self.shut.get() | how);
            if self.family != Family::Unix && how & SHUT_READ != 0 {
                self.listening.set(None);
                self.refuse_waiting();
            }
            self.queue.wake_all();
            return Ok(());
        }
        let peer = self.peer();
        if peer.is_none() && !self.connected.get() && self.remote.borrow().is_none() {
            return Err(Errno::ENOTCONN);
        }
        self.shut.set(self.shut.get() | how);
        if self.connects()
            && let Some(peer) = peer
        {
            let other = if how & SHUT_WRITE != 0 { SHUT_READ } else { 0 };
            let back =
                if how & SHUT_READ != 0 && self.family == Family::Unix { SHUT_WRITE } else { 0 };
            peer.shut.set(peer.shut.get() | other | back);
            peer.queue.wake_all();
        }
        self.queue.wake_all();
        Ok(())
    }

    /// Takes the connection of a datagram socket away.
    pub fn disconnect(&self) {
        // The address that led to the peer goes too, unless the program chose it.
        if let Some(name) = self.unconnected.take() {
            *self.local.borrow_mut() = Some(name);
        }
        *self.peer.borrow_mut() = Weak::new();
        *self.remote.borrow_mut() = None;
    }

    /// Connects a datagram socket.
    pub fn set_peer(&self, peer: &Rc<Socket>, to: Address) {
        *self.peer.borrow_mut() = Rc::downgrade(peer);
        *self.remote.borrow_mut() = Some(to);
        self.queue.wake_all();
    }

    /// The last descriptor is gone.
    pub(super) fn close(&self) {
        if self.closed.replace(true) {
            return;
        }
        let unread = !self.inbox.is_empty();
        self.inbox.clear();
        self.refuse_waiting();
        if self.connects()
            && let Some(peer) = self.peer()
        {
            if unread {
                peer.error.set(Some(Errno::ECONNRESET));
            }
            peer.shut.set(SHUT_READ | SHUT_WRITE);
            peer.queue.wake_all();
        }
        self.queue.wake_all();
    }

    /// Whether the other side writes no more.
    pub(super) fn is_ended(&self) -> bool {
        self.shut.get() & SHUT_READ != 0
    }

    /// An option as it was set, or its default.
    pub fn option(&self, level: u32, name: u32) -> u32 {
        let set = self.options.borrow().get(&(level, name)).copied();
        set.unwrap_or_else(|| super::options::default(level, name))
    }

    /// `IPV6_V6ONLY`.
    pub fn only_v6(&self) -> bool {
        self.option(41, 26) != 0
    }

    /// Its number among files without a name.
    pub fn ino(&self) -> u64 {
        self.ino
    }

    /// The socket itself.
    pub fn strong(&self) -> Option<Rc<Socket>> {
        self.me.upgrade()
    }

    /// Flags of `open` for a new descriptor of it.
    pub fn open(self: &Rc<Socket>, how: u32) -> Rc<OpenFile> {
        OpenFile::new(self.file(), None, how | flags::RDWR)
    }
}

/// The address that packets to `ip` come from.
pub fn source_for(ip: &[u8; 16]) -> [u8; 16] {
    use super::address::*;
    match *ip {
        ANY4 => LOOPBACK4,
        ANY6 => LOOPBACK6,
        ip if is_v4(&ip) && is_local(&ip) => LOOPBACK4,
        ip if is_v4(&ip) => OWN4,
        ip if is_local(&ip) => ip,
        _ => OWN6,
    }
}

/// Who the running thread is.
pub fn own_identity(cx: &Context) -> Sender {
    let credentials = cx.thread.credentials();
    Sender { pid: cx.thread.process.pid, uid: credentials.euid, gid: credentials.egid }
}

/// The address that a connection to `ip` is to: this machine's for any.
pub fn source_for_target(ip: [u8; 16]) -> [u8; 16] {
    use super::address::*;
    match ip {
        ANY4 => LOOPBACK4,
        ANY6 => LOOPBACK6,
        ip => ip,
    }
}
