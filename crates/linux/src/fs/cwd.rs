//! Where paths start: `chdir(2)`, `getcwd(2)`, `chroot(2)`.

use super::walk::{self, AT_FDCWD, Follow};
use super::{Location, access};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::Args;
use crate::task::credentials::cap;

/// `getcwd(2)`.
pub fn getcwd(cx: &mut Context, args: Args) -> SysResult {
    let fs = cx.thread.fs();
    let cwd = fs.cwd.borrow().clone();
    if cwd.dentry.is_deleted() {
        return Err(Errno::ENOENT);
    }
    let (mut path, reached) = cwd.path_from(&fs.root.borrow());
    if !reached {
        path.splice(0..0, *b"(unreachable)");
    }
    path.push(0);
    if args.u64(1) < path.len() as u64 {
        return Err(Errno::ERANGE);
    }
    cx.write_bytes(args.u64(0), &path)?;
    Ok(path.len() as u64)
}

/// `chdir(2)`.
pub fn chdir(cx: &mut Context, args: Args) -> SysResult {
    let place = directory(cx, args.u64(0))?;
    *cx.thread.fs().cwd.borrow_mut() = place;
    Ok(0)
}

/// `fchdir(2)`.
pub fn fchdir(cx: &mut Context, args: Args) -> SysResult {
    let place = cx.file(args.int(0))?.location.clone().ok_or(Errno::ENOTDIR)?;
    let place = enterable(cx, place)?;
    *cx.thread.fs().cwd.borrow_mut() = place;
    Ok(0)
}

/// `chroot(2)`.
pub fn chroot(cx: &mut Context, args: Args) -> SysResult {
    let place = directory(cx, args.u64(0))?;
    if !cx.thread.credentials().has(cap::SYS_CHROOT) {
        return Err(Errno::EPERM);
    }
    *cx.thread.fs().root.borrow_mut() = place;
    Ok(0)
}

fn directory(cx: &mut Context, path: u64) -> SysResult<Location> {
    let path = cx.read_path(path)?;
    let place = walk::resolve(cx, AT_FDCWD, &path, Follow::Yes)?;
    enterable(cx, place)
}

fn enterable(cx: &mut Context, place: Location) -> SysResult<Location> {
    if !place.is_directory() {
        return Err(Errno::ENOTDIR);
    }
    super::permission(cx, place.inode(), access::EXECUTE)?;
    Ok(place)
}
