//! `statfs(2)` in its layouts, and `syncfs(2)`.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::mount::mount_flags;
use super::walk::Follow;
use super::{Mount, OpenFile, StatFs, change};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::{Abi, Args};

/// The three layouts of `struct statfs`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Amd64,
    I386,
    I386Large,
}

impl Layout {
    fn of(cx: &Context) -> Layout {
        if cx.abi() == Abi::Amd64 { Layout::Amd64 } else { Layout::I386 }
    }
}

/// The pseudo file systems of files that have no name, by what `/proc/self/fd` calls them.
fn nameless(open: &OpenFile) -> StatFs {
    let description = open.file.description();
    let magic = if description.starts_with("pipe:") {
        0x5049_5045
    } else if description.starts_with("socket:") {
        0x534f_434b
    } else {
        0x0904_1934
    };
    StatFs { magic, bsize: 4096, namelen: 255, ..StatFs::default() }
}

fn tell(
    cx: &mut Context,
    at: u64,
    mount: Option<&Rc<Mount>>,
    stat: &StatFs,
    layout: Layout,
) -> SysResult {
    // `ST_VALID`, and flags of the mount, of which one has another number here.
    let mut flags = 0x20;
    if let Some(mount) = mount {
        let set = mount.flags.get();
        flags |= set & 0xc0f;
        if set & mount_flags::RELATIME != 0 {
            flags |= 4096;
        }
    }
    let (long, count) = match layout {
        Layout::Amd64 => (8, 8),
        Layout::I386 => (4, 4),
        Layout::I386Large => (4, 8),
    };
    let counts = [stat.blocks, stat.bfree, stat.bavail, stat.files, stat.ffree];
    if count == 4 && counts.iter().any(|&value| value > u64::from(u32::MAX)) {
        return Err(Errno::EOVERFLOW);
    }
    let mut bytes = Vec::new();
    let mut put = |value: u64, len: usize| bytes.extend_from_slice(&value.to_le_bytes()[..len]);
    put(u64::from(stat.magic), long);
    put(u64::from(stat.bsize), long);
    for value in counts {
        put(value, count);
    }
    put(mount.map_or(0, |mount| mount.fs.dev()), 8);
    put(u64::from(stat.namelen), long);
    put(u64::from(stat.bsize), long);
    put(u64::from(flags), long);
    for _ in 0..4 {
        put(0, long);
    }
    cx.write_bytes(at, &bytes).map(|()| 0)
}

fn by_path(cx: &mut Context, path: u64, at: u64, layout: Layout) -> SysResult {
    let place = change::named(cx, path, Follow::Yes)?;
    let stat = place.mount.fs.clone().statfs(cx)?;
    tell(cx, at, Some(&place.mount), &stat, layout)
}

fn by_fd(cx: &mut Context, fd: i32, at: u64, layout: Layout) -> SysResult {
    let open = cx.file(fd)?;
    match &open.location {
        Some(place) => {
            let stat = place.mount.fs.clone().statfs(cx)?;
            tell(cx, at, Some(&place.mount), &stat, layout)
        }
        None => tell(cx, at, None, &nameless(&open), layout),
    }
}

/// `statfs(2)`.
pub fn statfs(cx: &mut Context, args: Args) -> SysResult {
    by_path(cx, args.u64(0), args.u64(1), Layout::of(cx))
}

/// `fstatfs(2)`.
pub fn fstatfs(cx: &mut Context, args: Args) -> SysResult {
    by_fd(cx, args.int(0), args.u64(1), Layout::of(cx))
}

const LARGE_SIZE: u64 = 84;

/// `statfs64` of i386.
pub fn statfs64(cx: &mut Context, args: Args) -> SysResult {
    if args.u64(1) != LARGE_SIZE {
        return Err(Errno::EINVAL);
    }
    by_path(cx, args.u64(0), args.u64(2), Layout::I386Large)
}

/// `fstatfs64` of i386.
pub fn fstatfs64(cx: &mut Context, args: Args) -> SysResult {
    if args.u64(1) != LARGE_SIZE {
        return Err(Errno::EINVAL);
    }
    by_fd(cx, args.int(0), args.u64(2), Layout::I386Large)
}

/// `syncfs(2)`.
pub fn syncfs(cx: &mut Context, args: Args) -> SysResult {
    let open = cx.io_file(args.int(0))?;
    match &open.location {
        Some(place) => place.mount.fs.clone().sync(cx).map(|()| 0),
        None => Ok(0),
    }
}
