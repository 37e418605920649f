//! `rtnetlink(7)`, as far as `ip`, `getifaddrs(3)` and resolvers ask: links, addresses and
//! routes can be listed, nothing can be changed.

use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;

use super::inbox::{Packet, Sender};
use super::interfaces::{FLAGS, INDEX, MTU, NAME};
use super::{Address, Socket};
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
            for reply in answer(&request) {
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
    let packet = Packet { bytes, start: 0, from, sender: Sender::default(), rights: None };
    if socket.inbox.room() < packet.bytes.len() {
        return Err(Errno::ENOBUFS);
    }
    socket.inbox.push(packet, false)
}

struct Request<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    number: u32,
    body: &'a [u8],
    header: &'a [u8],
}

/// A message that is being written.
struct Message(Vec<u8>);

impl Message {
    fn new(request: &Request, kind: u16, flags: u16) -> Message {
        let mut bytes = alloc::vec![0; 4];
        bytes.extend_from_slice(&kind.to_le_bytes());
        bytes.extend_from_slice(&flags.to_le_bytes());
        bytes.extend_from_slice(&request.sequence.to_le_bytes());
        bytes.extend_from_slice(&request.number.to_le_bytes());
        Message(bytes)
    }

    fn put(mut self, bytes: &[u8]) -> Message {
        self.0.extend_from_slice(bytes);
        self
    }

    fn attribute(mut self, kind: u16, value: &[u8]) -> Message {
        self.0.extend_from_slice(&((value.len() + 4) as u16).to_le_bytes());
        self.0.extend_from_slice(&kind.to_le_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    fn finish(mut self) -> Vec<u8> {
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
fn answer(request: &Request) -> Vec<Vec<u8>> {
    const GETLINK: u16 = 18;
    const GETADDR: u16 = 22;
    const GETROUTE: u16 = 26;
    let dump = request.flags & DUMP == DUMP;
    let flags = if dump { MULTI } else { 0 };
    let family = request.body.first().copied().unwrap_or(0);
    let list: Vec<Vec<u8>> = match request.kind {
        GETLINK => {
            let index =
                request.body.get(4..8).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            if !dump && index != INDEX && index != 0 {
                return alloc::vec![error(request, Errno::ENODEV)];
            }
            alloc::vec![link(request, flags)]
        }
        GETADDR if dump => {
            let four = (family != 10).then(|| addr(request, 2, 8, &[127, 0, 0, 1]));
            let six = (family != 2).then(|| addr(request, 10, 128, &super::address::LOOPBACK6));
            four.into_iter().chain(six).collect()
        }
        // Local routes are in a table that is not shown, and there are no others. The same
        // holds for neighbours, rules and queueing disciplines.
        GETROUTE | 30 | 34 | 38 | 42 | 46 | 80 | 86 if dump => Vec::new(),
        GETROUTE => return alloc::vec![error(request, Errno::ENETUNREACH)],
        16..=150 if request.kind % 4 != 2 => {
            return alloc::vec![error(request, Errno::EPERM)];
        }
        _ => return alloc::vec![error(request, Errno::EOPNOTSUPP)],
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

fn link(request: &Request, flags: u16) -> Vec<u8> {
    const NEWLINK: u16 = 16;
    let mut name = NAME.to_vec();
    name.push(0);
    Message::new(request, NEWLINK, flags)
        .put(&[0, 0])
        .put(&772u16.to_le_bytes())
        .put(&INDEX.to_le_bytes())
        .put(&(FLAGS | 0x1_0000).to_le_bytes())
        .put(&[0; 4])
        .attribute(3, &name)
        .attribute(13, &1000u32.to_le_bytes())
        .attribute(16, &[0])
        .attribute(17, &[0])
        .attribute(4, &MTU.to_le_bytes())
        .attribute(27, &0u32.to_le_bytes())
        .attribute(6, b"noqueue\0")
        .attribute(1, &[0; 6])
        .attribute(2, &[0; 6])
        .finish()
}

fn addr(request: &Request, family: u8, prefix: u8, ip: &[u8]) -> Vec<u8> {
    const NEWADDR: u16 = 20;
    const HOST: u8 = 254;
    const PERMANENT: u8 = 0x80;
    let mut name = NAME.to_vec();
    name.push(0);
    let message = Message::new(request, NEWADDR, MULTI)
        .put(&[family, prefix, PERMANENT, HOST])
        .put(&INDEX.to_le_bytes())
        .attribute(1, ip);
    let message = match family {
        2 => message.attribute(2, ip).attribute(3, &name),
        _ => message,
    };
    message.attribute(8, &u32::from(PERMANENT).to_le_bytes()).finish()
}
