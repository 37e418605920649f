//! How sockets are found: abstract names, ports, and sockets that are files.

use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;

use super::address::{self, is_any, is_v4};
use super::{Address, Family, Kind, Socket};
use crate::errno::{Errno, SysResult};
use crate::fs::walk::{self, AT_FDCWD, Follow, Last};
use crate::fs::{FileType, access, permission};
use crate::kernel::Context;
use crate::task::credentials::cap;

/// First and last of the ports that are given out.
const EPHEMERAL: core::ops::Range<u16> = 32768..61000;

/// Names in use.
#[derive(Default)]
pub struct Names {
    unix: BTreeMap<(Kind, Vec<u8>), Weak<Socket>>,
    ports: BTreeMap<(Kind, u16), Vec<Weak<Socket>>>,
    last_port: u16,
    last_name: u32,
    /// Netlink sockets by number.
    pub netlink: BTreeMap<u32, Weak<Socket>>,
    /// Files that are in packets.
    pub in_flight: Rc<super::rights::InFlight>,
}

impl Names {
    fn on_port(&mut self, kind: Kind, port: u16) -> Vec<Rc<Socket>> {
        let Some(list) = self.ports.get_mut(&(kind, port)) else { return Vec::new() };
        list.retain(|weak| weak.upgrade().is_some_and(|socket| !socket.closed.get()));
        let found = list.iter().filter_map(Weak::upgrade).collect();
        if list.is_empty() {
            self.ports.remove(&(kind, port));
        }
        found
    }

    /// The socket that a connection or a packet to this address is for.
    pub fn find(&mut self, kind: Kind, ip: &[u8; 16], port: u16) -> Option<Rc<Socket>> {
        let list = self.on_port(kind, port);
        let matches = |socket: &&Rc<Socket>| {
            let Some(Address::Ip(bound, _)) = *socket.local.borrow() else { return false };
            let same_version =
                is_v4(ip) == is_v4(&bound) && (socket.family == Family::Inet) == is_v4(&bound);
            let dual = socket.family == Family::Inet6 && !socket.only_v6();
            bound == *ip || is_any(&bound) && (same_version || dual && bound == address::ANY6)
        };
        let takes = |socket: &&Rc<Socket>| kind != Kind::Stream || socket.is_listening();
        // The one with the address itself goes before one with any address, and one that
        // is connected to the sender before those that are not.
        let found: Vec<&Rc<Socket>> = list.iter().filter(takes).filter(matches).collect();
        let exact = |socket: &&&Rc<Socket>| matches!(*socket.local.borrow(), Some(Address::Ip(bound, _)) if bound == *ip);
        found.iter().find(exact).or(found.first()).map(|socket| (*socket).clone())
    }
}

/// Binds a socket.
pub fn bind(cx: &mut Context, socket: &Rc<Socket>, address: Address) -> SysResult<()> {
    // A path is looked at before the socket is.
    let bound = socket.local.borrow().is_some();
    match address {
        Address::Unnamed if bound => Ok(()),
        Address::Abstract(_) | Address::Ip(..) if bound => Err(Errno::EINVAL),
        Address::Unnamed => auto_name(cx, socket),
        Address::Abstract(name) => {
            let there =
                cx.kernel.names.unix.get(&(socket.kind, name.clone())).and_then(Weak::upgrade);
            if there.is_some_and(|socket| !socket.closed.get()) {
                return Err(Errno::EADDRINUSE);
            }
            cx.kernel.names.unix.retain(|_, weak| weak.strong_count() > 0);
            cx.kernel.names.unix.insert((socket.kind, name.clone()), Rc::downgrade(socket));
            *socket.local.borrow_mut() = Some(Address::Abstract(name));
            Ok(())
        }
        Address::Path(path) => {
            let found = walk::walk(cx, AT_FDCWD, &path, Follow::No)?;
            let (None, Last::Name(name)) = (&found.target, &found.last) else {
                return Err(Errno::EADDRINUSE);
            };
            if bound {
                return Err(Errno::EINVAL);
            }
            let place = crate::fs::open::make(cx, &found.dir, name, FileType::Socket, 0o777, 0)?;
            *place.inode().extra().socket.borrow_mut() = Some(Rc::new(Rc::downgrade(socket)));
            *socket.local.borrow_mut() = Some(Address::Path(path));
            // The inode must live as long as the socket, or the file system drops its object.
            *socket.place.borrow_mut() = Some(place);
            Ok(())
        }
        Address::Ip(ip, port) => bind_port(cx, socket, ip, port),
        _ => Err(Errno::EINVAL),
    }
}

fn auto_name(cx: &mut Context, socket: &Rc<Socket>) -> SysResult<()> {
    let names = &mut cx.kernel.names;
    for _ in 0..1 << 20 {
        names.last_name = (names.last_name + 1) & 0xf_ffff;
        let name = alloc::format!("{:05x}", names.last_name).into_bytes();
        let key = (socket.kind, name.clone());
        if names.unix.get(&key).is_none_or(|weak| weak.strong_count() == 0) {
            names.unix.insert(key, Rc::downgrade(socket));
            *socket.local.borrow_mut() = Some(Address::Abstract(name));
            return Ok(());
        }
    }
    Err(Errno::ENOSPC)
}

fn bind_port(cx: &mut Context, socket: &Rc<Socket>, ip: [u8; 16], port: u16) -> SysResult<()> {
    let ip = if socket.family == Family::Inet6 && ip == address::ANY4 { address::ANY4 } else { ip };
    if !is_any(&ip) && !address::is_local(&ip) {
        return Err(Errno::EADDRNOTAVAIL);
    }
    if (1..1024).contains(&port) && !cx.thread.credentials().has(cap::NET_BIND_SERVICE) {
        return Err(Errno::EACCES);
    }
    let kind = socket.kind;
    let conflicts = |cx: &mut Context, port: u16| {
        cx.kernel.names.on_port(kind, port).iter().any(|other| {
            let Some(Address::Ip(bound, _)) = *other.local.borrow() else { return false };
            let versions_meet = is_v4(&ip) == is_v4(&bound)
                || ip == address::ANY6 && !socket.only_v6()
                || bound == address::ANY6 && !other.only_v6();
            let overlap = versions_meet && (is_any(&ip) || is_any(&bound) || ip == bound);
            let both = |name: u32| socket.option(1, name) != 0 && other.option(1, name) != 0;
            let shared = both(15) || both(2) && (kind != Kind::Stream || !other.is_listening());
            overlap && !shared
        })
    };
    let port = match port {
        0 => free_port(cx, conflicts)?,
        port if conflicts(cx, port) => return Err(Errno::EADDRINUSE),
        port => port,
    };
    cx.kernel.names.ports.entry((kind, port)).or_default().push(Rc::downgrade(socket));
    *socket.local.borrow_mut() = Some(Address::Ip(ip, port));
    Ok(())
}

fn free_port(cx: &mut Context, conflicts: impl Fn(&mut Context, u16) -> bool) -> SysResult<u16> {
    for _ in EPHEMERAL {
        let last = cx.kernel.names.last_port;
        let next = if EPHEMERAL.contains(&(last + 1)) { last + 1 } else { EPHEMERAL.start };
        cx.kernel.names.last_port = next;
        if !conflicts(cx, next) {
            return Ok(next);
        }
    }
    Err(Errno::EADDRINUSE)
}

/// Gives an unbound socket of IP a port, as sending and connecting do.
pub fn ensure_port(cx: &mut Context, socket: &Rc<Socket>, to: &[u8; 16]) -> SysResult<()> {
    let bound = socket.local.borrow().clone();
    match bound {
        None => {
            let ip = if socket.family == Family::Inet || is_v4(to) {
                address::ANY4
            } else {
                address::ANY6
            };
            bind_port(cx, socket, ip, 0)
        }
        Some(_) => Ok(()),
    }
}

/// The socket of a name.
pub fn find(cx: &mut Context, kind: Kind, to: &Address) -> SysResult<Rc<Socket>> {
    let found = match to {
        Address::Abstract(name) => {
            cx.kernel.names.unix.get(&(kind, name.clone())).and_then(Weak::upgrade)
        }
        Address::Path(path) => {
            let place = walk::resolve(cx, AT_FDCWD, path, Follow::Yes)?;
            permission(cx, place.inode(), access::WRITE)?;
            if place.inode().kind() != FileType::Socket {
                return Err(Errno::ECONNREFUSED);
            }
            let any = place.inode().extra().socket.borrow().clone();
            any.and_then(|any| any.downcast_ref::<Weak<Socket>>().and_then(Weak::upgrade))
        }
        Address::Ip(ip, port) => {
            // Any address of this machine: the one it is called by itself.
            let ip = match *ip {
                address::ANY4 => address::LOOPBACK4,
                address::ANY6 => address::LOOPBACK6,
                ip => ip,
            };
            if !address::is_local(&ip) {
                return Err(Errno::ENETUNREACH);
            }
            cx.kernel.names.find(kind, &ip, *port)
        }
        _ => return Err(Errno::EINVAL),
    };
    match found {
        Some(socket) if socket.closed.get() => Err(Errno::ECONNREFUSED),
        Some(socket) if socket.family == Family::Unix && socket.kind != kind => {
            Err(Errno::EPROTOTYPE)
        }
        found => found.ok_or(Errno::ECONNREFUSED),
    }
}
