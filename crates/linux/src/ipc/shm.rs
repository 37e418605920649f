//! Shared memory (`shmget(2)`, `shmat(2)`).
//!
//! A segment's pages are those of a shared mapping. Who has it attached is seen from the
//! mappings; one that was removed lives on in them alone.

use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};

use super::{Owner, READ, Record, Thing, WIDE, WRITE, command, find_or_make, now};
use crate::errno::{Errno, SysResult};
use crate::kernel::{Context, Kernel};
use crate::machine::PAGE_SIZE;
use crate::mm::{Backing, Mm, SharedFile, Vma, demand, map, page_up};
use crate::syscall::{Abi, Args};

/// The segment goes when nobody has it attached.
const DEST: u32 = 0o1000;
const LOCKED: u32 = 0o2000;

/// A segment.
pub struct Segment {
    owner: Owner,
    size: u64,
    pages: Weak<SharedFile>,
    /// Until it is removed.
    held: RefCell<Option<Rc<SharedFile>>>,
    attached: Cell<i64>,
    detached: Cell<i64>,
    changed: Cell<i64>,
    creator: i32,
    last: Cell<i32>,
}

impl Thing for Segment {
    fn owner(&self) -> &Owner {
        &self.owner
    }

    fn is_alive(&self) -> bool {
        self.pages.strong_count() > 0
    }
}

/// Bytes of all segments.
fn total(kernel: &Kernel) -> u64 {
    let alive = kernel.ipc.shm.list.values().filter(|segment| segment.is_alive());
    alive.map(|segment| page_up(segment.size)).sum()
}

/// How many mappings there are of a segment.
fn attachments(kernel: &Kernel, pages: &Rc<SharedFile>) -> u64 {
    let mut seen: alloc::vec::Vec<*const RefCell<Mm>> = alloc::vec::Vec::new();
    let mut count = 0;
    for thread in kernel.threads.values() {
        let mm = thread.mm();
        if !seen.contains(&Rc::as_ptr(&mm)) {
            seen.push(Rc::as_ptr(&mm));
            // Only the part with its beginning counts of one that was cut.
            let of = |vma: &&Vma| {
                matches!(&vma.backing, Backing::Shared { file, offset: 0, .. }
                    if Rc::ptr_eq(file, pages))
            };
            count += mm.borrow().vmas.values().filter(of).count() as u64;
        }
    }
    count
}

/// `shmget(2)`.
pub fn shmget(cx: &mut Context, args: Args) -> SysResult {
    const HUGETLB: u32 = 0o4000;
    let (key, size, how) = (args.u32(0), args.u64(1), args.u32(2));
    let fits = |segment: &Segment| {
        if size > segment.size { Err(Errno::EINVAL) } else { Ok(()) }
    };
    find_or_make(
        cx,
        |ipc| &mut ipc.shm,
        key,
        how,
        fits,
        |cx, owner| {
            if size == 0 || size > i64::MAX as u64 - PAGE_SIZE || how & HUGETLB != 0 {
                return Err(Errno::EINVAL);
            }
            let limit = cx.kernel.config.memory / 2;
            if page_up(size) > limit.saturating_sub(total(cx.kernel)) {
                return Err(Errno::ENOSPC);
            }
            let pages = SharedFile::anonymous(size)?;
            Ok(Segment {
                owner,
                size,
                pages: Rc::downgrade(&pages),
                held: RefCell::new(Some(pages)),
                attached: Cell::new(0),
                detached: Cell::new(0),
                changed: Cell::new(now(cx)),
                creator: cx.thread.process.pid,
                last: Cell::new(0),
            })
        },
    )
}

/// `shmat(2)`.
pub fn shmat(cx: &mut Context, args: Args) -> SysResult {
    const RDONLY: u32 = 0o10000;
    const RND: u32 = 0o20000;
    const REMAP: u32 = 0o40000;
    const EXEC: u32 = 0o100000;
    const FIXED: u32 = 0x10;
    const FIXED_NOREPLACE: u32 = 0x10_0000;
    let (mut addr, how) = (args.u64(1), args.u32(2));
    if args.int(0) < 0 {
        return Err(Errno::EINVAL);
    }
    if !addr.is_multiple_of(PAGE_SIZE) {
        if how & RND == 0 {
            return Err(Errno::EINVAL);
        }
        addr -= addr % PAGE_SIZE;
        if addr == 0 && how & REMAP != 0 {
            return Err(Errno::EINVAL);
        }
    } else if addr == 0 && how & REMAP != 0 {
        return Err(Errno::EINVAL);
    }
    let segment = cx.kernel.ipc.shm.get(args.int(0))?;
    let writes = how & RDONLY == 0;
    segment.owner.permits(cx, if writes { READ | WRITE } else { READ })?;
    let pages = segment.pages.upgrade().ok_or(Errno::EIDRM)?;
    let place_flags = match (addr, how & REMAP != 0) {
        (0, _) => 0,
        (_, true) => FIXED,
        (_, false) => FIXED_NOREPLACE,
    };
    let len = page_up(segment.size);
    let range = map::place(cx, addr, len, place_flags).map_err(|error| match error {
        Errno::EEXIST | Errno::EPERM => Errno::EINVAL,
        other => other,
    })?;
    let prot = 1 | u32::from(writes) << 1 | if how & EXEC != 0 { 4 } else { 0 };
    let backing = Backing::Shared { file: pages, location: None, offset: 0 };
    map::unmap(cx, &range)?;
    demand::populate(cx, &range, prot, &backing)?;
    let vma = Vma { end: range.end, prot, backing, name: "" };
    cx.mm().borrow_mut().insert(range.start, vma);
    segment.attached.set(now(cx));
    segment.last.set(cx.thread.process.pid);
    Ok(range.start)
}

/// `shmdt(2)`.
pub fn shmdt(cx: &mut Context, args: Args) -> SysResult {
    let addr = args.u64(0);
    let mm = cx.mm();
    let pages = match mm.borrow().vmas.get(&addr) {
        Some(Vma { backing: Backing::Shared { file, offset: 0, .. }, .. }) => file.clone(),
        _ => return Err(Errno::EINVAL),
    };
    let of = |segment: &&Rc<Segment>| core::ptr::eq(segment.pages.as_ptr(), Rc::as_ptr(&pages));
    let segment = cx.kernel.ipc.shm.list.values().find(of).cloned().ok_or(Errno::EINVAL)?;
    // All that is left of this attachment, which the program may have cut.
    let parts: alloc::vec::Vec<(u64, u64)> = {
        let mm = mm.borrow();
        let own = |found: &(&u64, &Vma)| match &found.1.backing {
            Backing::Shared { file, offset, .. } => {
                Rc::ptr_eq(file, &pages) && found.0 - addr == *offset
            }
            _ => false,
        };
        let range = addr..addr.saturating_add(page_up(segment.size));
        mm.vmas.range(range).filter(own).map(|(&start, vma)| (start, vma.end)).collect()
    };
    for (start, end) in parts {
        map::unmap(cx, &(start..end))?;
    }
    segment.detached.set(now(cx));
    segment.last.set(cx.thread.process.pid);
    Ok(0)
}

/// `shmctl(2)`.
pub fn shmctl(cx: &mut Context, args: Args) -> SysResult {
    const LOCK: u32 = 11;
    const UNLOCK: u32 = 12;
    const SHM_STAT: u32 = 13;
    const SHM_INFO: u32 = 14;
    let (id, what, at) = (args.int(0), args.u32(1) & !WIDE, args.u64(2));
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    // `shmctl` called by itself means the wide structures in any case.
    match what {
        command::INFO => {
            let mut record = Record(alloc::vec::Vec::new());
            let limit = cx.kernel.config.memory / 2;
            for value in [limit, 1, super::COUNT_MAX as u64, super::COUNT_MAX as u64] {
                record.word(cx, value);
            }
            record.word(cx, limit / PAGE_SIZE);
            record.0.resize(9 * cx.word(), 0);
            cx.write_bytes(at, &record.0)?;
            return Ok(highest(cx));
        }
        SHM_INFO => {
            let mut record = Record(alloc::vec::Vec::new());
            record.u32(cx.kernel.ipc.shm.list.len() as u32);
            record.0.resize(record.0.len().next_multiple_of(cx.word()), 0);
            let pages = total(cx.kernel) / PAGE_SIZE;
            for value in [pages, pages, 0, 0, 0] {
                record.word(cx, value);
            }
            cx.write_bytes(at, &record.0)?;
            return Ok(highest(cx));
        }
        _ => {}
    }
    let (id, found) = match what {
        SHM_STAT | 15 => {
            let index = |full: &i32| full % 32768 == id;
            let full = cx.kernel.ipc.shm.list.keys().copied().find(index).ok_or(Errno::EINVAL)?;
            (full, full as u64)
        }
        _ => (id, 0),
    };
    let segment = cx.kernel.ipc.shm.get(id)?;
    match what {
        command::STAT | SHM_STAT | 15 => {
            if what != 15 {
                segment.owner.permits(cx, READ)?;
            }
            let bytes = stat(cx, &segment);
            cx.write_bytes(at, &bytes)?;
            Ok(found)
        }
        command::SET => {
            segment.owner.is_mine(cx)?;
            segment.owner.set(cx, at)?;
            segment.changed.set(now(cx));
            Ok(0)
        }
        command::RMID => {
            segment.owner.is_mine(cx)?;
            segment.owner.key.set(0);
            segment.owner.mode.set(segment.owner.mode.get() | DEST);
            *segment.held.borrow_mut() = None;
            if !segment.is_alive() {
                cx.kernel.ipc.shm.remove(id);
            }
            Ok(0)
        }
        LOCK | UNLOCK => {
            segment.owner.is_mine(cx)?;
            let mode = segment.owner.mode.get();
            segment.owner.mode.set(if what == LOCK { mode | LOCKED } else { mode & !LOCKED });
            Ok(0)
        }
        _ => Err(Errno::EINVAL),
    }
}

/// The highest index in use, which those who list all want to know.
fn highest(cx: &Context) -> u64 {
    cx.kernel.ipc.shm.list.keys().map(|id| id % 32768).max().unwrap_or(0) as u64
}

fn stat(cx: &mut Context, segment: &Segment) -> alloc::vec::Vec<u8> {
    let count = segment.pages.upgrade().map_or(0, |pages| attachments(cx.kernel, &pages));
    let mut record = Record(segment.owner.encode(cx));
    record.word(cx, segment.size);
    for time in [&segment.attached, &segment.detached, &segment.changed] {
        record.time(time.get());
    }
    record.u32(segment.creator as u32);
    record.u32(segment.last.get() as u32);
    for value in [count, 0, 0] {
        record.word(cx, value);
    }
    debug_assert_eq!(record.0.len(), if cx.abi() == Abi::Amd64 { 112 } else { 84 });
    record.0
}
