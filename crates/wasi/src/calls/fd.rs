//! Descriptors themselves: closing, renumbering, what they are and may.

use crate::descriptor::{Descriptor, Entry, Owner};
use crate::types::{Filetype, fdflags, rights};
use crate::{Errno, GuestMemory, WasiCtx, sys};

pub(crate) fn fd_close(
    ctx: &mut WasiCtx,
    _mem: &mut GuestMemory<'_>,
    fd: u32,
) -> Result<(), Errno> {
    ctx.table.remove(fd).map(drop)
}

pub(crate) fn fd_renumber(
    ctx: &mut WasiCtx,
    _mem: &mut GuestMemory<'_>,
    from: u32,
    to: u32,
) -> Result<(), Errno> {
    ctx.table.renumber(from, to)
}

pub(crate) fn fd_fdstat_get(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    stat: u32,
) -> Result<(), Errno> {
    let entry = ctx.table.get(fd)?;
    let mut bytes = [0; 24];
    bytes[0] = filetype(entry) as u8;
    bytes[2..4].copy_from_slice(&entry.flags.to_le_bytes());
    bytes[8..16].copy_from_slice(&entry.rights.to_le_bytes());
    bytes[16..24].copy_from_slice(&entry.inheriting.to_le_bytes());
    mem.write(stat, &bytes)
}

pub(crate) fn fd_fdstat_set_flags(
    ctx: &mut WasiCtx,
    _mem: &mut GuestMemory<'_>,
    fd: u32,
    flags: u32,
) -> Result<(), Errno> {
    const CHANGEABLE: u16 = fdflags::APPEND | fdflags::NONBLOCK;

    let flags = u16::try_from(flags).map_err(|_| Errno::Inval)?;
    let entry = ctx.table.get_mut(fd)?;
    let changed = entry.flags ^ flags;
    if matches!(entry.descriptor, Descriptor::Directory(_)) {
        return Err(Errno::Badf);
    }
    entry.require(rights::FD_FDSTAT_SET_FLAGS)?;
    // No host changes the synchronous modes of an open file.
    if changed & !CHANGEABLE != 0 {
        return Err(Errno::Inval);
    }

    let append = flags & fdflags::APPEND != 0;
    let nonblock = flags & fdflags::NONBLOCK != 0;
    match &entry.descriptor {
        Descriptor::File(file) if file.owner == Owner::Guest => {
            sys::set_flags(&file.file, append, nonblock)?;
        }
        Descriptor::Listener(listener) if !append => listener.set_nonblocking(nonblock)?,
        Descriptor::Stream(stream) if !append => stream.set_nonblocking(nonblock)?,
        // Not waiting is done by looking first: see `Entry::read`.
        _ if !append => {}
        _ => return Err(Errno::NotSup),
    }
    entry.flags = flags;
    Ok(())
}

pub(crate) fn fd_fdstat_set_rights(
    ctx: &mut WasiCtx,
    _mem: &mut GuestMemory<'_>,
    fd: u32,
    base: u64,
    inheriting: u64,
) -> Result<(), Errno> {
    let entry = ctx.table.get_mut(fd)?;
    if base & !entry.rights != 0 || inheriting & !entry.inheriting != 0 {
        return Err(Errno::NotCapable);
    }
    entry.rights = base;
    entry.inheriting = inheriting;
    Ok(())
}

pub(crate) fn fd_prestat_get(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    prestat: u32,
) -> Result<(), Errno> {
    let name = preopened_name(ctx, fd)?;
    let len = u32::try_from(name.len()).map_err(|_| Errno::Overflow)?;
    // A tag, of which directory is 0, then the length of the name.
    mem.write_u64(prestat, u64::from(len) << 32)
}

pub(crate) fn fd_prestat_dir_name(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    path: u32,
    path_len: u32,
) -> Result<(), Errno> {
    let name = preopened_name(ctx, fd)?;
    if name.len() > path_len as usize {
        return Err(Errno::NameTooLong);
    }
    mem.write(path, name.as_bytes())
}

/// The `filetype` of what stands behind a descriptor.
pub(crate) fn filetype(entry: &Entry) -> Filetype {
    match &entry.descriptor {
        // Whatever the embedder plugged in, it is a pipe to the guest.
        Descriptor::Input(_) | Descriptor::Output(_) => Filetype::Unknown,
        Descriptor::File(file) => file.filetype,
        Descriptor::Directory(_) => Filetype::Directory,
        Descriptor::Listener(_) | Descriptor::Stream(_) => Filetype::SocketStream,
    }
}

fn preopened_name(ctx: &WasiCtx, fd: u32) -> Result<&str, Errno> {
    match &ctx.table.get(fd)?.descriptor {
        Descriptor::Directory(directory) => directory.name.as_deref().ok_or(Errno::Badf),
        _ => Err(Errno::Badf),
    }
}
