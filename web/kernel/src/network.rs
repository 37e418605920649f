//! The network outside is the page: it brings connections to ports of the guest, and carries
//! those of programs where it has a way out.

use crate::imports;
use sampan_linux::net::{Endpoint, NetId, Network};
use sampan_linux::{Errno, SysResult};
use std::collections::BTreeMap;

/// The page's network.
#[derive(Default)]
pub struct Outside {
    /// Sockets of UDP, and the one address that each reaches.
    datagrams: BTreeMap<NetId, Endpoint>,
}

/// What the page's answer means: a count, or an error's number, negated.
fn result(answer: i32) -> SysResult<usize> {
    match answer {
        0.. => Ok(answer as usize),
        _ => Err(Errno(answer.unsigned_abs().min(4095) as u16)),
    }
}

impl Network for Outside {
    fn reaches(&mut self, to: Endpoint) -> SysResult<()> {
        // SAFETY: the import reads these bytes only.
        result(unsafe { imports::reaches(to.0.as_ptr()) }).map(drop)
    }

    fn listens(&self) -> bool {
        // The page wakes the kernel when a connection comes.
        false
    }

    fn accept(&mut self) -> Option<(NetId, u16, Endpoint)> {
        let id = u32::try_from(imports::accept()).ok()?;
        let mut from = ([0; 16], (1024 + id % 60000) as u16);
        // 10.0.2.2, which is the host to a guest.
        from.0[10..].copy_from_slice(&[0xff, 0xff, 10, 0, 2, 2]);
        Some((id, imports::port(id) as u16, from))
    }

    fn connect(&mut self, to: Endpoint) -> SysResult<NetId> {
        // SAFETY: the import reads these bytes only.
        let id = unsafe { imports::connect(to.0.as_ptr(), to.1.into()) };
        result(id).map(|id| id as NetId)
    }

    fn connected(&mut self, id: NetId) -> SysResult<()> {
        result(imports::connected(id)).map(drop)
    }

    fn datagrams(&mut self, to: Endpoint) -> SysResult<NetId> {
        // SAFETY: the import reads these bytes only.
        let id = result(unsafe { imports::datagrams(to.0.as_ptr(), to.1.into()) })? as NetId;
        self.datagrams.insert(id, to);
        Ok(id)
    }

    fn send(&mut self, id: NetId, bytes: &[u8], to: Option<Endpoint>) -> SysResult<usize> {
        if to.is_some() && to.as_ref() != self.datagrams.get(&id) {
            return Err(Errno::ENETUNREACH);
        }
        // SAFETY: the import reads these bytes only.
        let count = result(unsafe { imports::send(id, bytes.as_ptr(), bytes.len()) })?;
        Ok(count.min(bytes.len()))
    }

    fn receive(&mut self, id: NetId, buf: &mut [u8]) -> SysResult<(usize, Option<Endpoint>)> {
        // SAFETY: the import writes to these bytes only.
        let count = result(unsafe { imports::receive(id, buf.as_mut_ptr(), buf.len()) })?;
        Ok((count.min(buf.len()), self.datagrams.get(&id).copied()))
    }

    fn finish(&mut self, id: NetId) {
        imports::finish(id);
    }

    fn close(&mut self, id: NetId) {
        self.datagrams.remove(&id);
        imports::close(id);
    }
}
