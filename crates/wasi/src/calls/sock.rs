//! Sockets, on descriptors that the embedder preopened.

use crate::descriptor::{Descriptor, Entry, retry};
use crate::types::{fdflags, rights};
use crate::{Errno, GuestMemory, WasiCtx, sys};

pub(crate) fn sock_accept(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    flags: u32,
    accepted_fd: u32,
) -> Result<(), Errno> {
    mem.check(accepted_fd, 4)?;
    if flags & !u32::from(fdflags::NONBLOCK) != 0 {
        return Err(Errno::Inval);
    }
    ctx.table.check_room()?;
    let parent = ctx.table.get(fd)?;
    let Descriptor::Listener(listener) = &parent.descriptor else {
        return Err(Errno::NotSock);
    };
    parent.require(rights::SOCK_ACCEPT)?;

    let stream = retry(|| listener.accept())?;
    // A host may pass on the mode of the listener; WASI doesn't.
    stream.set_nonblocking(flags != 0)?;
    let inheriting = parent.inheriting;
    let mut entry = Entry::new(Descriptor::Stream(stream));
    entry.rights &= inheriting;
    entry.flags = flags as u16;
    let number = ctx.table.insert(entry)?;
    mem.write_u32(accepted_fd, number)
}

pub(crate) fn sock_recv(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    ri_data: u32,
    ri_data_len: u32,
    ri_flags: u32,
    ro_datalen: u32,
    ro_flags: u32,
) -> Result<(), Errno> {
    /// `riflags`
    const PEEK: u32 = 1 << 0;
    const WAITALL: u32 = 1 << 1;

    mem.check(ro_datalen, 4)?;
    mem.check(ro_flags, 2)?;
    let stream = stream(ctx, fd, rights::FD_READ)?;
    let mut buffers = mem.scatter(ri_data, ri_data_len)?;
    let count = match ri_flags {
        0 => retry(|| stream.read(&mut buffers))?,
        PEEK => match buffers.first_mut() {
            Some(first) => retry(|| stream.peek(first))?,
            None => 0,
        },
        WAITALL => {
            let mut total = 0;
            for buffer in &mut buffers {
                let count = stream.read_all(buffer)?;
                total += count;
                if count < buffer.len() {
                    break;
                }
            }
            total
        }
        // Waiting until everything can be seen without taking it away.
        _ if ri_flags == PEEK | WAITALL => return Err(Errno::NotSup),
        _ => return Err(Errno::Inval),
    };
    // Streams lose nothing, so no flag is ever returned.
    mem.write(ro_flags, &[0, 0])?;
    mem.write_u32(ro_datalen, u32::try_from(count).unwrap_or(u32::MAX))
}

pub(crate) fn sock_send(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    si_data: u32,
    si_data_len: u32,
    si_flags: u32,
    so_datalen: u32,
) -> Result<(), Errno> {
    mem.check(so_datalen, 4)?;
    let stream = stream(ctx, fd, rights::FD_WRITE)?;
    if si_flags != 0 {
        return Err(Errno::Inval);
    }
    let buffers = mem.gather(si_data, si_data_len)?;
    let count = retry(|| stream.write(&buffers))?;
    mem.write_u32(so_datalen, u32::try_from(count).unwrap_or(u32::MAX))
}

pub(crate) fn sock_shutdown(
    ctx: &mut WasiCtx,
    _mem: &mut GuestMemory<'_>,
    fd: u32,
    how: u32,
) -> Result<(), Errno> {
    use std::net::Shutdown;

    let stream = stream(ctx, fd, rights::SOCK_SHUTDOWN)?;
    let how = match how {
        1 => Shutdown::Read,
        2 => Shutdown::Write,
        3 => Shutdown::Both,
        _ => return Err(Errno::Inval),
    };
    Ok(stream.shutdown(how)?)
}

fn stream(ctx: &WasiCtx, fd: u32, needed: u64) -> Result<&sys::Stream, Errno> {
    let entry = ctx.table.get(fd)?;
    match &entry.descriptor {
        Descriptor::Stream(stream) => {
            entry.require(needed)?;
            Ok(stream)
        }
        Descriptor::Listener(_) => Err(Errno::NotConn),
        _ => Err(Errno::NotSock),
    }
}
