//! Waiting.

mod common;

use std::time::{Duration, Instant};

use common::{Guest, READ, ROOT};
use sampan_wasi::{Abi, Errno, WasiCtx};

const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;
const MS: u64 = 1_000_000;

enum Subscription {
    Clock { id: u32, timeout: u64, flags: u16 },
    Read(u64),
    Write(u64),
}

use Subscription::{Clock, Read, Write};

/// Userdata, error, type, bytes and flags.
type Event = (u64, u16, u8, u64, u16);

/// The userdata of a subscription is 100 plus its place.
fn poll(guest: &mut Guest, list: &[Subscription]) -> Result<Vec<Event>, Errno> {
    let (size, clock_at) = match guest.abi {
        Abi::Preview1 => (48, 16),
        Abi::Unstable => (56, 24),
    };
    let mut bytes = Vec::new();
    for (index, subscription) in list.iter().enumerate() {
        let mut raw = vec![0; size];
        raw[0..8].copy_from_slice(&(100 + index as u64).to_le_bytes());
        match subscription {
            Clock { id, timeout, flags } => {
                raw[clock_at..][..4].copy_from_slice(&id.to_le_bytes());
                raw[clock_at + 8..][..8].copy_from_slice(&timeout.to_le_bytes());
                raw[clock_at + 24..][..2].copy_from_slice(&flags.to_le_bytes());
            }
            Read(fd) | Write(fd) => {
                raw[8] = if matches!(subscription, Read(_)) { 1 } else { 2 };
                raw[16..20].copy_from_slice(&(*fd as u32).to_le_bytes());
            }
        }
        bytes.extend(raw);
    }
    let subscriptions = guest.put(&bytes);
    let events = guest.alloc(32 * list.len());
    match guest.call("poll_oneoff", &[subscriptions, events, list.len() as u64, 24]) {
        Errno::Success => {}
        errno => return Err(errno),
    }
    let event = |index| {
        let ptr = events + 32 * index;
        (
            guest.u64(ptr),
            guest.u16(ptr + 8),
            guest.mem[ptr as usize + 10],
            guest.u64(ptr + 16),
            guest.u16(ptr + 24),
        )
    };
    Ok((0..u64::from(guest.u32(24))).map(event).collect())
}

fn after(timeout: u64) -> Subscription {
    let (id, flags) = (MONOTONIC, 0);
    Clock { id, timeout, flags }
}

fn guest() -> Guest {
    Guest::new(WasiCtx::builder().build().unwrap())
}

#[test]
fn no_subscription_and_unknown_ones_are_refused() {
    let mut guest = guest();
    assert_eq!(poll(&mut guest, &[]), Err(Errno::Inval));
    assert_eq!(guest.call("poll_oneoff", &[0, 0, 1 << 20, 24]), Errno::Inval);
    assert_eq!(guest.call("poll_oneoff", &[0, 0, 1 << 16, 24]), Errno::Fault);
    let (id, timeout, flags) = (MONOTONIC, 0, 2);
    assert_eq!(poll(&mut guest, &[Clock { id, timeout, flags }]), Err(Errno::Inval));
    guest.mem[8] = 3;
    assert_eq!(guest.call("poll_oneoff", &[0, 64, 1, 128]), Errno::Inval);

    let (id, flags) = (9, 0);
    let events = poll(&mut guest, &[Clock { id, timeout, flags }, Read(77)]);
    let (inval, badf) = (Errno::Inval.raw(), Errno::Badf.raw());
    assert_eq!(events.unwrap(), [(100, inval, 0, 0, 0), (101, badf, 1, 0, 0)]);
}

#[test]
fn time_passes_without_work() {
    let mut guest = guest();
    for abi in Abi::ALL {
        guest.abi = abi;
        guest.ok("clock_time_get", &[3, 0, 0]);
        let (cpu, start) = (guest.u64(0), Instant::now());
        let events = poll(&mut guest, &[after(10_000 * MS), after(150 * MS)]).unwrap();
        let elapsed = start.elapsed();
        assert_eq!(events, [(101, 0, 0, 0, 0)]);
        assert!(elapsed >= Duration::from_millis(150), "{elapsed:?}");
        assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
        guest.ok("clock_time_get", &[3, 0, 0]);
        let cpu = guest.u64(0) - cpu;
        assert!(cpu < 50 * MS, "{cpu} ns of processor time");
    }
}

#[test]
fn absolute_times_are_on_the_clock_they_name() {
    let mut guest = guest();
    for id in [REALTIME, MONOTONIC] {
        guest.ok("clock_time_get", &[id.into(), 0, 0]);
        let now = guest.u64(0);
        let start = Instant::now();
        let (timeout, flags) = (now + 60 * MS, 1);
        assert_eq!(poll(&mut guest, &[Clock { id, timeout, flags }]).unwrap().len(), 1);
        let elapsed = start.elapsed();
        // A clock may have been read a little before the call.
        assert!(elapsed > Duration::from_millis(40), "{elapsed:?}");

        let (timeout, flags) = (now, 1);
        let start = Instant::now();
        assert_eq!(poll(&mut guest, &[Clock { id, timeout, flags }]).unwrap().len(), 1);
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}

#[test]
fn files_are_ready_and_say_how_much() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), "12345").unwrap();
    let mut guest = Guest::with_dir(dir.path());
    let fd = guest.open("a", 0, READ).unwrap();
    guest.seek(fd, 2, 0).unwrap();
    let list = [Read(fd), after(1000 * MS), Write(fd), Read(ROOT), Read(0), Write(1)];
    let events = poll(&mut guest, &list).unwrap();
    let badf = Errno::Badf.raw();
    assert_eq!(
        events,
        [
            (100, 0, 1, 3, 0),
            (102, badf, 2, 0, 0),
            (103, badf, 1, 0, 0),
            (104, 0, 1, 1, 0),
            (105, 0, 2, 1, 0),
        ]
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_is_waited_for() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fifo");
    let made = Command::new("mkfifo").arg(&path).stdin(Stdio::null()).status();
    assert!(made.unwrap().success());
    let writer = std::thread::spawn(move || {
        let mut fifo = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        std::thread::sleep(Duration::from_millis(150));
        fifo.write_all(b"four").unwrap();
        std::thread::sleep(Duration::from_millis(150));
    });

    let mut guest = Guest::with_dir(dir.path());
    let fd = guest.open("fifo", 0, READ).unwrap();
    let events = poll(&mut guest, &[after(20 * MS), Read(fd)]).unwrap();
    assert_eq!(events, [(100, 0, 0, 0, 0)], "nothing yet");
    guest.ok("fd_fdstat_set_flags", &[fd, common::NONBLOCK]);
    assert_eq!(guest.read(fd, 1), Err(Errno::Again));
    assert_eq!(guest.seek(fd, 0, 1), Err(Errno::Spipe));

    let start = Instant::now();
    let events = poll(&mut guest, &[after(10_000 * MS), Read(fd)]).unwrap();
    assert_eq!(events, [(101, 0, 1, 4, 0)]);
    assert!(start.elapsed() > Duration::from_millis(50));
    assert_eq!(guest.read(fd, 10).unwrap(), b"four");
    let events = poll(&mut guest, &[Read(fd)]).unwrap();
    assert_eq!(events, [(100, 0, 1, 0, 1)], "the other end is gone");
    assert_eq!(guest.read(fd, 10).unwrap(), b"");
    writer.join().unwrap();
}
