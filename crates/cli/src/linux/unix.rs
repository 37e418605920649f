//! Standard streams of Unix.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use sampan_linux::{Stream, StreamResult};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The bytes of an argument.
pub fn bytes(text: &OsStr) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn descriptor(stream: Stream) -> BorrowedFd<'static> {
    match stream {
        0 => rustix::stdio::stdin(),
        1 => rustix::stdio::stdout(),
        _ => rustix::stdio::stderr(),
    }
}

/// Whether a read or a write would do something at once.
pub fn is_ready(stream: Stream, write: bool) -> bool {
    let flags = if write { PollFlags::OUT } else { PollFlags::IN };
    let fd = descriptor(stream);
    let mut list = [PollFd::new(&fd, flags)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut list, Some(&now)).is_ok_and(|count| count > 0)
}

/// Reads what is there.
pub fn read(stream: Stream, bytes: &mut [u8]) -> StreamResult {
    if !is_ready(stream, false) {
        return StreamResult::NotReady;
    }
    result(rustix::io::read(descriptor(stream), bytes))
}

/// Writes what fits.
pub fn write(stream: Stream, bytes: &[u8]) -> StreamResult {
    if !is_ready(stream, true) {
        return StreamResult::NotReady;
    }
    // A blocking pipe takes at most this without waiting once it is ready.
    const ATOMIC: usize = 4096;
    result(rustix::io::write(descriptor(stream), &bytes[..bytes.len().min(ATOMIC)]))
}

fn result(result: Result<usize, Errno>) -> StreamResult {
    match result {
        Ok(count) => StreamResult::Done(count),
        Err(Errno::AGAIN | Errno::INTR) => StreamResult::NotReady,
        Err(_) => StreamResult::Broken,
    }
}

/// Waits until a stream is ready (if `streams`), or until a moment of the kernel's clock.
pub fn wait(streams: bool, until: Option<u64>) {
    let (stdin, stdout) = (descriptor(0), descriptor(1));
    let input = PollFd::new(&stdin, PollFlags::IN);
    // Output is asked for only where it was full, or it would never wait.
    let output = PollFd::new(&stdout, PollFlags::OUT);
    let mut list: Vec<PollFd> = Vec::new();
    if streams {
        list.push(input);
        if !is_ready(1, true) {
            list.push(output);
        }
    }
    let now = super::START.elapsed().as_nanos() as u64;
    let timeout = until.map(|until| {
        let left = until.saturating_sub(now);
        Timespec { tv_sec: (left / 1_000_000_000) as i64, tv_nsec: (left % 1_000_000_000) as _ }
    });
    // An interrupted wait is one that ended early, and the caller looks again.
    let _ = poll(&mut list, timeout.as_ref());
}
