//! `stat(2)` in all its layouts, `access(2)`.

use alloc::vec::Vec;

use super::walk::{self, AT_FDCWD, AT_SYMLINK_NOFOLLOW, Follow};
use super::{FileType, Stat, access, split_dev};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::{Abi, Args};

fn of_path(cx: &mut Context, dirfd: i32, path: u64, flags: u32) -> SysResult<Stat> {
    let path = cx.read_path(path)?;
    if path.is_empty() && flags & walk::AT_EMPTY_PATH != 0 && dirfd != AT_FDCWD {
        return cx.file(dirfd)?.stat(cx);
    }
    let place = walk::resolve_at(cx, dirfd, &path, flags)?;
    place.inode().clone().stat(cx)
}

/// `struct stat` of amd64, `stat64` of i386.
fn encode(stat: &Stat, abi: Abi) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (a, m, c) = (stat.atime, stat.mtime, stat.ctime);
    if abi == Abi::Amd64 {
        let mut put = |value: u64| bytes.extend_from_slice(&value.to_le_bytes());
        [stat.dev, stat.ino, u64::from(stat.nlink)].into_iter().for_each(&mut put);
        put(u64::from(stat.mode) | u64::from(stat.uid) << 32);
        put(u64::from(stat.gid));
        [stat.rdev, stat.size, u64::from(stat.blksize), stat.blocks].into_iter().for_each(&mut put);
        for time in [a, m, c] {
            put(time.seconds as u64);
            put(u64::from(time.nanos));
        }
        bytes.resize(144, 0);
        return bytes;
    }
    let mut put = |value: u64, len: usize| bytes.extend_from_slice(&value.to_le_bytes()[..len]);
    put(stat.dev, 8);
    put(0, 4);
    put(stat.ino, 4);
    for value in [stat.mode, stat.nlink, stat.uid, stat.gid] {
        put(u64::from(value), 4);
    }
    put(stat.rdev, 8);
    put(0, 4);
    put(stat.size, 8);
    put(u64::from(stat.blksize), 4);
    put(stat.blocks, 8);
    for time in [a, m, c] {
        put(time.seconds as u64, 4);
        put(u64::from(time.nanos), 4);
    }
    put(stat.ino, 8);
    bytes
}

fn tell(cx: &mut Context, at: u64, stat: &Stat) -> SysResult {
    let bytes = encode(stat, cx.abi());
    cx.write_bytes(at, &bytes).map(|()| 0)
}

/// `stat(2)`.
pub fn stat(cx: &mut Context, args: Args) -> SysResult {
    let stat = of_path(cx, AT_FDCWD, args.u64(0), 0)?;
    tell(cx, args.u64(1), &stat)
}

/// `lstat(2)`.
pub fn lstat(cx: &mut Context, args: Args) -> SysResult {
    let stat = of_path(cx, AT_FDCWD, args.u64(0), AT_SYMLINK_NOFOLLOW)?;
    tell(cx, args.u64(1), &stat)
}

/// `fstat(2)`.
pub fn fstat(cx: &mut Context, args: Args) -> SysResult {
    let stat = cx.file(args.int(0))?.stat(cx)?;
    tell(cx, args.u64(1), &stat)
}

/// `fstatat(2)`.
pub fn fstatat(cx: &mut Context, args: Args) -> SysResult {
    let stat = of_path(cx, args.int(0), args.u64(1), args.u32(3))?;
    tell(cx, args.u64(2), &stat)
}

/// `struct __old_kernel_stat`'s successor on i386, with 32-bit sizes and 16-bit ids.
fn tell32(cx: &mut Context, at: u64, stat: &Stat) -> SysResult {
    let id = |id: u32| if id > 0xffff { 65534 } else { id as u16 };
    let (major, minor) = split_dev(stat.rdev);
    if stat.size > 0x7fff_ffff || stat.nlink > 0xffff || major > 0xff || minor > 0xff {
        return Err(Errno::EOVERFLOW);
    }
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&(stat.dev as u32).to_le_bytes());
    bytes.extend_from_slice(&(stat.ino as u32).to_le_bytes());
    for half in [stat.mode as u16, stat.nlink as u16, id(stat.uid), id(stat.gid)] {
        bytes.extend_from_slice(&half.to_le_bytes());
    }
    let words = [stat.rdev as u32, stat.size as u32, stat.blksize, stat.blocks as u32];
    words.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
    for time in [stat.atime, stat.mtime, stat.ctime] {
        bytes.extend_from_slice(&(time.seconds as u32).to_le_bytes());
        bytes.extend_from_slice(&time.nanos.to_le_bytes());
    }
    bytes.resize(64, 0);
    cx.write_bytes(at, &bytes).map(|()| 0)
}

/// `stat` of i386 with 32-bit sizes.
pub fn stat32(cx: &mut Context, args: Args) -> SysResult {
    let stat = of_path(cx, AT_FDCWD, args.u64(0), 0)?;
    tell32(cx, args.u64(1), &stat)
}

/// `lstat` of i386 with 32-bit sizes.
pub fn lstat32(cx: &mut Context, args: Args) -> SysResult {
    let stat = of_path(cx, AT_FDCWD, args.u64(0), AT_SYMLINK_NOFOLLOW)?;
    tell32(cx, args.u64(1), &stat)
}

/// `fstat` of i386 with 32-bit sizes.
pub fn fstat32(cx: &mut Context, args: Args) -> SysResult {
    let stat = cx.file(args.int(0))?.stat(cx)?;
    tell32(cx, args.u64(1), &stat)
}

/// `statx(2)`.
pub fn statx(cx: &mut Context, args: Args) -> SysResult {
    if args.u32(2) & !0x7900 != 0 || args.u32(3) >> 31 != 0 {
        return Err(Errno::EINVAL);
    }
    let stat = of_path(cx, args.int(0), args.u64(1), args.u32(2))?;
    let mut bytes = Vec::new();
    let mut put = |value: u64, len: usize| bytes.extend_from_slice(&value.to_le_bytes()[..len]);
    let birth = if stat.btime.is_some() { 0x800 } else { 0 };
    put(0x7ff | birth, 4);
    put(u64::from(stat.blksize), 4);
    put(0, 8);
    for value in [stat.nlink, stat.uid, stat.gid] {
        put(u64::from(value), 4);
    }
    put(u64::from(stat.mode), 4);
    put(stat.ino, 8);
    put(stat.size, 8);
    put(stat.blocks, 8);
    put(0, 8);
    for time in [stat.atime, stat.btime.unwrap_or_default(), stat.ctime, stat.mtime] {
        put(time.seconds as u64, 8);
        put(u64::from(time.nanos), 8);
    }
    for device in [stat.rdev, stat.dev] {
        let (major, minor) = split_dev(device);
        put(u64::from(major), 4);
        put(u64::from(minor), 4);
    }
    bytes.resize(256, 0);
    cx.write_bytes(args.u64(4), &bytes).map(|()| 0)
}

fn check(cx: &mut Context, dirfd: i32, path: u64, mode: u32, flags: u32) -> SysResult {
    const EFFECTIVE: u32 = 0x200;
    if mode & !7 != 0 || flags & !(EFFECTIVE | AT_SYMLINK_NOFOLLOW | walk::AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let path = cx.read_path(path)?;
    let place = walk::resolve_at(cx, dirfd, &path, flags)?;
    let stat = place.inode().clone().stat(cx)?;
    let mut credentials = (*cx.thread.credentials()).clone();
    if flags & EFFECTIVE == 0 {
        credentials = credentials.real();
    }
    access::check(&stat, &credentials, mode)?;
    let special = !matches!(stat.file_type(), FileType::Regular | FileType::Directory);
    if mode & access::WRITE != 0 && place.mount.is_read_only() && !special {
        return Err(Errno::EROFS);
    }
    Ok(0)
}

/// `access(2)`.
pub fn access_call(cx: &mut Context, args: Args) -> SysResult {
    check(cx, AT_FDCWD, args.u64(0), args.u32(1), 0)
}

/// `faccessat(2)`, the call without flags.
pub fn faccessat(cx: &mut Context, args: Args) -> SysResult {
    check(cx, args.int(0), args.u64(1), args.u32(2), 0)
}

/// `faccessat2(2)`.
pub fn faccessat2(cx: &mut Context, args: Args) -> SysResult {
    check(cx, args.int(0), args.u64(1), args.u32(2), args.u32(3))
}

/// `readlink(2)`.
pub fn readlink(cx: &mut Context, args: Args) -> SysResult {
    read_link(cx, AT_FDCWD, args.u64(0), args.u64(1), args.int(2))
}

/// `readlinkat(2)`.
pub fn readlinkat(cx: &mut Context, args: Args) -> SysResult {
    read_link(cx, args.int(0), args.u64(1), args.u64(2), args.int(3))
}

fn read_link(cx: &mut Context, dirfd: i32, path: u64, buf: u64, len: i32) -> SysResult {
    if len <= 0 {
        return Err(Errno::EINVAL);
    }
    let path = cx.read_path(path)?;
    let place = if path.is_empty() {
        walk::base(cx, dirfd)?
    } else {
        walk::resolve(cx, dirfd, &path, Follow::No)?
    };
    let text = place.inode().clone().readlink(cx)?;
    let count = text.len().min(len as usize);
    cx.write_bytes(buf, &text[..count])?;
    Ok(count as u64)
}
