//! `/proc/PID/mem`: the memory of a process, positions are addresses.

use alloc::rc::{Rc, Weak};
use core::any::Any;
use core::cell::RefCell;

use super::process;
use crate::errno::{Errno, SysResult};
use crate::fs::{File, OpenFile};
use crate::kernel::Context;
use crate::mm::Mm;
use crate::task::memory::may_reach;
use crate::task::{Pid, ptrace};

/// Opens the memory that a process has now; it stays that one, as on the real system.
pub fn open(cx: &mut Context, id: Pid) -> SysResult<Rc<dyn File>> {
    let thread = process::some_thread(cx, id).ok_or(Errno::ESRCH)?;
    may_reach(cx, &thread).map_err(|_| Errno::EACCES)?;
    Ok(Rc::new(MemoryFile(Rc::downgrade(&thread.mm()))))
}

/// The memory itself belongs to its threads: once they left it, there is nothing to read.
struct MemoryFile(Weak<RefCell<Mm>>);

impl File for MemoryFile {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn read(
        &self,
        cx: &mut Context,
        _: &OpenFile,
        pos: &mut u64,
        buf: &mut [u8],
    ) -> SysResult<usize> {
        let Some(mm) = self.0.upgrade() else { return Ok(0) };
        let count = ptrace::peek(cx, &mm, *pos, buf)?;
        *pos += count as u64;
        Ok(count)
    }

    fn write(
        &self,
        cx: &mut Context,
        _: &OpenFile,
        pos: &mut u64,
        bytes: &[u8],
    ) -> SysResult<usize> {
        let Some(mm) = self.0.upgrade() else { return Ok(0) };
        let count = ptrace::poke(cx, &mm, *pos, bytes)?;
        *pos += count as u64;
        Ok(count)
    }

    fn seekable(&self) -> bool {
        true
    }
}
