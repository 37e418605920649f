//! Standard streams where one cannot ask whether they are ready: reads wait.

use sampan_linux::{Stream, StreamResult};
use std::ffi::OsStr;
use std::io::{Read, Write};
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
    std::io::stdin().read(bytes).map_or(StreamResult::Broken, StreamResult::Done)
}

/// Writes all.
pub fn write(stream: Stream, bytes: &[u8]) -> StreamResult {
    let result = match stream {
        2 => std::io::stderr().write_all(bytes),
        _ => std::io::stdout().write_all(bytes).and_then(|()| std::io::stdout().flush()),
    };
    result.map_or(StreamResult::Broken, |()| StreamResult::Done(bytes.len()))
}

/// Waits until a moment of the kernel's clock.
pub fn wait(_: bool, until: Option<u64>) {
    let now = super::START.elapsed().as_nanos() as u64;
    std::thread::sleep(Duration::from_nanos(
        until.map_or(1_000_000, |until| until.saturating_sub(now)),
    ));
}
