//! Sockets, on descriptors that the embedder preopened.

use std::io::IoSliceMut;

use crate::calls::poll::ready_or_wait;
use crate::descriptor::{Descriptor, Entry, retry};
use crate::sys::Direction;
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
    ready_or_wait(ctx, fd, Direction::Read)?;
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
    ready_or_wait(ctx, fd, Direction::Read)?;
    let stream = stream(ctx, fd, rights::FD_READ)?;
    let count = mem.scatter(ri_data, ri_data_len, |buffers| match ri_flags {
        0 => Ok(retry(|| stream.read(buffers))?),
        PEEK => match buffers.first_mut() {
            Some(first) => Ok(retry(|| stream.peek(first))?),
            None => Ok(0),
        },
        WAITALL => read_all(stream, buffers),
        // Waiting until everything can be seen without taking it away.
        _ if ri_flags == PEEK | WAITALL => Err(Errno::NotSup),
        _ => Err(Errno::Inval),
    })?;
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
    ready_or_wait(ctx, fd, Direction::Write)?;
    let stream = stream(ctx, fd, rights::FD_WRITE)?;
    if si_flags != 0 {
        return Err(Errno::Inval);
    }
    let count = mem.gather(si_data, si_data_len, |buffers| Ok(retry(|| stream.write(buffers))?))?;
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

fn read_all(stream: &sys::Stream, buffers: &mut [IoSliceMut<'_>]) -> Result<usize, Errno> {
    let mut total = 0;
    for buffer in buffers {
        match retry(|| stream.read_all(buffer)) {
            Ok(count) if count == buffer.len() => total += count,
            Ok(count) => return Ok(total + count),
            // What has been taken must be delivered.
            Err(_) if total > 0 => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(total)
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
