//! What `rtnetlink(7)` tells of links, addresses and routes.

use alloc::vec::Vec;

use super::address;
use super::interfaces::{self, GATEWAY, Interface};
use super::netlink::{Message, Request};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// Tables of routes, and who made one.
const TABLE_MAIN: u8 = 254;
const TABLE_LOCAL: u8 = 255;
const BY_KERNEL: u8 = 2;
const BY_BOOT: u8 = 3;
/// Kinds of routes: to others, and to this machine.
const UNICAST: u8 = 1;
const LOCAL: u8 = 2;
const SCOPE_LINK: u8 = 253;
const SCOPE_HOST: u8 = 254;

/// The attribute of a request's body whose header has `header` bytes.
fn attribute(body: &[u8], header: usize, wanted: u16) -> Option<&[u8]> {
    let mut rest = body.get(header..)?;
    while rest.len() >= 4 {
        let len = usize::from(u16::from_le_bytes([rest[0], rest[1]]));
        let kind = u16::from_le_bytes([rest[2], rest[3]]) & 0x3fff;
        let value = rest.get(4..len)?;
        if kind == wanted {
            return Some(value);
        }
        rest = rest.get(len.next_multiple_of(4)..)?;
    }
    None
}

fn index(body: &[u8]) -> u32 {
    body.get(4..8).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

/// `RTM_GETLINK`.
pub fn links(
    cx: &mut Context,
    request: &Request,
    flags: u16,
    dump: bool,
) -> SysResult<Vec<Vec<u8>>> {
    const NAME: u16 = 3;
    const OTHER_NAME: u16 = 53;
    let all = interfaces::list(cx);
    if dump {
        return Ok(all.iter().map(|one| link(request, one, flags)).collect());
    }
    let asked = index(request.body);
    let name = [NAME, OTHER_NAME].iter().find_map(|&kind| attribute(request.body, 16, kind));
    let name = name.map(|name| name.split(|&byte| byte == 0).next().unwrap_or(&[]));
    let found = match (asked, name) {
        (0, Some(name)) => all.iter().find(|one| one.name.as_bytes() == name),
        (0, None) => return Err(Errno::EINVAL),
        (asked, _) => all.iter().find(|one| one.index == asked),
    };
    Ok(alloc::vec![link(request, found.ok_or(Errno::ENODEV)?, flags)])
}

fn link(request: &Request, one: &Interface, flags: u16) -> Vec<u8> {
    const NEWLINK: u16 = 16;
    let name = [one.name.as_bytes(), &[0]].concat();
    Message::new(request, NEWLINK, flags)
        .put(&[0, 0])
        .put(&one.hardware.to_le_bytes())
        .put(&one.index.to_le_bytes())
        .put(&(one.flags | 0x1_0000).to_le_bytes())
        .put(&[0; 4])
        .attribute(3, &name)
        .attribute(13, &1000u32.to_le_bytes())
        .attribute(16, &[one.state])
        .attribute(17, &[0])
        .attribute(4, &one.mtu.to_le_bytes())
        .attribute(27, &0u32.to_le_bytes())
        .attribute(6, b"noqueue\0")
        .attribute(1, &one.station[0])
        .attribute(2, &one.station[1])
        .finish()
}

/// `RTM_GETADDR`, of which there are only dumps.
pub fn addresses(cx: &mut Context, request: &Request) -> Vec<Vec<u8>> {
    let family = request.body.first().copied().unwrap_or(0);
    // A whole header may ask for one interface.
    let asked = index(request.body);
    let all = interfaces::list(cx).iter().filter(|one| asked == 0 || one.index == asked);
    let (four, six) = (family != AF_INET6, family != AF_INET);
    let four = all.clone().filter(|_| four).map(|one| addr(request, one, AF_INET));
    let six = all.filter(|_| six).map(|one| addr(request, one, AF_INET6));
    four.chain(six).collect()
}

fn addr(request: &Request, one: &Interface, family: u8) -> Vec<u8> {
    const NEWADDR: u16 = 20;
    const PERMANENT: u8 = 0x80;
    const MULTI: u16 = 2;
    let (prefix, scope) =
        if family == AF_INET { (one.ip4.1, one.scopes[0]) } else { (one.ip6.1, one.scopes[1]) };
    let message = Message::new(request, NEWADDR, MULTI)
        .put(&[family, prefix, PERMANENT, scope])
        .put(&one.index.to_le_bytes());
    let message = match family {
        AF_INET => {
            let ip = one.ip4.0;
            let message = message.attribute(1, &ip).attribute(2, &ip);
            let message = match one.broadcast() {
                Some(all) => message.attribute(4, &all),
                None => message,
            };
            message.attribute(3, &[one.name.as_bytes(), &[0]].concat())
        }
        _ => message.attribute(1, &one.ip6.0),
    };
    // For ever, since the beginning.
    let forever = [&[0xff; 8][..], &[0; 8]].concat();
    message.attribute(8, &u32::from(PERMANENT).to_le_bytes()).attribute(6, &forever).finish()
}

/// A route.
struct Route<'a> {
    to: Option<([u8; 4], u8)>,
    table: u8,
    by: u8,
    scope: u8,
    kind: u8,
    gateway: Option<[u8; 4]>,
    through: &'a Interface,
    from: Option<[u8; 4]>,
}

/// `RTM_GETROUTE` of all: the main table. That of local addresses is not shown.
pub fn routes(cx: &mut Context, request: &Request) -> Vec<Vec<u8>> {
    let family = request.body.first().copied().unwrap_or(0);
    let outside = interfaces::list(cx).iter().find(|one| !one.is_loopback());
    let Some(through) = outside.filter(|_| family != AF_INET6) else { return Vec::new() };
    let default = Route {
        to: None,
        table: TABLE_MAIN,
        by: BY_BOOT,
        scope: 0,
        kind: UNICAST,
        gateway: Some(GATEWAY),
        through,
        from: None,
    };
    let near = Route {
        to: Some((through.network(), through.ip4.1)),
        by: BY_KERNEL,
        scope: SCOPE_LINK,
        gateway: None,
        from: Some(through.ip4.0),
        ..default
    };
    const MULTI: u16 = 2;
    [default, near].iter().map(|route| encode(request, route, MULTI)).collect()
}

/// `RTM_GETROUTE` of one address of version 4.
pub fn route(cx: &mut Context, request: &Request) -> SysResult<Vec<Vec<u8>>> {
    const DESTINATION: u16 = 1;
    let asked = attribute(request.body, 12, DESTINATION);
    let ip = asked.and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).ok_or(Errno::ENETUNREACH)?;
    let all = interfaces::list(cx);
    let is_own = address::is_local(&address::mapped(ip));
    let through = all.iter().find(|one| one.is_loopback() == is_own).ok_or(Errno::ENETUNREACH)?;
    let is_near = (0..4).all(|at| ip[at] & through.mask()[at] == through.network()[at]);
    let route = Route {
        to: Some((ip, 32)),
        table: if is_own { TABLE_LOCAL } else { TABLE_MAIN },
        by: 0,
        scope: if is_own { SCOPE_HOST } else { 0 },
        kind: if is_own { LOCAL } else { UNICAST },
        gateway: (!is_own && !is_near).then_some(GATEWAY),
        through,
        from: Some(if is_own { ip } else { through.ip4.0 }),
    };
    Ok(alloc::vec![encode(request, &route, 0)])
}

fn encode(request: &Request, route: &Route, flags: u16) -> Vec<u8> {
    const NEWROUTE: u16 = 24;
    // A route that was looked up is a copy (`RTM_F_CLONED`).
    let cloned: u32 = if route.by == 0 { 0x200 } else { 0 };
    let prefix = route.to.map_or(0, |to| to.1);
    let mut message = Message::new(request, NEWROUTE, flags)
        .put(&[AF_INET, prefix, 0, 0, route.table, route.by, route.scope, route.kind])
        .put(&cloned.to_le_bytes())
        .attribute(15, &u32::from(route.table).to_le_bytes());
    if let Some((ip, _)) = route.to {
        message = message.attribute(1, &ip);
    }
    if let Some(ip) = route.gateway {
        message = message.attribute(5, &ip);
    }
    message = message.attribute(4, &route.through.index.to_le_bytes());
    if let Some(ip) = route.from {
        message = message.attribute(7, &ip);
    }
    message.finish()
}
