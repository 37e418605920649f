//! The kernel's host: clocks, randomness and standard streams of this process.

use super::network::HostNetwork;
use super::platform;
use sampan_linux::net::Network;
use sampan_linux::{Host, Stream, StreamResult};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// This process.
pub struct Terminal {
    started: Instant,
    network: Option<HostNetwork>,
}

impl Terminal {
    /// Clocks start now; programs reach the network if there is one.
    pub fn new(network: Option<HostNetwork>) -> Terminal {
        Terminal { started: *super::platform::START, network }
    }
}

impl Host for Terminal {
    fn realtime_ns(&mut self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since.as_nanos() as u64
    }

    fn monotonic_ns(&mut self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    fn random(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the system has randomness");
    }

    fn console_write(&mut self, bytes: &[u8]) {
        platform::console_write(bytes);
    }

    fn stream_read(&mut self, stream: Stream, bytes: &mut [u8]) -> StreamResult {
        platform::read(stream, bytes)
    }

    fn stream_write(&mut self, stream: Stream, bytes: &[u8]) -> StreamResult {
        platform::write(stream, bytes)
    }

    fn stream_ready(&mut self, stream: Stream, write: bool) -> bool {
        platform::is_ready(stream, write)
    }

    fn network(&mut self) -> Option<&mut dyn Network> {
        self.network.as_mut().map(|network| network as &mut dyn Network)
    }

    fn log(&mut self, line: String) {
        platform::log(&line);
    }
}
