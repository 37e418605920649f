//! `getsockopt(2)` and `setsockopt(2)`. Options that change nothing here are kept and told
//! again, within what is known; what is not known is an error.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::socket::{BUFFER, Socket};
use super::{Family, Kind};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::Args;
use crate::task::credentials::cap;

const SOL_SOCKET: u32 = 1;
const SOL_TCP: u32 = 6;
const SOL_IP: u32 = 0;
const SOL_IPV6: u32 = 41;
const SOL_NETLINK: u32 = 270;

mod so {
    pub const TYPE: u32 = 3;
    pub const ERROR: u32 = 4;
    pub const SNDBUF: u32 = 7;
    pub const RCVBUF: u32 = 8;
    pub const LINGER: u32 = 13;
    pub const PEERCRED: u32 = 17;
    pub const RCVTIMEO: u32 = 20;
    pub const SNDTIMEO: u32 = 21;
    pub const ACCEPTCONN: u32 = 30;
    pub const SNDBUFFORCE: u32 = 32;
    pub const RCVBUFFORCE: u32 = 33;
    pub const PROTOCOL: u32 = 38;
    pub const DOMAIN: u32 = 39;
    pub const RCVTIMEO_NEW: u32 = 66;
    pub const SNDTIMEO_NEW: u32 = 67;
}

/// Options of `SOL_SOCKET` that are on or off: REUSEADDR, DONTROUTE, BROADCAST, KEEPALIVE,
/// OOBINLINE, REUSEPORT, PASSCRED, TIMESTAMP, PASSSEC.
const FLAGS: [u32; 9] = [2, 5, 6, 9, 10, 15, 16, 29, 34];

/// What an option is that nobody set.
pub fn default(level: u32, name: u32) -> u32 {
    match (level, name) {
        (SOL_SOCKET, so::SNDBUF | so::RCVBUF) => BUFFER as u32,
        // RCVLOWAT, SNDLOWAT.
        (SOL_SOCKET, 18 | 19) => 1,
        // MAXSEG, KEEPIDLE, KEEPINTVL, KEEPCNT, SYNCNT, LINGER2.
        (SOL_TCP, 2) => 536,
        (SOL_TCP, 4) => 7200,
        (SOL_TCP, 5) => 75,
        (SOL_TCP, 6) => 9,
        (SOL_TCP, 7) => 6,
        (SOL_TCP, 8) => 60,
        (SOL_TCP, 12) => 1,
        // TTL, MTU_DISCOVER, MULTICAST_TTL, MULTICAST_LOOP.
        (SOL_IP, 2) => 64,
        (SOL_IP, 10 | 33 | 34) => 1,
        // UNICAST_HOPS, MULTICAST_HOPS, MULTICAST_LOOP, MTU_DISCOVER.
        (SOL_IPV6, 16) => 64,
        (SOL_IPV6, 18 | 19 | 23) => 1,
        _ => 0,
    }
}

/// Whether an option is one that is kept.
fn is_known(socket: &Socket, level: u32, name: u32) -> bool {
    let ip = matches!(socket.family, Family::Inet | Family::Inet6);
    match level {
        // PRIORITY, RCVLOWAT, BUSY_POLL, INCOMING_CPU, MARK.
        SOL_SOCKET => FLAGS.contains(&name) || matches!(name, 12 | 18 | 36 | 46 | 49),
        SOL_TCP => ip && socket.kind == Kind::Stream && matches!(name, 1..=9 | 12 | 18 | 23 | 25),
        SOL_IP => ip && matches!(name, 1 | 2 | 4 | 6 | 8 | 10 | 11 | 12 | 13 | 15 | 24 | 33 | 34),
        SOL_IPV6 => {
            socket.family == Family::Inet6
                && matches!(name, 16 | 18 | 19 | 23 | 25 | 26 | 49 | 51 | 66 | 67 | 70)
        }
        SOL_NETLINK => socket.family == Family::Netlink && (1..=12).contains(&name),
        _ => false,
    }
}

/// What an unknown option says: other words for families and levels.
fn unknown(socket: &Socket, level: u32) -> Errno {
    let ip = matches!(socket.family, Family::Inet | Family::Inet6);
    if level == SOL_SOCKET || ip { Errno::ENOPROTOOPT } else { Errno::EOPNOTSUPP }
}

/// `setsockopt(2)`.
pub fn setsockopt(cx: &mut Context, args: Args) -> SysResult {
    let (socket, _) = Socket::of_fd(cx, args.int(0))?;
    let (level, name, at, len) = (args.u32(1), args.u32(2), args.u64(3), args.int(4));
    if len < 0 {
        return Err(Errno::EINVAL);
    }
    match (level, name) {
        (SOL_SOCKET, so::RCVTIMEO | so::RCVTIMEO_NEW) => return set_timeout(cx, &socket, 0, &args),
        (SOL_SOCKET, so::SNDTIMEO | so::SNDTIMEO_NEW) => return set_timeout(cx, &socket, 1, &args),
        (SOL_SOCKET, so::TYPE | so::ERROR | so::PROTOCOL | so::DOMAIN | so::ACCEPTCONN) => {
            return Err(Errno::ENOPROTOOPT);
        }
        _ => {}
    }
    let value = match len {
        4.. => cx.read_u32(at)?,
        1..4 if level != SOL_SOCKET => u32::from(cx.read_vec(at, 1)?[0]),
        _ => return Err(Errno::EINVAL),
    };
    let keep = |value: u32| {
        socket.options.borrow_mut().insert((level, name), value);
        Ok(0)
    };
    match (level, name) {
        (SOL_SOCKET, so::LINGER) => {
            if len < 8 {
                return Err(Errno::EINVAL);
            }
            let seconds = cx.read_u32(at + 4)?;
            socket.options.borrow_mut().insert((level, name), u32::from(value != 0));
            socket.options.borrow_mut().insert((level, u32::MAX), seconds);
            Ok(0)
        }
        (SOL_SOCKET, so::SNDBUF | so::RCVBUF | so::SNDBUFFORCE | so::RCVBUFFORCE) => {
            let force = name >= so::SNDBUFFORCE;
            if force && !cx.thread.credentials().has(cap::NET_ADMIN) {
                return Err(Errno::EPERM);
            }
            let send = matches!(name, so::SNDBUF | so::SNDBUFFORCE);
            // Doubled, as on the real system, which counts its own records, too.
            let least = if send { 4608 } else { 2304 };
            let doubled = (value.min(BUFFER as u32) * 2).max(least);
            let kept = if send { so::SNDBUF } else { so::RCVBUF };
            socket.options.borrow_mut().insert((SOL_SOCKET, kept), doubled);
            if !send {
                socket.inbox.set_capacity(doubled as usize);
            }
            Ok(0)
        }
        (SOL_SOCKET, name) if FLAGS.contains(&name) => keep(u32::from(value != 0)),
        (SOL_IPV6, 26) if socket.local.borrow().is_some() => Err(Errno::EINVAL),
        (SOL_TCP, 1 | 3 | 12) | (SOL_IP, 8 | 12 | 13) | (SOL_IPV6, 26 | 49 | 51 | 66)
            if is_known(&socket, level, name) =>
        {
            keep(u32::from(value != 0))
        }
        _ if is_known(&socket, level, name) => keep(value),
        _ => Err(unknown(&socket, level)),
    }
}

fn set_timeout(cx: &Context, socket: &Socket, which: usize, args: &Args) -> SysResult {
    let wide = matches!(args.u32(2), so::RCVTIMEO_NEW | so::SNDTIMEO_NEW) || cx.word() == 8;
    let word: u64 = if wide { 8 } else { 4 };
    if args.int(4) < 2 * word as i32 {
        return Err(Errno::EINVAL);
    }
    let read = |at: u64| match wide {
        true => cx.read_u64(at).map(|value| value as i64),
        false => cx.read_u32(at).map(|value| i64::from(value as i32)),
    };
    let (seconds, micros) = (read(args.u64(3))?, read(args.u64(3) + word)?);
    if !(0..1_000_000).contains(&micros) {
        return Err(Errno::EDOM);
    }
    let ns = match seconds {
        ..0 => 1,
        seconds => (seconds as u64).saturating_mul(1_000_000_000) + micros as u64 * 1000,
    };
    let mut timeouts = socket.timeouts.get();
    timeouts[which] = (ns != 0).then_some(ns);
    socket.timeouts.set(timeouts);
    Ok(0)
}

/// `getsockopt(2)`.
pub fn getsockopt(cx: &mut Context, args: Args) -> SysResult {
    let (socket, _) = Socket::of_fd(cx, args.int(0))?;
    let (level, name, at) = (args.u32(1), args.u32(2), args.u64(3));
    let room = cx.read_u32(args.u64(4))? as i32;
    if room < 0 {
        return Err(Errno::EINVAL);
    }
    let bytes = value(cx, &socket, level, name)?;
    let count = bytes.len().min(room as usize);
    cx.write_bytes(at, &bytes[..count])?;
    cx.write_u32(args.u64(4), count as u32)?;
    Ok(0)
}

fn value(cx: &Context, socket: &Rc<Socket>, level: u32, name: u32) -> SysResult<Vec<u8>> {
    let int = |value: u32| Ok(value.to_le_bytes().to_vec());
    let words = |list: &[u32]| Ok(list.iter().flat_map(|value| value.to_le_bytes()).collect());
    if level != SOL_SOCKET {
        return match (level, name) {
            // TCP_INFO: established or not, and nothing measured.
            (SOL_TCP, 11) if is_known(socket, SOL_TCP, 1) => {
                let state = if socket.is_listening() {
                    10
                } else if socket.connected.get() {
                    1
                } else {
                    7
                };
                let mut info = alloc::vec![0; 104];
                info[0] = state;
                Ok(info)
            }
            _ if is_known(socket, level, name) => int(socket.option(level, name)),
            _ => Err(unknown(socket, level)),
        };
    }
    match name {
        so::TYPE => int(socket.kind as u32),
        so::DOMAIN => int(socket.family as u32),
        so::PROTOCOL => int(socket.protocol),
        so::ERROR => {
            socket.connecting.set(false);
            int(socket.take_error().map_or(0, |error| u32::from(error.0)))
        }
        so::ACCEPTCONN => int(u32::from(socket.is_listening())),
        so::LINGER => {
            let seconds = socket.options.borrow().get(&(level, u32::MAX)).copied();
            words(&[socket.option(level, so::LINGER), seconds.unwrap_or(0)])
        }
        so::PEERCRED => {
            let nobody = super::inbox::Sender { pid: 0, uid: u32::MAX, gid: u32::MAX };
            let peer = socket.peer_owner.get().unwrap_or(nobody);
            words(&[peer.pid as u32, peer.uid, peer.gid])
        }
        so::RCVTIMEO | so::SNDTIMEO | so::RCVTIMEO_NEW | so::SNDTIMEO_NEW => {
            let which = usize::from(matches!(name, so::SNDTIMEO | so::SNDTIMEO_NEW));
            let ns = socket.timeouts.get()[which].unwrap_or(0);
            let parts = [ns / 1_000_000_000, ns % 1_000_000_000 / 1000];
            let wide = cx.word() == 8 || name >= so::RCVTIMEO_NEW;
            let size = if wide { 8 } else { 4 };
            Ok(parts.iter().flat_map(|part| part.to_le_bytes()[..size].to_vec()).collect())
        }
        so::SNDBUF | so::RCVBUF | 18 | 19 => int(socket.option(level, name)),
        _ if is_known(socket, level, name) => int(socket.option(level, name)),
        _ => Err(Errno::ENOPROTOOPT),
    }
}
