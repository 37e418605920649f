//! Calls that give files names: `link(2)`, `symlink(2)`, `mknod(2)`.

use super::walk::{self, AT_EMPTY_PATH, AT_FDCWD, Follow, Last};
use super::{Create, FileType, access, inotify};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::Args;
use crate::task::credentials::cap;

/// `link(2)`.
pub fn link(cx: &mut Context, args: Args) -> SysResult {
    add_name(cx, (AT_FDCWD, args.u64(0)), (AT_FDCWD, args.u64(1)), 0)
}

/// `linkat(2)`.
pub fn linkat(cx: &mut Context, args: Args) -> SysResult {
    add_name(cx, (args.int(0), args.u64(1)), (args.int(2), args.u64(3)), args.u32(4))
}

fn add_name(cx: &mut Context, from: (i32, u64), to: (i32, u64), flags: u32) -> SysResult {
    const FOLLOW: u32 = 0x400;
    if flags & !(FOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let old_path = cx.read_path(from.1)?;
    let source = if old_path.is_empty() && flags & AT_EMPTY_PATH != 0 {
        if !cx.thread.credentials().has(cap::DAC_READ_SEARCH) {
            return Err(Errno::ENOENT);
        }
        walk::base(cx, from.0)?
    } else {
        let follow = if flags & FOLLOW != 0 { Follow::Yes } else { Follow::No };
        walk::resolve(cx, from.0, &old_path, follow)?
    };
    let new_path = cx.read_path(to.1)?;
    let found = walk::walk(cx, to.0, &new_path, Follow::No)?;
    let (None, Last::Name(name)) = (&found.target, &found.last) else { return Err(Errno::EEXIST) };
    if found.slash {
        return Err(Errno::ENOENT);
    }
    if !alloc::rc::Rc::ptr_eq(&found.dir.mount, &source.mount) {
        return Err(Errno::EXDEV);
    }
    if source.is_directory() {
        return Err(Errno::EPERM);
    }
    access::may_change(cx, &found.dir)?;
    let may_be_named = &source.inode().extra().may_be_named;
    if source.inode().stat(cx)?.nlink == 0 && !may_be_named.get() {
        return Err(Errno::ENOENT);
    }
    found.dir.inode().clone().link(cx, name, source.inode())?;
    may_be_named.set(false);
    inotify::tell(source.inode(), inotify::event::ATTRIB, false, 0, b"");
    inotify::created(&found.dir, name, source.inode().kind());
    Ok(0)
}

/// `symlink(2)`.
pub fn symlink(cx: &mut Context, args: Args) -> SysResult {
    make_link(cx, args.u64(0), AT_FDCWD, args.u64(1))
}

/// `symlinkat(2)`.
pub fn symlinkat(cx: &mut Context, args: Args) -> SysResult {
    make_link(cx, args.u64(0), args.int(1), args.u64(2))
}

fn make_link(cx: &mut Context, target: u64, dirfd: i32, path: u64) -> SysResult {
    let (target, path) = (cx.read_path(target)?, cx.read_path(path)?);
    if target.is_empty() {
        return Err(Errno::ENOENT);
    }
    let found = walk::walk(cx, dirfd, &path, Follow::No)?;
    let (None, Last::Name(name)) = (&found.target, &found.last) else { return Err(Errno::EEXIST) };
    if found.slash {
        return Err(Errno::ENOENT);
    }
    access::may_change(cx, &found.dir)?;
    let credentials = cx.thread.credentials();
    let (uid, gid) = (credentials.fsuid, credentials.fsgid);
    let what = Create { kind: FileType::Symlink, mode: 0o777, uid, gid, rdev: 0 };
    found.dir.inode().clone().symlink(cx, name, &target, &what)?;
    inotify::created(&found.dir, name, FileType::Symlink);
    Ok(0)
}

/// `mknod(2)`.
pub fn mknod(cx: &mut Context, args: Args) -> SysResult {
    make_node(cx, AT_FDCWD, args.u64(0), args.u32(1), args.u32(2))
}

/// `mknodat(2)`.
pub fn mknodat(cx: &mut Context, args: Args) -> SysResult {
    make_node(cx, args.int(0), args.u64(1), args.u32(2), args.u32(3))
}

fn make_node(cx: &mut Context, dirfd: i32, path: u64, mode: u32, rdev: u32) -> SysResult {
    let kind = match mode & 0o170_000 {
        0 => FileType::Regular,
        bits => FileType::of_mode(bits).ok_or(Errno::EINVAL)?,
    };
    match kind {
        FileType::Directory => return Err(Errno::EPERM),
        FileType::Symlink => return Err(Errno::EINVAL),
        _ => {}
    }
    let path = cx.read_path(path)?;
    let found = walk::walk(cx, dirfd, &path, Follow::No)?;
    let (None, Last::Name(name)) = (&found.target, &found.last) else { return Err(Errno::EEXIST) };
    if found.slash {
        return Err(Errno::ENOENT);
    }
    let device = matches!(kind, FileType::CharDevice | FileType::BlockDevice);
    if device && !cx.thread.credentials().has(cap::MKNOD) {
        return Err(Errno::EPERM);
    }
    let rdev = if device { u64::from(rdev) } else { 0 };
    super::open::make(cx, &found.dir, name, kind, mode, rdev)?;
    Ok(0)
}
