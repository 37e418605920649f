//! A socket: its state, and how bytes go from one to another.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::{Rc, Weak};
use core::any::Any;
use core::cell::{Cell, RefCell};

use super::inbox::{Inbox, Sender};
use super::rights::Rights;
use super::send::With;
use super::{Address, Family, Kind, interfaces};
use crate::errno::{Errno, SysResult};
use crate::fs::{File, FileType, Location, OpenFile, Stat, events, flags};
use crate::kernel::{Context, Kernel};
use crate::syscall::Args;
use crate::wait::WaitQueue;

/// Bytes of an inbox, as `SO_RCVBUF` tells it.
pub const BUFFER: usize = 212_992;
/// Connections that wait to be accepted, at most (`somaxconn`).
const BACKLOG_MAX: usize = 4096;
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
    listening: Cell<Option<usize>>,
    backlog: RefCell<VecDeque<Rc<Socket>>>,
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

    /// The socket of an open file; `ENOTSOCK` if it is something else.
    pub fn of(open: &OpenFile) -> SysResult<Rc<Socket>> {
        let file = open.file.as_any().downcast_ref::<Handle>().ok_or(Errno::ENOTSOCK)?;
        Ok(file.0.clone())
    }

    /// The socket of a descriptor.
    pub fn of_fd(cx: &Context, fd: i32) -> SysResult<(Rc<Socket>, Rc<OpenFile>)> {
        let open = cx.io_file(fd)?;
        Ok((Socket::of(&open)?, open))
    }

    /// A file for it.
    pub fn file(self: &Rc<Socket>) -> Rc<dyn File> {
        Rc::new(Handle(self.clone()))
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

    fn refuse_waiting(&self) {
        let waiting = core::mem::take(&mut *self.backlog.borrow_mut());
        for socket in waiting {
            if let Some(peer) = socket.peer() {
                peer.error.set(Some(Errno::ECONNRESET));
            }
            socket.close();
        }
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
    fn close(&self) {
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

/// The open file of a socket.
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

impl Socket {
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

/// The address that a connection to `ip` is to: this machine's for any.
pub fn source_for_target(ip: [u8; 16]) -> [u8; 16] {
    use super::address::*;
    match ip {
        ANY4 => LOOPBACK4,
        ANY6 => LOOPBACK6,
        ip => ip,
    }
}
