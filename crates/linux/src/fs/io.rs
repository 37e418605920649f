//! `read(2)`, `write(2)` and their relatives.

use alloc::vec::Vec;

use super::{InodeRef, OpenFile, SetAttr, flags};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::mm::SharedFile;
use crate::syscall::Args;

/// Most bytes of a call, as on the real system.
const COUNT_MAX: u64 = 0x7fff_f000;
/// Bytes that are moved at once.
const CHUNK: u64 = 1 << 17;

/// Reads an inode, through the pages that processes share if there are any.
pub fn read_inode(
    cx: &mut Context,
    inode: &InodeRef,
    pos: u64,
    buf: &mut [u8],
) -> SysResult<usize> {
    let count = inode.read_at(cx, pos, buf)?;
    if let Some(shared) = SharedFile::existing(inode) {
        shared.overlay(pos, &mut buf[..count]);
    }
    Ok(count)
}

/// Writes an inode, and the pages that processes share if there are any.
pub fn write_inode(cx: &mut Context, inode: &InodeRef, pos: u64, bytes: &[u8]) -> SysResult<usize> {
    let limit = cx.thread.process.limit(crate::task::limits::FSIZE).0;
    let room = limit.saturating_sub(pos);
    if room == 0 && !bytes.is_empty() {
        let thread = cx.thread.clone();
        cx.kernel.signal_thread(&thread, crate::signal::SigInfo::kernel(crate::signal::SIGXFSZ));
        return Err(Errno::EFBIG);
    }
    let bytes = &bytes[..bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
    let bytes = match bytes.len() as u64 {
        0 => bytes,
        len => &bytes[..super::seals::permit_write(cx, inode, pos, len)? as usize],
    };
    let count = inode.write_at(cx, pos, bytes)?;
    if let Some(shared) = SharedFile::existing(inode) {
        shared.written(pos, &bytes[..count])?;
    }
    drop_set_id(cx, inode)?;
    Ok(count)
}

/// Who is not root takes away the bits that change users by writing.
fn drop_set_id(cx: &mut Context, inode: &InodeRef) -> SysResult<()> {
    if cx.thread.credentials().has(crate::task::credentials::cap::FSETID) {
        return Ok(());
    }
    let stat = inode.stat(cx)?;
    if stat.mode & 0o6000 != 0 {
        // Without the group's execute bit, the group's bit asks for mandatory locks.
        let gone = if stat.mode & 0o010 != 0 { 0o6000 } else { 0o4000 };
        let mode = Some(stat.mode & 0o7777 & !gone);
        inode.set_attr(cx, &SetAttr { mode, ..SetAttr::default() })?;
    }
    Ok(())
}

/// Reads into the program's memory.
fn read_to(cx: &mut Context, open: &OpenFile, pos: &mut u64, parts: &[(u64, u64)]) -> SysResult {
    if !open.readable() {
        return Err(Errno::EBADF);
    }
    let mut done = 0;
    let mut buf = Vec::new();
    for &(addr, len) in parts {
        let mut at = 0;
        while at < len {
            let want = (len - at).min(CHUNK);
            let room = match cx.writable(addr + at, want) {
                Err(_) if done > 0 => return Ok(done),
                room => room?,
            };
            if room == 0 {
                return if done > 0 { Ok(done) } else { Err(Errno::EFAULT) };
            }
            buf.resize(room as usize, 0);
            let count = match open.file.read(cx, open, pos, &mut buf) {
                Ok(count) => count,
                Err(_) if done > 0 => return Ok(done),
                Err(error) => return Err(error),
            };
            cx.write_bytes(addr + at, &buf[..count])?;
            done += count as u64;
            at += count as u64;
            // Streams give what they have; asking again could wait.
            if (count as u64) < want || !open.file.seekable() && at < len {
                return Ok(done);
            }
        }
        if !open.file.seekable() && done > 0 && !more_at_once(cx, open) {
            return Ok(done);
        }
    }
    if done == 0 {
        // Reading nothing still finds what is wrong with the file.
        if parts.iter().all(|part| part.1 == 0) && open.file.seekable() {
            open.file.read(cx, open, pos, &mut [])?;
        }
    }
    Ok(done)
}

fn more_at_once(cx: &mut Context, open: &OpenFile) -> bool {
    open.file.poll(cx, open) & super::events::IN != 0
}

/// Writes from the program's memory.
fn write_from(cx: &mut Context, open: &OpenFile, pos: &mut u64, parts: &[(u64, u64)]) -> SysResult {
    if !open.writable() {
        return Err(Errno::EBADF);
    }
    // What a call that waited has written already.
    let mut skip = cx.progress();
    let mut done = skip;
    for &(addr, len) in parts {
        let mut at = skip.min(len);
        skip -= at;
        while at < len {
            let want = (len - at).min(CHUNK);
            let room = match cx.readable(addr + at, want) {
                Err(_) if done > 0 => return Ok(done),
                room => room?,
            };
            if room == 0 {
                return if done > 0 { Ok(done) } else { Err(Errno::EFAULT) };
            }
            let bytes = cx.read_vec(addr + at, room)?;
            let before = cx.progress();
            match open.file.write(cx, open, pos, &bytes) {
                Ok(count) => {
                    let count = count as u64 + (cx.progress() - before);
                    cx.with_call(|call| call.progress = done + count);
                    done += count;
                    at += count;
                    if count < want {
                        return Ok(done);
                    }
                }
                Err(Errno::PARK) => return Err(Errno::PARK),
                Err(_) if done > 0 => return Ok(done),
                Err(error) => return Err(error),
            }
        }
    }
    if parts.iter().all(|part| part.1 == 0) {
        open.file.write(cx, open, pos, &[])?;
    }
    Ok(done)
}

/// `read(2)`.
pub fn read(cx: &mut Context, args: Args) -> SysResult {
    let open = cx.io_file(args.int(0))?;
    let mut pos = open.pos.get();
    let result = read_to(cx, &open, &mut pos, &[(args.u64(1), args.u64(2).min(COUNT_MAX))]);
    open.pos.set(pos);
    result
}

/// `write(2)`.
pub fn write(cx: &mut Context, args: Args) -> SysResult {
    let open = cx.io_file(args.int(0))?;
    let mut pos = open.pos.get();
    let result = write_from(cx, &open, &mut pos, &[(args.u64(1), args.u64(2).min(COUNT_MAX))]);
    open.pos.set(pos);
    result
}

/// The buffers of `readv` and the like.
pub fn vectors(cx: &Context, at: u64, count: u64) -> SysResult<Vec<(u64, u64)>> {
    if count > 1024 {
        return Err(Errno::EINVAL);
    }
    let word = cx.word() as u64;
    let mut parts = Vec::new();
    let mut total = 0;
    for index in 0..count {
        let addr = crate::syscall::address(cx.read_word(at + index * 2 * word)?);
        let len = cx.read_word(at + index * 2 * word + word)?;
        let negative = if word == 4 { len > 0x7fff_ffff } else { len > i64::MAX as u64 };
        if negative {
            return Err(Errno::EINVAL);
        }
        let len = len.min(COUNT_MAX - total);
        total += len;
        parts.push((addr, len));
    }
    Ok(parts)
}

/// `readv(2)`.
pub fn readv(cx: &mut Context, args: Args) -> SysResult {
    let open = cx.io_file(args.int(0))?;
    let parts = vectors(cx, args.u64(1), args.u64(2))?;
    let mut pos = open.pos.get();
    let result = read_to(cx, &open, &mut pos, &parts);
    open.pos.set(pos);
    result
}

/// `writev(2)`.
pub fn writev(cx: &mut Context, args: Args) -> SysResult {
    let open = cx.io_file(args.int(0))?;
    let parts = vectors(cx, args.u64(1), args.u64(2))?;
    let mut pos = open.pos.get();
    let result = write_from(cx, &open, &mut pos, &parts);
    open.pos.set(pos);
    result
}

fn positioned(cx: &Context, fd: i32, offset: i64) -> SysResult<(alloc::rc::Rc<OpenFile>, u64)> {
    let pos = u64::try_from(offset).map_err(|_| Errno::EINVAL)?;
    let open = cx.io_file(fd)?;
    if open.file.seekable() { Ok((open, pos)) } else { Err(Errno::ESPIPE) }
}

/// `pread(2)`.
pub fn pread64(cx: &mut Context, args: Args) -> SysResult {
    let (open, mut pos) = positioned(cx, args.int(0), args.i64(3))?;
    read_to(cx, &open, &mut pos, &[(args.u64(1), args.u64(2).min(COUNT_MAX))])
}

/// `pwrite(2)`.
pub fn pwrite64(cx: &mut Context, args: Args) -> SysResult {
    let (open, mut pos) = positioned(cx, args.int(0), args.i64(3))?;
    write_from(cx, &open, &mut pos, &[(args.u64(1), args.u64(2).min(COUNT_MAX))])
}

/// `preadv(2)`.
pub fn preadv(cx: &mut Context, args: Args) -> SysResult {
    let (open, mut pos) = positioned(cx, args.int(0), args.i64(3))?;
    let parts = vectors(cx, args.u64(1), args.u64(2))?;
    read_to(cx, &open, &mut pos, &parts)
}

/// `pwritev(2)`.
pub fn pwritev(cx: &mut Context, args: Args) -> SysResult {
    let (open, mut pos) = positioned(cx, args.int(0), args.i64(3))?;
    let parts = vectors(cx, args.u64(1), args.u64(2))?;
    write_from(cx, &open, &mut pos, &parts)
}

/// `lseek(2)`.
pub fn lseek(cx: &mut Context, args: Args) -> SysResult {
    seek(cx, args.int(0), args.i64(1), args.u32(2))
}

/// `_llseek(2)` of i386: the offset in two halves, the result in memory.
pub fn llseek(cx: &mut Context, args: Args) -> SysResult {
    let offset = args.u64(1) << 32 | args.u64(2);
    let pos = seek(cx, args.int(0), offset as i64, args.u32(4))?;
    cx.write_u64(args.u64(3), pos)?;
    Ok(0)
}

fn seek(cx: &mut Context, fd: i32, offset: i64, whence: u32) -> SysResult {
    let open = cx.io_file(fd)?;
    if !open.file.seekable() {
        return Err(Errno::ESPIPE);
    }
    let size = |cx: &mut Context| open.stat(cx).map(|stat| stat.size as i64);
    let base = match whence {
        0 => 0,
        1 => open.pos.get() as i64,
        2 => size(cx)?,
        // A file without holes, as far as can be told: data up to the end.
        3 | 4 => {
            let size = size(cx)?;
            if offset < 0 || offset >= size {
                return Err(Errno::ENXIO);
            }
            let pos = if whence == 3 { offset } else { size };
            open.pos.set(pos as u64);
            return Ok(pos as u64);
        }
        _ => return Err(Errno::EINVAL),
    };
    let pos = base.checked_add(offset).ok_or(Errno::EOVERFLOW)?;
    if pos < 0 {
        return Err(Errno::EINVAL);
    }
    open.pos.set(pos as u64);
    *open.private.borrow_mut() = None;
    Ok(pos as u64)
}

/// `truncate(2)` of a place.
pub fn truncate_inode(cx: &mut Context, inode: &InodeRef, size: i64) -> SysResult<()> {
    let size = u64::try_from(size).map_err(|_| Errno::EINVAL)?;
    match inode.kind() {
        super::FileType::Regular => {}
        super::FileType::Directory => return Err(Errno::EISDIR),
        _ => return Err(Errno::EINVAL),
    }
    super::seals::permit_size(cx, inode, size)?;
    inode.set_attr(cx, &SetAttr { size: Some(size), ..SetAttr::default() })?;
    match SharedFile::existing(inode) {
        Some(shared) => shared.resize(size),
        None => Ok(()),
    }
}

/// `ftruncate(2)`, with either width.
pub fn ftruncate(cx: &mut Context, args: Args) -> SysResult {
    let open = cx.io_file(args.int(0))?;
    let inode = open.file.mappable().filter(|_| open.writable()).ok_or(Errno::EINVAL)?;
    truncate_inode(cx, &inode, args.i64(1))?;
    if let Some(place) = &open.location {
        super::inotify::tell_file(place, super::inotify::event::MODIFY);
    }
    Ok(0)
}

/// `truncate(2)`, with either width.
pub fn truncate(cx: &mut Context, args: Args) -> SysResult {
    let path = cx.read_path(args.u64(0))?;
    let place = super::walk::resolve(cx, super::walk::AT_FDCWD, &path, super::walk::Follow::Yes)?;
    super::permission(cx, place.inode(), super::access::WRITE)?;
    if place.mount.is_read_only() {
        return Err(Errno::EROFS);
    }
    truncate_inode(cx, place.inode(), args.i64(1))?;
    super::inotify::tell_file(&place, super::inotify::event::MODIFY);
    Ok(0)
}

/// `ioctl(2)`.
pub fn ioctl(cx: &mut Context, args: Args) -> SysResult {
    let fd = args.int(0);
    let open = cx.io_file(fd)?;
    match args.u32(1) {
        0x5421 => {
            let on = cx.read_u32(args.u64(2))? != 0;
            let old = open.flags.get();
            open.flags.set(if on { old | flags::NONBLOCK } else { old & !flags::NONBLOCK });
            Ok(0)
        }
        0x5450 => cx.files().borrow_mut().set_cloexec(fd, false).map(|()| 0),
        0x5451 => cx.files().borrow_mut().set_cloexec(fd, true).map(|()| 0),
        _ => open.file.ioctl(cx, &open, args),
    }
}

/// `fsync(2)`.
pub fn fsync(cx: &mut Context, args: Args) -> SysResult {
    let open = cx.io_file(args.int(0))?;
    let inode = open.inode().cloned().ok_or(Errno::EINVAL)?;
    inode.sync(cx, false).map(|()| 0)
}

/// `sync(2)`.
pub fn sync(cx: &mut Context, _: Args) -> SysResult {
    let list: Vec<_> = cx.kernel.mounts.iter().map(|mount| mount.fs.clone()).collect();
    for fs in list {
        match fs.sync(cx) {
            Err(Errno::NOT_READY) => return Err(Errno::NOT_READY),
            // The call has no way to tell of errors.
            _ => continue,
        }
    }
    Ok(0)
}
