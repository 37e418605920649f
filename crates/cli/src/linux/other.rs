//! Standard streams where one cannot ask whether they are ready: reads wait, and a terminal
//! is a stream like any other.

use super::News;
use sampan_linux::{Stream, StreamResult};
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::time::Duration;

/// The bytes of an argument.
pub fn bytes(text: &OsStr) -> Vec<u8> {
    text.to_string_lossy().into_owned().into_bytes()
}

/// Nothing is known, so everything is.
pub fn is_ready(_: Stream, _: bool) -> bool {
    true
}

/// Reads, and waits for it.
pub fn read(_: Stream, bytes: &mut [u8]) -> StreamResult {
    io::stdin().read(bytes).map_or(StreamResult::Broken, StreamResult::Done)
}

/// Writes all.
pub fn write(stream: Stream, bytes: &[u8]) -> StreamResult {
    let result = match stream {
        2 => io::stderr().write_all(bytes),
        _ => io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()),
    };
    result.map_or(StreamResult::Broken, |()| StreamResult::Done(bytes.len()))
}

/// There is no terminal.
pub fn terminals() -> [bool; 3] {
    [false; 3]
}

/// There is no window.
pub fn window_size() -> Option<(u16, u16)> {
    None
}

/// Never called: there is no terminal.
pub fn console_write(bytes: &[u8]) {
    write(1, bytes);
}

/// A line for whoever runs this.
pub fn log(line: &str) {
    eprintln!("{line}");
}

/// The time in which the guest runs.
pub struct Session;

impl Session {
    /// Nothing is to be set up.
    pub fn begin(_: bool) -> io::Result<Session> {
        Ok(Session)
    }

    /// There are none.
    pub fn news(&self, _: usize) -> Vec<News> {
        Vec::new()
    }

    /// There never will be.
    pub fn can_have_news(&self) -> bool {
        false
    }

    /// Waits until a moment of the kernel's clock.
    pub fn wait(&self, _: bool, _: bool, until: Option<u64>) {
        let now = super::START.elapsed().as_nanos() as u64;
        std::thread::sleep(Duration::from_nanos(
            until.map_or(1_000_000, |until| until.saturating_sub(now)),
        ));
    }
}
