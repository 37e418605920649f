//! Timers that send signals: `setitimer(2)`, `alarm(2)` and `timer_create(2)`.
//!
//! A process has them in one table: those of `setitimer` under negative numbers. Timers of
//! processor time are looked at after each turn of a thread of the process; the others are
//! among the kernel's timers.

use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;

use super::calls::{clock, read_timespec, write_timespec};
use super::timers::{Alarm, Armed, Target};
use super::{SECOND, Timespec};
use crate::errno::{Errno, SysResult};
use crate::kernel::{Context, Kernel};
use crate::signal::{Fields, SIGALRM, SIGNALS, SIGPROF, SIGVTALRM, SigInfo};
use crate::syscall::Args;
use crate::task::{Process, Tid};

/// Most timers of a process.
const MAX: usize = 1024;

/// How a timer is set, in nanoseconds; a value of 0 stops it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setting {
    /// From one expiry to the next; 0 for once.
    pub interval: u64,
    /// Until the next expiry.
    pub value: u64,
}

/// Reads an `itimerspec`.
pub fn read_setting(cx: &Context, at: u64, wide: bool) -> SysResult<Setting> {
    let size = if wide { 16 } else { 8 };
    let interval = read_timespec(cx, at, wide)?.as_ns();
    Ok(Setting { interval, value: read_timespec(cx, at + size, wide)?.as_ns() })
}

/// Writes an `itimerspec`.
pub fn write_setting(cx: &Context, at: u64, setting: Setting, wide: bool) -> SysResult<()> {
    let size = if wide { 16 } else { 8 };
    write_timespec(cx, at, Timespec::from_ns(setting.interval), wide)?;
    write_timespec(cx, at + size, Timespec::from_ns(setting.value), wide)
}

/// What a timer does when it expires.
#[derive(Clone, Copy, Debug)]
enum Notify {
    Nothing,
    /// A signal as the kernel sends it.
    Plain(i32),
    /// A signal with a value, for the process or a thread.
    Signal {
        signal: i32,
        value: u64,
        thread: Option<Tid>,
    },
}

/// What a timer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    Wall(i32),
    Process,
    Thread(Tid),
}

/// A timer of a process.
pub struct Timer {
    clock: Clock,
    notify: Notify,
    /// When it expires next, by its clock (wall clocks: monotonic time); 0 for never.
    next: u64,
    interval: u64,
    overrun: u64,
    armed: Option<Armed>,
}

/// The timers of a process.
pub type Timers = BTreeMap<i32, Timer>;

impl Timer {
    fn new(clock: Clock, notify: Notify) -> Timer {
        Timer { clock, notify, next: 0, interval: 0, overrun: 0, armed: None }
    }

    fn setting(&self, now: u64) -> Setting {
        let value = match self.next {
            0 => 0,
            next => next.saturating_sub(now).max(1),
        };
        Setting { interval: self.interval, value }
    }
}

struct Expiry {
    process: Weak<Process>,
    id: i32,
}

impl Alarm for Expiry {
    fn fire(self: Rc<Self>, kernel: &mut Kernel) {
        if let Some(process) = self.process.upgrade() {
            kernel.expire_timer(&process, self.id);
        }
    }
}

impl Kernel {
    /// What a timer's clock says.
    fn timer_clock(&mut self, process: &Rc<Process>, clock: Clock) -> u64 {
        match clock {
            Clock::Wall(_) => self.monotonic_ns(),
            Clock::Process => self.process_ns(process),
            Clock::Thread(tid) => self.threads.get(&tid).map_or(0, |thread| thread.cpu_ns.get()),
        }
    }

    /// Sees to the expiry of a timer, if it did expire.
    fn expire_timer(&mut self, process: &Rc<Process>, id: i32) {
        let Some(clock) = process.timers.borrow().get(&id).map(|timer| timer.clock) else { return };
        let now = self.timer_clock(process, clock);
        // Intervals that passed beyond the expiry, as when nobody looked for a while.
        let (notify, missed) = {
            let mut timers = process.timers.borrow_mut();
            let Some(timer) = timers.get_mut(&id) else { return };
            if timer.next == 0 || now < timer.next {
                return;
            }
            let missed = (now - timer.next).checked_div(timer.interval).unwrap_or(0);
            timer.next = match timer.interval {
                0 => 0,
                interval => timer.next + (missed + 1) * interval,
            };
            timer.overrun = missed;
            (timer.notify, i32::try_from(missed).unwrap_or(i32::MAX))
        };
        match notify {
            Notify::Nothing => {}
            Notify::Plain(signal) => self.signal_process(process, SigInfo::kernel(signal)),
            Notify::Signal { signal, value, thread } => {
                let target = thread.and_then(|tid| self.threads.get(&tid).cloned());
                let pending = match &target {
                    Some(thread) => {
                        thread.pending.borrow_mut().overrun(id, missed.saturating_add(1))
                    }
                    None => process.pending.borrow_mut().overrun(id, missed.saturating_add(1)),
                };
                if let Some(overrun) = pending {
                    if let Some(timer) = process.timers.borrow_mut().get_mut(&id) {
                        timer.overrun = overrun as u64;
                    }
                } else {
                    let fields = Fields::Timer { id, overrun: missed, value };
                    let info = SigInfo { signal, errno: 0, code: -2, fields };
                    match target {
                        Some(thread) => self.signal_thread(&thread, info),
                        None if thread.is_some() => {}
                        None => self.signal_process(process, info),
                    }
                }
            }
        }
        self.arm_timer(process, id);
    }

    fn arm_timer(&mut self, process: &Rc<Process>, id: i32) {
        let mut timers = process.timers.borrow_mut();
        let Some(timer) = timers.get_mut(&id) else { return };
        timer.armed = None;
        match timer.clock {
            _ if timer.next == 0 => {}
            Clock::Wall(_) => {
                let alarm = Rc::new(Expiry { process: Rc::downgrade(process), id });
                timer.armed = Some(self.timers.arm(timer.next, Target::Alarm(alarm)));
            }
            _ => process.counts_time.set(true),
        }
    }

    /// After a turn: expires timers of processor time.
    pub fn expire_cpu_timers(&mut self, process: &Rc<Process>) {
        if !process.counts_time.get() {
            return;
        }
        let counted = |timer: &Timer| !matches!(timer.clock, Clock::Wall(_)) && timer.next != 0;
        let list: Vec<i32> = process
            .timers
            .borrow()
            .iter()
            .filter(|(_, timer)| counted(timer))
            .map(|(&id, _)| id)
            .collect();
        process.counts_time.set(!list.is_empty());
        for id in list {
            self.expire_timer(process, id);
        }
    }

    /// Sets a timer; returns how it was set.
    fn set_timer(
        &mut self,
        process: &Rc<Process>,
        id: i32,
        new: Setting,
        shown: u64,
    ) -> SysResult<Setting> {
        let clock = process.timers.borrow().get(&id).ok_or(Errno::EINVAL)?.clock;
        let now = self.timer_clock(process, clock);
        let old = {
            let mut timers = process.timers.borrow_mut();
            let timer = timers.get_mut(&id).ok_or(Errno::EINVAL)?;
            let old = timer.setting(now);
            timer.next = match new.value {
                0 => 0,
                value => now.saturating_add(value.saturating_sub(shown)).max(1),
            };
            timer.interval = new.interval;
            timer.overrun = 0;
            old
        };
        self.arm_timer(process, id);
        Ok(old)
    }
}

/// The number of an interval timer in the table, and its signal.
fn interval_timer(which: i32) -> SysResult<(i32, Clock, i32)> {
    match which {
        0 => Ok((-1, Clock::Wall(1), SIGALRM)),
        1 => Ok((-2, Clock::Process, SIGVTALRM)),
        2 => Ok((-3, Clock::Process, SIGPROF)),
        _ => Err(Errno::EINVAL),
    }
}

fn set_interval(cx: &mut Context, which: i32, new: Setting) -> SysResult<Setting> {
    let (id, clock, signal) = interval_timer(which)?;
    let process = cx.thread.process.clone();
    let fresh = || Timer::new(clock, Notify::Plain(signal));
    process.timers.borrow_mut().entry(id).or_insert_with(fresh);
    cx.kernel.set_timer(&process, id, new, 0)
}

fn get_interval(cx: &mut Context, which: i32) -> SysResult<Setting> {
    let (id, clock, _) = interval_timer(which)?;
    let process = cx.thread.process.clone();
    let now = cx.kernel.timer_clock(&process, clock);
    let timers = process.timers.borrow();
    Ok(timers.get(&id).map(|timer| timer.setting(now)).unwrap_or_default())
}

fn write_micros(cx: &Context, at: u64, setting: Setting) -> SysResult<()> {
    let word = cx.word() as u64;
    // What is left is never told as nothing while the timer runs.
    let up = |ns: u64| if ns > 0 { ns.max(1000) } else { 0 };
    for (index, ns) in [up(setting.interval), up(setting.value)].into_iter().enumerate() {
        let at = at + 2 * word * index as u64;
        cx.write_word(at, ns / SECOND)?;
        cx.write_word(at + word, ns % SECOND / 1000)?;
    }
    Ok(())
}

/// `setitimer(2)`.
pub fn setitimer(cx: &mut Context, args: Args) -> SysResult {
    let word = cx.word() as u64;
    let mut values = [0; 2];
    if args.u64(1) != 0 {
        for (index, value) in values.iter_mut().enumerate() {
            let at = args.u64(1) + 2 * word * index as u64;
            let (seconds, micros) = (cx.read_word(at)?, cx.read_word(at + word)?);
            if micros >= 1_000_000 || seconds >> (8 * word - 1) != 0 {
                return Err(Errno::EINVAL);
            }
            *value = seconds.saturating_mul(SECOND).saturating_add(micros * 1000);
        }
    }
    let new = Setting { interval: values[0], value: values[1] };
    let old = set_interval(cx, args.int(0), new)?;
    if args.u64(2) != 0 {
        write_micros(cx, args.u64(2), old)?;
    }
    Ok(0)
}

/// `getitimer(2)`.
pub fn getitimer(cx: &mut Context, args: Args) -> SysResult {
    let setting = get_interval(cx, args.int(0))?;
    write_micros(cx, args.u64(1), setting).map(|()| 0)
}

/// `alarm(2)`, in seconds.
pub fn alarm(cx: &mut Context, args: Args) -> SysResult {
    let new = Setting { interval: 0, value: u64::from(args.u32(0)) * SECOND };
    let old = set_interval(cx, 0, new)?;
    // Rounded, but not to 0.
    let seconds = (old.value + SECOND / 2) / SECOND;
    Ok(if old.value > 0 { seconds.max(1) } else { 0 })
}

/// `timer_create(2)`.
pub fn timer_create(cx: &mut Context, args: Args) -> SysResult {
    let clock = match args.int(0) {
        2 => Clock::Process,
        3 => Clock::Thread(cx.thread.tid),
        which @ (0 | 1 | 7 | 8 | 9 | 11) => Clock::Wall(which),
        which if which < 0 => match (which & 4 != 0, !(which >> 3)) {
            (true, 0) => Clock::Thread(cx.thread.tid),
            (true, tid) if cx.kernel.threads.contains_key(&tid) => Clock::Thread(tid),
            (false, pid) if pid == 0 || pid == cx.thread.process.pid => Clock::Process,
            _ => return Err(Errno::EINVAL),
        },
        _ => return Err(Errno::EINVAL),
    };
    let process = cx.thread.process.clone();
    if process.timers.borrow().len() >= MAX {
        return Err(Errno::EAGAIN);
    }
    let last = process.timers.borrow().last_key_value().map_or(-1, |(&id, _)| id);
    let id = if last < 0 { 0 } else { last.checked_add(1).ok_or(Errno::EAGAIN)? };
    let notify = match args.u64(1) {
        0 => Notify::Signal { signal: SIGALRM, value: id as u64, thread: None },
        at => read_event(cx, at)?,
    };
    cx.write_u32(args.u64(2), id as u32)?;
    process.timers.borrow_mut().insert(id, Timer::new(clock, notify));
    Ok(0)
}

/// Reads a `sigevent`.
fn read_event(cx: &Context, at: u64) -> SysResult<Notify> {
    let word = cx.word() as u64;
    let value = cx.read_word(at)?;
    let signal = cx.read_u32(at + word)? as i32;
    let how = cx.read_u32(at + word + 4)?;
    match how {
        1 => Ok(Notify::Nothing),
        0 | 2 | 4 if !(1..=SIGNALS).contains(&signal) => Err(Errno::EINVAL),
        0 | 2 => Ok(Notify::Signal { signal, value, thread: None }),
        4 => {
            let tid = cx.read_u32(at + word + 8)? as i32;
            let own = cx.thread.process.threads.borrow().contains(&tid);
            let notify = Notify::Signal { signal, value, thread: Some(tid) };
            if own { Ok(notify) } else { Err(Errno::EINVAL) }
        }
        _ => Err(Errno::EINVAL),
    }
}

/// A number that `timer_create` gave out.
fn number(args: &Args) -> SysResult<i32> {
    if args.int(0) < 0 { Err(Errno::EINVAL) } else { Ok(args.int(0)) }
}

fn set(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    const ABSTIME: u32 = 1;
    let new = read_setting(cx, args.u64(2), wide)?;
    let id = number(&args)?;
    let process = cx.thread.process.clone();
    let which = process.timers.borrow().get(&id).ok_or(Errno::EINVAL)?.clock;
    let shown = match which {
        _ if args.u32(1) & ABSTIME == 0 => 0,
        Clock::Wall(which) => clock(cx, which)?,
        other => cx.kernel.timer_clock(&process, other),
    };
    let old = cx.kernel.set_timer(&process, id, new, shown)?;
    if args.u64(3) != 0 {
        write_setting(cx, args.u64(3), old, wide)?;
    }
    Ok(0)
}

fn get(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    let id = number(&args)?;
    let process = cx.thread.process.clone();
    let which = process.timers.borrow().get(&id).ok_or(Errno::EINVAL)?.clock;
    let now = cx.kernel.timer_clock(&process, which);
    let setting = process.timers.borrow().get(&id).ok_or(Errno::EINVAL)?.setting(now);
    write_setting(cx, args.u64(1), setting, wide).map(|()| 0)
}

/// `timer_settime(2)`.
pub fn timer_settime(cx: &mut Context, args: Args) -> SysResult {
    set(cx, args, true)
}

/// `timer_settime` of i386 with 32-bit times.
pub fn timer_settime32(cx: &mut Context, args: Args) -> SysResult {
    set(cx, args, false)
}

/// `timer_gettime(2)`.
pub fn timer_gettime(cx: &mut Context, args: Args) -> SysResult {
    get(cx, args, true)
}

/// `timer_gettime` of i386 with 32-bit times.
pub fn timer_gettime32(cx: &mut Context, args: Args) -> SysResult {
    get(cx, args, false)
}

/// `timer_getoverrun(2)`.
pub fn timer_getoverrun(cx: &mut Context, args: Args) -> SysResult {
    let id = number(&args)?;
    let timers = cx.thread.process.timers.borrow();
    Ok(timers.get(&id).ok_or(Errno::EINVAL)?.overrun.min(i32::MAX as u64))
}

/// `timer_delete(2)`.
pub fn timer_delete(cx: &mut Context, args: Args) -> SysResult {
    let id = number(&args)?;
    let gone = cx.thread.process.timers.borrow_mut().remove(&id);
    gone.map(|_| 0).ok_or(Errno::EINVAL)
}

/// A program that is replaced loses its timers, but not those of `setitimer`.
pub fn executed(process: &Process) {
    process.timers.borrow_mut().retain(|id, _| *id < 0);
}

/// `clock_settime(2)`.
pub fn clock_settime(cx: &mut Context, args: Args) -> SysResult {
    settle(cx, args, true)
}

/// `clock_settime` of i386 with 32-bit times.
pub fn clock_settime32(cx: &mut Context, args: Args) -> SysResult {
    settle(cx, args, false)
}

fn settle(cx: &mut Context, args: Args, wide: bool) -> SysResult {
    let time = read_timespec(cx, args.u64(1), wide)?;
    match args.int(0) {
        0 => set_real_time(cx, time),
        _ => Err(Errno::EINVAL),
    }
}

fn set_real_time(cx: &mut Context, time: Timespec) -> SysResult {
    if !cx.thread.credentials().has(crate::task::credentials::cap::SYS_TIME) {
        return Err(Errno::EPERM);
    }
    let now = cx.kernel.host.realtime_ns();
    let offset = i128::from(time.as_ns()) - i128::from(now);
    cx.kernel.realtime_offset = i64::try_from(offset).map_err(|_| Errno::EINVAL)?;
    Ok(0)
}

/// `settimeofday(2)`.
pub fn settimeofday(cx: &mut Context, args: Args) -> SysResult {
    if args.u64(0) == 0 {
        return Ok(0);
    }
    let (seconds, micros) =
        (cx.read_word(args.u64(0))?, cx.read_word(args.u64(0) + cx.word() as u64)?);
    if micros >= 1_000_000 || seconds > i64::MAX as u64 {
        return Err(Errno::EINVAL);
    }
    set_real_time(cx, Timespec { seconds: seconds as i64, nanos: micros as u32 * 1000 })
}

/// `stime(2)`.
pub fn stime(cx: &mut Context, args: Args) -> SysResult {
    let seconds = cx.read_word(args.u64(0))? as i64;
    set_real_time(cx, Timespec { seconds, nanos: 0 })
}
