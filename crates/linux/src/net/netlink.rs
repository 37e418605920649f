//! `rtnetlink(7)`, as far as `ip`, `getifaddrs(3)` and resolvers ask: links, addresses and
//! routes can be listed, nothing can be changed.

use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;

use super::inbox::{Packet, Sender};
use super::{Address, Socket, routes};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;

const HEADER: usize = 16;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const REQUEST: u16 = 1;
const MULTI: u16 = 2;
const ACK: u16 = 4;
const DUMP: u16 = 0x300;
/// Replies that wait to be read are joined up to this size, as the real system does.
const REPLY_MAX: usize = 32768;

/// Binds a netlink socket to a number; 0 asks for a free one.
pub fn bind(cx: &mut Context, socket: &Rc<Socket>, number: u32, groups: u32) -> SysResult<()> {
    let names = &mut cx.kernel.names.netlink;
    names.retain(|_, weak| weak.upgrade().is_some_and(|socket| !socket.closed.get()));
    let own = cx.thread.process.pid as u32;
    let number = match number {
        0 if !names.contains_key(&own) => own,
        0 => (0xffff_0000..u32::MAX).find(|n| !names.contains_key(n)).ok_or(Errno::EADDRINUSE)?,
        number if names.contains_key(&number) => return Err(Errno::EADDRINUSE),
        number => number,
    };
    let weak: Weak<Socket> = Rc::downgrade(socket);
    names.insert(number, weak);
    *socket.local.borrow_mut() = Some(Address::Netlink(number, groups));
    Ok(())
}

/// A message to the kernel; what it answers is in the inbox then.
pub fn send(cx: &mut Context, socket: &Rc<Socket>, bytes: &[u8]) -> SysResult<usize> {
    if socket.local.borrow().is_none() {
        bind(cx, socket, 0, 0)?;
    }
    let number = match *socket.local.borrow() {
        Some(Address::Netlink(number, _)) => number,
        _ => 0,
    };
    let mut rest = bytes;
    while rest.len() >= HEADER {
        let half = |at: usize| u16::from_le_bytes([rest[at], rest[at + 1]]);
        let word =
            |at: usize| u32::from_le_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
        let len = word(0) as usize;
        if len < HEADER || len > rest.len() {
            break;
        }
        let request = Request {
            kind: half(4),
            flags: half(6),
            sequence: word(8),
            number,
            body: &rest[HEADER..len],
            header: &rest[..HEADER],
        };
        if request.flags & REQUEST != 0 {
            for reply in answer(cx, &request) {
                deliver(socket, reply)?;
            }
        }
        rest = &rest[len.next_multiple_of(4).min(rest.len())..];
    }
    socket.queue.wake_all();
    Ok(bytes.len())
}

fn deliver(socket: &Socket, bytes: Vec<u8>) -> SysResult<()> {
    let from = Address::Netlink(0, 0);
    let packet =
        Packet { bytes, start: 0, from, sender: Sender::default(), rights: None, ip: None };
    if socket.inbox.room() < packet.bytes.len() {
        return Err(Errno::ENOBUFS);
    }
    socket.inbox.push(packet, false)
}

/// A request.
pub(super) struct Request<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    number: u32,
    /// What follows the header.
    pub body: &'a [u8],
    header: &'a [u8],
}

/// A message that is being written.
pub(super) struct Message(Vec<u8>);

impl Message {
    pub fn new(request: &Request, kind: u16, flags: u16) -> Message {
        let mut bytes = alloc::vec![0; 4];
        bytes.extend_from_slice(&kind.to_le_bytes());
        bytes.extend_from_slice(&flags.to_le_bytes());
        bytes.extend_from_slice(&request.sequence.to_le_bytes());
        bytes.extend_from_slice(&request.number.to_le_bytes());
        Message(bytes)
    }

    pub fn put(mut self, bytes: &[u8]) -> Message {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Message {
        self.0.extend_from_slice(&((value.len() + 4) as u16).to_le_bytes());
        self.0.extend_from_slice(&kind.to_le_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    pub fn finish(mut self) -> Vec<u8> {
        let len = self.0.len() as u32;
        self.0[..4].copy_from_slice(&len.to_le_bytes());
        self.0
    }
}

fn error(request: &Request, errno: Errno) -> Vec<u8> {
    let code = -i32::from(errno.0);
    Message::new(request, ERROR, 0).put(&code.to_le_bytes()).put(request.header).finish()
}

/// The datagrams that answer a request.
fn answer(cx: &mut Context, request: &Request) -> Vec<Vec<u8>> {
    const GETLINK: u16 = 18;
    const GETADDR: u16 = 22;
    const GETROUTE: u16 = 26;
    let dump = request.flags & DUMP == DUMP;
    let flags = if dump { MULTI } else { 0 };
    let list = match request.kind {
        GETLINK => routes::links(cx, request, flags, dump),
        GETADDR if dump => Ok(routes::addresses(cx, request)),
        GETROUTE if dump => Ok(routes::routes(cx, request)),
        GETROUTE => routes::route(cx, request),
        // There are no neighbours, rules and queueing disciplines.
        30 | 34 | 38 | 42 | 46 | 80 | 86 if dump => Ok(Vec::new()),
        16..=150 if request.kind % 4 != 2 => Err(Errno::EPERM),
        _ => Err(Errno::EOPNOTSUPP),
    };
    let list = match list {
        Ok(list) => list,
        Err(errno) => return alloc::vec![error(request, errno)],
    };
    if !dump {
        let mut list = list;
        if request.flags & ACK != 0 {
            list.push(acknowledge(request));
        }
        return list;
    }
    let mut reply: Vec<u8> = list.concat();
    debug_assert!(reply.len() < REPLY_MAX);
    reply.extend(Message::new(request, DONE, MULTI).put(&[0; 4]).finish());
    alloc::vec![reply]
}

fn acknowledge(request: &Request) -> Vec<u8> {
    Message::new(request, ERROR, 0x100).put(&[0; 4]).put(request.header).finish()
}
