//! The memory of another process: `process_vm_readv(2)`, `process_vm_writev(2)`.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::Thread;
use super::credentials::cap;
use crate::errno::{Errno, SysResult};
use crate::fs::io::vectors;
use crate::kernel::Context;
use crate::machine::Access;
use crate::mm::demand::accessible;
use crate::syscall::Args;

/// Bytes that are moved at once.
const CHUNK: u64 = 1 << 16;

/// Whether the caller may look into a process: `EPERM` if it is another user's
/// (`ptrace(2)`, "Ptrace access mode checking", with real ids).
pub fn may_reach(cx: &Context, thread: &Thread) -> SysResult<()> {
    let (own, other) = (cx.thread.credentials(), thread.credentials());
    let same = [other.uid, other.euid, other.suid] == [own.uid; 3]
        && [other.gid, other.egid, other.sgid] == [own.gid; 3];
    let itself = Rc::ptr_eq(&cx.thread.process, &thread.process);
    if same || itself || own.has(cap::SYS_PTRACE) { Ok(()) } else { Err(Errno::EPERM) }
}

/// `process_vm_readv(2)`.
pub fn process_vm_readv(cx: &mut Context, args: Args) -> SysResult {
    transfer(cx, args, false)
}

/// `process_vm_writev(2)`.
pub fn process_vm_writev(cx: &mut Context, args: Args) -> SysResult {
    transfer(cx, args, true)
}

fn transfer(cx: &mut Context, args: Args, to_it: bool) -> SysResult {
    if args.u64(5) != 0 {
        return Err(Errno::EINVAL);
    }
    let own = vectors(cx, args.u64(1), args.u64(2))?;
    let its = vectors(cx, args.u64(3), args.u64(4))?;
    let thread = cx.kernel.threads.get(&args.int(0)).cloned().ok_or(Errno::ESRCH)?;
    may_reach(cx, &thread)?;
    let (own_mm, its_mm) = (cx.mm(), thread.mm());
    let (from, to) = if to_it { (own_mm, its_mm) } else { (its_mm, own_mm) };
    let mut buf = Vec::new();
    let mut done = 0;
    for (mine, other, len) in pieces(&own, &its) {
        let (source, target) = if to_it { (mine, other) } else { (other, mine) };
        // What is there up to the first page that is not.
        let sources = accessible(cx, &from, source, len, Access::Read);
        let targets = sources.and_then(|len| accessible(cx, &to, target, len, Access::Write));
        let count = match targets {
            Err(_) if done > 0 => return Ok(done),
            count => count?,
        };
        buf.resize(count as usize, 0);
        from.borrow().machine.read(source, &mut buf).map_err(|_| Errno::EFAULT)?;
        to.borrow_mut().machine.write(target, &buf).map_err(|_| Errno::EFAULT)?;
        done += count;
        if count < len {
            return if done > 0 { Ok(done) } else { Err(Errno::EFAULT) };
        }
    }
    Ok(done)
}

/// Two lists of buffers as pieces of both, each at most [`CHUNK`] bytes, up to the end of the
/// shorter one.
fn pieces(
    one: &[(u64, u64)],
    other: &[(u64, u64)],
) -> impl Iterator<Item = (u64, u64, u64)> + use<> {
    let lists = [one.to_vec(), other.to_vec()];
    let mut at = [(0, 0); 2];
    core::iter::from_fn(move || {
        let mut len = CHUNK;
        let mut places = [0; 2];
        for (list, (index, offset)) in lists.iter().zip(&mut at) {
            while list.get(*index).is_some_and(|part| part.1 == *offset) {
                (*index, *offset) = (*index + 1, 0);
            }
        }
        for ((list, (index, offset)), place) in lists.iter().zip(&at).zip(&mut places) {
            let part = list.get(*index)?;
            len = len.min(part.1 - offset);
            *place = part.0 + offset;
        }
        for (_, offset) in &mut at {
            *offset += len;
        }
        Some((places[0], places[1], len))
    })
}
