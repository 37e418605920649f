//! Reading and writing, straight between the host and the guest's memory.

use crate::calls::poll::ready_or_wait;
use crate::descriptor::retry;
use crate::sys::Direction;
use crate::types::rights;
use crate::{Errno, GuestMemory, WasiCtx, sys};

pub(crate) fn fd_read(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    nread: u32,
) -> Result<(), Errno> {
    mem.check(nread, 4)?;
    ready_or_wait(ctx, fd, Direction::Read)?;
    let entry = ctx.table.get_mut(fd)?;
    let count = mem.scatter(iovs, iovs_len, |buffers| entry.read(buffers))?;
    mem.write_u32(nread, moved(count))
}

pub(crate) fn fd_pread(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    offset: u64,
    nread: u32,
) -> Result<(), Errno> {
    mem.check(nread, 4)?;
    let entry = ctx.table.get(fd)?;
    entry.require(rights::FD_READ)?;
    let file = entry.seekable(rights::FD_READ | rights::FD_SEEK)?;
    check_offset(offset)?;
    let count =
        mem.scatter(iovs, iovs_len, |buffers| Ok(retry(|| sys::read_at(file, buffers, offset))?))?;
    mem.write_u32(nread, moved(count))
}

pub(crate) fn fd_write(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    nwritten: u32,
) -> Result<(), Errno> {
    mem.check(nwritten, 4)?;
    ready_or_wait(ctx, fd, Direction::Write)?;
    let entry = ctx.table.get_mut(fd)?;
    let count = mem.gather(iovs, iovs_len, |buffers| entry.write(buffers))?;
    mem.write_u32(nwritten, moved(count))
}

pub(crate) fn fd_pwrite(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    offset: u64,
    nwritten: u32,
) -> Result<(), Errno> {
    mem.check(nwritten, 4)?;
    let entry = ctx.table.get(fd)?;
    entry.require(rights::FD_WRITE)?;
    let file = entry.seekable(rights::FD_WRITE | rights::FD_SEEK)?;
    check_offset(offset)?;
    let count =
        mem.gather(iovs, iovs_len, |buffers| Ok(retry(|| sys::write_at(file, buffers, offset))?))?;
    mem.write_u32(nwritten, moved(count))
}

/// Positions are signed in every host.
fn check_offset(offset: u64) -> Result<(), Errno> {
    match i64::try_from(offset) {
        Ok(_) => Ok(()),
        Err(_) => Err(Errno::Inval),
    }
}

/// One call moves less than 2 GiB; an embedder's reader or writer that claims
/// more is wrong, and not believed.
fn moved(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
