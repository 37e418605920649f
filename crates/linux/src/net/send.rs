//! Sending: into the inbox of whoever it is for.

use alloc::rc::Rc;

use super::inbox::{Packet, Sender};
use super::rights::Rights;
use super::socket::{BUFFER, SHUT_READ, SHUT_WRITE, own_identity, source_for};
use super::{Address, Family, Kind, Socket, msg, names, netlink};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::signal::{SIGPIPE, SigInfo};

/// Largest datagram of UDP.
const UDP_MAX: usize = 65507;

/// What goes along with bytes.
#[derive(Default)]
pub struct With {
    /// Files.
    pub rights: Option<Rights>,
    /// Who sends, if that is said (`SCM_CREDENTIALS`).
    pub sender: Option<Sender>,
}

impl Socket {
    /// Writes. What comes back are the bytes that were taken.
    pub fn send(
        self: &Rc<Socket>,
        cx: &mut Context,
        nonblocking: bool,
        bytes: &[u8],
        to: Option<Address>,
        with: With,
        how: u32,
    ) -> SysResult<usize> {
        if how & msg::OOB != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        if self.family == Family::Netlink {
            return netlink::send(cx, self, bytes);
        }
        match self.connects() {
            true => self.send_connected(cx, nonblocking, bytes, to, with, how),
            false => self.send_datagram(cx, nonblocking, bytes, to, with),
        }
    }

    fn broken(&self, cx: &mut Context, how: u32) -> Errno {
        if how & msg::NOSIGNAL == 0 {
            let thread = cx.thread.clone();
            let info = SigInfo::user(cx, SIGPIPE, 0);
            cx.kernel.signal_thread(&thread, info);
        }
        Errno::EPIPE
    }

    fn packet(&self, cx: &Context, bytes: &[u8], with: With) -> Packet {
        let from = match &*self.local.borrow() {
            Some(address) => address.clone(),
            None if self.family == Family::Unix => Address::Unnamed,
            None => Address::Unspecified,
        };
        let sender = with.sender.unwrap_or_else(|| own_identity(cx));
        Packet { bytes: bytes.to_vec(), start: 0, from, sender, rights: with.rights, ip: None }
    }

    fn send_connected(
        &self,
        cx: &mut Context,
        nonblocking: bool,
        bytes: &[u8],
        to: Option<Address>,
        with: With,
        how: u32,
    ) -> SysResult<usize> {
        if let Some(error) = self.take_error() {
            return Err(error);
        }
        if self.shut.get() & SHUT_WRITE != 0 {
            return Err(self.broken(cx, how));
        }
        if !self.connected.get() {
            if to.is_some() && self.family == Family::Unix {
                return Err(Errno::EOPNOTSUPP);
            }
            return Err(match self.family {
                Family::Unix => Errno::ENOTCONN,
                _ => self.broken(cx, how),
            });
        }
        if to.is_some() && self.family == Family::Unix {
            return Err(Errno::EISCONN);
        }
        let Some(peer) = self.peer().filter(|peer| !peer.closed.get()) else {
            return Err(self.broken(cx, how));
        };
        let stream = self.kind == Kind::Stream;
        if !stream && bytes.len() > BUFFER - 32 {
            return Err(Errno::EMSGSIZE);
        }
        let room = peer.inbox.room();
        // A packet that is larger than the buffer still goes through when that is empty.
        let fits = match stream {
            true => bytes.len().min(room),
            false if room >= bytes.len() || peer.inbox.is_empty() => bytes.len(),
            false => 0,
        };
        if fits == 0 && (!bytes.is_empty() || !stream && room == 0) {
            return Err(peer.wait_to_send(cx, self, nonblocking));
        }
        if bytes.is_empty() && stream {
            return Ok(0);
        }
        let packet = self.packet(cx, &bytes[..fits], with);
        peer.inbox.push(packet, stream)?;
        peer.queue.wake_all();
        if fits == bytes.len() || nonblocking {
            return Ok(fits);
        }
        cx.add_progress(fits as u64);
        Err(peer.wait_to_send(cx, self, nonblocking))
    }

    /// Waits for room in this inbox, on behalf of a sender.
    fn wait_to_send(&self, cx: &mut Context, sender: &Socket, nonblocking: bool) -> Errno {
        let timeouts = self.timeouts.get();
        self.timeouts.set(sender.timeouts.get());
        let errno = self.wait(cx, 1, nonblocking);
        self.timeouts.set(timeouts);
        if errno == Errno::PARK {
            // The sender's own side may be shut meanwhile.
            sender.queue.push(&cx.parked());
        }
        errno
    }

    fn send_datagram(
        self: &Rc<Socket>,
        cx: &mut Context,
        nonblocking: bool,
        bytes: &[u8],
        to: Option<Address>,
        with: With,
    ) -> SysResult<usize> {
        if let Some(error) = self.take_error() {
            return Err(error);
        }
        if self.shut.get() & SHUT_WRITE != 0 {
            return Err(self.broken(cx, 0));
        }
        let unix = self.family == Family::Unix;
        if bytes.len() > if unix { BUFFER - 32 } else { UDP_MAX } {
            return Err(Errno::EMSGSIZE);
        }
        let connected = self.remote.borrow().clone();
        let target = match to.clone().or(connected.clone()) {
            None if unix && self.connected.get() => {
                self.peer().filter(|peer| !peer.closed.get()).ok_or(Errno::ECONNREFUSED)
            }
            None => return Err(if unix { Errno::ENOTCONN } else { Errno::EDESTADDRREQ }),
            Some(Address::Ip(ip, port)) => {
                if port == 0 {
                    return Err(Errno::EINVAL);
                }
                if super::outside::is_outside(self.kind, &Address::Ip(ip, port)) {
                    return super::outside::send(cx, self, (ip, port), bytes);
                }
                names::ensure_port(cx, self, &ip)?;
                names::find(cx, self.kind, &Address::Ip(ip, port))
            }
            Some(_) if unix && to.is_none() => {
                self.peer().filter(|peer| !peer.closed.get()).ok_or(Errno::ECONNREFUSED)
            }
            Some(address) => names::find(cx, self.kind, &address),
        };
        let target = match target {
            // Nobody is there: a connected socket of UDP hears of that at its next call.
            Err(Errno::ECONNREFUSED) if !unix => {
                if to.is_none() {
                    self.set_error(Errno::ECONNREFUSED);
                }
                return Ok(bytes.len());
            }
            target => target?,
        };
        let takes = target.remote.borrow().as_ref().is_none_or(|from| self.is_at(from))
            || unix && target.peer().is_some_and(|peer| Rc::ptr_eq(&peer, self));
        if !takes {
            return if unix { Err(Errno::EPERM) } else { Ok(bytes.len()) };
        }
        if target.shut.get() & SHUT_READ != 0 {
            return if unix { Err(self.broken(cx, 0)) } else { Ok(bytes.len()) };
        }
        // As `max_dgram_qlen` says, ten and the one that is read may wait on UNIX sockets.
        let full = target.inbox.room() < bytes.len() || unix && target.inbox.len() > 10;
        if full && !target.inbox.is_empty() {
            // UDP loses what does not fit.
            return if unix {
                Err(target.wait_to_send(cx, self, nonblocking))
            } else {
                Ok(bytes.len())
            };
        }
        let mut packet = self.packet(cx, bytes, with);
        if let (Address::Ip(from, port), Some(Address::Ip(ip, _))) =
            (packet.from.clone(), to.or(connected))
        {
            packet.ip = Some(self.header_to(ip));
            if super::address::is_any(&from) {
                // The sender's address is the one that leads to the target.
                packet.from = Address::Ip(source_for(&ip), port);
            }
        }
        target.inbox.push(packet, false)?;
        target.queue.wake_all();
        Ok(bytes.len())
    }

    /// Whether a packet of this socket comes from an address.
    fn is_at(&self, from: &Address) -> bool {
        match (from, &*self.local.borrow()) {
            (Address::Ip(ip, port), Some(Address::Ip(own, own_port))) => {
                port == own_port && (own == ip || super::address::is_any(own))
            }
            (from, Some(own)) => from == own,
            _ => false,
        }
    }
}
