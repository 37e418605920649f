//! Calls about memory that is mapped.

use core::ops::Range;

use super::map::{unmap, write_back};
use super::{Backing, Mm, Vma, demand, layout, page_up, to_prot};
use crate::errno::{Errno, SysResult};
use crate::fs::seals;
use crate::kernel::Context;
use crate::machine::PAGE_SIZE;
use crate::syscall::Args;

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
        // Pages that nobody touched, or behind a file's end, are not there for the machine.
        mm.machine.protect_mapped(start..vma.end, to_prot(prot))?;
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
    demand::populate(cx, more, vma.prot, &backing)?;
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
                // They come from the file again when they are touched.
                Backing::File { .. } => {
                    let mut mm = mm.borrow_mut();
                    mm.machine.unmap(part)?;
                    mm.on_demand = true;
                }
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
