//! The kernel's host is the page.

use crate::imports;
use crate::network::Outside;
use sampan_linux::net::Network;
use sampan_linux::{Host, Stream, StreamResult};

/// The page.
pub struct Page(pub Outside);

fn result(number: i32) -> StreamResult {
    match number {
        -1 => StreamResult::NotReady,
        ..0 => StreamResult::Broken,
        done => StreamResult::Done(done as usize),
    }
}

impl Host for Page {
    fn realtime_ns(&mut self) -> u64 {
        (imports::realtime() * 1e6) as u64
    }

    fn monotonic_ns(&mut self) -> u64 {
        (imports::monotonic() * 1e6) as u64
    }

    fn random(&mut self, bytes: &mut [u8]) {
        // SAFETY: the import writes to these bytes only.
        unsafe { imports::random(bytes.as_mut_ptr(), bytes.len()) }
    }

    fn console_write(&mut self, bytes: &[u8]) {
        // SAFETY: the import reads these bytes only.
        unsafe { imports::console_write(bytes.as_ptr(), bytes.len()) }
    }

    fn stream_read(&mut self, stream: Stream, bytes: &mut [u8]) -> StreamResult {
        // SAFETY: the import writes to these bytes only.
        let number =
            unsafe { imports::stream_read(u32::from(stream), bytes.as_mut_ptr(), bytes.len()) };
        match result(number) {
            StreamResult::Done(done) => StreamResult::Done(done.min(bytes.len())),
            other => other,
        }
    }

    fn stream_write(&mut self, stream: Stream, bytes: &[u8]) -> StreamResult {
        // SAFETY: the import reads these bytes only.
        result(unsafe { imports::stream_write(u32::from(stream), bytes.as_ptr(), bytes.len()) })
    }

    fn stream_ready(&mut self, stream: Stream, write: bool) -> bool {
        imports::stream_ready(u32::from(stream), u32::from(write)) != 0
    }

    fn network(&mut self) -> Option<&mut dyn Network> {
        Some(&mut self.0)
    }

    fn log(&mut self, line: String) {
        // SAFETY: the import reads these bytes only.
        unsafe { imports::log(line.as_ptr(), line.len()) }
    }
}
