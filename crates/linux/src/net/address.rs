//! Addresses of sockets (`sockaddr`).

use alloc::vec::Vec;

use super::Family;
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;

/// Bytes of the largest (`sockaddr_storage`).
const MAX: i32 = 128;
/// Bytes of a path of a UNIX socket.
const PATH_MAX: usize = 108;

/// An address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A UNIX socket without a name.
    Unnamed,
    /// A UNIX socket that is a file.
    Path(Vec<u8>),
    /// A UNIX socket in the name space without files.
    Abstract(Vec<u8>),
    /// An IP address, those of version 4 as `::ffff:a.b.c.d`, and a port.
    Ip([u8; 16], u16),
    /// A netlink socket: its number, and multicast groups.
    Netlink(u32, u32),
    /// `AF_UNSPEC`: takes a connection away.
    Unspecified,
}

/// `::ffff:0:0`.
const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
/// `::`.
pub const ANY6: [u8; 16] = [0; 16];
/// `0.0.0.0`.
pub const ANY4: [u8; 16] = mapped([0; 4]);
/// `::1`.
pub const LOOPBACK6: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
/// `127.0.0.1`.
pub const LOOPBACK4: [u8; 16] = mapped([127, 0, 0, 1]);

/// The machine's own address outside.
pub const OWN4: [u8; 16] = mapped([10, 0, 2, 15]);
/// The same in version 6.
pub const OWN6: [u8; 16] = [0xfe, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15];

/// An address of version 4 in the form of version 6.
pub const fn mapped(ip: [u8; 4]) -> [u8; 16] {
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ip[0], ip[1], ip[2], ip[3]]
}

/// Whether it is one of version 4.
pub fn is_v4(ip: &[u8; 16]) -> bool {
    ip.starts_with(&MAPPED)
}

/// Whether it means every address of the machine.
pub fn is_any(ip: &[u8; 16]) -> bool {
    *ip == ANY6 || *ip == ANY4
}

/// Whether it is this machine's.
pub fn is_local(ip: &[u8; 16]) -> bool {
    *ip == LOOPBACK6 || *ip == OWN4 || *ip == OWN6 || is_v4(ip) && ip[12] == 127
}

/// Reads an address of a family from the program.
pub fn read(cx: &Context, family: Family, at: u64, len: i32) -> SysResult<Address> {
    if !(0..=MAX).contains(&len) {
        return Err(Errno::EINVAL);
    }
    let bytes = cx.read_vec(at, len as u64)?;
    let Some(tag) = bytes.first_chunk::<2>() else { return Err(Errno::EINVAL) };
    let tag = u16::from_le_bytes(*tag);
    let port = || bytes.get(2..4).map_or(0, |port| u16::from_be_bytes([port[0], port[1]]));
    match (family, tag) {
        (Family::Inet | Family::Inet6, 0) if bytes.len() < 16 => Ok(Address::Unspecified),
        (Family::Unix, 0) => Ok(Address::Unspecified),
        (Family::Unix, 1) => unix(&bytes[2..]),
        (Family::Inet6, 0) => Ok(Address::Unspecified),
        (Family::Inet, 0 | 2) | (Family::Inet6, 2) => {
            let ip = bytes.get(4..8).and_then(|ip| ip.try_into().ok());
            match (bytes.len() >= 16, ip) {
                (true, Some(ip)) if tag == 0 && ip != [0; 4] => {
                    let _: [u8; 4] = ip;
                    Err(Errno::EAFNOSUPPORT)
                }
                (true, Some(ip)) => Ok(Address::Ip(mapped(ip), port())),
                _ => Err(Errno::EINVAL),
            }
        }
        (Family::Inet6, 10) => {
            let ip = bytes.get(8..24).and_then(|ip| ip.try_into().ok());
            Ok(Address::Ip(ip.ok_or(Errno::EINVAL)?, port()))
        }
        (Family::Netlink, 16) => {
            let word = |at: usize| {
                let part = bytes.get(at..at + 4).and_then(|part| part.try_into().ok());
                part.map(u32::from_le_bytes).ok_or(Errno::EINVAL)
            };
            Ok(Address::Netlink(word(4)?, word(8)?))
        }
        (Family::Unix | Family::Netlink, _) => Err(Errno::EINVAL),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

fn unix(name: &[u8]) -> SysResult<Address> {
    match name {
        [] => Ok(Address::Unnamed),
        _ if name.len() > PATH_MAX => Err(Errno::EINVAL),
        [0, rest @ ..] => Ok(Address::Abstract(rest.to_vec())),
        _ => {
            let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
            Ok(Address::Path(name[..end].to_vec()))
        }
    }
}

/// An address as programs of a family see it.
pub fn encode(family: Family, address: &Address) -> Vec<u8> {
    let mut bytes = (family as u16).to_le_bytes().to_vec();
    match address {
        Address::Unnamed | Address::Unspecified => {}
        Address::Path(path) => {
            bytes.extend_from_slice(path);
            bytes.push(0);
        }
        Address::Abstract(name) => {
            bytes.push(0);
            bytes.extend_from_slice(name);
        }
        Address::Ip(ip, port) if family == Family::Inet => {
            bytes.extend_from_slice(&port.to_be_bytes());
            bytes.extend_from_slice(&ip[12..]);
            bytes.resize(16, 0);
        }
        Address::Ip(ip, port) => {
            bytes.extend_from_slice(&port.to_be_bytes());
            bytes.extend_from_slice(&[0; 4]);
            bytes.extend_from_slice(ip);
            bytes.extend_from_slice(&[0; 4]);
        }
        Address::Netlink(number, groups) => {
            bytes.extend_from_slice(&[0; 2]);
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend_from_slice(&groups.to_le_bytes());
        }
    }
    bytes
}

/// Tells the program an address: as much as `*len` has room for, and how long it is.
pub fn tell(
    cx: &Context,
    at: u64,
    len_at: u64,
    family: Family,
    address: &Address,
) -> SysResult<()> {
    let room = cx.read_u32(len_at)? as i32;
    if room < 0 {
        return Err(Errno::EINVAL);
    }
    let bytes = encode(family, address);
    cx.write_bytes(at, &bytes[..bytes.len().min(room as usize)])?;
    cx.write_u32(len_at, bytes.len() as u32)
}
