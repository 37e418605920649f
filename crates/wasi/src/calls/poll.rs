//! Waiting for time to pass and for descriptors to become ready.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use crate::clocks::ClockId;
use crate::descriptor::Descriptor;
use crate::sys::{Direction, Interest, Source};
use crate::table::FdTable;
use crate::types::{fdflags, rights};
use crate::{Abi, Errno, GuestMemory, WasiCtx, sys};

/// More than any host can have open. Without a limit, a list that fills the
/// guest's memory would need several times as much here.
const MAX_SUBSCRIPTIONS: u32 = 1 << 16;

/// The size of `event`, in both snapshots.
const EVENT_SIZE: u32 = 32;

/// The longest single wait; longer ones are several.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn poll_oneoff(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    subscriptions: u32,
    events: u32,
    count: u32,
    nevents: u32,
) -> Result<(), Errno> {
    poll(ctx, mem, Abi::Preview1, subscriptions, events, count, nevents)
}

pub(crate) fn unstable_poll_oneoff(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    subscriptions: u32,
    events: u32,
    count: u32,
    nevents: u32,
) -> Result<(), Errno> {
    poll(ctx, mem, Abi::Unstable, subscriptions, events, count, nevents)
}

fn poll(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    abi: Abi,
    subscriptions: u32,
    events: u32,
    count: u32,
    nevents: u32,
) -> Result<(), Errno> {
    if count == 0 || count > MAX_SUBSCRIPTIONS {
        return Err(Errno::Inval);
    }
    mem.check(nevents, 4)?;
    mem.check(events, count * EVENT_SIZE)?;
    let subscriptions = Subscription::read_all(mem, abi, subscriptions, count)?;

    let ready = wait(ctx, &subscriptions)?;
    let mut written = 0;
    for (subscription, event) in subscriptions.iter().zip(ready) {
        if let Some(event) = event {
            let ptr = events + written * EVENT_SIZE;
            mem.write(ptr, &event.to_bytes(subscription))?;
            written += 1;
        }
    }
    mem.write_u32(nevents, written)
}

struct Subscription {
    userdata: u64,
    kind: Kind,
}

enum Kind {
    Clock { id: u32, timeout_ns: u64, absolute: bool },
    Fd { fd: u32, direction: Direction },
}

impl Subscription {
    fn read_all(
        mem: &GuestMemory<'_>,
        abi: Abi,
        ptr: u32,
        count: u32,
    ) -> Result<Vec<Subscription>, Errno> {
        // Snapshot 0 has one more field in front of a clock's others.
        let (size, clock_at) = match abi {
            Abi::Preview1 => (48, 16),
            Abi::Unstable => (56, 24),
        };
        mem.check(ptr, count * size)?;
        (0..count).map(|index| Subscription::read(mem, ptr + index * size, clock_at)).collect()
    }

    /// The whole is known to be inside the memory.
    fn read(mem: &GuestMemory<'_>, ptr: u32, clock_at: u32) -> Result<Subscription, Errno> {
        let userdata = mem.read_u64(ptr)?;
        let [tag] = mem.array(ptr + 8)?;
        let kind = match tag {
            0 => {
                let clock = ptr + clock_at;
                let flags = u16::from_le_bytes(mem.array(clock + 24)?);
                if flags > 1 {
                    return Err(Errno::Inval);
                }
                Kind::Clock {
                    id: mem.read_u32(clock)?,
                    timeout_ns: mem.read_u64(clock + 8)?,
                    absolute: flags == 1,
                }
            }
            1 | 2 => Kind::Fd {
                fd: mem.read_u32(ptr + 16)?,
                direction: match tag {
                    1 => Direction::Read,
                    _ => Direction::Write,
                },
            },
            _ => return Err(Errno::Inval),
        };
        Ok(Subscription { userdata, kind })
    }
}

#[derive(Clone)]
struct Event {
    error: Errno,
    nbytes: u64,
    hangup: bool,
}

impl Event {
    fn plain(error: Errno) -> Event {
        Event { error, nbytes: 0, hangup: false }
    }

    fn to_bytes(&self, subscription: &Subscription) -> [u8; EVENT_SIZE as usize] {
        let mut bytes = [0; EVENT_SIZE as usize];
        bytes[0..8].copy_from_slice(&subscription.userdata.to_le_bytes());
        bytes[8..10].copy_from_slice(&self.error.raw().to_le_bytes());
        bytes[10] = match subscription.kind {
            Kind::Clock { .. } => 0,
            Kind::Fd { direction, .. } => match direction {
                Direction::Read => 1,
                Direction::Write => 2,
            },
        };
        bytes[16..24].copy_from_slice(&self.nbytes.to_le_bytes());
        bytes[24] = self.hangup.into();
        bytes
    }
}

/// Waits until there is at least one event; gives one or none for each
/// subscription.
fn wait(ctx: &mut WasiCtx, subscriptions: &[Subscription]) -> Result<Vec<Option<Event>>, Errno> {
    let mut events = vec![None; subscriptions.len()];
    let mut deadlines = Vec::new();
    let mut interests = Vec::new();
    let (begun, never_waits) = (ctx.begun(), ctx.never_waits());
    let WasiCtx { table, clocks, .. } = &mut *ctx;

    for (index, subscription) in subscriptions.iter().enumerate() {
        match subscription.kind {
            Kind::Clock { id, timeout_ns, absolute } => {
                let now = ClockId::from_raw(id).and_then(|id| clocks.now(id).ok_or(Errno::NotSup));
                match now {
                    Ok(now) => {
                        let past = if absolute { now } else { 0 };
                        let rest = Duration::from_nanos(timeout_ns.saturating_sub(past));
                        // A moment that the host can't name never comes.
                        let from = if absolute { Instant::now() } else { begun };
                        if let Some(deadline) = from.checked_add(rest) {
                            deadlines.push((index, deadline));
                        }
                    }
                    Err(error) => events[index] = Some(Event::plain(error)),
                }
            }
            Kind::Fd { fd, direction } => match source(table, fd, direction) {
                Ok(Some(source)) => interests.push((index, Interest { source, direction })),
                Ok(None) => {
                    let mut event = Event::plain(Errno::Success);
                    event.nbytes = 1;
                    events[index] = Some(event);
                }
                Err(error) => events[index] = Some(Event::plain(error)),
            },
        }
    }

    let wanted: Vec<Interest<'_>> = interests.iter().map(|(_, interest)| *interest).collect();
    loop {
        let known = events.iter().any(Option::is_some);
        let timeout = match deadlines.iter().map(|(_, deadline)| *deadline).min() {
            _ if known || never_waits => Some(Duration::ZERO),
            Some(first) => Some(first.saturating_duration_since(Instant::now()).min(LONG)),
            None => None,
        };
        let ready = match sys::poll(&wanted, timeout) {
            // Whatever remains of the time is computed anew.
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        };
        for ((index, interest), readiness) in interests.iter().zip(ready) {
            if let Some(readiness) = readiness {
                let nbytes = match interest.direction {
                    Direction::Read => sys::available(interest.source),
                    Direction::Write => 1,
                };
                events[*index] =
                    Some(Event { error: Errno::Success, nbytes, hangup: readiness.hangup });
            }
        }
        let now = Instant::now();
        for (index, deadline) in &deadlines {
            if *deadline <= now {
                events[*index] = Some(Event::plain(Errno::Success));
            }
        }
        if events.iter().any(Option::is_some) {
            return Ok(events);
        }
        if never_waits {
            break;
        }
    }
    // Asked, so that the call is made again.
    ctx.may_wait();
    Err(Errno::Again)
}

/// Whether a call that reads or writes can go on at once, or may wait. If not it ends with an
/// error, and is made again.
pub(crate) fn ready_or_wait(ctx: &mut WasiCtx, fd: u32, direction: Direction) -> Result<(), Errno> {
    if !ctx.never_waits() {
        return Ok(());
    }
    let entry = ctx.table.get(fd)?;
    if entry.flags & fdflags::NONBLOCK != 0 {
        return Ok(());
    }
    // What cannot be waited for, or not by this descriptor, says so itself.
    let Ok(Some(source)) = source(&ctx.table, fd, direction) else { return Ok(()) };
    let ready = sys::poll(&[Interest { source, direction }], Some(Duration::ZERO));
    let waits = ready.is_ok_and(|ready| ready.iter().all(Option::is_none));
    if waits && !ctx.may_wait() { Err(Errno::Again) } else { Ok(()) }
}

/// What to wait for, or `None` for what is always ready.
fn source(table: &FdTable, fd: u32, direction: Direction) -> Result<Option<Source<'_>>, Errno> {
    let entry = table.get(fd)?;
    if matches!(entry.descriptor, Descriptor::Directory(_)) {
        return Err(Errno::Badf);
    }
    entry.require(rights::POLL_FD_READWRITE)?;
    entry.require(match direction {
        Direction::Read => rights::FD_READ,
        Direction::Write => rights::FD_WRITE,
    })?;
    match &entry.descriptor {
        Descriptor::Input(_) | Descriptor::Output(_) => Ok(None),
        Descriptor::File(file) => Ok(Some(Source::File(&file.file))),
        Descriptor::Listener(listener) => Ok(Some(Source::Listener(listener))),
        Descriptor::Stream(stream) => Ok(Some(Source::Stream(stream))),
        Descriptor::Directory(_) => Err(Errno::Badf),
    }
}
