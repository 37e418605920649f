//! Open files: position, size, times, attributes, storage.

use std::io::{Seek, SeekFrom};

use cap_fs_ext::DirExt;
use cap_std::fs::Metadata;

use super::fd::filetype;
use crate::descriptor::{Descriptor, Entry, retry};
use crate::filestat::{FileTimes, Filestat, NewTime};
use crate::types::rights;
use crate::{Abi, Errno, GuestMemory, WasiCtx, sys};

pub(crate) fn fd_seek(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    offset: i64,
    whence: u32,
    new_offset: u32,
) -> Result<(), Errno> {
    let whence = match whence {
        0 => Whence::Set,
        1 => Whence::Cur,
        2 => Whence::End,
        _ => return Err(Errno::Inval),
    };
    seek(ctx, mem, fd, offset, whence, new_offset)
}

pub(crate) fn unstable_fd_seek(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    offset: i64,
    whence: u32,
    new_offset: u32,
) -> Result<(), Errno> {
    let whence = match whence {
        0 => Whence::Cur,
        1 => Whence::End,
        2 => Whence::Set,
        _ => return Err(Errno::Inval),
    };
    seek(ctx, mem, fd, offset, whence, new_offset)
}

pub(crate) fn fd_tell(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    offset: u32,
) -> Result<(), Errno> {
    seek(ctx, mem, fd, 0, Whence::Cur, offset)
}

pub(crate) fn fd_advise(
    ctx: &mut WasiCtx,
    _mem: &mut GuestMemory<'_>,
    fd: u32,
    offset: u64,
    len: u64,
    advice: u32,
) -> Result<(), Errno> {
    let entry = ctx.table.get(fd)?;
    if matches!(entry.descriptor, Descriptor::Directory(_)) {
        return Err(Errno::Badf);
    }
    let file = entry.seekable(rights::FD_ADVISE)?;
    let end = offset.checked_add(len).ok_or(Errno::Inval)?;
    if i64::try_from(end).is_err() {
        return Err(Errno::Inval);
    }
    let advice = match advice {
        0 => sys::Advice::Normal,
        1 => sys::Advice::Sequential,
        2 => sys::Advice::Random,
        3 => sys::Advice::WillNeed,
        4 => sys::Advice::DontNeed,
        5 => sys::Advice::NoReuse,
        _ => return Err(Errno::Inval),
    };
    Ok(sys::advise(file, offset, len, advice)?)
}

pub(crate) fn fd_allocate(
    ctx: &mut WasiCtx,
    _mem: &mut GuestMemory<'_>,
    fd: u32,
    offset: u64,
    len: u64,
) -> Result<(), Errno> {
    let file = ctx.table.get(fd)?.seekable(rights::FD_ALLOCATE)?;
    if len == 0 || i64::try_from(offset).is_err() || i64::try_from(len).is_err() {
        return Err(Errno::Inval);
    }
    let end = offset.checked_add(len).ok_or(Errno::Fbig)?;
    if i64::try_from(end).is_err() {
        return Err(Errno::Fbig);
    }
    Ok(retry(|| sys::allocate(file, offset, len))?)
}

pub(crate) fn fd_datasync(
    ctx: &mut WasiCtx,
    _mem: &mut GuestMemory<'_>,
    fd: u32,
) -> Result<(), Errno> {
    let entry = ctx.table.get_mut(fd)?;
    match &mut entry.descriptor {
        Descriptor::File(file) => Ok(retry(|| file.file.sync_data())?),
        _ => sync_other(entry),
    }
}

pub(crate) fn fd_sync(ctx: &mut WasiCtx, _mem: &mut GuestMemory<'_>, fd: u32) -> Result<(), Errno> {
    let entry = ctx.table.get_mut(fd)?;
    match &mut entry.descriptor {
        Descriptor::File(file) => Ok(retry(|| file.file.sync_all())?),
        _ => sync_other(entry),
    }
}

pub(crate) fn fd_filestat_get(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    buf: u32,
) -> Result<(), Errno> {
    filestat(ctx.table.get(fd)?)?.write(Abi::Preview1, mem, buf)
}

pub(crate) fn unstable_fd_filestat_get(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    buf: u32,
) -> Result<(), Errno> {
    filestat(ctx.table.get(fd)?)?.write(Abi::Unstable, mem, buf)
}

pub(crate) fn fd_filestat_set_size(
    ctx: &mut WasiCtx,
    _mem: &mut GuestMemory<'_>,
    fd: u32,
    size: u64,
) -> Result<(), Errno> {
    let entry = ctx.table.get(fd)?;
    let file = entry.file()?;
    // As for a descriptor that isn't open for writing.
    entry.require(rights::FD_FILESTAT_SET_SIZE).map_err(|_| Errno::Inval)?;
    Ok(retry(|| file.file.set_len(size))?)
}

pub(crate) fn fd_filestat_set_times(
    ctx: &mut WasiCtx,
    _mem: &mut GuestMemory<'_>,
    fd: u32,
    atim: u64,
    mtim: u64,
    flags: u32,
) -> Result<(), Errno> {
    let flags = u16::try_from(flags).map_err(|_| Errno::Inval)?;
    let times = FileTimes::from_raw(atim, mtim, flags)?;
    let entry = ctx.table.get(fd)?;
    entry.require(rights::FD_FILESTAT_SET_TIMES)?;
    match &entry.descriptor {
        Descriptor::File(file) => file.file.set_times(times.to_std())?,
        Descriptor::Directory(directory) => {
            directory.require_writable()?;
            let [accessed, modified] =
                [times.accessed, times.modified].map(|time| time.map(NewTime::to_spec));
            directory.dir.set_times(".", accessed, modified)?;
        }
        _ => return Err(Errno::Badf),
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Whence {
    Set,
    Cur,
    End,
}

fn seek(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    offset: i64,
    whence: Whence,
    new_offset: u32,
) -> Result<(), Errno> {
    mem.check(new_offset, 8)?;
    // To ask where one is, the right to tell is enough.
    let needed = match (whence, offset) {
        (Whence::Cur, 0) => rights::FD_TELL,
        _ => rights::FD_SEEK | rights::FD_TELL,
    };
    let mut file = ctx.table.get(fd)?.seekable(needed)?;
    let target = match whence {
        Whence::Set => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::Inval)?),
        Whence::Cur => SeekFrom::Current(offset),
        Whence::End => SeekFrom::End(offset),
    };
    let position = file.seek(target)?;
    mem.write_u64(new_offset, position)
}

fn sync_other(entry: &mut Entry) -> Result<(), Errno> {
    match &mut entry.descriptor {
        Descriptor::Output(writer) => Ok(retry(|| writer.flush())?),
        // A directory is opened only to look things up in it; to be
        // synchronised it has to be opened again.
        Descriptor::Directory(directory) => Ok(sys::sync_directory(&directory.dir)?),
        _ => Err(Errno::Inval),
    }
}

fn filestat(entry: &Entry) -> Result<Filestat, Errno> {
    entry.require(rights::FD_FILESTAT_GET)?;
    match &entry.descriptor {
        Descriptor::File(file) => Ok(Filestat::of(&Metadata::from_file(&file.file)?)),
        Descriptor::Directory(directory) => Ok(Filestat::of(&directory.dir.dir_metadata()?)),
        _ => Ok(Filestat::without_file(filetype(entry))),
    }
}
