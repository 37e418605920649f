//! `--net host`: programs reach the network through sockets of this process.
//!
//! As with other user-mode networks, 10.0.2.2 is this machine, and 10.0.2.3 whatever resolves
//! names for it. Connecting may wait for long, so a thread of its own does it.

use sampan_linux::net::{Endpoint, NetId, Network};
use sampan_linux::{Errno, SysResult};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket,
};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

/// What programs call this machine.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// What programs ask for addresses.
const NAMES: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 3);
/// The guest's `/etc/resolv.conf`.
pub const RESOLVER: &str = "nameserver 10.0.2.3\n";
/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

enum Socket {
    Connecting(Receiver<io::Result<TcpStream>>),
    Stream(TcpStream),
    Datagrams(UdpSocket),
}

/// Sockets of this process that programs use.
pub struct HostNetwork {
    /// Whether programs reach what is outside.
    outgoing: bool,
    /// Where connections come in, and the port of the guest that each is for.
    listeners: Vec<(TcpListener, u16)>,
    sockets: BTreeMap<NetId, Socket>,
    last: NetId,
    resolver: IpAddr,
}

impl HostNetwork {
    /// A network with these ports; none if there is neither a way out nor one in.
    pub fn new(
        outgoing: bool,
        published: &[(SocketAddr, u16)],
    ) -> Result<Option<HostNetwork>, String> {
        let mut listeners = Vec::new();
        for (address, port) in published {
            let listener = TcpListener::bind(address)
                .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
                .map_err(|error| format!("--publish {address}: {error}"))?;
            listeners.push((listener, *port));
        }
        if !outgoing && listeners.is_empty() {
            return Ok(None);
        }
        let resolver = resolver();
        Ok(Some(HostNetwork { outgoing, listeners, sockets: BTreeMap::new(), last: 0, resolver }))
    }

    /// Where an address of the guest is for this process.
    fn address(&self, to: Endpoint) -> SysResult<SocketAddr> {
        if !self.outgoing {
            return Err(Errno::ENETUNREACH);
        }
        let ip = Ipv6Addr::from(to.0);
        let ip = match ip.to_ipv4_mapped() {
            Some(GATEWAY) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Some(NAMES) => self.resolver,
            Some(ip) => IpAddr::V4(ip),
            None => IpAddr::V6(ip),
        };
        Ok(SocketAddr::new(ip, to.1))
    }

    /// And the other way round.
    fn endpoint(&self, from: SocketAddr) -> Endpoint {
        let ip = match from.ip() {
            IpAddr::V4(Ipv4Addr::LOCALHOST) if self.resolver != from.ip() || from.port() != 53 => {
                GATEWAY.to_ipv6_mapped()
            }
            ip if ip == self.resolver && from.port() == 53 => NAMES.to_ipv6_mapped(),
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        (ip.octets(), from.port())
    }

    fn add(&mut self, socket: Socket) -> NetId {
        self.last = self.last.wrapping_add(1);
        self.sockets.insert(self.last, socket);
        self.last
    }
}

/// The first server for names that this machine's configuration tells of; itself, if it tells
/// of none.
fn resolver() -> IpAddr {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let mut servers = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let first = servers.find_map(|server| server.trim().parse().ok());
    first.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

fn unspecified(to: SocketAddr) -> SocketAddr {
    match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// What Linux calls an error.
pub fn errno(error: io::Error) -> Errno {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Errno::EAGAIN,
        ErrorKind::ConnectionRefused => Errno::ECONNREFUSED,
        ErrorKind::ConnectionReset => Errno::ECONNRESET,
        ErrorKind::ConnectionAborted => Errno::ECONNABORTED,
        ErrorKind::TimedOut => Errno::ETIMEDOUT,
        ErrorKind::BrokenPipe | ErrorKind::NotConnected => Errno::EPIPE,
        ErrorKind::HostUnreachable => Errno::EHOSTUNREACH,
        ErrorKind::PermissionDenied => Errno::EACCES,
        _ => Errno::ENETUNREACH,
    }
}

impl Network for HostNetwork {
    fn reaches(&mut self, to: Endpoint) -> SysResult<()> {
        let to = self.address(to)?;
        // Connecting such a socket sends nothing; it only looks for a way.
        let socket = UdpSocket::bind(unspecified(to)).map_err(errno)?;
        socket.connect(to).map_err(errno)
    }

    fn listens(&self) -> bool {
        !self.listeners.is_empty()
    }

    fn accept(&mut self) -> Option<(NetId, u16, Endpoint)> {
        for (listener, port) in &self.listeners {
            // Errors are those of a connection that is gone already, or pass.
            let Ok((stream, from)) = listener.accept() else { continue };
            if stream.set_nonblocking(true).is_ok() {
                let (port, from) = (*port, self.endpoint(from));
                return Some((self.add(Socket::Stream(stream)), port, from));
            }
        }
        None
    }

    fn connect(&mut self, to: Endpoint) -> SysResult<NetId> {
        let to = self.address(to)?;
        let (give, take) = channel();
        std::thread::Builder::new()
            .name("connect".into())
            .stack_size(128 << 10)
            .spawn(move || {
                let made = TcpStream::connect_timeout(&to, CONNECT_TIMEOUT);
                let ready = made.and_then(|stream| stream.set_nonblocking(true).map(|()| stream));
                // Nobody listens any more if the program gave up.
                let _ = give.send(ready);
            })
            .map_err(|_| Errno::ENOBUFS)?;
        Ok(self.add(Socket::Connecting(take)))
    }

    fn connected(&mut self, id: NetId) -> SysResult<()> {
        let socket = self.sockets.get_mut(&id).ok_or(Errno::ENOTCONN)?;
        if let Socket::Connecting(made) = socket {
            match made.try_recv() {
                Ok(stream) => *socket = Socket::Stream(stream.map_err(errno)?),
                Err(TryRecvError::Empty) => return Err(Errno::EAGAIN),
                Err(TryRecvError::Disconnected) => return Err(Errno::ECONNABORTED),
            }
        }
        Ok(())
    }

    fn datagrams(&mut self, to: Endpoint) -> SysResult<NetId> {
        let any = unspecified(self.address(to)?);
        let socket = UdpSocket::bind(any).map_err(errno)?;
        socket.set_nonblocking(true).map_err(errno)?;
        Ok(self.add(Socket::Datagrams(socket)))
    }

    fn send(&mut self, id: NetId, bytes: &[u8], to: Option<Endpoint>) -> SysResult<usize> {
        let to = to.map(|to| self.address(to)).transpose()?;
        match (self.sockets.get_mut(&id), to) {
            (Some(Socket::Stream(stream)), _) => stream.write(bytes).map_err(errno),
            (Some(Socket::Datagrams(socket)), Some(to)) => socket.send_to(bytes, to).map_err(errno),
            _ => Err(Errno::ENOTCONN),
        }
    }

    fn receive(&mut self, id: NetId, buf: &mut [u8]) -> SysResult<(usize, Option<Endpoint>)> {
        match self.sockets.get_mut(&id) {
            Some(Socket::Stream(stream)) => {
                stream.read(buf).map(|count| (count, None)).map_err(errno)
            }
            Some(Socket::Datagrams(socket)) => {
                let (count, from) = socket.recv_from(buf).map_err(errno)?;
                Ok((count, Some(self.endpoint(from))))
            }
            _ => Err(Errno::ENOTCONN),
        }
    }

    fn finish(&mut self, id: NetId) {
        if let Some(Socket::Stream(stream)) = self.sockets.get(&id) {
            // It may be gone already, which the next read tells.
            let _ = stream.shutdown(Shutdown::Write);
        }
    }

    fn close(&mut self, id: NetId) {
        self.sockets.remove(&id);
    }
}
