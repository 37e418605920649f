//! What a file system stands on.

use crate::Result;
use alloc::boxed::Box;

/// A device of bytes at fixed places.
///
/// Every call does all that it is asked or has no effect that matters: after an error it
/// may be repeated, and the same bytes are then written again. [`Error::NotReady`] says
/// that the device has begun to get what it needs and that the same call will succeed
/// later. How the caller learns when is between it and the embedder; asking again at
/// any time is allowed.
///
/// Places are bytes, not sectors, so that small parts can be read cheaply where the device
/// has them; a file system asks in multiples of its blocks except when it is mounted.
///
/// [`Error::NotReady`]: crate::Error::NotReady
pub trait Device {
    /// The size in bytes. It does not change.
    fn size(&self) -> u64;

    /// Fills `buffer` from `offset` on. Reading past the end is [`Error::Io`].
    ///
    /// [`Error::Io`]: crate::Error::Io
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()>;

    /// Writes `bytes` from `offset` on. They are seen by reads at once, and survive a
    /// crash once a later `flush` has succeeded; until then any, all or none may.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()>;

    /// Makes all that was written before survive a crash.
    fn flush(&mut self) -> Result<()>;

    /// Sees to it that what was written before survives a crash whenever something does that
    /// is written later. A device whose `flush` takes all or nothing has nothing to do here.
    fn barrier(&mut self) -> Result<()> {
        self.flush()
    }

    /// Says that what is in this range does not matter any more: it may read as anything until
    /// it is written again. Never an error.
    fn discard(&mut self, offset: u64, length: u64) {
        let _ = (offset, length);
    }

    /// Whether there is no room for content in places that were not written before. A file
    /// system takes no new blocks then; what it has to write to give some back still finds room.
    fn is_full(&self) -> bool {
        false
    }

    /// Says that this range will probably be read soon. Never an error.
    fn prefetch(&mut self, offset: u64, length: u64) {
        let _ = (offset, length);
    }

    /// Whether writes are refused with [`Error::ReadOnly`](crate::Error::ReadOnly).
    fn is_read_only(&self) -> bool {
        false
    }
}

impl<D: Device + ?Sized> Device for Box<D> {
    fn size(&self) -> u64 {
        (**self).size()
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        (**self).read_at(offset, buffer)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        (**self).write_at(offset, bytes)
    }

    fn flush(&mut self) -> Result<()> {
        (**self).flush()
    }

    fn barrier(&mut self) -> Result<()> {
        (**self).barrier()
    }

    fn discard(&mut self, offset: u64, length: u64) {
        (**self).discard(offset, length);
    }

    fn is_full(&self) -> bool {
        (**self).is_full()
    }

    fn prefetch(&mut self, offset: u64, length: u64) {
        (**self).prefetch(offset, length);
    }

    fn is_read_only(&self) -> bool {
        (**self).is_read_only()
    }
}
