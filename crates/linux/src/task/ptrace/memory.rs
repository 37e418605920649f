//! The memory of a traced process, as a debugger sees it: whatever its pages allow, and pages
//! brought that nobody touched yet. `PTRACE_PEEKDATA` and `/proc/PID/mem` come here.

use alloc::rc::Rc;
use core::cell::RefCell;

use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::machine::PAGE_SIZE;
use crate::mm::{Mm, demand};

/// Copies bytes out; how many up to the first page that is not there. `EIO` if that is none.
pub fn peek(
    cx: &mut Context,
    mm: &Rc<RefCell<Mm>>,
    addr: u64,
    bytes: &mut [u8],
) -> SysResult<usize> {
    pages(cx, mm, addr, bytes.len(), |mm, at, part| {
        mm.machine.peek(addr + at as u64, &mut bytes[at..at + part]).is_ok()
    })
}

/// Copies bytes in, like [`peek`].
pub fn poke(cx: &mut Context, mm: &Rc<RefCell<Mm>>, addr: u64, bytes: &[u8]) -> SysResult<usize> {
    pages(cx, mm, addr, bytes.len(), |mm, at, part| {
        mm.machine.poke(addr + at as u64, &bytes[at..at + part]).is_ok()
    })
}

/// Works page by page.
fn pages(
    cx: &mut Context,
    mm: &Rc<RefCell<Mm>>,
    addr: u64,
    len: usize,
    mut work: impl FnMut(&mut Mm, usize, usize) -> bool,
) -> SysResult<usize> {
    let mut done = 0;
    while done < len {
        let Some(at) = addr.checked_add(done as u64) else { break };
        let part = ((PAGE_SIZE - at % PAGE_SIZE) as usize).min(len - done);
        if mm.borrow().is_absent(at) {
            match demand::load(cx, mm, at) {
                Err(Errno::NOT_READY) if done == 0 => return Err(Errno::NOT_READY),
                Err(_) => break,
                Ok(()) => {}
            }
        }
        if !work(&mut mm.borrow_mut(), done, part) {
            break;
        }
        done += part;
    }
    if done == 0 && len > 0 { Err(Errno::EIO) } else { Ok(done) }
}
