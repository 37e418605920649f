//! `open(2)`, `close(2)`, `dup(2)`, `fcntl(2)`.

use alloc::rc::Rc;

use super::regular::InodeFile;
use super::walk::{self, AT_FDCWD, Follow, Last, Resolve};
use super::{Create, File, FileType, Location, OpenFile, access, flags, permission, split_dev};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::Args;
use crate::task::limits::NOFILE;

/// `open(2)`.
pub fn open(cx: &mut Context, args: Args) -> SysResult {
    open_at(cx, AT_FDCWD, args.u64(0), args.u32(1), args.u32(2))
}

/// `openat(2)`.
pub fn openat(cx: &mut Context, args: Args) -> SysResult {
    open_at(cx, args.int(0), args.u64(1), args.u32(2), args.u32(3))
}

/// `creat(2)`.
pub fn creat(cx: &mut Context, args: Args) -> SysResult {
    let how = flags::CREAT | flags::WRONLY | flags::TRUNC;
    open_at(cx, AT_FDCWD, args.u64(0), how, args.u32(1))
}

fn open_at(cx: &mut Context, dirfd: i32, path: u64, how: u32, mode: u32) -> SysResult {
    let path = cx.read_path(path)?;
    let open = do_open(cx, dirfd, &path, how, mode)?;
    cx.install(open, how).map(|fd| fd as u64)
}

/// `openat2(2)`. `RESOLVE_CACHED` answers that it must be tried without: no name is known to be
/// cached.
pub fn openat2(cx: &mut Context, args: Args) -> SysResult {
    const SIZE: u64 = 24;
    const CACHED: u32 = 32;
    const KNOWN: u64 = 0x7f_ffc3;
    let (at, size) = (args.u64(2), args.u64(3));
    if size < SIZE {
        return Err(Errno::EINVAL);
    }
    if size > crate::machine::PAGE_SIZE {
        return Err(Errno::E2BIG);
    }
    let bytes = cx.read_vec(at, size)?;
    if bytes[SIZE as usize..].iter().any(|&byte| byte != 0) {
        return Err(Errno::E2BIG);
    }
    let [how, mode, resolve] = [at, at + 8, at + 16].map(|at| cx.read_u64(at));
    let (how, mode, resolve) = (how?, mode?, resolve?);
    let makes = how as u32 & flags::CREAT != 0 || how as u32 & flags::TMPFILE == flags::TMPFILE;
    let of_path = u64::from(flags::PATH | flags::DIRECTORY | flags::NOFOLLOW | flags::CLOEXEC);
    let both = u64::from(Resolve::BENEATH | Resolve::IN_ROOT);
    if how & !KNOWN != 0
        || mode & !0o7777 != 0
        || mode != 0 && !makes
        || resolve & !0x3f != 0
        || resolve & both == both
        || how as u32 & flags::PATH != 0 && how & !of_path != 0
    {
        return Err(Errno::EINVAL);
    }
    if resolve as u32 & CACHED != 0 {
        return Err(Errno::EAGAIN);
    }
    let (how, resolve) = (how as u32, Resolve(resolve as u32));
    let path = cx.read_path(args.u64(1))?;
    let open = open_within(cx, args.int(0), &path, how, mode as u32, resolve)?;
    cx.install(open, how).map(|fd| fd as u64)
}

/// Opens a path.
pub fn do_open(
    cx: &mut Context,
    dirfd: i32,
    path: &[u8],
    how: u32,
    mode: u32,
) -> SysResult<Rc<OpenFile>> {
    open_within(cx, dirfd, path, how, mode, Resolve::default())
}

fn open_within(
    cx: &mut Context,
    dirfd: i32,
    path: &[u8],
    how: u32,
    mode: u32,
    resolve: Resolve,
) -> SysResult<Rc<OpenFile>> {
    if how & flags::TMPFILE & !flags::DIRECTORY != 0 {
        return open_nameless(cx, dirfd, path, how, mode, resolve);
    }
    let exclusive = how & flags::CREAT != 0 && how & flags::EXCL != 0;
    let follow = if how & flags::NOFOLLOW != 0 || exclusive { Follow::No } else { Follow::Yes };
    let found = walk::walk_within(cx, dirfd, path, follow, resolve)?;
    if how & flags::PATH != 0 {
        let place = found.existing()?;
        if how & flags::DIRECTORY != 0 && !place.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        let kept = how & (flags::PATH | flags::DIRECTORY | flags::NOFOLLOW | flags::CLOEXEC);
        let file = InodeFile::new(place.inode().clone(), kept);
        return Ok(OpenFile::new(file, Some(place), kept));
    }
    let (place, created) = match (found.target.clone(), how & flags::CREAT != 0) {
        (Some(_), true) if exclusive => return Err(Errno::EEXIST),
        (Some(place), true) if place.is_directory() => return Err(Errno::EISDIR),
        (Some(place), _) => (place, false),
        (None, false) => return Err(Errno::ENOENT),
        (None, true) => {
            let Last::Name(name) = &found.last else { return Err(Errno::EISDIR) };
            if found.slash {
                return Err(Errno::EISDIR);
            }
            (make(cx, &found.dir, name, FileType::Regular, mode, 0)?, true)
        }
    };
    open_place(cx, place, how, created)
}

/// Opens a new file without a name (`O_TMPFILE`).
fn open_nameless(
    cx: &mut Context,
    dirfd: i32,
    path: &[u8],
    how: u32,
    mode: u32,
    resolve: Resolve,
) -> SysResult<Rc<OpenFile>> {
    let writes = how & flags::ACCMODE != flags::RDONLY;
    if how & (flags::TMPFILE | flags::CREAT) != flags::TMPFILE || !writes {
        return Err(Errno::EINVAL);
    }
    let follow = if how & flags::NOFOLLOW != 0 { Follow::No } else { Follow::Yes };
    let dir = walk::walk_within(cx, dirfd, path, follow, resolve)?.existing()?;
    if !dir.is_directory() {
        return Err(Errno::ENOTDIR);
    }
    access::may_change(cx, &dir)?;
    let what = new_file(cx, &dir, FileType::Regular, mode, 0)?;
    let inode = dir.inode().clone().nameless(cx, &what)?;
    inode.extra().may_be_named.set(how & flags::EXCL == 0);
    let ino = inode.stat(cx)?.ino;
    let place = dir.with(dir.dentry.nameless_in(ino, inode));
    open_place(cx, place, how & !flags::TMPFILE, true)
}

/// Opens a file that is there.
pub fn open_place(
    cx: &mut Context,
    place: Location,
    how: u32,
    created: bool,
) -> SysResult<Rc<OpenFile>> {
    let inode = place.inode().clone();
    let kind = inode.kind();
    let writes = how & flags::ACCMODE != flags::RDONLY;
    match kind {
        FileType::Symlink => return Err(Errno::ELOOP),
        FileType::Socket => return Err(Errno::ENXIO),
        FileType::Directory if writes => return Err(Errno::EISDIR),
        _ if how & flags::DIRECTORY != 0 && kind != FileType::Directory => {
            return Err(Errno::ENOTDIR);
        }
        _ => {}
    }
    if !created {
        let mask = match how & flags::ACCMODE {
            flags::RDONLY => access::READ,
            flags::WRONLY => access::WRITE,
            _ => access::READ | access::WRITE,
        };
        permission(cx, &inode, mask)?;
        let changes = writes || how & flags::TRUNC != 0;
        let on_disk = matches!(kind, FileType::Regular | FileType::Directory);
        if changes && on_disk && place.mount.is_read_only() {
            return Err(Errno::EROFS);
        }
        if how & flags::NOATIME != 0 {
            let stat = inode.stat(cx)?;
            access::is_owner(cx, &stat)?;
        }
        if how & flags::TRUNC != 0 && kind == FileType::Regular {
            super::io::truncate_inode(cx, &inode, 0)?;
            super::inotify::tell_file(&place, super::inotify::event::MODIFY);
        }
    }
    let file: Rc<dyn File> = match kind {
        FileType::CharDevice => {
            let (major, minor) = split_dev(inode.stat(cx)?.rdev);
            let device = cx.kernel.device(major).ok_or(Errno::ENXIO)?;
            device.open(cx, minor, &place, how)?
        }
        FileType::Fifo => return super::pipe::open_fifo(cx, &place, how),
        FileType::BlockDevice => return Err(Errno::ENXIO),
        _ => match inode.clone().open(cx, how)? {
            Some(file) => file,
            None => InodeFile::new(inode, how),
        },
    };
    Ok(OpenFile::new(file, Some(place), how))
}

/// Makes a file in a directory; it gets the umask, and the directory's group where
/// that is asked for.
pub fn make(
    cx: &mut Context,
    dir: &Location,
    name: &[u8],
    kind: FileType,
    mode: u32,
    rdev: u64,
) -> SysResult<Location> {
    access::may_change(cx, dir)?;
    let what = new_file(cx, dir, kind, mode, rdev)?;
    let inode = dir.inode().clone().create(cx, name, &what)?;
    super::inotify::created(dir, name, kind);
    Ok(dir.with(dir.dentry.child(name, inode)))
}

/// What a file shall be that is made in a directory.
fn new_file(
    cx: &mut Context,
    dir: &Location,
    kind: FileType,
    mode: u32,
    rdev: u64,
) -> SysResult<Create> {
    let credentials = cx.thread.credentials();
    let stat = dir.inode().stat(cx)?;
    let mut mode = mode & 0o7777 & !cx.thread.fs().umask.get();
    let mut gid = credentials.fsgid;
    if stat.mode & access::S_ISGID != 0 {
        gid = stat.gid;
        if kind == FileType::Directory {
            mode |= access::S_ISGID;
        }
    }
    Ok(Create { kind, mode, uid: credentials.fsuid, gid, rdev })
}

/// `close(2)`.
pub fn close(cx: &mut Context, args: Args) -> SysResult {
    let open = cx.files().borrow_mut().remove(args.int(0))?;
    open.closed(cx);
    Ok(0)
}

/// `close_range(2)`.
pub fn close_range(cx: &mut Context, args: Args) -> SysResult {
    let (first, last, how) = (args.u32(0), args.u32(1), args.u32(2));
    if first > last || how & !6 != 0 {
        return Err(Errno::EINVAL);
    }
    if how & 2 != 0 {
        let copy = cx.files().borrow().clone();
        cx.thread.set_files(Rc::new(core::cell::RefCell::new(copy)));
    }
    let in_range = |fd: &i32| (first..=last).contains(&(*fd as u32));
    let list: alloc::vec::Vec<i32> =
        cx.files().borrow().iter().map(|(fd, _)| fd).filter(in_range).collect();
    for fd in list {
        if how & 4 != 0 {
            cx.files().borrow_mut().set_cloexec(fd, true)?;
        } else {
            let open = cx.files().borrow_mut().remove(fd)?;
            open.closed(cx);
        }
    }
    Ok(0)
}

/// `dup(2)`.
pub fn dup(cx: &mut Context, args: Args) -> SysResult {
    let open = cx.file(args.int(0))?;
    cx.install(open, 0).map(|fd| fd as u64)
}

/// `dup2(2)`.
pub fn dup2(cx: &mut Context, args: Args) -> SysResult {
    if args.int(0) == args.int(1) {
        cx.file(args.int(0))?;
        return Ok(args.int(0) as u64);
    }
    duplicate_to(cx, args.int(0), args.int(1), false)
}

/// `dup3(2)`.
pub fn dup3(cx: &mut Context, args: Args) -> SysResult {
    if args.u32(2) & !flags::CLOEXEC != 0 || args.int(0) == args.int(1) {
        return Err(Errno::EINVAL);
    }
    duplicate_to(cx, args.int(0), args.int(1), args.u32(2) != 0)
}

fn duplicate_to(cx: &mut Context, from: i32, to: i32, cloexec: bool) -> SysResult {
    let limit = cx.thread.process.limit(NOFILE).0;
    let target = usize::try_from(to).map_err(|_| Errno::EBADF)?;
    if target as u64 >= limit {
        return Err(Errno::EBADF);
    }
    let open = cx.file(from)?;
    let old = cx.files().borrow_mut().replace(target, open, cloexec);
    if let Some(old) = old {
        old.closed(cx);
    }
    Ok(to as u64)
}

/// `fcntl(2)`.
pub fn fcntl(cx: &mut Context, args: Args) -> SysResult {
    let (fd, command, value) = (args.int(0), args.u32(1), args.u64(2));
    let open = cx.file(fd)?;
    if open.is_path() && !matches!(command, 0..=3 | 1030) {
        return Err(Errno::EBADF);
    }
    if let Some(result) = super::lock::fcntl(cx, &open, args) {
        return result;
    }
    match command {
        0 | 1030 => {
            let limit = cx.thread.process.limit(NOFILE).0;
            let from = usize::try_from(value as i32).map_err(|_| Errno::EINVAL)?;
            if from as u64 >= limit {
                return Err(Errno::EINVAL);
            }
            let new = cx.files().borrow_mut().insert(open, command == 1030, from, limit)?;
            Ok(new as u64)
        }
        1 => Ok(u64::from(cx.files().borrow().cloexec(fd)?)),
        2 => cx.files().borrow_mut().set_cloexec(fd, value & 1 != 0).map(|()| 0),
        3 => Ok(u64::from(open.flags.get() | large(cx))),
        4 => {
            let settable =
                flags::APPEND | flags::NONBLOCK | flags::ASYNC | flags::DIRECT | flags::NOATIME;
            open.flags.set(open.flags.get() & !settable | value as u32 & settable);
            Ok(0)
        }
        8 => {
            open.owner.set((value as i32, open.owner.get().1));
            Ok(0)
        }
        9 => Ok(open.owner.get().0 as u64),
        10 => {
            open.owner.set((open.owner.get().0, value as i32));
            Ok(0)
        }
        11 => Ok(open.owner.get().1 as u64),
        1033 => super::seals::add(cx, &open, value as u32),
        1034 => super::seals::get(&open),
        1031 => super::pipe::resize(cx, &open, Some(value as u32)),
        1032 => super::pipe::resize(cx, &open, None),
        _ => Err(Errno::EINVAL),
    }
}

/// 64-bit programs always open large files, and see the flag for it.
fn large(cx: &Context) -> u32 {
    match cx.abi() {
        crate::syscall::Abi::Amd64 => flags::LARGEFILE,
        crate::syscall::Abi::I386 => 0,
    }
}

/// `umask(2)`.
pub fn umask(cx: &mut Context, args: Args) -> SysResult {
    Ok(u64::from(cx.thread.fs().umask.replace(args.u32(0) & 0o777)))
}
