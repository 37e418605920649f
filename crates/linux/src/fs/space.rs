//! Calls about a file's space and the cache: `fallocate(2)`, `posix_fadvise(2)` and their
//! kin, and `preadv2(2)`.

use super::{FileType, InodeRef, OpenFile};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::mm::SharedFile;
use crate::syscall::Args;

/// `fallocate(2)`.
pub fn fallocate(cx: &mut Context, args: Args) -> SysResult {
    const KEEP_SIZE: u32 = 1;
    const PUNCH_HOLE: u32 = 2;
    const ZERO_RANGE: u32 = 16;
    let (mode, pos, len) = (args.u32(1), args.i64(2), args.i64(3));
    let open = cx.io_file(args.int(0))?;
    if pos < 0 || len <= 0 {
        return Err(Errno::EINVAL);
    }
    if mode & !0x7f != 0 || mode & PUNCH_HOLE != 0 && mode & KEEP_SIZE == 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    if !open.writable() {
        return Err(Errno::EBADF);
    }
    let inode = match open.inode() {
        Some(inode) if inode.kind() == FileType::Fifo => return Err(Errno::ESPIPE),
        Some(inode) => inode.clone(),
        None => return Err(Errno::ESPIPE),
    };
    match inode.kind() {
        FileType::Regular => {}
        FileType::Directory => return Err(Errno::EISDIR),
        _ => return Err(Errno::ENODEV),
    }
    let (pos, len) = (pos as u64, len as u64);
    let end = pos.checked_add(len).filter(|end| *end <= i64::MAX as u64).ok_or(Errno::EFBIG)?;
    if mode & !(KEEP_SIZE | PUNCH_HOLE | ZERO_RANGE) != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    if mode & KEEP_SIZE == 0 && end > cx.thread.process.limit(crate::task::limits::FSIZE).0 {
        return Err(Errno::EFBIG);
    }
    let old = inode.stat(cx)?.size;
    if mode & (PUNCH_HOLE | ZERO_RANGE) != 0 {
        super::seals::permit_write(cx, &inode, 0, 0)?;
    }
    if mode & PUNCH_HOLE == 0 {
        super::seals::permit_size(cx, &inode, old.max(end))?;
    }
    if mode & ZERO_RANGE != 0 {
        inode.fallocate(cx, KEEP_SIZE | PUNCH_HOLE, pos, len)?;
    }
    inode.fallocate(cx, mode & !ZERO_RANGE, pos, len)?;
    if let Some(shared) = SharedFile::existing(&inode) {
        let new = inode.stat(cx)?.size;
        if new > shared.len() {
            shared.resize(new)?;
        }
        if mode & (PUNCH_HOLE | ZERO_RANGE) != 0 {
            shared.zero(pos..end.min(old).max(pos));
        }
    }
    Ok(0)
}

fn advise(open: &OpenFile, len: i64, advice: i32) -> SysResult {
    if len < 0 || !(0..=5).contains(&advice) {
        return Err(Errno::EINVAL);
    }
    if open.file.seekable() { Ok(0) } else { Err(Errno::ESPIPE) }
}

/// `posix_fadvise(2)`: there is no cache that could be told.
pub fn fadvise64(cx: &mut Context, args: Args) -> SysResult {
    let open = cx.io_file(args.int(0))?;
    advise(&open, args.i64(2), args.int(3))
}

/// `readahead(2)`.
pub fn readahead(cx: &mut Context, args: Args) -> SysResult {
    let open = cx.io_file(args.int(0))?;
    let regular = |inode: &InodeRef| inode.kind() == FileType::Regular;
    match (open.readable(), open.inode().is_some_and(regular)) {
        (false, _) => Err(Errno::EBADF),
        (_, false) => Err(Errno::EINVAL),
        _ => Ok(0),
    }
}

/// `sync_file_range(2)`.
pub fn sync_file_range(cx: &mut Context, args: Args) -> SysResult {
    let open = cx.io_file(args.int(0))?;
    if args.u32(3) & !7 != 0 || args.i64(1) < 0 || args.i64(2) < 0 {
        return Err(Errno::EINVAL);
    }
    let inode = open.inode().cloned().ok_or(Errno::ESPIPE)?;
    inode.sync(cx, true).map(|()| 0)
}

/// Flags of `preadv2`: what they ask for holds anyway (high priority, sync of data that is
/// written at once), but for appending and not waiting.
fn check_flags(flags: u32) -> SysResult<()> {
    const KNOWN: u32 = 0x0f;
    if flags & !KNOWN != 0 { Err(Errno::EOPNOTSUPP) } else { Ok(()) }
}

/// `preadv2(2)`; a position of -1 is the file's own.
pub fn preadv2(cx: &mut Context, args: Args) -> SysResult {
    check_flags(args.u32(4))?;
    if args.i64(3) == -1 { super::io::readv(cx, args) } else { super::io::preadv(cx, args) }
}

/// `pwritev2(2)`.
pub fn pwritev2(cx: &mut Context, args: Args) -> SysResult {
    const SYNC: u32 = 6;
    check_flags(args.u32(4))?;
    let result =
        if args.i64(3) == -1 { super::io::writev(cx, args) } else { super::io::pwritev(cx, args) };
    if args.u32(4) & SYNC != 0
        && result.is_ok()
        && let Some(inode) = cx.io_file(args.int(0))?.inode().cloned()
    {
        inode.sync(cx, true)?;
    }
    result
}
