//! What the kernel needs of the program around it.
//!
//! Nothing here may block. Where a stream is not ready the kernel parks the
//! thread; the host calls [`Kernel::host_ready`](crate::Kernel::host_ready) when
//! something changed.

use alloc::string::String;

/// A standard stream of the host: 0, 1 or 2, as descriptors are numbered.
pub type Stream = u8;

/// What a stream says at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamResult {
    /// So many bytes were taken or given; 0 at the end of input.
    Done(usize),
    /// Not now.
    NotReady,
    /// The other end is gone.
    Broken,
}

/// The host, as the kernel sees it.
pub trait Host {
    /// Nanoseconds since the epoch of Unix.
    fn realtime_ns(&mut self) -> u64;

    /// Nanoseconds since some moment; never goes back.
    fn monotonic_ns(&mut self) -> u64;

    /// Fills `bytes` with what nobody can guess.
    fn random(&mut self, bytes: &mut [u8]);

    /// Writes to the terminal. All of it is taken.
    fn console_write(&mut self, bytes: &[u8]);

    /// Reads from a standard stream that is not the terminal.
    fn stream_read(&mut self, stream: Stream, bytes: &mut [u8]) -> StreamResult;

    /// Writes to a standard stream that is not the terminal.
    fn stream_write(&mut self, stream: Stream, bytes: &[u8]) -> StreamResult;

    /// Whether a read (`write`: a write) would do something now.
    fn stream_ready(&mut self, stream: Stream, write: bool) -> bool;

    /// The network outside, if programs may reach it.
    fn network(&mut self) -> Option<&mut dyn crate::net::Network> {
        None
    }

    /// A line for whoever runs the VM: the trace, and messages of the kernel.
    fn log(&mut self, line: String);
}
