//! `--net host`: programs reach the network through sockets of this process.
//!
//! As with other user-mode networks, 10.0.2.2 is this machine. Connecting may wait for long,
//! so a thread of its own does it.

use sampan_linux::net::{Endpoint, NetId, Network};
use sampan_linux::{Errno, SysResult};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

/// What programs call this machine.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

enum Socket {
    Connecting(Receiver<io::Result<TcpStream>>),
    Stream(TcpStream),
    Datagrams(UdpSocket),
}

/// Sockets of this process that programs use.
#[derive(Default)]
pub struct HostNetwork {
    sockets: BTreeMap<NetId, Socket>,
    last: NetId,
}

impl HostNetwork {
    fn add(&mut self, socket: Socket) -> NetId {
        self.last = self.last.wrapping_add(1);
        self.sockets.insert(self.last, socket);
        self.last
    }
}

fn address(to: Endpoint) -> SocketAddr {
    let ip = Ipv6Addr::from(to.0);
    let ip = match ip.to_ipv4_mapped() {
        Some(GATEWAY) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Some(ip) => IpAddr::V4(ip),
        None => IpAddr::V6(ip),
    };
    SocketAddr::new(ip, to.1)
}

fn endpoint(from: SocketAddr) -> Endpoint {
    let ip = match from.ip() {
        IpAddr::V4(Ipv4Addr::LOCALHOST) => GATEWAY.to_ipv6_mapped(),
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    (ip.octets(), from.port())
}

fn errno(error: io::Error) -> Errno {
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
    fn connect(&mut self, to: Endpoint) -> SysResult<NetId> {
        let (give, take) = channel();
        std::thread::Builder::new()
            .name("connect".into())
            .stack_size(128 << 10)
            .spawn(move || {
                let made = TcpStream::connect_timeout(&address(to), CONNECT_TIMEOUT);
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
        let any: SocketAddr = match address(to) {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any).map_err(errno)?;
        socket.set_nonblocking(true).map_err(errno)?;
        Ok(self.add(Socket::Datagrams(socket)))
    }

    fn send(&mut self, id: NetId, bytes: &[u8], to: Option<Endpoint>) -> SysResult<usize> {
        match (self.sockets.get_mut(&id), to) {
            (Some(Socket::Stream(stream)), _) => stream.write(bytes).map_err(errno),
            (Some(Socket::Datagrams(socket)), Some(to)) => {
                socket.send_to(bytes, address(to)).map_err(errno)
            }
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
                Ok((count, Some(endpoint(from))))
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
