//! Sockets: UNIX, and TCP and UDP inside the VM (`socket(7)`, `unix(7)`, `ip(7)`).
//!
//! There is no wire: a socket has an inbox, and sending puts a packet into the inbox of the
//! peer. [`Socket`] is the same for all families; what differs is how a peer is found
//! ([`names`]), and what an address looks like ([`address`]).

pub mod address;
pub mod ancillary;
pub mod calls;
mod handle;
pub mod inbox;
pub mod interfaces;
mod listen;
pub mod message;
pub mod names;
pub mod netlink;
pub mod options;
pub mod outside;
pub mod receive;
pub mod rights;
mod routes;
pub mod send;
pub mod socket;

pub use address::Address;
pub use names::Names;
pub use outside::{Endpoint, NetId, Network};
pub use socket::Socket;

/// `AF_…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Family {
    Unix = 1,
    Inet = 2,
    Inet6 = 10,
    Netlink = 16,
}

/// `SOCK_…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Kind {
    Stream = 1,
    Datagram = 2,
    SeqPacket = 5,
}

/// Flags of `send(2)` and `recv(2)`.
#[allow(missing_docs)]
pub mod msg {
    pub const OOB: u32 = 1;
    pub const PEEK: u32 = 2;
    pub const CTRUNC: u32 = 8;
    pub const TRUNC: u32 = 0x20;
    pub const DONTWAIT: u32 = 0x40;
    pub const EOR: u32 = 0x80;
    pub const WAITALL: u32 = 0x100;
    pub const ERRQUEUE: u32 = 0x2000;
    pub const NOSIGNAL: u32 = 0x4000;
    pub const WAITFORONE: u32 = 0x1_0000;
    pub const CMSG_CLOEXEC: u32 = 0x4000_0000;
}
