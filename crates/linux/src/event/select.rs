//! `select(2)` and `pselect(2)`, and the signal mask that such calls set for a while.

use alloc::rc::Rc;
use alloc::vec::Vec;

use crate::errno::{Errno, SysResult};
use crate::fs::{OpenFile, events};
use crate::kernel::Context;
use crate::signal::UNBLOCKABLE;
use crate::syscall::{Abi, Args};
use crate::time::Timespec;
use crate::time::calls::{read_timespec, write_timespec};

/// Sets the signal mask at `at` (if any) until the call ends.
pub fn take_mask(cx: &mut Context, at: u64, size: u64) -> SysResult<()> {
    if at == 0 {
        return Ok(());
    }
    if size != 8 {
        return Err(Errno::EINVAL);
    }
    let mask = cx.read_u64(at)?;
    if cx.thread.saved_mask.get().is_none() {
        cx.thread.saved_mask.set(Some(cx.thread.mask.get()));
    }
    cx.thread.mask.set(mask & !UNBLOCKABLE);
    Ok(())
}

/// Sets the mask back, unless the call waits; if a signal ends the wait, its handler's
/// frame takes the mask back.
pub fn restore_mask(cx: &mut Context, result: &SysResult) {
    if !matches!(result, Err(Errno::PARK))
        && let Some(mask) = cx.thread.saved_mask.take()
    {
        cx.thread.mask.set(mask);
    }
}

/// How a call's timeout is written.
#[derive(Clone, Copy)]
enum Timeout {
    None,
    Micros(u64),
    Nanos { at: u64, wide: bool },
}

impl Timeout {
    fn read(self, cx: &Context) -> SysResult<Option<u64>> {
        match self {
            Timeout::None => Ok(None),
            Timeout::Micros(at) => {
                let word = cx.word() as u64;
                let (seconds, micros) = (cx.read_word(at)?, cx.read_word(at + word)?);
                let sign = if word == 4 { 31 } else { 63 };
                if seconds >> sign != 0 || micros >> sign != 0 {
                    return Err(Errno::EINVAL);
                }
                // More than a second of microseconds is carried over, as on the real system.
                Ok(Some(
                    seconds.saturating_mul(1_000_000).saturating_add(micros).saturating_mul(1000),
                ))
            }
            Timeout::Nanos { at, wide } => Ok(Some(read_timespec(cx, at, wide)?.as_ns())),
        }
    }

    fn write(self, cx: &Context, left: u64) -> SysResult<()> {
        let left = Timespec::from_ns(left);
        match self {
            Timeout::None => Ok(()),
            Timeout::Micros(at) => {
                cx.write_word(at, left.seconds as u64)?;
                cx.write_word(at + cx.word() as u64, u64::from(left.nanos / 1000))
            }
            Timeout::Nanos { at, wide } => write_timespec(cx, at, left, wide),
        }
    }
}

/// `select(2)`.
pub fn select(cx: &mut Context, args: Args) -> SysResult {
    let timeout = if args.u64(4) == 0 { Timeout::None } else { Timeout::Micros(args.u64(4)) };
    wait(cx, args.int(0), [args.u64(1), args.u64(2), args.u64(3)], timeout)
}

/// The first `select` of i386: five arguments in memory.
pub fn old_select(cx: &mut Context, args: Args) -> SysResult {
    let mut list = [0; 6];
    for (index, value) in list.iter_mut().take(5).enumerate() {
        *value = u64::from(cx.read_u32(args.u64(0) + 4 * index as u64)?);
    }
    select(cx, Args(list))
}

/// `pselect(2)`.
pub fn pselect6(cx: &mut Context, args: Args) -> SysResult {
    masked(cx, args, true)
}

/// `pselect` of i386 with 32-bit times.
pub fn pselect6_32(cx: &mut Context, args: Args) -> SysResult {
    masked(cx, args, false)
}

fn masked(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    if args.u64(5) != 0 {
        let mask = cx.read_word(args.u64(5))?;
        let size = cx.read_word(args.u64(5) + cx.word() as u64)?;
        take_mask(cx, mask, size)?;
    }
    let timeout = match args.u64(4) {
        0 => Timeout::None,
        at => Timeout::Nanos { at, wide },
    };
    let result = wait(cx, args.int(0), [args.u64(1), args.u64(2), args.u64(3)], timeout);
    restore_mask(cx, &result);
    result
}

/// What each of the three sets asks for.
const WANTED: [u32; 3] = [
    events::IN | events::RDNORM | events::RDBAND | events::HUP | events::ERR,
    events::OUT | events::WRNORM | events::WRBAND | events::ERR,
    events::PRI,
];

fn wait(cx: &mut Context, count: i32, sets: [u64; 3], timeout: Timeout) -> SysResult {
    let count = usize::try_from(count).map_err(|_| Errno::EINVAL)?;
    // What lies above the table is not looked at.
    let count = count.min(cx.files().borrow().len().max(64));
    let word = if cx.abi() == Abi::I386 { 32 } else { 64 };
    let bytes = (count.div_ceil(word) * word / 8) as u64;
    let mut input: [Vec<u8>; 3] = Default::default();
    for (set, at) in input.iter_mut().zip(sets) {
        *set = match at {
            0 => alloc::vec![0; bytes as usize],
            at => cx.read_vec(at, bytes)?,
        };
    }
    // The deadline counts from the first time; the timeout in memory may change later.
    let timeout_ns = if cx.with_call(|call| call.again) { None } else { timeout.read(cx)? };
    let deadline = cx.deadline(timeout_ns);
    let mut output = [(); 3].map(|()| alloc::vec![0u8; bytes as usize]);
    let mut open_files: Vec<Rc<OpenFile>> = Vec::new();
    let mut ready = 0;
    for fd in 0..count {
        let (byte, bit) = (fd / 8, 1 << (fd % 8));
        let asked = |set: &Vec<u8>| set[byte] & bit != 0;
        if !input.iter().any(asked) {
            continue;
        }
        let open = cx.io_file(fd as i32)?;
        let now = open.file.poll(cx, &open);
        for index in 0..3 {
            if asked(&input[index]) && now & WANTED[index] != 0 {
                output[index][byte] |= bit;
                ready += 1;
            }
        }
        open_files.push(open);
    }
    let now = cx.kernel.monotonic_ns();
    let left = deadline.map(|deadline| deadline.saturating_sub(now));
    if ready == 0 && left != Some(0) {
        let parked = cx.parked();
        for open in &open_files {
            open.file.queues(&mut |queue| queue.push(&parked));
        }
        if let Some(deadline) = deadline {
            cx.wait_until(deadline);
        }
        if cx.signal_pending()
            && let Some(left) = left
        {
            timeout.write(cx, left)?;
        }
        cx.if_interrupted(Errno::ERESTARTNOHAND);
        return Err(Errno::PARK);
    }
    for (set, at) in output.iter().zip(sets) {
        if at != 0 {
            cx.write_bytes(at, set)?;
        }
    }
    if let Some(left) = left {
        // A program may keep its timeout in memory that cannot be written.
        let _ = timeout.write(cx, left);
    }
    Ok(ready)
}
