//! Everything by path, except opening.

use std::borrow::Cow;

use cap_fs_ext::DirExt;

use crate::descriptor::Directory;
use crate::filestat::{FileTimes, Filestat, NewTime};
use crate::types::rights;
use crate::{Abi, Errno, GuestMemory, WasiCtx};

/// The longest path, as on Linux (`PATH_MAX` without the closing zero).
const MAX_PATH: u32 = 4095;

pub(crate) fn path_create_directory(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    path: u32,
    path_len: u32,
) -> Result<(), Errno> {
    let directory = writable(ctx, fd, rights::PATH_CREATE_DIRECTORY)?;
    let path = &*path_text(mem, path, path_len)?;
    Ok(directory.dir.create_dir(path)?)
}

pub(crate) fn path_filestat_get(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    flags: u32,
    path: u32,
    path_len: u32,
    buf: u32,
) -> Result<(), Errno> {
    filestat(ctx, mem, fd, flags, path, path_len)?.write(Abi::Preview1, mem, buf)
}

pub(crate) fn unstable_path_filestat_get(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    flags: u32,
    path: u32,
    path_len: u32,
    buf: u32,
) -> Result<(), Errno> {
    filestat(ctx, mem, fd, flags, path, path_len)?.write(Abi::Unstable, mem, buf)
}

pub(crate) fn path_filestat_set_times(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    flags: u32,
    path: u32,
    path_len: u32,
    atim: u64,
    mtim: u64,
    fst_flags: u32,
) -> Result<(), Errno> {
    let fst_flags = u16::try_from(fst_flags).map_err(|_| Errno::Inval)?;
    let times = FileTimes::from_raw(atim, mtim, fst_flags)?;
    let follow = follows(flags)?;
    let directory = writable(ctx, fd, rights::PATH_FILESTAT_SET_TIMES)?;
    let path = &*path_text(mem, path, path_len)?;
    let [accessed, modified] =
        [times.accessed, times.modified].map(|time| time.map(NewTime::to_spec));
    match follow || names_directory(path) {
        true => directory.dir.set_times(path, accessed, modified)?,
        false => directory.dir.set_symlink_times(path, accessed, modified)?,
    }
    Ok(())
}

/// Both directories have to be writable: a link into a writable one would
/// make a file of a read-only one writable.
pub(crate) fn path_link(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    old_fd: u32,
    old_flags: u32,
    old_path: u32,
    old_path_len: u32,
    new_fd: u32,
    new_path: u32,
    new_path_len: u32,
) -> Result<(), Errno> {
    // Links to what a symbolic link points at can't be made without a race.
    if follows(old_flags)? {
        return Err(Errno::Inval);
    }
    let old = writable(ctx, old_fd, rights::PATH_LINK_SOURCE)?;
    let new = writable(ctx, new_fd, rights::PATH_LINK_TARGET)?;
    let old_path = &*path_text(mem, old_path, old_path_len)?;
    let new_path = &*path_text(mem, new_path, new_path_len)?;
    Ok(old.dir.hard_link(old_path, &new.dir, new_path)?)
}

/// Absolute targets are neither shown nor made: in the sandbox they name
/// nothing, and they would tell about the host.
pub(crate) fn path_readlink(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    path: u32,
    path_len: u32,
    buf: u32,
    buf_len: u32,
    bufused: u32,
) -> Result<(), Errno> {
    mem.check(bufused, 4)?;
    let directory = readable(ctx, fd, rights::PATH_READLINK)?;
    let target = directory.dir.read_link(&*path_text(mem, path, path_len)?)?;
    let target = target.to_str().ok_or(Errno::Ilseq)?.as_bytes();

    mem.check(buf, buf_len)?;
    let len = target.len().min(buf_len as usize);
    mem.write(buf, &target[..len])?;
    mem.write_u32(bufused, len as u32)
}

pub(crate) fn path_symlink(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    old_path: u32,
    old_path_len: u32,
    fd: u32,
    new_path: u32,
    new_path_len: u32,
) -> Result<(), Errno> {
    let directory = writable(ctx, fd, rights::PATH_SYMLINK)?;
    let target = &*path_text(mem, old_path, old_path_len)?;
    let path = &*path_text(mem, new_path, new_path_len)?;
    if std::path::Path::new(target).has_root() {
        return Err(Errno::Perm);
    }
    Ok(directory.dir.symlink(target, path)?)
}

pub(crate) fn path_remove_directory(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    path: u32,
    path_len: u32,
) -> Result<(), Errno> {
    let directory = writable(ctx, fd, rights::PATH_REMOVE_DIRECTORY)?;
    let path = &*path_text(mem, path, path_len)?;
    // The library takes a closing slash for a dot, which can't be removed.
    Ok(directory.dir.remove_dir(path.trim_end_matches('/'))?)
}

pub(crate) fn path_rename(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    old_path: u32,
    old_path_len: u32,
    new_fd: u32,
    new_path: u32,
    new_path_len: u32,
) -> Result<(), Errno> {
    let old = writable(ctx, fd, rights::PATH_RENAME_SOURCE)?;
    let new = writable(ctx, new_fd, rights::PATH_RENAME_TARGET)?;
    let old_path = &*path_text(mem, old_path, old_path_len)?;
    let new_path = &*path_text(mem, new_path, new_path_len)?;
    Ok(old.dir.rename(old_path, &new.dir, new_path)?)
}

pub(crate) fn path_unlink_file(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    path: u32,
    path_len: u32,
) -> Result<(), Errno> {
    let directory = writable(ctx, fd, rights::PATH_UNLINK_FILE)?;
    let path = &*path_text(mem, path, path_len)?;
    directory.dir.remove_file_or_symlink(path).map_err(|error| {
        // Linux says which it is; POSIX and macOS say "not permitted". And a
        // closing slash makes the library try to remove a dot.
        let slash = path.ends_with('/');
        match directory.dir.symlink_metadata(path.trim_end_matches('/')) {
            Ok(metadata) if metadata.is_dir() => Errno::IsDir,
            Ok(_) if slash => Errno::NotDir,
            _ => error.into(),
        }
    })
}

/// A path as a guest gives it.
pub(crate) fn path_text<'m>(
    mem: &'m GuestMemory<'_>,
    ptr: u32,
    len: u32,
) -> Result<Cow<'m, str>, Errno> {
    if len > MAX_PATH {
        mem.check(ptr, len)?;
        return Err(Errno::NameTooLong);
    }
    let path = mem.text(ptr, len)?;
    match &*path {
        "" => Err(Errno::NoEnt),
        text if text.contains('\0') => Err(Errno::Inval),
        _ => Ok(path),
    }
}

/// Whether `lookupflags` say to follow a symbolic link at the end of a path.
pub(crate) fn follows(lookupflags: u32) -> Result<bool, Errno> {
    match lookupflags {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Errno::Inval),
    }
}

/// Whether a path says that it names a directory. Then a symbolic link is
/// followed in any case.
pub(crate) fn names_directory(path: &str) -> bool {
    path.ends_with('/') || path.ends_with("/.")
}

fn filestat(
    ctx: &WasiCtx,
    mem: &GuestMemory<'_>,
    fd: u32,
    flags: u32,
    path: u32,
    path_len: u32,
) -> Result<Filestat, Errno> {
    let follow = follows(flags)?;
    let directory = readable(ctx, fd, rights::PATH_FILESTAT_GET)?;
    let path = &*path_text(mem, path, path_len)?;
    let metadata = match follow || names_directory(path) {
        true => directory.dir.metadata(path)?,
        false => directory.dir.symlink_metadata(path)?,
    };
    Ok(Filestat::of(&metadata))
}

fn readable(ctx: &WasiCtx, fd: u32, needed: u64) -> Result<&Directory, Errno> {
    ctx.table.get(fd)?.directory(needed)
}

fn writable(ctx: &WasiCtx, fd: u32, needed: u64) -> Result<&Directory, Errno> {
    let directory = readable(ctx, fd, needed)?;
    directory.require_writable()?;
    Ok(directory)
}
