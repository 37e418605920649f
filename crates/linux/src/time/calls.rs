//! Clocks and sleeping.

use super::{SECOND, Timespec};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::{Abi, Args};

/// A `timespec` of the program: two words of 8 bytes if `wide`, else of 4.
pub fn read_timespec(cx: &Context, at: u64, wide: bool) -> SysResult<Timespec> {
    let (seconds, nanos) = if wide {
        let nanos = cx.read_u64(at + 8)?;
        // i386 programs leave the upper half undefined.
        let nanos = if cx.abi() == Abi::I386 { nanos & 0xffff_ffff } else { nanos };
        (cx.read_u64(at)? as i64, nanos as i64)
    } else {
        (i64::from(cx.read_u32(at)? as i32), i64::from(cx.read_u32(at + 4)? as i32))
    };
    if seconds < 0 || !(0..SECOND as i64).contains(&nanos) {
        return Err(Errno::EINVAL);
    }
    Ok(Timespec { seconds, nanos: nanos as u32 })
}

/// Tells the program a time.
pub fn write_timespec(cx: &Context, at: u64, time: Timespec, wide: bool) -> SysResult<()> {
    if wide {
        cx.write_u64(at, time.seconds as u64)?;
        cx.write_u64(at + 8, u64::from(time.nanos))
    } else {
        cx.write_u32(at, time.seconds as u32)?;
        cx.write_u32(at + 4, time.nanos)
    }
}

/// What a clock says.
pub fn clock(cx: &mut Context, which: i32) -> SysResult<u64> {
    match which {
        0 | 5 | 8 | 11 => Ok(cx.kernel.realtime_ns()),
        1 | 4 | 6 | 7 | 9 => Ok(cx.kernel.monotonic_ns()),
        2 => Ok(cx.kernel.process_ns(&cx.thread.process.clone())),
        3 => Ok(cx.thread.cpu_ns.get()),
        // Clocks of other processes and threads (`clock_getcpuclockid(3)`).
        negative if negative < 0 => {
            let pid = !(negative >> 3);
            let own = pid == 0;
            if negative & 4 != 0 {
                let tid = if own { cx.thread.tid } else { pid };
                let thread = cx.kernel.threads.get(&tid).ok_or(Errno::EINVAL)?;
                return Ok(thread.cpu_ns.get());
            }
            let pid = if own { cx.thread.process.pid } else { pid };
            let process = cx.kernel.processes.get(&pid).cloned().ok_or(Errno::EINVAL)?;
            Ok(cx.kernel.process_ns(&process))
        }
        _ => Err(Errno::EINVAL),
    }
}

/// `clock_gettime(2)`.
pub fn clock_gettime(cx: &mut Context, args: Args) -> SysResult {
    let now = clock(cx, args.int(0))?;
    write_timespec(cx, args.u64(1), Timespec::from_ns(now), true).map(|()| 0)
}

/// `clock_gettime` of i386 with 32-bit times.
pub fn clock_gettime32(cx: &mut Context, args: Args) -> SysResult {
    let now = clock(cx, args.int(0))?;
    write_timespec(cx, args.u64(1), Timespec::from_ns(now), false).map(|()| 0)
}

/// `clock_getres(2)`.
pub fn clock_getres(cx: &mut Context, args: Args) -> SysResult {
    resolution(cx, args, true)
}

/// `clock_getres` of i386 with 32-bit times.
pub fn clock_getres32(cx: &mut Context, args: Args) -> SysResult {
    resolution(cx, args, false)
}

fn resolution(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    clock(cx, args.int(0))?;
    // The coarse clocks tick as the real system's do at 250 Hz.
    let nanos = if matches!(args.int(0), 5 | 6) { 4_000_000 } else { 1 };
    if args.u64(1) != 0 {
        write_timespec(cx, args.u64(1), Timespec { seconds: 0, nanos }, wide)?;
    }
    Ok(0)
}

/// `time(2)`.
pub fn time(cx: &mut Context, args: Args) -> SysResult {
    let now = cx.kernel.now().seconds as u64;
    if args.u64(0) != 0 {
        cx.write_word(args.u64(0), now)?;
    }
    Ok(now)
}

/// `gettimeofday(2)`.
pub fn gettimeofday(cx: &mut Context, args: Args) -> SysResult {
    let now = cx.kernel.now();
    if args.u64(0) != 0 {
        cx.write_word(args.u64(0), now.seconds as u64)?;
        cx.write_word(args.u64(0) + cx.word() as u64, u64::from(now.nanos / 1000))?;
    }
    if args.u64(1) != 0 {
        cx.write_u64(args.u64(1), 0)?;
    }
    Ok(0)
}

/// `nanosleep(2)`; i386 has only 32-bit times here.
pub fn nanosleep(cx: &mut Context, args: Args) -> SysResult {
    let wide = cx.abi() == Abi::Amd64;
    let time = read_timespec(cx, args.u64(0), wide)?.as_ns();
    sleep(cx, Some(time), args.u64(1), wide)
}

/// `clock_nanosleep(2)`.
pub fn clock_nanosleep(cx: &mut Context, args: Args) -> SysResult {
    clock_sleep(cx, args, true)
}

/// `clock_nanosleep` of i386 with 32-bit times.
pub fn clock_nanosleep32(cx: &mut Context, args: Args) -> SysResult {
    clock_sleep(cx, args, false)
}

fn clock_sleep(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    const ABSTIME: u32 = 1;
    if !matches!(args.int(0), 0 | 1 | 2 | 7 | 8 | 9 | 11) {
        return Err(if args.int(0) == 3 { Errno::EINVAL } else { Errno::EOPNOTSUPP });
    }
    let time = read_timespec(cx, args.u64(2), wide)?.as_ns();
    if args.u32(1) & ABSTIME == 0 {
        return sleep(cx, Some(time), args.u64(3), wide);
    }
    let now = clock(cx, args.int(0))?;
    if now >= time {
        return Ok(0);
    }
    let deadline = cx.kernel.monotonic_ns().saturating_add(time - now);
    cx.if_interrupted(Errno::ERESTARTNOHAND);
    Err(cx.wait_until(deadline))
}

/// Sleeps for `time`, and tells in `rest` what was left if a signal came.
fn sleep(cx: &mut Context, time: Option<u64>, rest: u64, wide: bool) -> SysResult {
    let deadline = cx.deadline(time).unwrap_or(0);
    let now = cx.kernel.monotonic_ns();
    if now >= deadline {
        return Ok(0);
    }
    if rest != 0 && cx.signal_pending() {
        write_timespec(cx, rest, Timespec::from_ns(deadline - now), wide)?;
    }
    cx.if_interrupted(Errno::ERESTART_RESTARTBLOCK);
    Err(cx.wait_until(deadline))
}
