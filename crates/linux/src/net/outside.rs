//! The network outside, through sockets of the host, if the host offers any ([`Network`]).
//!
//! A connection to the outside has a second socket in the kernel, its peer, and a pump moves
//! bytes between that and the host; so a program's socket is the same in both worlds. What
//! is sent by UDP goes out at once, and the pump brings what comes back.

use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;

use super::ancillary::IpHeader;
use super::inbox::{Packet, Sender};
use super::socket::{SHUT_READ, Socket};
use super::{Address, Kind, address};
use crate::errno::{Errno, SysResult};
use crate::kernel::{Context, Kernel};

/// Connections to the outside at once.
const LINKS_MAX: usize = 256;
/// Bytes that are moved at once.
const CHUNK: usize = 16384;
/// How long the kernel sleeps at most while it has connections to the outside.
const NAP_NS: u64 = 2_000_000;
/// The same while it only waits for connections from there.
const LISTENING_NAP_NS: u64 = 10_000_000;

/// An address (version 4 as `::ffff:a.b.c.d`) and a port.
pub type Endpoint = ([u8; 16], u16);

/// A socket of the host.
pub type NetId = u32;

/// What the host offers of its network. Nothing here may block: what cannot be done now is
/// `EAGAIN`.
pub trait Network {
    /// Whether there is a way to this address at all: `ENETUNREACH` if not.
    fn reaches(&mut self, to: Endpoint) -> SysResult<()>;
    /// Whether connections may come from outside.
    fn listens(&self) -> bool;
    /// The next one that came: its socket, the port of the guest that it is for, and where it
    /// comes from.
    fn accept(&mut self) -> Option<(NetId, u16, Endpoint)>;
    /// Begins to connect by TCP.
    fn connect(&mut self, to: Endpoint) -> SysResult<NetId>;
    /// Whether that is done: `EAGAIN` while it is not, another error if it failed.
    fn connected(&mut self, id: NetId) -> SysResult<()>;
    /// A socket of UDP, for addresses of the version that this one has.
    fn datagrams(&mut self, to: Endpoint) -> SysResult<NetId>;
    /// Sends; by UDP to an address.
    fn send(&mut self, id: NetId, bytes: &[u8], to: Option<Endpoint>) -> SysResult<usize>;
    /// Receives; 0 is the end of a connection. By UDP, tells where it came from.
    fn receive(&mut self, id: NetId, buf: &mut [u8]) -> SysResult<(usize, Option<Endpoint>)>;
    /// Says that nothing more will be sent.
    fn finish(&mut self, id: NetId);
    /// Closes.
    fn close(&mut self, id: NetId);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting { nonblocking: bool },
    Open,
    Datagrams,
}

/// A socket of a program, and the host's that belongs to it.
pub struct Link {
    id: NetId,
    guest: Weak<Socket>,
    /// The peer of a stream, which nobody has a descriptor of.
    inner: Rc<Socket>,
    stage: Stage,
    /// Bytes that the host did not take yet.
    left: Vec<u8>,
    finished: bool,
    ended: bool,
}

fn new_link(kernel: &mut Kernel, socket: &Rc<Socket>, id: NetId, stage: Stage) -> Link {
    let (family, kind, owner) = (socket.family, socket.kind, socket.owner.get());
    let inner = Socket::owned_by(kernel, owner, family, kind, socket.protocol);
    let guest = Rc::downgrade(socket);
    Link { id, guest, inner, stage, left: Vec::new(), finished: false, ended: false }
}

fn network<'a>(cx: &'a mut Context) -> SysResult<&'a mut dyn Network> {
    if cx.kernel.links.len() >= LINKS_MAX {
        return Err(Errno::ENOBUFS);
    }
    cx.kernel.host.network().ok_or(Errno::ENETUNREACH)
}

fn local_name(cx: &mut Context, socket: &Rc<Socket>, to: &[u8; 16]) -> SysResult<()> {
    super::names::ensure_port(cx, socket, to)?;
    let port = match *socket.local.borrow() {
        Some(Address::Ip(_, port)) => port,
        _ => 0,
    };
    *socket.local.borrow_mut() = Some(Address::Ip(super::socket::source_for(to), port));
    Ok(())
}

/// `connect(2)` of a stream to the outside.
pub fn connect(
    cx: &mut Context,
    socket: &Rc<Socket>,
    to: Endpoint,
    nonblocking: bool,
) -> SysResult {
    if socket.pending.get() {
        return Err(if nonblocking { Errno::EALREADY } else { socket.wait(cx, 1, false) });
    }
    // A call that waited finds how it ended.
    if cx.with_call(|call| call.again) {
        if let Some(error) = socket.take_error() {
            return Err(error);
        }
        if socket.connected.get() {
            return Ok(0);
        }
    }
    let id = network(cx)?.connect(to)?;
    local_name(cx, socket, &to.0)?;
    *socket.remote.borrow_mut() = Some(Address::Ip(to.0, to.1));
    let link = new_link(cx.kernel, socket, id, Stage::Connecting { nonblocking });
    cx.kernel.links.push(link);
    socket.pending.set(true);
    Err(if nonblocking { Errno::EINPROGRESS } else { socket.wait(cx, 1, false) })
}

/// `ENETUNREACH` if no way leads to this address.
pub fn reaches(cx: &mut Context, to: Endpoint) -> SysResult<()> {
    cx.kernel.host.network().ok_or(Errno::ENETUNREACH)?.reaches(to)
}

/// Sends a datagram to the outside.
pub fn send(cx: &mut Context, socket: &Rc<Socket>, to: Endpoint, bytes: &[u8]) -> SysResult<usize> {
    let own = |link: &Link| link.guest.as_ptr() == Rc::as_ptr(socket);
    let id = match cx.kernel.links.iter().find(|link| own(link)) {
        Some(link) => link.id,
        None => {
            let id = network(cx)?.datagrams(to)?;
            super::names::ensure_port(cx, socket, &to.0)?;
            let link = new_link(cx.kernel, socket, id, Stage::Datagrams);
            cx.kernel.links.push(link);
            id
        }
    };
    let network = cx.kernel.host.network().ok_or(Errno::ENETUNREACH)?;
    match network.send(id, bytes, Some(to)) {
        // A datagram that the host has no room for is one that got lost.
        Ok(_) | Err(Errno::EAGAIN) => Ok(bytes.len()),
        Err(error) => Err(error),
    }
}

impl Kernel {
    /// Moves bytes between programs and the outside, and lets connections in.
    pub fn pump(&mut self) {
        let links = core::mem::take(&mut self.links);
        let Some(network) = self.host.network() else { return };
        let links: Vec<Link> = links.into_iter().filter_map(|link| turn(network, link)).collect();
        self.links = links;
        while self.links.len() < LINKS_MAX
            && let Some((id, port, from)) = self.host.network().and_then(|net| net.accept())
        {
            match self.let_in(id, port, from) {
                Some(link) => self.links.push(link),
                // Nobody listens there, as who connected sees then.
                None => self.host.network().into_iter().for_each(|net| net.close(id)),
            }
        }
    }

    /// A connection from outside waits to be accepted, if someone listens and has room.
    fn let_in(&mut self, id: NetId, port: u16, from: Endpoint) -> Option<Link> {
        let to = [address::OWN4, address::LOOPBACK4, address::LOOPBACK6];
        let mut found = to.iter().filter_map(|ip| self.names.find(Kind::Stream, ip, port));
        let target = found.next()?;
        if !target.has_room() {
            return None;
        }
        let socket =
            Socket::owned_by(self, target.owner.get(), target.family, target.kind, target.protocol);
        *socket.local.borrow_mut() = Some(Address::Ip(address::OWN4, port));
        *socket.remote.borrow_mut() = Some(Address::Ip(from.0, from.1));
        let link = new_link(self, &socket, id, Stage::Open);
        Socket::pair(&socket, &link.inner);
        target.queue_connection(socket);
        Some(link)
    }

    /// How long the kernel may sleep although nothing is to be done, so as not to miss what
    /// comes from outside.
    pub(crate) fn nap_ns(&mut self) -> Option<u64> {
        if !self.links.is_empty() {
            return Some(NAP_NS);
        }
        let listens = self.host.network().is_some_and(|network| network.listens());
        listens.then_some(LISTENING_NAP_NS)
    }
}

/// One link's turn; none if it is done with.
fn turn(network: &mut dyn Network, mut link: Link) -> Option<Link> {
    let guest = link.guest.upgrade().filter(|guest| !guest.closed.get());
    let Some(guest) = guest else {
        // What the program wrote before it closed still goes out.
        let more = link.stage == Stage::Open && put_out(network, &mut link).is_ok();
        if more && (!link.left.is_empty() || !link.inner.inbox.is_empty()) {
            return Some(link);
        }
        network.close(link.id);
        return None;
    };
    let result = match link.stage {
        Stage::Connecting { nonblocking } => match network.connected(link.id) {
            Err(Errno::EAGAIN) => return Some(link),
            Ok(()) => {
                Socket::pair(&guest, &link.inner);
                guest.connecting.set(nonblocking);
                guest.pending.set(false);
                link.stage = Stage::Open;
                guest.queue.wake_all();
                Ok(())
            }
            Err(error) => {
                guest.pending.set(false);
                guest.connecting.set(nonblocking);
                Err(error)
            }
        },
        Stage::Open => {
            put_out(network, &mut link).and_then(|()| take_in(network, &mut link, &guest))
        }
        Stage::Datagrams => take_datagrams(network, &link, &guest),
    };
    match result {
        Ok(()) => Some(link),
        Err(error) if link.stage == Stage::Datagrams => {
            guest.set_error(error);
            Some(link)
        }
        Err(error) => {
            guest.failed(error);
            network.close(link.id);
            None
        }
    }
}

/// What the program wrote goes to the host.
fn put_out(network: &mut dyn Network, link: &mut Link) -> SysResult<()> {
    loop {
        if link.left.is_empty() {
            let mut buf = [0; CHUNK];
            let count = link.inner.receive_stream(&mut buf, 0).map_or(0, |found| found.count);
            if count == 0 {
                break;
            }
            link.left.extend_from_slice(&buf[..count]);
            link.inner.queue.wake_all();
            if let Some(guest) = link.guest.upgrade() {
                guest.queue.wake_all();
            }
        }
        match network.send(link.id, &link.left, None) {
            Ok(count) => drop(link.left.drain(..count)),
            Err(Errno::EAGAIN) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    if link.inner.shut.get() & SHUT_READ != 0 && !link.finished {
        link.finished = true;
        network.finish(link.id);
    }
    Ok(())
}

/// What came goes to the program.
fn take_in(network: &mut dyn Network, link: &mut Link, guest: &Rc<Socket>) -> SysResult<()> {
    let mut buf = [0; CHUNK];
    while !link.ended && guest.inbox.room() >= CHUNK {
        match network.receive(link.id, &mut buf) {
            Ok((0, _)) => {
                link.ended = true;
                guest.shut.set(guest.shut.get() | SHUT_READ);
            }
            Ok((count, _)) => {
                guest.inbox.push(packet(&buf[..count], Address::Unspecified), true)?
            }
            Err(Errno::EAGAIN) => break,
            Err(error) => return Err(error),
        }
        guest.queue.wake_all();
    }
    Ok(())
}

fn take_datagrams(network: &mut dyn Network, link: &Link, guest: &Rc<Socket>) -> SysResult<()> {
    let mut buf = alloc::vec![0; 65536];
    while guest.inbox.room() >= buf.len() {
        let (count, from) = match network.receive(link.id, &mut buf) {
            Ok((count, Some(from))) => (count, Address::Ip(from.0, from.1)),
            Ok((_, None)) | Err(Errno::EAGAIN) => break,
            Err(error) => return Err(error),
        };
        // A connected socket hears of its peer alone.
        if guest.remote.borrow().as_ref().is_none_or(|remote| *remote == from) {
            guest.inbox.push(packet(&buf[..count], from), false)?;
            guest.queue.wake_all();
        }
    }
    Ok(())
}

fn packet(bytes: &[u8], from: Address) -> Packet {
    let to = match from {
        Address::Ip(ip, _) if !address::is_v4(&ip) => address::OWN6,
        _ => address::OWN4,
    };
    // What the host's sockets do not tell is as usual; it came through `eth0`.
    let ip = Some(IpHeader { to, hops: 64, class: 0, interface: 2 });
    Packet { bytes: bytes.to_vec(), start: 0, from, sender: Sender::default(), rights: None, ip }
}

/// Whether a connection or a packet to this address goes outside.
pub fn is_outside(kind: Kind, to: &Address) -> bool {
    matches!(to, Address::Ip(ip, _) if kind != Kind::SeqPacket && !address::is_local(ip) && !address::is_any(ip))
}
