//! Extended attributes (`xattr(7)`): who may see and change which name space. What is
//! kept, and whether anything is, the file system decides.

use alloc::vec::Vec;

use super::walk::Follow;
use super::{FileType, Location, access, change, permission};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::Args;
use crate::task::credentials::cap;

const NAME_MAX: usize = 255;
const SIZE_MAX: u64 = 65536;

fn by_fd(cx: &Context, fd: i32) -> SysResult<Location> {
    cx.io_file(fd)?.location.clone().ok_or(Errno::EOPNOTSUPP)
}

fn name(cx: &Context, at: u64) -> SysResult<Vec<u8>> {
    let name = cx.read_string(at, NAME_MAX + 1, Errno::ERANGE)?;
    if name.is_empty() { Err(Errno::ERANGE) } else { Ok(name) }
}

/// Whether the caller may read (or write) an attribute of this name.
fn check(cx: &mut Context, place: &Location, name: &[u8], mask: u32) -> SysResult<()> {
    let write = mask == access::WRITE;
    if write && place.mount.is_read_only() {
        return Err(Errno::EROFS);
    }
    let inode = place.inode().clone();
    let refused = if write { Errno::EPERM } else { Errno::ENODATA };
    let privileged = cx.thread.credentials().has(cap::SYS_ADMIN);
    if name.starts_with(b"security.") {
        return if write && !privileged { Err(Errno::EPERM) } else { Ok(()) };
    }
    if name.starts_with(b"trusted.") {
        return if privileged { Ok(()) } else { Err(refused) };
    }
    if !name.starts_with(b"user.") {
        return Err(Errno::EOPNOTSUPP);
    }
    let kind = inode.kind();
    if !matches!(kind, FileType::Regular | FileType::Directory) {
        return Err(refused);
    }
    if write && kind == FileType::Directory {
        let stat = inode.stat(cx)?;
        if stat.mode & access::S_ISVTX != 0 {
            access::is_owner(cx, &stat)?;
        }
    }
    permission(cx, &inode, mask)
}

fn set(cx: &mut Context, place: SysResult<Location>, args: Args) -> SysResult {
    let flags = args.u32(4);
    if flags & !3 != 0 {
        return Err(Errno::EINVAL);
    }
    let name = name(cx, args.u64(1))?;
    if args.u64(3) > SIZE_MAX {
        return Err(Errno::E2BIG);
    }
    let value = cx.read_vec(args.u64(2), args.u64(3))?;
    let place = place?;
    check(cx, &place, &name, access::WRITE)?;
    place.inode().clone().set_xattr(cx, &name, Some(&value), flags)?;
    super::inotify::tell_file(&place, super::inotify::event::ATTRIB);
    Ok(0)
}

fn get(cx: &mut Context, place: SysResult<Location>, args: Args) -> SysResult {
    let name = name(cx, args.u64(1))?;
    let place = place?;
    check(cx, &place, &name, access::READ)?;
    let value = place.inode().clone().get_xattr(cx, &name)?;
    give(cx, args.u64(2), args.u64(3), &value)
}

/// Gives the program bytes, or only their count if it has no room at all.
fn give(cx: &Context, at: u64, room: u64, bytes: &[u8]) -> SysResult {
    if room != 0 {
        if room < bytes.len() as u64 {
            return Err(Errno::ERANGE);
        }
        cx.write_bytes(at, bytes)?;
    }
    Ok(bytes.len() as u64)
}

fn list(cx: &mut Context, place: SysResult<Location>, args: Args) -> SysResult {
    let place = place?;
    let names = place.inode().clone().list_xattrs(cx)?;
    let privileged = cx.thread.credentials().has(cap::SYS_ADMIN);
    let mut shown = Vec::new();
    for name in names.split_inclusive(|&b| b == 0) {
        if privileged || !name.starts_with(b"trusted.") {
            shown.extend_from_slice(name);
        }
    }
    give(cx, args.u64(1), args.u64(2), &shown)
}

fn remove(cx: &mut Context, place: SysResult<Location>, args: Args) -> SysResult {
    let name = name(cx, args.u64(1))?;
    let place = place?;
    check(cx, &place, &name, access::WRITE)?;
    place.inode().clone().set_xattr(cx, &name, None, 0)?;
    super::inotify::tell_file(&place, super::inotify::event::ATTRIB);
    Ok(0)
}

macro_rules! calls {
    ($($work:ident: $name:ident $l:ident $f:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`.")]
        pub fn $name(cx: &mut Context, args: Args) -> SysResult {
            let place = change::named(cx, args.u64(0), Follow::Yes);
            $work(cx, place, args)
        }

        #[doc = concat!("`", stringify!($l), "(2)`.")]
        pub fn $l(cx: &mut Context, args: Args) -> SysResult {
            let place = change::named(cx, args.u64(0), Follow::No);
            $work(cx, place, args)
        }

        #[doc = concat!("`", stringify!($f), "(2)`.")]
        pub fn $f(cx: &mut Context, args: Args) -> SysResult {
            let place = by_fd(cx, args.int(0));
            $work(cx, place, args)
        }
    )*};
}

calls! {
    set: setxattr lsetxattr fsetxattr;
    get: getxattr lgetxattr fgetxattr;
    list: listxattr llistxattr flistxattr;
    remove: removexattr lremovexattr fremovexattr;
}
