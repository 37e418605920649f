//! Memory from Linux's `mmap`.
//!
//! Invariant: `base..base + len` is mapped readable and writable for the life of a
//! [`Memory`], and nothing but its owner (and, for shared runs, other owners on the same
//! thread of execution) accesses it.

use crate::memory::MapError;
use alloc::sync::Arc;
use core::ops::Range;
use core::ptr::null_mut;
use rustix::fd::OwnedFd;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, mmap_anonymous, munmap};

/// Room behind the last page, so that an access checked by its first byte stays inside.
const SLACK: usize = 4096;

/// One address space's bytes.
pub struct Memory {
    base: *mut u8,
    len: usize,
}

// SAFETY: the mapping belongs to this value alone; its address is valid on every thread.
unsafe impl Send for Memory {}
// SAFETY: shared references only read.
unsafe impl Sync for Memory {}

impl Memory {
    /// `len` bytes of zeros.
    pub fn new(len: u64) -> Result<Self, MapError> {
        let len = len as usize;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new mapping at an address of the host's choice.
        let base = unsafe {
            mmap_anonymous(null_mut(), len + SLACK, ProtFlags::READ | ProtFlags::WRITE, flags)
        };
        let base = base.map_err(|_| MapError::OutOfMemory)?.cast();
        Ok(Self { base, len })
    }

    /// All bytes exist from the start.
    #[allow(clippy::unnecessary_wraps)] // Other hosts can fail here.
    pub fn commit(&mut self, _: u64) -> Result<(), MapError> {
        Ok(())
    }

    /// The first byte.
    pub fn base(&self) -> *mut u8 {
        self.base
    }

    /// Bytes of a range inside.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        assert!(range.start <= range.end && range.end <= self.len, "inside the reservation");
        // SAFETY: mapped for as long as self lives.
        unsafe { core::slice::from_raw_parts(self.base.add(range.start), range.len()) }
    }

    /// Bytes of a range inside.
    pub fn bytes_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        assert!(range.start <= range.end && range.end <= self.len, "inside the reservation");
        // SAFETY: mapped for as long as self lives, and borrowed mutably.
        unsafe { core::slice::from_raw_parts_mut(self.base.add(range.start), range.len()) }
    }

    /// Copies bytes; the ranges do not overlap.
    pub fn copy_within(&mut self, from: usize, to: usize, len: usize) {
        self.bytes_mut(0..self.len).copy_within(from..from + len, to);
    }

    /// Makes private pages zero again, and gives their memory back.
    pub fn zero(&mut self, range: Range<u64>) -> Result<(), MapError> {
        let (at, len) = self.whole_pages(&range);
        // SAFETY: pages of our own mapping, which stay mapped.
        unsafe { madvise(at.cast(), len, Advice::LinuxDontNeed) }.map_err(|_| MapError::OutOfMemory)
    }

    /// Puts pages of an object in a range's place.
    pub fn share(&mut self, range: Range<u64>, object: &Shared, at: u64) -> Result<(), MapError> {
        let (start, len) = self.whole_pages(&range);
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::SHARED | MapFlags::FIXED;
        // SAFETY: replaces pages of our own mapping; the caller checked the object's length.
        unsafe { mmap(start.cast(), len, prot, flags, &object.file.0, at) }
            .map(|_| ())
            .map_err(|_| MapError::OutOfMemory)
    }

    /// Puts private zeros in a range's place.
    pub fn unshare(&mut self, range: Range<u64>) -> Result<(), MapError> {
        let (start, len) = self.whole_pages(&range);
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED;
        // SAFETY: replaces pages of our own mapping.
        unsafe { mmap_anonymous(start.cast(), len, ProtFlags::READ | ProtFlags::WRITE, flags) }
            .map(|_| ())
            .map_err(|_| MapError::OutOfMemory)
    }

    fn whole_pages(&self, range: &Range<u64>) -> (*mut u8, usize) {
        let (start, end) = (range.start as usize, range.end as usize);
        assert!(start <= end && end <= self.len && start % 4096 == 0 && end % 4096 == 0);
        // SAFETY: inside the mapping, as just checked.
        (unsafe { self.base.add(start) }, end - start)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: our own mapping, to which no reference is left.
        // A failure would only leave address space behind.
        let _ = unsafe { munmap(self.base.cast(), self.len + SLACK) };
    }
}

/// Pages in a file without a name.
#[derive(Clone, Debug)]
pub struct Shared {
    file: Arc<(OwnedFd, core::sync::atomic::AtomicU64)>,
}

impl Shared {
    /// `len` bytes of zeros.
    pub fn new(len: u64) -> Result<Self, MapError> {
        let file =
            memfd_create("guest pages", MemfdFlags::CLOEXEC).map_err(|_| MapError::OutOfMemory)?;
        let shared = Self { file: Arc::new((file, 0.into())) };
        shared.resize(len)?;
        Ok(shared)
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.file.1.load(core::sync::atomic::Ordering::Relaxed)
    }

    /// Changes it.
    pub fn resize(&self, len: u64) -> Result<(), MapError> {
        ftruncate(&self.file.0, len).map_err(|_| MapError::OutOfMemory)?;
        self.file.1.store(len, core::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    /// Copies bytes out; `false` if they are not all inside.
    pub fn read(&self, mut offset: u64, mut bytes: &mut [u8]) -> bool {
        while !bytes.is_empty() {
            match rustix::io::pread(&self.file.0, &mut *bytes, offset) {
                Ok(0) | Err(_) => return false,
                Ok(count) => {
                    bytes = &mut bytes[count..];
                    offset += count as u64;
                }
            }
        }
        true
    }

    /// Copies bytes in; `false` if they do not all fit.
    pub fn write(&self, mut offset: u64, mut bytes: &[u8]) -> bool {
        if offset.checked_add(bytes.len() as u64).is_none_or(|end| end > self.len()) {
            return false;
        }
        while !bytes.is_empty() {
            match rustix::io::pwrite(&self.file.0, bytes, offset) {
                Ok(0) | Err(_) => return false,
                Ok(count) => {
                    bytes = &bytes[count..];
                    offset += count as u64;
                }
            }
        }
        true
    }
}
