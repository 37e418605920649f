//! Calls that change attributes: `chmod(2)`, `chown(2)`, `utimensat(2)` and their kin.

use super::walk::{self, AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, Follow};
use super::{FileType, Location, SetAttr, access, inotify, permission};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::{Abi, Args};
use crate::task::credentials::cap;
use crate::time::{SECOND, Timespec};

/// The place of a descriptor whose attributes can be changed.
fn of_fd(cx: &Context, fd: i32) -> SysResult<Location> {
    cx.io_file(fd)?.location.clone().ok_or(Errno::EOPNOTSUPP)
}

fn of_path(cx: &mut Context, dirfd: i32, path: u64, flags: u32) -> SysResult<Location> {
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let path = cx.read_path(path)?;
    walk::resolve_at(cx, dirfd, &path, flags)
}

fn writable(place: &Location) -> SysResult<()> {
    if place.mount.is_read_only() { Err(Errno::EROFS) } else { Ok(()) }
}

fn change_mode(cx: &mut Context, place: &Location, mode: u32) -> SysResult {
    writable(place)?;
    let inode = place.inode().clone();
    if inode.kind() == FileType::Symlink {
        return Err(Errno::EOPNOTSUPP);
    }
    let stat = inode.stat(cx)?;
    access::is_owner(cx, &stat)?;
    let credentials = cx.thread.credentials();
    let mut mode = mode & 0o7777;
    if !credentials.in_group(stat.gid) && !credentials.has(cap::FSETID) {
        mode &= !access::S_ISGID;
    }
    inode.set_attr(cx, &SetAttr { mode: Some(mode), ..SetAttr::default() })?;
    inotify::tell_file(place, inotify::event::ATTRIB);
    Ok(0)
}

/// `chmod(2)`.
pub fn chmod(cx: &mut Context, args: Args) -> SysResult {
    let place = of_path(cx, AT_FDCWD, args.u64(0), 0)?;
    change_mode(cx, &place, args.u32(1))
}

/// `fchmod(2)`.
pub fn fchmod(cx: &mut Context, args: Args) -> SysResult {
    let place = of_fd(cx, args.int(0))?;
    change_mode(cx, &place, args.u32(1))
}

/// `fchmodat`, the call without flags.
pub fn fchmodat(cx: &mut Context, args: Args) -> SysResult {
    let place = of_path(cx, args.int(0), args.u64(1), 0)?;
    change_mode(cx, &place, args.u32(2))
}

/// `fchmodat2`: `fchmodat(3)` with flags.
pub fn fchmodat2(cx: &mut Context, args: Args) -> SysResult {
    let place = of_path(cx, args.int(0), args.u64(1), args.u32(3))?;
    change_mode(cx, &place, args.u32(2))
}

/// Changes owner and group; -1 leaves one as it is.
fn change_owner(cx: &mut Context, place: &Location, uid: u32, gid: u32) -> SysResult {
    writable(place)?;
    let inode = place.inode().clone();
    let stat = inode.stat(cx)?;
    let credentials = cx.thread.credentials();
    let wanted = |id: u32| (id != u32::MAX).then_some(id);
    let (uid, gid) = (wanted(uid), wanted(gid));
    let owner = credentials.fsuid == stat.uid;
    if !credentials.has(cap::CHOWN) {
        let own_uid = uid.is_none_or(|uid| owner && uid == stat.uid);
        let own_gid = gid.is_none_or(|gid| owner && (gid == stat.gid || credentials.in_group(gid)));
        if !own_uid || !own_gid {
            return Err(Errno::EPERM);
        }
    }
    let mut mode = stat.mode & 0o7777;
    if stat.file_type() != FileType::Directory {
        mode &= !access::S_ISUID;
        // Without the group's execute bit this one asks for mandatory locks.
        if mode & 0o010 != 0 {
            mode &= !access::S_ISGID;
        }
    }
    let mode = (mode != stat.mode & 0o7777).then_some(mode);
    inode.set_attr(cx, &SetAttr { uid, gid, mode, ..SetAttr::default() })?;
    inotify::tell_file(place, inotify::event::ATTRIB);
    Ok(0)
}

/// `chown(2)`.
pub fn chown(cx: &mut Context, args: Args) -> SysResult {
    let place = of_path(cx, AT_FDCWD, args.u64(0), 0)?;
    change_owner(cx, &place, args.u32(1), args.u32(2))
}

/// `lchown(2)`.
pub fn lchown(cx: &mut Context, args: Args) -> SysResult {
    let place = of_path(cx, AT_FDCWD, args.u64(0), AT_SYMLINK_NOFOLLOW)?;
    change_owner(cx, &place, args.u32(1), args.u32(2))
}

/// `fchown(2)`.
pub fn fchown(cx: &mut Context, args: Args) -> SysResult {
    let place = of_fd(cx, args.int(0))?;
    change_owner(cx, &place, args.u32(1), args.u32(2))
}

/// `fchownat(2)`.
pub fn fchownat(cx: &mut Context, args: Args) -> SysResult {
    let place = of_path(cx, args.int(0), args.u64(1), args.u32(4))?;
    change_owner(cx, &place, args.u32(2), args.u32(3))
}

/// An id of 16 bits; -1 stays -1.
fn wide(id: u32) -> u32 {
    if id as u16 == u16::MAX { u32::MAX } else { id & 0xffff }
}

/// `chown` of i386 with ids of 16 bits.
pub fn chown16(cx: &mut Context, args: Args) -> SysResult {
    let place = of_path(cx, AT_FDCWD, args.u64(0), 0)?;
    change_owner(cx, &place, wide(args.u32(1)), wide(args.u32(2)))
}

/// `lchown` of i386 with ids of 16 bits.
pub fn lchown16(cx: &mut Context, args: Args) -> SysResult {
    let place = of_path(cx, AT_FDCWD, args.u64(0), AT_SYMLINK_NOFOLLOW)?;
    change_owner(cx, &place, wide(args.u32(1)), wide(args.u32(2)))
}

/// `fchown` of i386 with ids of 16 bits.
pub fn fchown16(cx: &mut Context, args: Args) -> SysResult {
    let place = of_fd(cx, args.int(0))?;
    change_owner(cx, &place, wide(args.u32(1)), wide(args.u32(2)))
}

/// What a time shall become.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    Now,
    Omit,
    At(Timespec),
}

impl Time {
    fn pick(self, now: Timespec) -> Option<Timespec> {
        match self {
            Time::Now => Some(now),
            Time::Omit => None,
            Time::At(time) => Some(time),
        }
    }
}

/// Sets access and modification times of what a path, or a descriptor alone, names.
fn set_times(cx: &mut Context, dirfd: i32, path: u64, flags: u32, times: [Time; 2]) -> SysResult {
    if times == [Time::Omit; 2] {
        return Ok(0);
    }
    let place = match path {
        0 if dirfd == AT_FDCWD => return Err(Errno::EFAULT),
        0 if flags != 0 => return Err(Errno::EINVAL),
        0 => of_fd(cx, dirfd)?,
        path => of_path(cx, dirfd, path, flags)?,
    };
    writable(&place)?;
    let inode = place.inode().clone();
    let stat = inode.stat(cx)?;
    // Whoever may write may also say "now".
    if times == [Time::Now; 2] {
        if access::is_owner(cx, &stat).is_err() {
            permission(cx, &inode, access::WRITE)?;
        }
    } else {
        access::is_owner(cx, &stat)?;
    }
    let now = cx.kernel.now();
    let [atime, mtime] = times.map(|time| time.pick(now));
    inode.set_attr(cx, &SetAttr { atime, mtime, ..SetAttr::default() })?;
    inotify::tell_file(&place, inotify::event::ATTRIB);
    Ok(0)
}

/// Two `timespec`s of the program, with what `UTIME_NOW` and `UTIME_OMIT` mean.
fn read_times(cx: &Context, at: u64, wide: bool) -> SysResult<[Time; 2]> {
    const NOW: u64 = 0x3fff_ffff;
    const OMIT: u64 = 0x3fff_fffe;
    if at == 0 {
        return Ok([Time::Now; 2]);
    }
    let one = |at: u64| -> SysResult<Time> {
        let (seconds, nanos) = if wide {
            let nanos = cx.read_u64(at + 8)?;
            let mask = if cx.abi() == Abi::I386 { 0xffff_ffff } else { u64::MAX };
            (cx.read_u64(at)? as i64, nanos & mask)
        } else {
            (i64::from(cx.read_u32(at)? as i32), u64::from(cx.read_u32(at + 4)?))
        };
        match nanos {
            NOW => Ok(Time::Now),
            OMIT => Ok(Time::Omit),
            nanos if nanos < SECOND => Ok(Time::At(Timespec { seconds, nanos: nanos as u32 })),
            _ => Err(Errno::EINVAL),
        }
    };
    Ok([one(at)?, one(at + if wide { 16 } else { 8 })?])
}

/// `utimensat(2)`.
pub fn utimensat(cx: &mut Context, args: Args) -> SysResult {
    let times = read_times(cx, args.u64(2), true)?;
    set_times(cx, args.int(0), args.u64(1), args.u32(3), times)
}

/// `utimensat` of i386 with 32-bit times.
pub fn utimensat32(cx: &mut Context, args: Args) -> SysResult {
    let times = read_times(cx, args.u64(2), false)?;
    set_times(cx, args.int(0), args.u64(1), args.u32(3), times)
}

/// Two `timeval`s.
fn read_microseconds(cx: &Context, at: u64) -> SysResult<[Time; 2]> {
    if at == 0 {
        return Ok([Time::Now; 2]);
    }
    let word = cx.word() as u64;
    let signed = |value: u64| if word == 4 { i64::from(value as i32) } else { value as i64 };
    let one = |at: u64| -> SysResult<Time> {
        let (seconds, micros) = (signed(cx.read_word(at)?), signed(cx.read_word(at + word)?));
        match micros {
            0..=999_999 => Ok(Time::At(Timespec { seconds, nanos: micros as u32 * 1000 })),
            _ => Err(Errno::EINVAL),
        }
    };
    Ok([one(at)?, one(at + 2 * word)?])
}

/// `utimes(2)`.
pub fn utimes(cx: &mut Context, args: Args) -> SysResult {
    let times = read_microseconds(cx, args.u64(1))?;
    set_times(cx, AT_FDCWD, args.u64(0), 0, times)
}

/// `futimesat(2)`.
pub fn futimesat(cx: &mut Context, args: Args) -> SysResult {
    let times = read_microseconds(cx, args.u64(2))?;
    set_times(cx, args.int(0), args.u64(1), 0, times)
}

/// `utime(2)`, in whole seconds.
pub fn utime(cx: &mut Context, args: Args) -> SysResult {
    let word = cx.word() as u64;
    let times = match args.u64(1) {
        0 => [Time::Now; 2],
        at => {
            let one = |at: u64| -> SysResult<Time> {
                let value = cx.read_word(at)?;
                let seconds = if word == 4 { i64::from(value as i32) } else { value as i64 };
                Ok(Time::At(Timespec { seconds, nanos: 0 }))
            };
            [one(at)?, one(at + word)?]
        }
    };
    set_times(cx, AT_FDCWD, args.u64(0), 0, times)
}

/// The place that calls with and without `l` in front of their name mean.
pub(super) fn named(cx: &mut Context, path: u64, follow: Follow) -> SysResult<Location> {
    let path = cx.read_path(path)?;
    walk::resolve(cx, AT_FDCWD, &path, follow)
}
