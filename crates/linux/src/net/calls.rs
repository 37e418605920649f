//! The calls about sockets, and `socketcall(2)` of i386.

use alloc::rc::Rc;

use super::message::{self, Header};
use super::send::With;
use super::socket::{SHUT_READ, SHUT_WRITE, Socket};
use super::{Address, Family, Kind, address, msg, names, options};
use crate::errno::{Errno, SysResult};
use crate::fs::flags;
use crate::kernel::Context;
use crate::syscall::{Abi, Args};
use crate::time::calls::read_timespec;

/// Messages of one `sendmmsg` or `recvmmsg`.
const MESSAGES_MAX: u32 = 1024;

fn create(cx: &mut Context, family: i32, kind: u32, protocol: i32) -> SysResult<Rc<Socket>> {
    let family = match family {
        1 => Family::Unix,
        2 => Family::Inet,
        10 => Family::Inet6,
        16 => Family::Netlink,
        _ => return Err(Errno::EAFNOSUPPORT),
    };
    let kind = match kind & 0xf {
        1 => Kind::Stream,
        2 => Kind::Datagram,
        // A raw socket of UNIX is one of datagrams.
        3 if family == Family::Unix || family == Family::Netlink => Kind::Datagram,
        3 => return Err(Errno::EPROTONOSUPPORT),
        5 => Kind::SeqPacket,
        4 | 6..=10 => return Err(Errno::ESOCKTNOSUPPORT),
        _ => return Err(Errno::EINVAL),
    };
    let protocol = match (family, kind, protocol) {
        (Family::Unix, _, 0 | 1) => protocol,
        (Family::Inet | Family::Inet6, Kind::Stream, 0 | 6) => 6,
        (Family::Inet | Family::Inet6, Kind::Datagram, 0 | 17) => 17,
        (Family::Inet | Family::Inet6, Kind::SeqPacket, _) => return Err(Errno::ESOCKTNOSUPPORT),
        // NETLINK_ROUTE; the others have nothing to say.
        (Family::Netlink, Kind::Datagram, 0) => 0,
        (Family::Netlink, Kind::Datagram, _) => return Err(Errno::EPROTONOSUPPORT),
        (Family::Netlink, ..) => return Err(Errno::ESOCKTNOSUPPORT),
        _ => return Err(Errno::EPROTONOSUPPORT),
    };
    Ok(Socket::new(cx, family, kind, protocol as u32))
}

const FLAGS: u32 = flags::CLOEXEC | flags::NONBLOCK;

/// `socket(2)`.
pub fn socket(cx: &mut Context, args: Args) -> SysResult {
    let how = args.u32(1) & !0xf;
    if how & !FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    let socket = create(cx, args.int(0), args.u32(1), args.int(2))?;
    cx.install(socket.open(how), how).map(|fd| fd as u64)
}

/// `socketpair(2)`.
pub fn socketpair(cx: &mut Context, args: Args) -> SysResult {
    let how = args.u32(1) & !0xf;
    if how & !FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    let one = create(cx, args.int(0), args.u32(1), args.int(2))?;
    if one.family != Family::Unix {
        return Err(Errno::EOPNOTSUPP);
    }
    let other = create(cx, args.int(0), args.u32(1), args.int(2))?;
    Socket::pair(&one, &other);
    cx.install_pair(args.u64(3), [one.open(how), other.open(how)], how)
}

/// `bind(2)`.
pub fn bind(cx: &mut Context, args: Args) -> SysResult {
    let (socket, _) = Socket::of_fd(cx, args.int(0))?;
    let address = address::read(cx, socket.family, args.u64(1), args.int(2))?;
    let family_fits = match &address {
        Address::Ip(ip, _) if socket.family == Family::Inet6 => {
            // A sockaddr of the older version is not taken here.
            !(address::is_v4(ip) && cx.read_u32(args.u64(1))? as u16 == Family::Inet as u16)
        }
        Address::Unspecified => false,
        _ => true,
    };
    if !family_fits {
        let unix = matches!(socket.family, Family::Unix | Family::Netlink);
        return Err(if unix { Errno::EINVAL } else { Errno::EAFNOSUPPORT });
    }
    if let Address::Netlink(number, groups) = address {
        return super::netlink::bind(cx, &socket, number, groups).map(|()| 0);
    }
    names::bind(cx, &socket, address).map(|()| 0)
}

/// `listen(2)`.
pub fn listen(cx: &mut Context, args: Args) -> SysResult {
    let (socket, _) = Socket::of_fd(cx, args.int(0))?;
    if socket.connects() && socket.local.borrow().is_none() {
        match socket.family {
            Family::Inet => names::ensure_port(cx, &socket, &address::ANY4)?,
            Family::Inet6 => names::ensure_port(cx, &socket, &address::ANY6)?,
            _ => return Err(Errno::EINVAL),
        }
    }
    socket.listen(cx, args.int(1)).map(|()| 0)
}

fn accept_with(cx: &mut Context, args: Args, how: u32) -> SysResult {
    if how & !FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    let (socket, open) = Socket::of_fd(cx, args.int(0))?;
    let new = socket.accept(cx, open.nonblocking())?;
    let file = new.open(how);
    if args.u64(1) != 0 {
        let from = new.remote.borrow().clone().unwrap_or(Address::Unnamed);
        address::tell(cx, args.u64(1), args.u64(2), new.family, &from)?;
    }
    cx.install(file, how).map(|fd| fd as u64)
}

/// `accept(2)`.
pub fn accept(cx: &mut Context, args: Args) -> SysResult {
    accept_with(cx, args, 0)
}

/// `accept4(2)`.
pub fn accept4(cx: &mut Context, args: Args) -> SysResult {
    accept_with(cx, args, args.u32(3))
}

/// `connect(2)`.
pub fn connect(cx: &mut Context, args: Args) -> SysResult {
    let (socket, open) = Socket::of_fd(cx, args.int(0))?;
    let to = address::read(cx, socket.family, args.u64(1), args.int(2))?;
    if let (Address::Netlink(..), _) = (&to, socket.family) {
        return Ok(0);
    }
    if !socket.connects() {
        return connect_datagram(cx, &socket, to);
    }
    if socket.is_listening() {
        let unix = socket.family == Family::Unix;
        return Err(if unix { Errno::EINVAL } else { Errno::EISCONN });
    }
    if socket.connecting.replace(false) {
        return match socket.take_error() {
            Some(error) => Err(error),
            None => Ok(0),
        };
    }
    // A call that waited for the outside is told how it ended.
    let waited = socket.remote.borrow().is_some() && cx.with_call(|call| call.again);
    if socket.connected.get() && !waited {
        return Err(Errno::EISCONN);
    }
    let to = match to {
        Address::Unspecified if socket.family != Family::Unix => return Ok(0),
        Address::Unspecified | Address::Unnamed => return Err(Errno::EINVAL),
        Address::Ip(ip, port) => {
            let ip = super::socket::source_for_target(ip);
            if socket.family == Family::Inet6 && socket.only_v6() && address::is_v4(&ip) {
                return Err(Errno::ENETUNREACH);
            }
            Address::Ip(ip, port)
        }
        other => other,
    };
    let nonblocking = open.nonblocking();
    if let Address::Ip(ip, port) = to
        && super::outside::is_outside(socket.kind, &to)
    {
        return super::outside::connect(cx, &socket, (ip, port), nonblocking);
    }
    let target = names::find(cx, socket.kind, &to);
    let ip = match &to {
        Address::Ip(ip, _) => Some(*ip),
        _ => None,
    };
    if let Some(ip) = ip
        && address::is_local(&ip)
    {
        names::ensure_port(cx, &socket, &ip)?;
        // The connection has the address that leads to the target.
        let bound = socket.local.borrow().clone();
        if let Some(Address::Ip(own, port)) = bound
            && address::is_any(&own)
        {
            *socket.local.borrow_mut() = Some(Address::Ip(super::socket::source_for(&ip), port));
        }
    }
    let linked = target.and_then(|target| socket.connect_stream(cx, &target, to, nonblocking));
    match (linked, ip.is_some() && nonblocking) {
        // Over IP the answer takes a while, and a nonblocking call does not wait for it.
        (Ok(()), true) => {
            socket.connecting.set(true);
            Err(Errno::EINPROGRESS)
        }
        (Err(Errno::ECONNREFUSED), true) => {
            socket.refused();
            socket.connecting.set(true);
            Err(Errno::EINPROGRESS)
        }
        (result, _) => result.map(|()| 0),
    }
}

fn connect_datagram(cx: &mut Context, socket: &Rc<Socket>, to: Address) -> SysResult {
    match to {
        Address::Unspecified => {
            socket.disconnect();
            Ok(0)
        }
        Address::Ip(ip, port) => {
            let ip = super::socket::source_for_target(ip);
            if !address::is_local(&ip) {
                super::outside::reaches(cx, (ip, port))?;
            }
            names::ensure_port(cx, socket, &ip)?;
            let bound = socket.local.borrow().clone();
            if let Some(Address::Ip(own, own_port)) = bound
                && address::is_any(&own)
            {
                *socket.unconnected.borrow_mut() = bound;
                let own = super::socket::source_for(&ip);
                *socket.local.borrow_mut() = Some(Address::Ip(own, own_port));
            }
            *socket.remote.borrow_mut() = Some(Address::Ip(ip, port));
            Ok(0)
        }
        to => {
            let target = names::find(cx, socket.kind, &to)?;
            let takes = target.peer().is_none_or(|peer| Rc::ptr_eq(&peer, socket));
            if !takes {
                return Err(Errno::EPERM);
            }
            socket.set_peer(&target, to);
            socket.connected.set(true);
            Ok(0)
        }
    }
}

/// `shutdown(2)`.
pub fn shutdown(cx: &mut Context, args: Args) -> SysResult {
    let (socket, _) = Socket::of_fd(cx, args.int(0))?;
    let how = match args.int(1) {
        0 => SHUT_READ,
        1 => SHUT_WRITE,
        2 => SHUT_READ | SHUT_WRITE,
        _ => return Err(Errno::EINVAL),
    };
    socket.shutdown(how).map(|()| 0)
}

/// `getsockname(2)`.
pub fn getsockname(cx: &mut Context, args: Args) -> SysResult {
    let (socket, _) = Socket::of_fd(cx, args.int(0))?;
    let bound = socket.local.borrow().clone();
    let address = bound.unwrap_or(match socket.family {
        Family::Unix => Address::Unnamed,
        Family::Inet => Address::Ip(address::ANY4, 0),
        Family::Inet6 => Address::Ip(address::ANY6, 0),
        Family::Netlink => Address::Netlink(0, 0),
    });
    address::tell(cx, args.u64(1), args.u64(2), socket.family, &address).map(|()| 0)
}

/// `getpeername(2)`.
pub fn getpeername(cx: &mut Context, args: Args) -> SysResult {
    let (socket, _) = Socket::of_fd(cx, args.int(0))?;
    let remote = socket.remote.borrow().clone();
    let address = match remote {
        Some(address) => address,
        None if socket.family == Family::Unix && socket.connected.get() => Address::Unnamed,
        None if socket.family == Family::Netlink => Address::Netlink(0, 0),
        None => return Err(Errno::ENOTCONN),
    };
    address::tell(cx, args.u64(1), args.u64(2), socket.family, &address).map(|()| 0)
}

/// `sendto(2)`.
pub fn sendto(cx: &mut Context, args: Args) -> SysResult {
    let (socket, open) = Socket::of_fd(cx, args.int(0))?;
    let to = match args.u64(4) {
        0 => None,
        at => Some(address::read(cx, socket.family, at, args.int(5))?),
    };
    let skip = if socket.connects() { cx.progress() } else { 0 };
    if !socket.connects() && args.u64(2) > 1 << 20 {
        return Err(Errno::EMSGSIZE);
    }
    let bytes = message::gather(cx, &[(args.u64(1), args.u64(2))], skip)?;
    let before = cx.progress();
    let nonblocking = open.nonblocking() || args.u32(3) & msg::DONTWAIT != 0;
    let sent = socket.send(cx, nonblocking, &bytes, to, With::default(), args.u32(3))?;
    Ok(before + sent as u64)
}

/// `send(2)`, which is a call only within `socketcall`.
fn send(cx: &mut Context, args: Args) -> SysResult {
    let [fd, at, len, how, ..] = args.0;
    sendto(cx, Args([fd, at, len, how, 0, 0]))
}

/// `recvfrom(2)`.
pub fn recvfrom(cx: &mut Context, args: Args) -> SysResult {
    let (socket, open) = Socket::of_fd(cx, args.int(0))?;
    let parts = [(args.u64(1), args.u64(2).min(0x7fff_f000))];
    let received = message::receive_into(cx, &socket, &open, &parts, args.u32(3))?;
    if args.u64(4) != 0 {
        match &received.from {
            // Streams tell no address, and leave the length as zero.
            Address::Unspecified | Address::Unnamed => cx.write_u32(args.u64(5), 0)?,
            _ if socket.connects() => cx.write_u32(args.u64(5), 0)?,
            from => address::tell(cx, args.u64(4), args.u64(5), socket.family, from)?,
        }
    }
    let whole = args.u32(3) & msg::TRUNC != 0;
    Ok(if whole { received.full } else { received.count } as u64)
}

fn recv(cx: &mut Context, args: Args) -> SysResult {
    let [fd, at, len, how, ..] = args.0;
    recvfrom(cx, Args([fd, at, len, how, 0, 0]))
}

/// `sendmsg(2)`.
pub fn sendmsg(cx: &mut Context, args: Args) -> SysResult {
    let (socket, open) = Socket::of_fd(cx, args.int(0))?;
    let header = Header::read(cx, args.u64(1))?;
    message::send(cx, &socket, &open, &header, args.u32(2))
}

/// `recvmsg(2)`.
pub fn recvmsg(cx: &mut Context, args: Args) -> SysResult {
    let (socket, open) = Socket::of_fd(cx, args.int(0))?;
    let header = Header::read(cx, args.u64(1))?;
    message::receive(cx, &socket, &open, &header, args.u32(2))
}

/// Bytes of a `struct mmsghdr`, and where the count is in it.
fn record(cx: &Context) -> (u64, u64) {
    if cx.word() == 8 { (64, 56) } else { (32, 28) }
}

/// `sendmmsg(2)`: messages after the first are sent without waiting.
pub fn sendmmsg(cx: &mut Context, args: Args) -> SysResult {
    let (socket, open) = Socket::of_fd(cx, args.int(0))?;
    let (size, count_at) = record(cx);
    let mut done = 0;
    for index in 0..u64::from(args.u32(2).min(MESSAGES_MAX)) {
        let at = args.u64(1) + index * size;
        let how = args.u32(3) | if done > 0 { msg::DONTWAIT } else { 0 };
        let sent = Header::read(cx, at)
            .and_then(|header| message::send(cx, &socket, &open, &header, how))
            .and_then(|count| cx.write_u32(at + count_at, count as u32));
        match sent {
            Ok(()) => done += 1,
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
        // What a stream noted was for this message.
        cx.with_call(|call| call.progress = 0);
    }
    Ok(done)
}

/// `recvmmsg(2)`.
pub fn recvmmsg(cx: &mut Context, args: Args) -> SysResult {
    receive_many(cx, args, true)
}

/// `recvmmsg` of i386 with 32-bit times.
pub fn recvmmsg32(cx: &mut Context, args: Args) -> SysResult {
    receive_many(cx, args, false)
}

fn receive_many(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    let timeout = match args.u64(4) {
        0 => None,
        at => Some(read_timespec(cx, at, wide)?.as_ns()),
    };
    let (socket, open) = Socket::of_fd(cx, args.int(0))?;
    let deadline = cx.deadline(timeout);
    let (size, count_at) = record(cx);
    let wanted = u64::from(args.u32(2).min(MESSAGES_MAX));
    let how = args.u32(3) & !msg::WAITFORONE;
    // Messages that came before it waited for the next.
    let mut done = cx.progress();
    while done < wanted {
        let at = args.u64(1) + done * size;
        let once = args.u32(3) & msg::WAITFORONE != 0 && done > 0;
        let how = how | if once { msg::DONTWAIT } else { 0 };
        let received = Header::read(cx, at)
            .and_then(|header| message::receive(cx, &socket, &open, &header, how))
            .and_then(|count| cx.write_u32(at + count_at, count as u32));
        match received {
            Ok(()) => done += 1,
            Err(Errno::PARK) if done > 0 && cx.is_past(deadline) => break,
            Err(Errno::PARK) => return Err(Errno::PARK),
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
        cx.with_call(|call| call.progress = done);
        if cx.is_past(deadline) {
            break;
        }
    }
    Ok(done)
}

/// `socketcall(2)`: all of the above in one, with the arguments in memory.
pub fn socketcall(cx: &mut Context, args: Args) -> SysResult {
    type Call = fn(&mut Context, Args) -> SysResult;
    const CALLS: [(Call, usize); 20] = [
        (socket, 3),
        (bind, 3),
        (connect, 3),
        (listen, 2),
        (accept, 3),
        (getsockname, 3),
        (getpeername, 3),
        (socketpair, 4),
        (send, 4),
        (recv, 4),
        (sendto, 6),
        (recvfrom, 6),
        (shutdown, 2),
        (options::setsockopt, 5),
        (options::getsockopt, 5),
        (sendmsg, 3),
        (recvmsg, 3),
        (accept4, 4),
        (recvmmsg32, 5),
        (sendmmsg, 4),
    ];
    let which = (args.u32(0) as usize).wrapping_sub(1);
    let &(call, count) = CALLS.get(which).ok_or(Errno::EINVAL)?;
    debug_assert_eq!(cx.abi(), Abi::I386);
    let mut list = [0; 6];
    for (index, value) in list.iter_mut().take(count).enumerate() {
        *value = u64::from(cx.read_u32(args.u64(1) + 4 * index as u64)?);
    }
    call(cx, Args(list))
}
