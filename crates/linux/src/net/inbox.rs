//! What a socket received and nobody read yet.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use super::Address;
use super::ancillary::IpHeader;
use super::rights::Rights;
use crate::errno::{Errno, SysResult};
use crate::fs::buffer::Budget;

/// Who sent something (`SCM_CREDENTIALS`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Sender {
    pub pid: i32,
    pub uid: u32,
    pub gid: u32,
}

/// Bytes that came together, and what came with them.
pub struct Packet {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How many of them a stream has given out.
    pub start: usize,
    /// Where they came from, if that has a name.
    pub from: Address,
    /// Who sent them.
    pub sender: Sender,
    /// Files that came with them.
    pub rights: Option<Rights>,
    /// The header of a datagram of UDP.
    pub ip: Option<IpHeader>,
}

/// What a packet costs beside its bytes.
const OVERHEAD: usize = 128;
/// A stream's bytes are joined up to this size.
const JOINED: usize = 16384;

/// The queue.
pub struct Inbox {
    packets: RefCell<VecDeque<Packet>>,
    used: Cell<usize>,
    capacity: Cell<usize>,
    budget: Rc<Budget>,
}

impl Inbox {
    /// An empty one that holds so many bytes.
    pub fn new(capacity: usize, budget: Rc<Budget>) -> Inbox {
        let capacity = Cell::new(capacity);
        Inbox { packets: RefCell::default(), used: Cell::new(0), capacity, budget }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.packets.borrow().is_empty()
    }

    /// How many packets are in it.
    pub fn len(&self) -> usize {
        self.packets.borrow().len()
    }

    /// Bytes that fit.
    pub fn room(&self) -> usize {
        self.capacity.get().saturating_sub(self.used.get())
    }

    /// Bytes of the first packet (`all`: of all packets) that can be read.
    pub fn readable(&self, all: bool) -> usize {
        let packets = self.packets.borrow();
        let count = if all { packets.len() } else { 1 };
        packets.iter().take(count).map(|packet| packet.bytes.len() - packet.start).sum()
    }

    /// Sets how many bytes it holds.
    pub fn set_capacity(&self, capacity: usize) {
        self.capacity.set(capacity);
    }

    /// Adds a packet. A stream's is joined to the one before if both are from one sender.
    pub fn push(&self, packet: Packet, stream: bool) -> SysResult<()> {
        let mut packets = self.packets.borrow_mut();
        if stream
            && packet.rights.is_none()
            && let Some(last) = packets.back_mut()
            && last.rights.is_none()
            && last.sender == packet.sender
            && last.bytes.len() + packet.bytes.len() <= JOINED
        {
            self.take(packet.bytes.len())?;
            last.bytes.extend_from_slice(&packet.bytes);
            return Ok(());
        }
        self.take(packet.bytes.len() + OVERHEAD)?;
        packets.push_back(packet);
        Ok(())
    }

    fn take(&self, count: usize) -> SysResult<()> {
        self.budget.take(count).map_err(|_| Errno::ENOBUFS)?;
        self.used.set(self.used.get() + count);
        Ok(())
    }

    fn give(&self, count: usize) {
        self.budget.give(count);
        self.used.set(self.used.get() - count);
    }

    /// Looks at the packet that is read next.
    pub fn with_first<R>(&self, work: impl FnOnce(&mut Packet) -> R) -> Option<R> {
        self.packets.borrow_mut().front_mut().map(work)
    }

    /// Looks at all packets.
    pub fn for_each(&self, mut work: impl FnMut(&Packet)) {
        self.packets.borrow().iter().for_each(&mut work);
    }

    /// Takes the first packet out.
    pub fn pop(&self) -> Option<Packet> {
        let packet = self.packets.borrow_mut().pop_front()?;
        self.give(packet.bytes.len() + OVERHEAD);
        Some(packet)
    }

    /// Copies bytes of a stream from `skip` on without taking them.
    pub fn peek(&self, buf: &mut [u8]) -> usize {
        let packets = self.packets.borrow();
        let mut done = 0;
        for packet in packets.iter() {
            let part = &packet.bytes[packet.start..];
            let count = part.len().min(buf.len() - done);
            buf[done..done + count].copy_from_slice(&part[..count]);
            done += count;
        }
        done
    }

    /// Drops everything.
    pub fn clear(&self) {
        // Files that are dropped here may be sockets with inboxes of their own.
        while let Some(packet) = self.pop() {
            drop(packet);
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.clear();
    }
}
