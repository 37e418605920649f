//! Seals of files in memory: what may not happen to them any more (`F_ADD_SEALS`).
//!
//! Source: fcntl(2), "File Sealing". Files of a tmpfs are sealed against seals, only a memfd
//! may be made without that.

use alloc::rc::Rc;

use super::{InodeRef, OpenFile};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::mm::{Backing, SharedFile, page_down};

/// No more seals.
pub const SEAL: u32 = 1;
/// It does not become smaller.
pub const SHRINK: u32 = 2;
/// It does not become larger.
pub const GROW: u32 = 4;
/// It is not written.
pub const WRITE: u32 = 8;
/// As [`WRITE`], but mappings that are there already may be written.
pub const FUTURE_WRITE: u32 = 16;

/// `F_GET_SEALS`.
pub fn get(open: &OpenFile) -> SysResult {
    let inode = open.inode().ok_or(Errno::EINVAL)?;
    inode.extra().seals.get().map(u64::from).ok_or(Errno::EINVAL)
}

/// `F_ADD_SEALS`.
pub fn add(cx: &mut Context, open: &OpenFile, more: u32) -> SysResult {
    let inode = open.inode().ok_or(Errno::EINVAL)?;
    let seals = inode.extra().seals.get().ok_or(Errno::EINVAL)?;
    if !open.writable() {
        return Err(Errno::EPERM);
    }
    if more & !(SEAL | SHRINK | GROW | WRITE | FUTURE_WRITE) != 0 {
        return Err(Errno::EINVAL);
    }
    if seals & SEAL != 0 {
        return Err(Errno::EPERM);
    }
    if more & !seals & WRITE != 0 && is_mapped_to_write(cx, inode) {
        return Err(Errno::EBUSY);
    }
    inode.extra().seals.set(Some(seals | more));
    Ok(0)
}

/// How many of `len` bytes may be written at `pos`; `EPERM` if none. A file that does not grow
/// takes what is before its last page, if the last one would reach over its end.
pub fn permit_write(cx: &mut Context, inode: &InodeRef, pos: u64, len: u64) -> SysResult<u64> {
    let seals = of(inode);
    if seals & (WRITE | FUTURE_WRITE) != 0 {
        return Err(Errno::EPERM);
    }
    if seals & GROW == 0 || len == 0 {
        return Ok(len);
    }
    let size = inode.stat(cx)?.size;
    if pos.saturating_add(len) <= size {
        return Ok(len);
    }
    match page_down(size).saturating_sub(pos) {
        0 => Err(Errno::EPERM),
        count => Ok(count),
    }
}

/// Whether the file may get this size; `EPERM` if not.
pub fn permit_size(cx: &mut Context, inode: &InodeRef, size: u64) -> SysResult<()> {
    let seals = of(inode);
    if seals & (SHRINK | GROW) == 0 {
        return Ok(());
    }
    let old = inode.stat(cx)?.size;
    if seals & SHRINK != 0 && size < old || seals & GROW != 0 && size > old {
        return Err(Errno::EPERM);
    }
    Ok(())
}

/// Whether a shared mapping of it may be written.
pub fn permits_mapping(inode: &InodeRef) -> bool {
    of(inode) & (WRITE | FUTURE_WRITE) == 0
}

fn of(inode: &InodeRef) -> u32 {
    inode.extra().seals.get().unwrap_or(0)
}

fn is_mapped_to_write(cx: &Context, inode: &InodeRef) -> bool {
    let Some(shared) = SharedFile::existing(inode) else { return false };
    cx.kernel.threads.values().any(|thread| {
        let mm = thread.mm();
        let mm = mm.borrow();
        mm.vmas.values().any(|vma| match &vma.backing {
            Backing::Shared { file, .. } => Rc::ptr_eq(file, &shared) && vma.prot & 2 != 0,
            _ => false,
        })
    })
}
