//! `poll(2)` and `ppoll(2)`.

use alloc::vec::Vec;

use super::events;
use crate::errno::{Errno, SysResult};
use crate::event::select::{restore_mask, take_mask};
use crate::kernel::Context;
use crate::syscall::Args;
use crate::task::limits::NOFILE;
use crate::time::calls::read_timespec;

/// `poll(2)`; the timeout is in milliseconds, negative for none.
pub fn poll(cx: &mut Context, args: Args) -> SysResult {
    let timeout = u64::try_from(args.int(2)).ok().map(|ms| ms * 1_000_000);
    cx.if_interrupted(Errno::ERESTART_RESTARTBLOCK);
    wait(cx, args.u64(0), args.u64(1), timeout)
}

/// `ppoll(2)`.
pub fn ppoll(cx: &mut Context, args: Args) -> SysResult {
    masked(cx, args, true)
}

/// `ppoll` of i386 with 32-bit times.
pub fn ppoll32(cx: &mut Context, args: Args) -> SysResult {
    masked(cx, args, false)
}

fn masked(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    let timeout = match args.u64(2) {
        0 => None,
        at => Some(read_timespec(cx, at, wide)?.as_ns()),
    };
    take_mask(cx, args.u64(3), args.u64(4))?;
    cx.if_interrupted(Errno::ERESTARTNOHAND);
    let result = wait(cx, args.u64(0), args.u64(1), timeout);
    restore_mask(cx, &result);
    result
}

fn wait(cx: &mut Context, at: u64, count: u64, timeout: Option<u64>) -> SysResult {
    if count > cx.thread.process.limit(NOFILE).0 {
        return Err(Errno::EINVAL);
    }
    let mut table = cx.read_vec(at, count * 8)?;
    let mut open_files = Vec::new();
    let mut ready = 0;
    for entry in table.chunks_exact_mut(8) {
        let fd = i32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]);
        let wanted = u32::from(u16::from_le_bytes([entry[4], entry[5]]));
        let found = if fd < 0 {
            0
        } else if let Ok(open) = cx.io_file(fd) {
            let now = open.file.poll(cx, &open);
            open_files.push(open);
            now & (wanted | events::ERR | events::HUP)
        } else {
            events::NVAL
        };
        entry[6..8].copy_from_slice(&(found as u16).to_le_bytes());
        ready += u64::from(found != 0);
    }
    let deadline = cx.deadline(timeout);
    if ready == 0 && !cx.is_past(deadline) {
        let parked = cx.parked();
        for open in &open_files {
            open.file.queues(&mut |queue| queue.push(&parked));
        }
        if let Some(deadline) = deadline {
            cx.wait_until(deadline);
        }
        return Err(Errno::PARK);
    }
    cx.write_bytes(at, &table)?;
    Ok(ready)
}
