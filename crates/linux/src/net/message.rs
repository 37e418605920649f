//! `sendmsg(2)` and `recvmsg(2)`: `struct msghdr`, and control messages (`cmsg(3)`).

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::ancillary::Message;
use super::inbox::Sender;
use super::receive::Received;
use super::rights::{PACKET_MAX, Rights};
use super::send::With;
use super::socket::Socket;
use super::{Address, Family, address as addresses, msg};
use crate::errno::{Errno, SysResult};
use crate::fs::{OpenFile, flags};
use crate::kernel::Context;
use crate::mm::demand;
use crate::syscall::address;

const SOL_SOCKET: u32 = 1;
const SCM_RIGHTS: u32 = 1;
const SCM_CREDENTIALS: u32 = 2;
const SO_PASSCRED: u32 = 16;
/// Bytes that one call moves at most.
const SIZE_MAX: u64 = 1 << 20;

/// A `struct msghdr` of the program.
pub struct Header {
    at: u64,
    /// The address, and its length.
    pub name: u64,
    /// See `name`.
    pub name_len: i32,
    /// Buffers.
    pub parts: Vec<(u64, u64)>,
    control: u64,
    control_len: u64,
}

impl Header {
    /// Reads it.
    pub fn read(cx: &Context, at: u64) -> SysResult<Header> {
        let word = cx.word() as u64;
        let name_len = cx.read_u32(at + word)? as i32;
        if name_len < 0 {
            return Err(Errno::EINVAL);
        }
        let count = cx.read_word(at + 3 * word)?;
        if count > 1024 {
            return Err(Errno::EMSGSIZE);
        }
        let parts = crate::fs::io::vectors(cx, address(cx.read_word(at + 2 * word)?), count)?;
        Ok(Header {
            at,
            name: address(cx.read_word(at)?),
            name_len,
            parts,
            control: address(cx.read_word(at + 4 * word)?),
            control_len: cx.read_word(at + 5 * word)?,
        })
    }

    /// Where the flags of what was received go, and the length of the address.
    fn tell(&self, cx: &Context, name_len: Option<u32>, control: u64, how: u32) -> SysResult<()> {
        let word = cx.word() as u64;
        if let Some(len) = name_len {
            cx.write_u32(self.at + word, len)?;
        }
        cx.write_word(self.at + 5 * word, control)?;
        cx.write_u32(self.at + 6 * word, how)
    }
}

/// What control messages say that are sent.
#[derive(Default)]
struct Control {
    files: Vec<Rc<OpenFile>>,
    sender: Option<Sender>,
}

fn read_control(cx: &Context, header: &Header) -> SysResult<Control> {
    let mut control = Control::default();
    if header.control == 0 || header.control_len == 0 {
        return Ok(control);
    }
    if header.control_len > 1 << 16 {
        return Err(Errno::ENOBUFS);
    }
    let bytes = cx.read_vec(header.control, header.control_len)?;
    let word = cx.word();
    let head = word + 8;
    let number = |at: usize| {
        let part = bytes.get(at..at + 4).and_then(|part| part.try_into().ok());
        part.map(u32::from_le_bytes).ok_or(Errno::EINVAL)
    };
    let mut at = 0;
    while at + head <= bytes.len() {
        // The upper half of a length of amd64 is zero in all that fits.
        let len = number(at)? as usize;
        if len < head || len > bytes.len() - at {
            return Err(Errno::EINVAL);
        }
        let (level, kind) = (number(at + word)?, number(at + word + 4)?);
        let data = at + head..at + len;
        match (level, kind) {
            (SOL_SOCKET, SCM_RIGHTS) => {
                for fd in data.clone().step_by(4) {
                    if fd + 4 <= data.end {
                        control.files.push(cx.file(number(fd)? as i32)?);
                    }
                }
                if control.files.len() > PACKET_MAX {
                    return Err(Errno::EINVAL);
                }
            }
            (SOL_SOCKET, SCM_CREDENTIALS) => {
                if data.len() != 12 {
                    return Err(Errno::EINVAL);
                }
                let sender = Sender {
                    pid: number(data.start)? as i32,
                    uid: number(data.start + 4)?,
                    gid: number(data.start + 8)?,
                };
                let c = cx.thread.credentials();
                let may = |capability| c.has(capability);
                use crate::task::credentials::cap;
                let pid = sender.pid == cx.thread.process.pid || may(cap::SYS_ADMIN);
                let uid = [c.uid, c.euid, c.suid].contains(&sender.uid) || may(cap::SETUID);
                let gid = [c.gid, c.egid, c.sgid].contains(&sender.gid) || may(cap::SETGID);
                if !(pid && uid && gid) {
                    return Err(Errno::EPERM);
                }
                control.sender = Some(sender);
            }
            (SOL_SOCKET, _) => return Err(Errno::EINVAL),
            _ => {}
        }
        at += len.next_multiple_of(word);
    }
    Ok(control)
}

/// Sends a message of the program.
pub fn send(
    cx: &mut Context,
    socket: &Rc<Socket>,
    open: &OpenFile,
    header: &Header,
    how: u32,
) -> SysResult {
    let to = match header.name {
        0 => None,
        at => Some(addresses::read(cx, socket.family, at, header.name_len)?),
    };
    let control = read_control(cx, header)?;
    let total: u64 = header.parts.iter().map(|part| part.1).sum();
    if !socket.connects() && total > SIZE_MAX {
        return Err(Errno::EMSGSIZE);
    }
    let skip = if socket.connects() { cx.progress() } else { 0 };
    let bytes = gather(cx, &header.parts, skip)?;
    let rights = match control.files.is_empty() || skip > 0 {
        true => None,
        false if socket.family != Family::Unix => None,
        false => Some(Rights::new(control.files, &cx.kernel.names.in_flight)?),
    };
    let before = cx.progress();
    let nonblocking = open.nonblocking() || how & msg::DONTWAIT != 0;
    let sent =
        socket.send(cx, nonblocking, &bytes, to, With { rights, sender: control.sender }, how)?;
    Ok(before + sent as u64)
}

/// The bytes of buffers from `skip` on.
pub fn gather(cx: &Context, parts: &[(u64, u64)], mut skip: u64) -> SysResult<Vec<u8>> {
    let mut bytes = Vec::new();
    for &(addr, len) in parts {
        let from = skip.min(len);
        skip -= from;
        let want = (len - from).min(SIZE_MAX.saturating_sub(bytes.len() as u64));
        bytes.extend_from_slice(&cx.read_vec(addr + from, want)?);
    }
    Ok(bytes)
}

/// Receives into buffers of the program; `MSG_WAITALL` goes on until they are full.
pub fn receive_into(
    cx: &mut Context,
    socket: &Rc<Socket>,
    open: &OpenFile,
    parts: &[(u64, u64)],
    how: u32,
) -> SysResult<Received> {
    let total: u64 = parts.iter().map(|part| part.1).sum();
    let mut buf = alloc::vec![0; total.min(SIZE_MAX) as usize];
    let nonblocking = open.nonblocking() || how & msg::DONTWAIT != 0;
    let stream = socket.kind == super::Kind::Stream;
    let whole = how & msg::WAITALL != 0 && stream && how & msg::PEEK == 0;
    let done = if whole { cx.progress() as usize } else { 0 };
    let room = buf.len().saturating_sub(done);
    // What was taken can't be put back.
    for &(addr, len) in parts {
        demand::touch(cx, addr, len.min(SIZE_MAX))?;
    }
    let mut received = socket.receive(cx, nonblocking, &mut buf[..room], how)?;
    let mut left = &buf[..received.count];
    let mut skip = done as u64;
    for &(addr, len) in parts {
        let from = skip.min(len);
        skip -= from;
        let part = left.len().min((len - from) as usize);
        cx.write_bytes(addr + from, &left[..part])?;
        left = &left[part..];
    }
    if whole {
        let ended = received.count == 0;
        cx.add_progress(received.count as u64);
        received.count += done;
        received.full = received.count;
        if !ended && received.count < buf.len() && received.files.is_empty() && !nonblocking {
            return Err(socket.wait(cx, 0, false));
        }
    }
    Ok(received)
}

/// Receives a message for the program.
pub fn receive(
    cx: &mut Context,
    socket: &Rc<Socket>,
    open: &OpenFile,
    header: &Header,
    how: u32,
) -> SysResult {
    demand::touch(cx, header.name, header.name_len as u64)?;
    demand::touch(cx, header.control, header.control_len.min(SIZE_MAX))?;
    let received = receive_into(cx, socket, open, &header.parts, how)?;
    let mut told = how & msg::CMSG_CLOEXEC;
    if received.full > received.count {
        told |= msg::TRUNC;
    }
    let mut control = Vec::new();
    let room = if header.control == 0 { 0 } else { header.control_len as usize };
    if socket.family == Family::Unix && socket.option(SOL_SOCKET, SO_PASSCRED) != 0 {
        let sender = received.sender;
        let mut data = Vec::new();
        [sender.pid as u32, sender.uid, sender.gid]
            .iter()
            .for_each(|value| data.extend_from_slice(&value.to_le_bytes()));
        let message = (SOL_SOCKET, SCM_CREDENTIALS, data);
        told |= add_control(cx, &mut control, room, &message);
    }
    for message in received.ip.iter().flat_map(|header| socket.ancillary(header)) {
        told |= add_control(cx, &mut control, room, &message);
    }
    if !received.files.is_empty() {
        told |= give_files(cx, &mut control, room, &received.files, how)?;
    }
    cx.write_bytes(header.control, &control)?;
    let name_len = match header.name {
        0 => None,
        at => {
            let bytes = match &received.from {
                Address::Unspecified => Vec::new(),
                // A UNIX socket without a name is no address at all here.
                Address::Unnamed => Vec::new(),
                from => addresses::encode(socket.family, from),
            };
            cx.write_bytes(at, &bytes[..bytes.len().min(header.name_len as usize)])?;
            Some(bytes.len() as u32)
        }
    };
    header.tell(cx, name_len, control.len() as u64, told)?;
    let whole = how & msg::TRUNC != 0;
    Ok(if whole { received.full } else { received.count } as u64)
}

/// Adds a control message; the flag to tell if it does not fit.
fn add_control(cx: &Context, out: &mut Vec<u8>, room: usize, message: &Message) -> u32 {
    let (level, kind, data) = message;
    let word = cx.word();
    let head = word + 8;
    let left = room.saturating_sub(out.len());
    if left < head {
        return msg::CTRUNC;
    }
    let fits = data.len().min(left - head);
    out.extend_from_slice(&((head + fits) as u64).to_le_bytes()[..word]);
    out.extend_from_slice(&level.to_le_bytes());
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&data[..fits]);
    let end = out.len().next_multiple_of(word).min(room);
    out.resize(end, 0);
    if fits < data.len() { msg::CTRUNC } else { 0 }
}

/// Gives the program descriptors of files; those that there is no room for are dropped.
fn give_files(
    cx: &Context,
    out: &mut Vec<u8>,
    room: usize,
    files: &[Rc<OpenFile>],
    how: u32,
) -> SysResult<u32> {
    let head = cx.word() + 8;
    let fits = room.saturating_sub(out.len() + head) / 4;
    if room.saturating_sub(out.len()) < head {
        return Ok(msg::CTRUNC);
    }
    let open_flags = if how & msg::CMSG_CLOEXEC != 0 { flags::CLOEXEC } else { 0 };
    let mut data = Vec::new();
    for file in files.iter().take(fits) {
        match cx.install(file.clone(), open_flags) {
            Ok(fd) => data.extend_from_slice(&fd.to_le_bytes()),
            Err(_) => break,
        }
    }
    let truncated = data.len() < files.len() * 4;
    if !data.is_empty() {
        add_control(cx, out, room, &(SOL_SOCKET, SCM_RIGHTS, data));
    }
    Ok(if truncated { msg::CTRUNC } else { 0 })
}
