//! What comes with a datagram of UDP, as control messages (`ip(7)`, `ipv6(7)`): where it was sent
//! to, its hops and its class, if the program asked for that.

use alloc::vec::Vec;

use super::{Family, Socket, address};

const SOL_IP: u32 = 0;
const SOL_IPV6: u32 = 41;

/// What a packet's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpHeader {
    /// The address that it was sent to.
    pub to: [u8; 16],
    /// How many more hops it may take (`TTL`, hop limit).
    pub hops: u8,
    /// Type of service, traffic class.
    pub class: u8,
    /// The interface that it came through.
    pub interface: u32,
}

/// A control message: level, type, content.
pub type Message = (u32, u32, Vec<u8>);

impl Socket {
    /// The header of what this socket sends to an address.
    pub(super) fn header_to(&self, to: [u8; 16]) -> IpHeader {
        const TOS: u32 = 1;
        const TTL: u32 = 2;
        const UNICAST_HOPS: u32 = 16;
        const TCLASS: u32 = 67;
        let (hops, class) = match address::is_v4(&to) {
            true => (self.option(SOL_IP, TTL), self.option(SOL_IP, TOS)),
            false => (self.option(SOL_IPV6, UNICAST_HOPS), self.option(SOL_IPV6, TCLASS)),
        };
        // -1 stands for what is usual.
        let (hops, class) = (u8::try_from(hops).unwrap_or(64), u8::try_from(class).unwrap_or(0));
        IpHeader { to: super::socket::source_for_target(to), hops, class, interface: 1 }
    }

    /// What the program wants to know of a packet.
    pub(super) fn ancillary(&self, header: &IpHeader) -> Vec<Message> {
        let is_on = |level: u32, name: u32| self.option(level, name) != 0;
        let int = |value: u32| value.to_le_bytes().to_vec();
        let mut list = Vec::new();
        let is_v4 = address::is_v4(&header.to);
        if self.family == Family::Inet6 && is_on(SOL_IPV6, 49) {
            let data = [&header.to[..], &header.interface.to_le_bytes()].concat();
            list.push((SOL_IPV6, 50, data));
        }
        if is_v4 {
            if is_on(SOL_IP, 8) {
                let ip = &header.to[12..];
                list.push((SOL_IP, 8, [&header.interface.to_le_bytes()[..], ip, ip].concat()));
            }
            if is_on(SOL_IP, 12) {
                list.push((SOL_IP, 2, int(header.hops.into())));
            }
            if is_on(SOL_IP, 13) {
                list.push((SOL_IP, 1, alloc::vec![header.class]));
            }
        } else {
            if is_on(SOL_IPV6, 51) {
                list.push((SOL_IPV6, 52, int(header.hops.into())));
            }
            if is_on(SOL_IPV6, 66) {
                list.push((SOL_IPV6, 67, int(header.class.into())));
            }
        }
        list
    }
}
