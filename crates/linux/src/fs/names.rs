//! Calls that change names, and `getdents(2)`.

use alloc::vec::Vec;

use super::walk::{self, AT_FDCWD, Follow, Found, Last};
use super::{FileType, Location, access, inotify};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::Args;

/// `mkdir(2)`.
pub fn mkdir(cx: &mut Context, args: Args) -> SysResult {
    make_dir(cx, AT_FDCWD, args.u64(0), args.u32(1))
}

/// `mkdirat(2)`.
pub fn mkdirat(cx: &mut Context, args: Args) -> SysResult {
    make_dir(cx, args.int(0), args.u64(1), args.u32(2))
}

fn make_dir(cx: &mut Context, dirfd: i32, path: u64, mode: u32) -> SysResult {
    let path = cx.read_path(path)?;
    let found = walk::walk(cx, dirfd, &path, Follow::No)?;
    match (&found.target, &found.last) {
        (None, Last::Name(name)) => {
            super::open::make(cx, &found.dir, name, FileType::Directory, mode & 0o1777, 0)?;
            Ok(0)
        }
        _ => Err(Errno::EEXIST),
    }
}

/// `unlink(2)`.
pub fn unlink(cx: &mut Context, args: Args) -> SysResult {
    remove(cx, AT_FDCWD, args.u64(0), 0)
}

/// `rmdir(2)`.
pub fn rmdir(cx: &mut Context, args: Args) -> SysResult {
    remove(cx, AT_FDCWD, args.u64(0), REMOVEDIR)
}

/// `unlinkat(2)`.
pub fn unlinkat(cx: &mut Context, args: Args) -> SysResult {
    remove(cx, args.int(0), args.u64(1), args.u32(2))
}

const REMOVEDIR: u32 = 0x200;

fn remove(cx: &mut Context, dirfd: i32, path: u64, flags: u32) -> SysResult {
    if flags & !REMOVEDIR != 0 {
        return Err(Errno::EINVAL);
    }
    let path = cx.read_path(path)?;
    let found = walk::walk(cx, dirfd, &path, Follow::No)?;
    let directory = flags & REMOVEDIR != 0;
    let name = match &found.last {
        Last::Name(name) => name.clone(),
        Last::Dot if directory => return Err(Errno::EINVAL),
        Last::DotDot if directory => return Err(Errno::ENOTEMPTY),
        Last::Root if directory => return Err(Errno::EBUSY),
        _ => return Err(Errno::EISDIR),
    };
    let (dir, slash) = (found.dir.clone(), found.slash);
    let victim = found.existing()?;
    access::may_remove(cx, &dir, &victim)?;
    if victim.dentry.mounts.get() != 0 || victim.dentry.parent().is_none() {
        return Err(Errno::EBUSY);
    }
    let parent = dir.inode().clone();
    match (victim.is_directory(), directory) {
        (true, true) => parent.rmdir(cx, &name)?,
        (true, false) => return Err(Errno::EISDIR),
        (false, true) => return Err(Errno::ENOTDIR),
        (false, false) if slash => return Err(Errno::ENOTDIR),
        (false, false) => parent.unlink(cx, &name)?,
    }
    dir.dentry.forget(&name);
    super::inotify::removed(cx, &dir, &name, victim.inode());
    Ok(0)
}

/// `getdents64(2)`.
pub fn getdents64(cx: &mut Context, args: Args) -> SysResult {
    entries(cx, args, true)
}

/// `getdents(2)`.
pub fn getdents(cx: &mut Context, args: Args) -> SysResult {
    entries(cx, args, false)
}

/// Where a directory's position is that has told `.` and `..`.
const BEHIND_DOTS: u64 = 2;

fn entries(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    let open = cx.io_file(args.int(0))?;
    let Some(place) = open.location.clone().filter(|place| place.is_directory()) else {
        return Err(Errno::ENOTDIR);
    };
    let room = args.u64(2) as usize;
    let word = if wide { 8 } else { cx.word() };
    let mut out = Vec::new();
    let mut pos = open.pos.get();
    let mut full = false;
    let mut add = |name: &[u8], ino: u64, kind: u8, next: u64| -> bool {
        let head = if wide { 19 } else { 2 * word + 2 };
        let tail = if wide { 1 } else { 2 };
        let len = (head + name.len() + tail).next_multiple_of(word);
        if out.len() + len > room {
            full = true;
            return false;
        }
        let start = out.len();
        out.extend_from_slice(&ino.to_le_bytes()[..word]);
        out.extend_from_slice(&next.to_le_bytes()[..word]);
        out.extend_from_slice(&(len as u16).to_le_bytes());
        if wide {
            out.push(kind);
        }
        out.extend_from_slice(name);
        out.resize(start + len, 0);
        if !wide {
            out[start + len - 1] = kind;
        }
        pos = next;
        true
    };
    let inode = place.inode().clone();
    let directory = FileType::Directory.dirent_type();
    let from = open.pos.get();
    let mut go_on = true;
    if from == 0 {
        let ino = inode.stat(cx)?.ino;
        go_on = add(b".", ino, directory, 1);
    }
    if go_on && from <= 1 {
        let up = place.up().unwrap_or(place.clone());
        let ino = up.inode().clone().stat(cx)?.ino;
        go_on = add(b"..", ino, directory, BEHIND_DOTS);
    }
    if go_on {
        let cookie = if from <= BEHIND_DOTS { 0 } else { from };
        inode.readdir(cx, cookie, &mut |entry| {
            let kind = entry.kind.map_or(0, FileType::dirent_type);
            add(entry.name, entry.ino, kind, entry.next)
        })?;
    }
    if full && out.is_empty() {
        return Err(Errno::EINVAL);
    }
    cx.write_bytes(args.u64(1), &out)?;
    open.pos.set(pos);
    super::inotify::tell_file(&place, super::inotify::event::ACCESS);
    Ok(out.len() as u64)
}

/// `rename(2)`.
pub fn rename(cx: &mut Context, args: Args) -> SysResult {
    move_name(cx, (AT_FDCWD, args.u64(0)), (AT_FDCWD, args.u64(1)), 0)
}

/// `renameat(2)`.
pub fn renameat(cx: &mut Context, args: Args) -> SysResult {
    move_name(cx, (args.int(0), args.u64(1)), (args.int(2), args.u64(3)), 0)
}

/// `renameat2(2)`.
pub fn renameat2(cx: &mut Context, args: Args) -> SysResult {
    move_name(cx, (args.int(0), args.u64(1)), (args.int(2), args.u64(3)), args.u32(4))
}

fn move_name(cx: &mut Context, from: (i32, u64), to: (i32, u64), flags: u32) -> SysResult {
    const NOREPLACE: u32 = 1;
    const EXCHANGE: u32 = 2;
    if flags > EXCHANGE {
        return Err(Errno::EINVAL);
    }
    let (old_path, new_path) = (cx.read_path(from.1)?, cx.read_path(to.1)?);
    let old = walk::walk(cx, from.0, &old_path, Follow::No)?;
    let new = walk::walk(cx, to.0, &new_path, Follow::No)?;
    if !alloc::rc::Rc::ptr_eq(&old.dir.mount, &new.dir.mount) {
        return Err(Errno::EXDEV);
    }
    let (Last::Name(name), Last::Name(new_name)) = (&old.last, &new.last) else {
        return Err(Errno::EBUSY);
    };
    let source = old.target.clone().ok_or(Errno::ENOENT)?;
    if new.target.is_some() && flags & NOREPLACE != 0 {
        return Err(Errno::EEXIST);
    }
    if new.target.is_none() && flags & EXCHANGE != 0 {
        return Err(Errno::ENOENT);
    }
    if !source.is_directory() && (old.slash || new.slash) {
        return Err(Errno::ENOTDIR);
    }
    // A directory cannot go into itself, nor replace what it is in.
    if source.dentry.is_above(&new.dir.dentry) {
        return Err(Errno::EINVAL);
    }
    access::may_remove(cx, &old.dir, &source)?;
    access::may_change(cx, &new.dir)?;
    if let Some(victim) = &new.target {
        if alloc::rc::Rc::ptr_eq(victim.inode(), source.inode()) {
            return Ok(0);
        }
        if victim.dentry.is_above(&old.dir.dentry) {
            return Err(if flags & EXCHANGE != 0 { Errno::EINVAL } else { Errno::ENOTEMPTY });
        }
        access::may_remove(cx, &new.dir, victim)?;
        match (source.is_directory(), victim.is_directory()) {
            _ if flags & EXCHANGE != 0 => {}
            (true, false) => return Err(Errno::ENOTDIR),
            (false, true) => return Err(Errno::EISDIR),
            _ => {}
        }
        if victim.dentry.parent().is_none() || victim.dentry.mounts.get() != 0 {
            return Err(Errno::EBUSY);
        }
    }
    let how = if flags & EXCHANGE != 0 { super::Rename::Exchange } else { super::Rename::Replace };
    let target_dir = new.dir.inode().clone();
    old.dir.inode().clone().rename(cx, name, &target_dir, new_name, how)?;
    if flags & EXCHANGE != 0 {
        old.dir.dentry.exchanged(name, &new.dir.dentry, new_name);
    } else {
        old.dir.dentry.moved(name, &new.dir.dentry, new_name);
    }
    tell_moved(cx, &old, &new, &source, flags & EXCHANGE != 0);
    Ok(0)
}

/// Those who watch hear of a move.
fn tell_moved(cx: &mut Context, old: &Found, new: &Found, source: &Location, exchange: bool) {
    let (Last::Name(name), Last::Name(new_name)) = (&old.last, &new.last) else { return };
    let (from, to) = ((&old.dir, &name[..]), (&new.dir, &new_name[..]));
    let mut next = || {
        cx.kernel.last_cookie = cx.kernel.last_cookie.wrapping_add(1).max(1);
        cx.kernel.last_cookie
    };
    // Of what moved itself nobody hears whether it is a directory, as on Linux.
    let moved = |inode| inotify::tell(inode, inotify::event::MOVE_SELF, false, 0, b"");
    inotify::moved(from, to, source.inode(), next());
    match &new.target {
        Some(victim) if exchange => {
            moved(source.inode());
            inotify::moved(to, from, victim.inode(), next());
            moved(victim.inode());
        }
        Some(victim) => {
            moved(source.inode());
            inotify::lost_name(cx, victim.inode());
        }
        None => moved(source.inode()),
    }
}
