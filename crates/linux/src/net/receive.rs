//! Receiving: a stream's bytes, or one packet.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::ancillary::IpHeader;
use super::inbox::Sender;
use super::{Address, Family, Kind, Socket, msg};
use crate::errno::{Errno, SysResult};
use crate::fs::OpenFile;
use crate::kernel::Context;

/// What was received.
pub struct Received {
    /// Bytes that were given.
    pub count: usize,
    /// Bytes of the packet.
    pub full: usize,
    /// Where it came from.
    pub from: Address,
    /// Who sent it.
    pub sender: Sender,
    /// Files that came with it; a look leaves them there.
    pub files: Vec<Rc<OpenFile>>,
    /// The header of a datagram of UDP.
    pub ip: Option<IpHeader>,
}

impl Socket {
    /// Reads.
    pub fn receive(
        &self,
        cx: &mut Context,
        nonblocking: bool,
        buf: &mut [u8],
        how: u32,
    ) -> SysResult<Received> {
        if how & msg::OOB != 0 {
            return Err(if self.kind == Kind::Stream && self.family != Family::Unix {
                Errno::EINVAL
            } else {
                Errno::EOPNOTSUPP
            });
        }
        if how & msg::ERRQUEUE != 0 {
            return Err(Errno::EAGAIN);
        }
        let nothing = Received {
            count: 0,
            full: 0,
            from: Address::Unspecified,
            sender: Sender::default(),
            files: Vec::new(),
            ip: None,
        };
        if self.connects() && !self.connected.get() && !self.connecting.get() {
            // UNIX streams have always said EINVAL here.
            let unix = self.family == Family::Unix && self.kind == Kind::Stream;
            return Err(if unix { Errno::EINVAL } else { Errno::ENOTCONN });
        }
        if self.kind == Kind::Stream && buf.is_empty() {
            return Ok(nothing);
        }
        if self.inbox.is_empty() {
            return match self.take_error() {
                Some(error) => Err(error),
                None if self.is_ended() => Ok(nothing),
                None => Err(self.wait(cx, 0, nonblocking)),
            };
        }
        let received = match self.kind {
            Kind::Stream => self.receive_stream(buf, how),
            _ => self.receive_packet(buf, how),
        };
        if how & msg::PEEK == 0 {
            self.queue.wake_all();
            if let Some(peer) = self.peer() {
                peer.queue.wake_all();
            }
        }
        Ok(received.unwrap_or(nothing))
    }

    fn receive_packet(&self, buf: &mut [u8], how: u32) -> Option<Received> {
        let received = self.inbox.with_first(|packet| {
            let full = packet.bytes.len();
            let count = full.min(buf.len());
            buf[..count].copy_from_slice(&packet.bytes[..count]);
            let files = packet.rights.as_ref().map(|r| r.files().to_vec()).unwrap_or_default();
            let (from, sender, ip) = (packet.from.clone(), packet.sender, packet.ip);
            Received { count, full, from, sender, files, ip }
        });
        if how & msg::PEEK == 0 {
            self.inbox.pop();
        }
        received
    }

    pub(super) fn receive_stream(&self, buf: &mut [u8], how: u32) -> Option<Received> {
        if how & msg::PEEK != 0 {
            let count = self.inbox.peek(buf);
            return self.inbox.with_first(|packet| {
                let files = packet.rights.as_ref().map(|r| r.files().to_vec());
                let files = files.unwrap_or_default();
                Received {
                    count,
                    full: count,
                    from: packet.from.clone(),
                    sender: packet.sender,
                    files,
                    ip: None,
                }
            });
        }
        let mut result: Option<Received> = None;
        let mut done = 0;
        while done < buf.len() {
            let room = buf.len() - done;
            let before = result.as_ref().map(|found| (found.sender, !found.files.is_empty()));
            // Bytes of two senders, or with files of their own, are not told in one.
            let taken = self.inbox.with_first(|packet| {
                if let Some((sender, has_files)) = before
                    && (has_files
                        || packet.rights.is_some()
                        || self.option(1, 16) != 0 && packet.sender != sender)
                {
                    return None;
                }
                let part = &packet.bytes[packet.start..];
                let count = part.len().min(room);
                buf[done..done + count].copy_from_slice(&part[..count]);
                packet.start += count;
                let rights = packet.rights.take();
                let empty = packet.start == packet.bytes.len();
                Some((count, empty, rights, packet.sender, packet.from.clone()))
            });
            let Some(Some((count, empty, rights, sender, from))) = taken else { break };
            done += count;
            if empty {
                self.inbox.pop();
            }
            let files = rights.as_ref().map(|r| r.files().to_vec()).unwrap_or_default();
            let found =
                result.get_or_insert(Received { count: 0, full: 0, from, sender, files, ip: None });
            (found.count, found.full) = (done, done);
        }
        result
    }
}
