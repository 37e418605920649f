//! `mmap(2)`, and where mappings go.

use alloc::rc::Rc;
use core::ops::Range;

use super::{Backing, SharedFile, Vma, demand, layout, page_up};
use crate::errno::{Errno, SysResult};
use crate::fs::{InodeRef, Location, OpenFile, seals};
use crate::kernel::Context;
use crate::machine::PAGE_SIZE;
use crate::syscall::Args;

const MAP_SHARED: u32 = 1;
const MAP_PRIVATE: u32 = 2;
const MAP_SHARED_VALIDATE: u32 = 3;
const MAP_FIXED: u32 = 0x10;
const MAP_ANONYMOUS: u32 = 0x20;
const MAP_NORESERVE: u32 = 0x4000;
const MAP_FIXED_NOREPLACE: u32 = 0x10_0000;

/// `mmap` of amd64: the offset is in bytes.
pub fn mmap(cx: &mut Context, args: Args) -> SysResult {
    let offset = args.u64(5);
    if !offset.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    map(cx, args.u64(0), args.u64(1), args.u32(2), args.u32(3), args.int(4), offset)
}

/// `mmap2` of i386: the offset is in pages.
pub fn mmap2(cx: &mut Context, args: Args) -> SysResult {
    let offset = args.u64(5) * PAGE_SIZE;
    map(cx, args.u64(0), args.u64(1), args.u32(2), args.u32(3), args.int(4), offset)
}

/// The first `mmap` of i386: six arguments in memory.
pub fn old_mmap(cx: &mut Context, args: Args) -> SysResult {
    let mut a = [0; 6];
    for (index, value) in a.iter_mut().enumerate() {
        *value = u64::from(cx.read_u32(args.u64(0) + 4 * index as u64)?);
    }
    if a[5] % PAGE_SIZE != 0 {
        return Err(Errno::EINVAL);
    }
    map(cx, a[0], a[1], a[2] as u32, a[3] as u32, a[4] as i32, a[5])
}

fn map(
    cx: &mut Context,
    addr: u64,
    len: u64,
    prot: u32,
    flags: u32,
    fd: i32,
    offset: u64,
) -> SysResult {
    let open = if flags & MAP_ANONYMOUS == 0 { Some(cx.file(fd)?) } else { None };
    if len == 0 {
        return Err(Errno::EINVAL);
    }
    let shared = match flags & 0xf {
        MAP_SHARED | MAP_SHARED_VALIDATE => true,
        MAP_PRIVATE => false,
        _ => return Err(Errno::EINVAL),
    };
    if len > layout::TOP {
        return Err(Errno::ENOMEM);
    }
    let len = page_up(len);
    if offset.checked_add(len).is_none() {
        return Err(Errno::EOVERFLOW);
    }
    let reserve = flags & MAP_NORESERVE == 0 && prot & 2 != 0 && !shared;
    if reserve && len > cx.kernel.config.memory {
        return Err(Errno::ENOMEM);
    }
    let source = match &open {
        Some(open) if open.file.maps_zeros() => None,
        Some(open) => Some(source(open, shared, prot)?),
        None => None,
    };
    let range = place(cx, addr, len, flags)?;
    let mm = cx.mm();
    let backing = match source {
        None if !shared => {
            mm.borrow_mut().map_anonymous(range.clone(), prot & 7, "")?;
            return Ok(range.start);
        }
        None => Backing::Shared { file: SharedFile::anonymous(len)?, location: None, offset: 0 },
        Some((inode, _)) if shared && prot & 2 != 0 && !seals::permits_mapping(&inode) => {
            return Err(Errno::EPERM);
        }
        Some((inode, location)) if shared => {
            let file = SharedFile::of_inode(cx, &inode)?;
            Backing::Shared { file, location, offset }
        }
        Some((inode, location)) => Backing::File { inode, location, offset },
    };
    // Once the range is unmapped, the call cannot begin again.
    demand::prepare(cx, len, &backing)?;
    unmap(cx, &range)?;
    demand::populate(cx, &range, prot & 7, &backing)?;
    let vma = Vma { end: range.end, prot: prot & 7, backing, name: "" };
    mm.borrow_mut().insert(range.start, vma);
    Ok(range.start)
}

/// What a file gives to be mapped; checks how it was opened.
fn source(open: &OpenFile, shared: bool, prot: u32) -> SysResult<(InodeRef, Option<Location>)> {
    if open.is_path() {
        return Err(Errno::EBADF);
    }
    if !open.readable() || shared && prot & 2 != 0 && !open.writable() {
        return Err(Errno::EACCES);
    }
    let inode = open.file.mappable().ok_or(Errno::ENODEV)?;
    if let Some(location) = &open.location
        && prot & 4 != 0
        && location.mount.flags.get() & crate::fs::mount::mount_flags::NOEXEC != 0
    {
        return Err(Errno::EPERM);
    }
    Ok((inode, open.location.clone()))
}

/// Where a mapping goes.
pub fn place(cx: &Context, addr: u64, len: u64, flags: u32) -> SysResult<Range<u64>> {
    let mm = cx.mm();
    let mm = mm.borrow();
    if flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) != 0 {
        if !addr.is_multiple_of(PAGE_SIZE) {
            return Err(Errno::EINVAL);
        }
        let end = addr.checked_add(len).filter(|end| *end <= layout::TOP).ok_or(Errno::ENOMEM)?;
        if addr < layout::LOW {
            return Err(Errno::EPERM);
        }
        if flags & MAP_FIXED_NOREPLACE != 0 && mm.is_used(&(addr..end)) {
            return Err(Errno::EEXIST);
        }
        return Ok(addr..end);
    }
    // A hint is taken if it is free and not far above everything.
    let hint = page_up(addr.min(layout::TOP));
    let highest = mm.vmas.last_key_value().map_or(mm.mmap_base, |(_, vma)| vma.end);
    if hint >= layout::LOW
        && hint <= highest.saturating_add(layout::HEAP)
        && hint + len <= layout::TOP
        && !mm.is_used(&(hint..hint + len))
    {
        return Ok(hint..hint + len);
    }
    let start = mm.find_free(len, mm.mmap_base)?;
    Ok(start..start + len)
}

/// Unmaps a range; shared pages are written back.
pub fn unmap(cx: &mut Context, range: &Range<u64>) -> SysResult<()> {
    let mm = cx.mm();
    let gone = mm.borrow_mut().remove(range);
    mm.borrow_mut().machine.unmap(range.clone())?;
    for (start, vma) in gone {
        write_back(cx, start, &vma)?;
    }
    Ok(())
}

/// Writes back what a mapping's program may have changed.
pub fn write_back(cx: &mut Context, start: u64, vma: &Vma) -> SysResult<()> {
    match &vma.backing {
        Backing::Shared { file, offset, .. } => {
            let file: Rc<SharedFile> = file.clone();
            file.write_back(cx, *offset, vma.end - start)
        }
        _ => Ok(()),
    }
}
