//! Who may do what with a file: modes, owners, the sticky bit, and what the
//! capabilities of root override (`capabilities(7)`).

use super::{FileType, InodeRef, Location, Stat};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::task::Credentials;
use crate::task::credentials::cap;

/// Execute, or search a directory.
pub const EXECUTE: u32 = 1;
/// Write.
pub const WRITE: u32 = 2;
/// Read.
pub const READ: u32 = 4;

/// Set the user at execution.
pub const S_ISUID: u32 = 0o4000;
/// Set the group at execution.
pub const S_ISGID: u32 = 0o2000;
/// Only owners may take names out of the directory.
pub const S_ISVTX: u32 = 0o1000;

/// Whether the running thread may; `EACCES` if not.
pub fn permission(cx: &mut Context, inode: &InodeRef, mask: u32) -> SysResult<()> {
    let credentials = cx.thread.credentials();
    // Root passes everywhere but at executing, and that is most of the calls.
    if credentials.has(cap::DAC_OVERRIDE)
        && (mask & EXECUTE == 0 || inode.kind() == FileType::Directory)
    {
        return Ok(());
    }
    let stat = inode.stat(cx)?;
    check(&stat, &credentials, mask)
}

/// Whether someone with these credentials may; `EACCES` if not.
pub fn check(stat: &Stat, credentials: &Credentials, mask: u32) -> SysResult<()> {
    let shift = if credentials.fsuid == stat.uid {
        6
    } else if credentials.in_group(stat.gid) {
        3
    } else {
        0
    };
    if mask & !(stat.mode >> shift) & 7 == 0 {
        return Ok(());
    }
    let directory = stat.file_type() == FileType::Directory;
    if credentials.has(cap::DAC_OVERRIDE)
        && (mask & EXECUTE == 0 || directory || stat.mode & 0o111 != 0)
    {
        return Ok(());
    }
    let looks = mask == READ || directory && mask & WRITE == 0;
    if looks && credentials.has(cap::DAC_READ_SEARCH) {
        return Ok(());
    }
    Err(Errno::EACCES)
}

/// Whether the running thread may change names in a directory.
pub fn may_change(cx: &mut Context, dir: &Location) -> SysResult<()> {
    if dir.dentry.is_deleted() {
        return Err(Errno::ENOENT);
    }
    permission(cx, dir.inode(), WRITE | EXECUTE)?;
    if dir.mount.is_read_only() {
        return Err(Errno::EROFS);
    }
    Ok(())
}

/// Whether the running thread may take this name out of this directory.
pub fn may_remove(cx: &mut Context, dir: &Location, victim: &Location) -> SysResult<()> {
    may_change(cx, dir)?;
    let credentials = cx.thread.credentials();
    if credentials.has(cap::FOWNER) {
        return Ok(());
    }
    let stat = dir.inode().clone().stat(cx)?;
    if stat.mode & S_ISVTX != 0 && stat.uid != credentials.fsuid {
        let victim = victim.inode().clone().stat(cx)?;
        if victim.uid != credentials.fsuid {
            return Err(Errno::EPERM);
        }
    }
    Ok(())
}

/// Whether the running thread owns the file, or may act as if; `EPERM` if not.
pub fn is_owner(cx: &mut Context, stat: &Stat) -> SysResult<()> {
    let credentials = cx.thread.credentials();
    if credentials.fsuid == stat.uid || credentials.has(cap::FOWNER) {
        Ok(())
    } else {
        Err(Errno::EPERM)
    }
}
