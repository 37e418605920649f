//! Standard streams of Unix.

use super::terminal;
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

/// The descriptor of a stream.
pub fn descriptor(stream: Stream) -> BorrowedFd<'static> {
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

/// Which streams are a terminal.
pub fn terminals() -> [bool; 3] {
    [0, 1, 2].map(|stream| rustix::termios::isatty(descriptor(stream)))
}

/// The stream that leads to the terminal for output.
fn terminal_stream() -> Option<Stream> {
    [1, 2, 0].into_iter().find(|&stream| rustix::termios::isatty(descriptor(stream)))
}

/// Rows and columns of the terminal's window.
pub fn window_size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(descriptor(terminal_stream()?)).ok()?;
    Some((size.ws_row, size.ws_col))
}

/// Writes all to the terminal.
pub fn console_write(mut bytes: &[u8]) {
    let stream = terminal_stream().unwrap_or(1);
    while !bytes.is_empty() {
        match rustix::io::write(descriptor(stream), bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let fd = descriptor(stream);
                let _ = poll(&mut [PollFd::new(&fd, PollFlags::OUT)], None);
            }
            // The terminal is gone; the guest hears of that when it reads.
            Err(_) => return,
        }
    }
}

/// A line for whoever runs this.
pub fn log(line: &str) {
    if terminal::is_raw() { eprint!("{line}\r\n") } else { eprintln!("{line}") }
}
