//! Pages that are there once they are touched: a mapping of more than [`AT_ONCE`] is only noted
//! in the list of mappings. An access finds nothing mapped then, and [`load`] brings a window of
//! pages around the address.
//!
//! An access by the program comes here from its fault. A call's buffers come here before the
//! call, as far as its arguments point to them ([`load_arguments`]); what else a call finds
//! absent ends it with `ABSENT`, and it is made again once the page is there.

use alloc::rc::Rc;
use core::cell::RefCell;
use core::ops::Range;

use super::{Backing, Mm, Vma, page_down, page_up, to_prot};
use crate::errno::{Errno, SysResult};
use crate::fs::{InodeRef, io};
use crate::kernel::Context;
use crate::machine::{Access, Machine, PAGE_SIZE, Prot};
use crate::syscall::Args;

/// Mappings up to so many bytes have all their pages from the start.
const AT_ONCE: u64 = 1 << 20;
/// Bytes that are brought when one is touched.
pub const WINDOW: u64 = 16 * PAGE_SIZE;

/// Sees to it that [`populate`] need not wait.
pub fn prepare(cx: &mut Context, len: u64, backing: &Backing) -> SysResult<()> {
    match backing {
        _ if len > AT_ONCE => Ok(()),
        Backing::Anonymous => Ok(()),
        Backing::File { inode, offset, .. } => prepare_file(cx, inode, *offset, len),
        Backing::Shared { file, offset, .. } => file.load(cx, *offset, len),
    }
}

/// The same for a part of a file.
pub fn prepare_file(cx: &mut Context, inode: &InodeRef, offset: u64, len: u64) -> SysResult<()> {
    if len > AT_ONCE { Ok(()) } else { inode.prepare(cx, offset, len) }
}

/// Gives a free range its content, at once or on demand. What a file does not reach stays
/// unmapped, and an access there is a bus error.
pub fn populate(
    cx: &mut Context,
    range: &Range<u64>,
    prot: u32,
    backing: &Backing,
) -> SysResult<()> {
    let mm = cx.mm();
    if matches!(backing, Backing::Anonymous) {
        mm.borrow_mut().machine.map_zero(range.clone(), to_prot(prot))?;
        return Ok(());
    }
    let mut at = range.start;
    if range.end - range.start <= AT_ONCE {
        let reached = end(cx, backing)?.saturating_sub(offset(backing));
        let end = range.end.min(range.start.saturating_add(reached));
        while at < end {
            let next = end.min(at + WINDOW);
            bring(cx, &mm, at..next, prot, backing, at - range.start)?;
            at = next;
        }
    }
    if at < range.end {
        mm.borrow_mut().on_demand = true;
    }
    Ok(())
}

/// Brings the page at an address and some around it: `EFAULT` if there is none, `NOT_READY` if
/// its block is on the way.
pub fn load(cx: &mut Context, mm: &Rc<RefCell<Mm>>, addr: u64) -> SysResult<()> {
    let (start, vma) = {
        let mm = mm.borrow();
        let (start, vma) = mm.find(addr).ok_or(Errno::EFAULT)?;
        (start, vma.clone())
    };
    let Vma { prot, backing, .. } = vma;
    let reached = end(cx, &backing)?.saturating_sub(offset(&backing));
    let end = vma.end.min(start.saturating_add(reached));
    if page_down(addr) >= end {
        return Err(Errno::EFAULT);
    }
    let first = addr & !(WINDOW - 1);
    let window = first.max(start)..end.min(first + WINDOW);
    let skipped = window.start - start;
    bring(cx, mm, window, prot, &backing, skipped)
}

/// Brings what the arguments of a call point to.
pub fn load_arguments(cx: &mut Context, args: Args) -> SysResult<()> {
    let mm = cx.mm();
    if !mm.borrow().on_demand {
        return Ok(());
    }
    for addr in args.0 {
        touch(cx, addr, WINDOW)?;
    }
    Ok(())
}

/// Brings the pages of a buffer as far as there are any; for calls that take something that
/// they could not take again.
pub fn touch(cx: &mut Context, addr: u64, len: u64) -> SysResult<()> {
    let mm = cx.mm();
    if !mm.borrow().on_demand {
        return Ok(());
    }
    let end = addr.saturating_add(len);
    let mut at = addr;
    while at < end {
        if mm.borrow().is_absent(at) {
            match load(cx, &mm, at) {
                Ok(()) => {}
                Err(Errno::NOT_READY) => return Err(Errno::NOT_READY),
                // The call will find the same.
                Err(_) => return Ok(()),
            }
        }
        let Some(next) = page_down(at).checked_add(PAGE_SIZE) else { return Ok(()) };
        at = next;
    }
    Ok(())
}

/// How many of `len` bytes may be accessed; they are there then.
pub fn accessible(
    cx: &mut Context,
    mm: &Rc<RefCell<Mm>>,
    addr: u64,
    len: u64,
    access: Access,
) -> SysResult<u64> {
    let mut last = None;
    loop {
        let count = mm.borrow().machine.accessible(addr, len, access);
        let next = addr.wrapping_add(count);
        if count == len || last == Some(count) || !mm.borrow().is_absent(next) {
            return Ok(count);
        }
        last = Some(count);
        match load(cx, mm, next) {
            Err(Errno::NOT_READY) if count == 0 => return Err(Errno::NOT_READY),
            Err(_) => return Ok(count),
            Ok(()) => {}
        }
    }
}

impl Mm {
    /// Whether an address has no page yet that may come.
    pub fn is_absent(&self, addr: u64) -> bool {
        let from_file = |(_, vma): (u64, &Vma)| !matches!(vma.backing, Backing::Anonymous);
        self.find(addr).is_some_and(from_file) && !is_mapped(&*self.machine, addr)
    }
}

fn is_mapped(machine: &dyn Machine, addr: u64) -> bool {
    machine.peek(addr, &mut [0]).is_ok()
}

/// Where in its file a mapping starts.
fn offset(backing: &Backing) -> u64 {
    match backing {
        Backing::Anonymous => 0,
        Backing::File { offset, .. } | Backing::Shared { offset, .. } => *offset,
    }
}

/// Where the last page of what is behind a mapping ends.
fn end(cx: &mut Context, backing: &Backing) -> SysResult<u64> {
    match backing {
        Backing::Anonymous => Err(Errno::EFAULT),
        Backing::File { inode, .. } => {
            let size = inode.stat(cx)?.size;
            Ok(size.checked_next_multiple_of(PAGE_SIZE).unwrap_or(page_down(size)))
        }
        Backing::Shared { file, .. } => match &file.inode {
            Some(inode) => {
                let size = inode.stat(cx)?.size;
                Ok(file.len().min(size.checked_next_multiple_of(PAGE_SIZE).unwrap_or(u64::MAX)))
            }
            None => Ok(file.len()),
        },
    }
}

/// Maps what is absent of at most [`WINDOW`] bytes, which lie `skipped` bytes behind the start
/// of their mapping.
fn bring(
    cx: &mut Context,
    mm: &Rc<RefCell<Mm>>,
    range: Range<u64>,
    prot: u32,
    backing: &Backing,
    skipped: u64,
) -> SysResult<()> {
    let prot = to_prot(prot);
    match backing {
        Backing::Anonymous => Err(Errno::EFAULT),
        Backing::Shared { file, offset, .. } => {
            let from = offset + skipped;
            file.load(cx, from, range.end - range.start)?;
            let mut mm = mm.borrow_mut();
            for run in absent_runs(&*mm.machine, &range) {
                let first = (from + run.start - range.start) / PAGE_SIZE;
                mm.machine.map_shared(run, prot, &file.pages, first)?;
            }
            Ok(())
        }
        Backing::File { inode, offset, .. } => copy(cx, mm, range, prot, inode, offset + skipped),
    }
}

fn copy(
    cx: &mut Context,
    mm: &Rc<RefCell<Mm>>,
    range: Range<u64>,
    prot: Prot,
    inode: &InodeRef,
    from: u64,
) -> SysResult<()> {
    let mut buf = alloc::vec![0; page_up(range.end - range.start) as usize];
    let mut done = 0;
    while done < buf.len() {
        match io::read_inode(cx, inode, from + done as u64, &mut buf[done..])? {
            0 => break,
            count => done += count,
        }
    }
    let mut mm = mm.borrow_mut();
    for run in absent_runs(&*mm.machine, &range) {
        mm.machine.map_zero(run.clone(), prot)?;
        for at in run.step_by(PAGE_SIZE as usize) {
            let page = &buf[(at - range.start) as usize..][..PAGE_SIZE as usize];
            // Those of a hole shall not take memory.
            if page.iter().any(|&byte| byte != 0) {
                mm.machine.poke(at, page).map_err(|_| Errno::EFAULT)?;
            }
        }
    }
    Ok(())
}

/// The runs of pages of a range that are not mapped.
fn absent_runs(machine: &dyn Machine, range: &Range<u64>) -> alloc::vec::Vec<Range<u64>> {
    let mut runs = alloc::vec::Vec::<Range<u64>>::new();
    for at in range.clone().step_by(PAGE_SIZE as usize) {
        if is_mapped(machine, at) {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += PAGE_SIZE,
            _ => runs.push(at..at + PAGE_SIZE),
        }
    }
    runs
}
