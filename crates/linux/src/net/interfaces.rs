//! Network interfaces: `lo`, and `eth0` where the host lets programs outside. What there is of
//! the second is only what programs look for: its packets are the host's sockets' affair.
//! `ioctl` requests ask about them (`netdevice(7)`), netlink, and files of `/proc/net`.

use alloc::vec::Vec;

use super::address;
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::Args;

/// An interface.
pub struct Interface {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: &'static str,
    /// Its largest packet.
    pub mtu: u32,
    /// `IFF_…`.
    pub flags: u32,
    /// `ARPHRD_…`.
    pub hardware: u16,
    /// Its hardware address, and that of all others.
    pub station: [[u8; 6]; 2],
    /// Its addresses, and the length of their networks' prefixes.
    pub ip4: ([u8; 4], u8),
    /// See `ip4`.
    pub ip6: ([u8; 16], u8),
    /// How far its addresses are good: `RT_SCOPE_…`, of version 4 and 6.
    pub scopes: [u8; 2],
    /// `IF_OPER_…`.
    pub state: u8,
}

/// The way outside.
pub const GATEWAY: [u8; 4] = [10, 0, 2, 2];

/// `IFF_LOOPBACK`.
const LOOPBACK: u32 = 8;

static ALL: [Interface; 2] = [
    Interface {
        index: 1,
        name: "lo",
        mtu: 65536,
        // Up, loopback, running.
        flags: 0x49,
        hardware: 772,
        station: [[0; 6]; 2],
        ip4: ([127, 0, 0, 1], 8),
        ip6: (address::LOOPBACK6, 128),
        scopes: [254, 254],
        state: 0,
    },
    Interface {
        index: 2,
        name: "eth0",
        mtu: 1500,
        // Up, broadcast, running, multicast.
        flags: 0x1043,
        hardware: 1,
        station: [[2, 0, 10, 0, 2, 15], [0xff; 6]],
        ip4: ([10, 0, 2, 15], 24),
        ip6: (address::OWN6, 64),
        scopes: [0, 200],
        state: 6,
    },
];

impl Interface {
    /// Whether packets come back on it.
    pub fn is_loopback(&self) -> bool {
        self.flags & LOOPBACK != 0
    }

    /// The mask of its network.
    pub fn mask(&self) -> [u8; 4] {
        (u32::MAX << (32 - u32::from(self.ip4.1))).to_be_bytes()
    }

    /// Its network.
    pub fn network(&self) -> [u8; 4] {
        core::array::from_fn(|at| self.ip4.0[at] & self.mask()[at])
    }

    /// The address of all in its network; none of a loopback.
    pub fn broadcast(&self) -> Option<[u8; 4]> {
        let all = core::array::from_fn(|at| self.ip4.0[at] | !self.mask()[at]);
        (!self.is_loopback()).then_some(all)
    }
}

/// Those that there are.
pub fn list(cx: &mut Context) -> &'static [Interface] {
    if cx.kernel.host.network().is_some() { &ALL } else { &ALL[..1] }
}

/// Requests of `netdevice(7)`.
pub fn ioctl(cx: &mut Context, args: Args) -> SysResult {
    const SIOCGIFNAME: u32 = 0x8910;
    const SIOCGIFCONF: u32 = 0x8912;
    let at = args.u64(2);
    match args.u32(1) {
        SIOCGIFCONF => addresses(cx, at),
        SIOCGIFNAME => {
            let index = cx.read_u32(at + 16)?;
            let found = list(cx).iter().find(|one| one.index == index).ok_or(Errno::ENODEV)?;
            cx.write_bytes(at, &name(found)).map(|()| 0)
        }
        request @ 0x8913..=0x8970 => {
            let asked = cx.read_vec(at, 16)?;
            let end = asked.iter().position(|&b| b == 0).unwrap_or(16);
            let is_asked = |one: &&Interface| one.name.as_bytes() == &asked[..end];
            let found = list(cx).iter().find(is_asked).ok_or(Errno::ENODEV)?;
            cx.write_bytes(at + 16, &detail(found, request)?).map(|()| 0)
        }
        _ => Err(Errno::ENOTTY),
    }
}

/// `SIOCGIFCONF`: a `struct ifreq` with the address of each, as many as there is room for.
fn addresses(cx: &mut Context, at: u64) -> SysResult {
    let word = cx.word() as u64;
    // A `struct ifreq` has 16 bytes of name, and as much as an address or a map takes.
    let size = if word == 8 { 40 } else { 32 };
    let room = cx.read_u32(at)? as usize;
    let to = cx.read_word(at + word)?;
    let mut records = Vec::new();
    for one in list(cx) {
        let mut record = name(one);
        record.extend_from_slice(&internet(one.ip4.0));
        record.resize(size, 0);
        if to == 0 || records.len() + size <= room {
            records.extend_from_slice(&record);
        }
    }
    if to != 0 {
        cx.write_bytes(to, &records)?;
    }
    cx.write_u32(at, records.len() as u32).map(|()| 0)
}

/// What a request asks of one.
fn detail(one: &Interface, request: u32) -> SysResult<Vec<u8>> {
    Ok(match request {
        0x8913 => (one.flags as u16).to_le_bytes().to_vec(),
        0x8915 => internet(one.ip4.0),
        0x8917 => internet(if one.is_loopback() { [0; 4] } else { one.ip4.0 }),
        0x8919 => internet(one.broadcast().unwrap_or([0; 4])),
        0x891b => internet(one.mask()),
        0x891d => 0u32.to_le_bytes().to_vec(),
        0x8921 => one.mtu.to_le_bytes().to_vec(),
        0x8927 => [&one.hardware.to_le_bytes()[..], &one.station[0], &[0; 8]].concat(),
        0x8933 => one.index.to_le_bytes().to_vec(),
        0x8942 => 1000u32.to_le_bytes().to_vec(),
        0x8970 => alloc::vec![0; 16],
        _ => return Err(Errno::EPERM),
    })
}

fn name(one: &Interface) -> Vec<u8> {
    let mut name = one.name.as_bytes().to_vec();
    name.resize(16, 0);
    name
}

fn internet(ip: [u8; 4]) -> Vec<u8> {
    let mut bytes = alloc::vec![2, 0, 0, 0];
    bytes.extend_from_slice(&ip);
    bytes.resize(16, 0);
    bytes
}
