//! `mmap(2)` and its relatives.

use alloc::rc::Rc;
use core::ops::Range;

use super::{Backing, Mm, SharedFile, Vma, layout, page_up, to_prot};
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
        Some((inode, location)) => {
            // Once the range is unmapped, the call cannot begin again.
            inode.prepare(cx, offset, len)?;
            Backing::File { inode, location, offset }
        }
    };
    unmap(cx, &range)?;
    populate(cx, &range, prot & 7, &backing)?;
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

/// Gives a range its content. What a file does not reach stays unmapped, and an
/// access there is a bus error.
pub fn populate(
    cx: &mut Context,
    range: &Range<u64>,
    prot: u32,
    backing: &Backing,
) -> SysResult<()> {
    let mm = cx.mm();
    let machine_prot = to_prot(prot);
    match backing {
        Backing::Anonymous => mm.borrow_mut().machine.map_zero(range.clone(), machine_prot)?,
        Backing::Shared { file, offset, .. } => {
            let len = file.len().saturating_sub(*offset).min(range.end - range.start);
            if len > 0 {
                let part = range.start..range.start + len;
                let first = offset / PAGE_SIZE;
                let mut mm = mm.borrow_mut();
                mm.machine.map_shared(part, machine_prot, &file.pages, first)?;
            }
        }
        Backing::File { inode, offset, .. } => {
            let size = inode.stat(cx)?.size;
            let len = page_up(size.saturating_sub(*offset)).min(range.end - range.start);
            if len > 0 {
                let part = range.start..range.start + len;
                mm.borrow_mut().machine.map_zero(part.clone(), machine_prot)?;
                copy_in(cx, inode, *offset, part)?;
            }
        }
    }
    Ok(())
}

/// Copies a part of a file into mapped memory.
fn copy_in(cx: &mut Context, inode: &InodeRef, offset: u64, to: Range<u64>) -> SysResult<()> {
    let mut buf = alloc::vec![0; (to.end - to.start).min(1 << 18) as usize];
    let mut at = to.start;
    while at < to.end {
        let part = buf.len().min((to.end - at) as usize);
        let from = offset + (at - to.start);
        let count = crate::fs::io::read_inode(cx, inode, from, &mut buf[..part])?;
        if count == 0 {
            break;
        }
        let mm = cx.mm();
        mm.borrow_mut().machine.poke(at, &buf[..count]).map_err(|_| Errno::EFAULT)?;
        at += count as u64;
    }
    Ok(())
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

/// `munmap(2)`.
pub fn munmap(cx: &mut Context, args: Args) -> SysResult {
    let range = checked(args.u64(0), args.u64(1))?.ok_or(Errno::EINVAL)?;
    unmap(cx, &range)?;
    Ok(0)
}

/// A range that a call is about; none if it is empty.
fn checked(addr: u64, len: u64) -> SysResult<Option<Range<u64>>> {
    if !addr.is_multiple_of(PAGE_SIZE) || len > layout::TOP {
        return Err(Errno::EINVAL);
    }
    let end = addr.checked_add(page_up(len)).filter(|end| *end <= layout::TOP);
    let end = end.ok_or(Errno::EINVAL)?;
    Ok((end > addr).then_some(addr..end))
}

/// Whether every page of a range is mapped.
fn is_whole(mm: &Mm, range: &Range<u64>) -> bool {
    let mut at = range.start;
    while at < range.end {
        match mm.find(at) {
            Some((_, vma)) => at = vma.end,
            None => return false,
        }
    }
    true
}

/// `mprotect(2)`.
pub fn mprotect(cx: &mut Context, args: Args) -> SysResult {
    let prot = args.u32(2);
    if prot & !0x0300_000f != 0 {
        return Err(Errno::EINVAL);
    }
    let Some(range) = checked(args.u64(0), args.u64(1)).map_err(|error| match error {
        Errno::EINVAL if args.u64(0).is_multiple_of(PAGE_SIZE) => Errno::ENOMEM,
        error => error,
    })?
    else {
        return Ok(0);
    };
    let mm = cx.mm();
    let mut mm = mm.borrow_mut();
    if !is_whole(&mm, &range) {
        return Err(Errno::ENOMEM);
    }
    for (start, mut vma) in mm.in_range(&range) {
        if prot & 2 != 0
            && let Backing::Shared { file, .. } = &vma.backing
            && vma.prot & 2 == 0
            && file.inode.as_ref().is_some_and(|inode| !seals::permits_mapping(inode))
        {
            return Err(Errno::EACCES);
        }
        // Pages behind the end of a file are not there for the machine.
        let mut at = start;
        while at < vma.end {
            let run = mm.machine.protect(at..vma.end, to_prot(prot));
            if run.is_ok() {
                break;
            }
            let _ = mm.machine.protect(at..at + PAGE_SIZE, to_prot(prot));
            at += PAGE_SIZE;
        }
        vma.prot = prot & 7;
        mm.vmas.remove(&start);
        mm.insert(start, vma);
    }
    Ok(0)
}

/// `mremap(2)`.
pub fn mremap(cx: &mut Context, args: Args) -> SysResult {
    const MAYMOVE: u32 = 1;
    const FIXED: u32 = 2;
    let (addr, flags) = (args.u64(0), args.u32(3));
    if flags & !7 != 0 || !addr.is_multiple_of(PAGE_SIZE) || args.u64(2) == 0 {
        return Err(Errno::EINVAL);
    }
    if flags & FIXED != 0 && flags & MAYMOVE == 0 || flags & 4 != 0 {
        return Err(Errno::EINVAL);
    }
    if args.u64(1) > layout::TOP || args.u64(2) > layout::TOP {
        return Err(Errno::ENOMEM);
    }
    let (old_len, new_len) = (page_up(args.u64(1)), page_up(args.u64(2)));
    let mm = cx.mm();
    let vma = match mm.borrow().find(addr) {
        Some((_, vma)) if old_len != 0 && addr + old_len <= vma.end => vma.clone(),
        _ => return Err(Errno::EFAULT),
    };
    if flags & FIXED == 0 {
        if new_len <= old_len {
            if new_len < old_len {
                unmap(cx, &(addr + new_len..addr + old_len))?;
            }
            return Ok(addr);
        }
        let more = addr + old_len..addr + new_len;
        if more.end <= layout::TOP && !mm.borrow().is_used(&more) {
            grow(cx, addr, old_len, &more, &vma)?;
            return Ok(addr);
        }
        if flags & MAYMOVE == 0 {
            return Err(Errno::ENOMEM);
        }
    }
    let to = if flags & FIXED != 0 {
        let to = args.u64(4);
        let overlaps = to < addr + old_len && addr < to + new_len;
        if !to.is_multiple_of(PAGE_SIZE) || to + new_len > layout::TOP || overlaps {
            return Err(Errno::EINVAL);
        }
        unmap(cx, &(to..to + new_len))?;
        to
    } else {
        let mm = mm.borrow();
        mm.find_free(new_len, mm.mmap_base)?
    };
    if new_len < old_len {
        unmap(cx, &(addr + new_len..addr + old_len))?;
    }
    let kept = old_len.min(new_len);
    {
        let mut mm = mm.borrow_mut();
        mm.machine.move_pages(addr..addr + kept, to..to + kept)?;
        for (start, mut part) in mm.remove(&(addr..addr + kept)) {
            part.end = part.end - addr + to;
            mm.insert(start - addr + to, part);
        }
    }
    if new_len > kept {
        grow(cx, to, kept, &(to + kept..to + new_len), &vma)?;
    }
    Ok(to)
}

/// Lets the mapping that ends before `more` reach to its end.
fn grow(cx: &mut Context, start: u64, len: u64, more: &Range<u64>, vma: &Vma) -> SysResult<()> {
    let mm = cx.mm();
    let mut backing = vma.backing.clone();
    let original = mm.borrow().find(start).map_or(start, |(first, _)| first);
    match &mut backing {
        Backing::Anonymous => {}
        Backing::File { offset, .. } | Backing::Shared { offset, .. } => {
            *offset += start - original + len;
        }
    }
    if let Backing::Shared { file, offset, .. } = &backing
        && file.inode.is_none()
    {
        file.resize(offset + more.end - more.start)?;
    }
    populate(cx, more, vma.prot, &backing)?;
    let added = Vma { end: more.end, prot: vma.prot, backing, name: vma.name };
    mm.borrow_mut().insert(more.start, added);
    Ok(())
}

/// `madvise(2)`.
pub fn madvise(cx: &mut Context, args: Args) -> SysResult {
    const DONTNEED: i32 = 4;
    let advice = args.int(2);
    let known = matches!(advice, 0..=4 | 8..=23 | 25);
    if !known {
        return Err(Errno::EINVAL);
    }
    let Some(range) = checked(args.u64(0), args.u64(1))? else { return Ok(0) };
    let mm = cx.mm();
    let whole = is_whole(&mm.borrow(), &range);
    if advice == DONTNEED {
        let parts = mm.borrow_mut().in_range(&range);
        for (start, vma) in parts {
            let part = start..vma.end;
            match vma.backing {
                Backing::Anonymous => mm.borrow_mut().machine.discard(part)?,
                Backing::File { .. } => populate(cx, &part, vma.prot, &vma.backing)?,
                Backing::Shared { .. } => {}
            }
        }
    }
    if whole { Ok(0) } else { Err(Errno::ENOMEM) }
}

/// `msync(2)`.
pub fn msync(cx: &mut Context, args: Args) -> SysResult {
    let flags = args.u32(2);
    if flags & !7 != 0 || flags & 5 == 5 {
        return Err(Errno::EINVAL);
    }
    let Some(range) = checked(args.u64(0), args.u64(1))? else { return Ok(0) };
    let mm = cx.mm();
    let whole = is_whole(&mm.borrow(), &range);
    let parts = mm.borrow_mut().in_range(&range);
    for (start, vma) in parts {
        write_back(cx, start, &vma)?;
    }
    if whole { Ok(0) } else { Err(Errno::ENOMEM) }
}

/// `mincore(2)`: what is mapped is there.
pub fn mincore(cx: &mut Context, args: Args) -> SysResult {
    let Some(range) = checked(args.u64(0), args.u64(1))? else { return Ok(0) };
    let mm = cx.mm();
    if !is_whole(&mm.borrow(), &range) {
        return Err(Errno::ENOMEM);
    }
    for (index, at) in range.step_by(PAGE_SIZE as usize).enumerate() {
        let file = |(_, vma): (u64, &Vma)| !matches!(vma.backing, Backing::Anonymous);
        let mapped = mm.borrow().find(at).is_some_and(file);
        let there = mapped || mm.borrow().machine.is_touched(at);
        cx.write_bytes(args.u64(2) + index as u64, &[u8::from(there)])?;
    }
    Ok(0)
}

/// `brk(2)`: returns where the heap ends.
pub fn brk(cx: &mut Context, args: Args) -> SysResult {
    let mm = cx.mm();
    let mut mm = mm.borrow_mut();
    let (wanted, old) = (args.u64(0), mm.brk.end);
    if wanted < mm.brk.start || wanted > layout::TOP {
        return Ok(old);
    }
    let (from, to) = (page_up(old), page_up(wanted));
    if to > from {
        let limit = cx.kernel.config.memory;
        if mm.is_used(&(from..to)) || to - mm.brk.start > limit {
            return Ok(old);
        }
        if mm.map_anonymous(from..to, 3, "[heap]").is_err() {
            return Ok(old);
        }
    } else if to < from {
        mm.remove(&(to..from));
        mm.machine.unmap(to..from)?;
    }
    mm.brk.end = wanted;
    Ok(wanted)
}

/// `mlock(2)` and relatives: memory is never paged out.
pub fn mlock(cx: &mut Context, args: Args) -> SysResult {
    let start = super::page_down(args.u64(0));
    let end = args.u64(0).checked_add(args.u64(1)).ok_or(Errno::EINVAL)?;
    let range = start..page_up(end.min(layout::TOP));
    let whole = range.is_empty() || is_whole(&cx.mm().borrow(), &range);
    if whole { Ok(0) } else { Err(Errno::ENOMEM) }
}

/// `mlockall(2)`, `munlockall(2)`.
pub fn mlockall(_: &mut Context, _: Args) -> SysResult {
    Ok(0)
}

/// `membarrier(2)`: one processor runs everything, so every barrier is one.
pub fn membarrier(_: &mut Context, args: Args) -> SysResult {
    const SUPPORTED: u64 = 0x1ff;
    match (args.u32(0), args.u32(1)) {
        (0, 0) => Ok(SUPPORTED),
        (command, 0) if command.is_power_of_two() && u64::from(command) & SUPPORTED != 0 => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

/// `memfd_create(2)`.
pub fn memfd_create(cx: &mut Context, args: Args) -> SysResult {
    use crate::fs::{Create, Dentry, FileType, flags, regular::InodeFile};
    let name = cx.read_string(args.u64(0), 250, Errno::EINVAL)?;
    if args.u32(1) & !7 != 0 {
        return Err(if args.u32(1) & 4 != 0 { Errno::ENOSYS } else { Errno::EINVAL });
    }
    let credentials = cx.thread.credentials();
    let what = Create {
        kind: FileType::Regular,
        mode: 0o777,
        uid: credentials.fsuid,
        gid: credentials.fsgid,
        rdev: 0,
    };
    let now = cx.kernel.now();
    let inode = cx.kernel.shm.clone().anonymous(&what, now);
    const ALLOW_SEALING: u32 = 2;
    let seals = if args.u32(1) & ALLOW_SEALING != 0 { 0 } else { seals::SEAL };
    inode.extra().seals.set(Some(seals));
    let label = [b"memfd:", &name[..]].concat();
    let mount = cx.kernel.root().mount;
    let location = Location { mount, dentry: Dentry::nameless(&label, inode.clone()) };
    let open_flags = flags::RDWR | if args.u32(1) & 1 != 0 { flags::CLOEXEC } else { 0 };
    let file = InodeFile::new(inode, open_flags);
    let open = OpenFile::new(file, Some(location), open_flags);
    cx.install(open, open_flags).map(|fd| fd as u64)
}
