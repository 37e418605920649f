//! Output kept in memory.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A writer that keeps what is written, shared by all its clones: one goes to
/// [`WasiCtxBuilder::stdout`](crate::WasiCtxBuilder::stdout), another one
/// stays to look at it.
#[derive(Clone, Debug)]
pub struct OutputPipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    capacity: usize,
}

impl OutputPipe {
    /// A pipe that takes up to `capacity` bytes; further writes fail with
    /// "no space left on device".
    pub fn new(capacity: usize) -> OutputPipe {
        OutputPipe { bytes: Arc::default(), capacity }
    }

    /// A copy of what has been written so far.
    pub fn contents(&self) -> Vec<u8> {
        self.lock().clone()
    }

    /// What has been written since the last call of this function.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        // Bytes are never left half changed, so a poisoned lock is harmless.
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for OutputPipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.lock();
        let room = self.capacity.saturating_sub(kept.len()).min(bytes.len());
        if room == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        kept.extend_from_slice(&bytes[..room]);
        Ok(room)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
