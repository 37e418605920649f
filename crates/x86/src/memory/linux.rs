//! Memory from Linux's `mmap`.
//!
//! A reservation holds, as a WebAssembly memory for translated code would: words for the
//! processor ([`CORE`] bytes, the table of pages at their end), the guest's bytes, and address
//! space without access as far as a 32-bit address and a 32-bit offset reach.
//!
//! Invariant: `base..base + len` is mapped readable and writable for the life of a
//! [`Memory`], and nothing but its owner (and, for shared runs, other owners on the same
//! thread of execution) accesses it; likewise the table of pages.

use crate::memory::MapError;
use alloc::sync::Arc;
use core::ops::Range;
use core::ops::{Deref, DerefMut};
use core::ptr::{NonNull, null_mut};
use rustix::fd::OwnedFd;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{
    Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap, mmap_anonymous, mprotect, munmap,
};

/// Room behind the last page, so that an access checked by its first byte stays inside.
const SLACK: usize = 4096;

/// Bytes before guest address 0.
const CORE: usize = 2 << 20;
/// Where the table of jumps is.
const JUMPS_AT: u32 = 0x1_0000;
/// Where the table of pages is.
const PAGES_AT: usize = 1 << 20;
const PAGES: usize = 1 << 20;
/// What a 32-bit address, a 32-bit offset and the widest access reach.
const RESERVED: usize = (2 << 32) + (64 << 10);

/// Address space of the host, laid out as a WebAssembly memory.
#[derive(Debug)]
pub struct Reservation {
    start: NonNull<u8>,
}

// SAFETY: it is an address; what is there has owners of its own.
unsafe impl Send for Reservation {}
// SAFETY: as above.
unsafe impl Sync for Reservation {}

impl Reservation {
    /// The first byte of a memory with 32-bit addresses, which is mapped as far as the guest
    /// can be, and of which eight gibibytes are reserved while this value lives.
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Where things are in it: words for the processor, a table of jumps, the table of pages,
    /// guest address 0.
    pub const LAYOUT: [u32; 4] = [64, JUMPS_AT, PAGES_AT as u32, CORE as u32];

    /// [`Reservation::LAYOUT`], which elsewhere differs.
    pub fn layout(&self) -> [u32; 4] {
        Self::LAYOUT
    }

    /// So many bytes behind its start.
    pub(crate) fn at(&self, offset: u32) -> *mut u8 {
        self.start.as_ptr().wrapping_add(offset as usize)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: our own mapping, to which no reference is left.
        // A failure would only leave address space behind.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), RESERVED) };
    }
}

/// The table of pages: a byte for each below 4 GiB.
pub struct Pages(Arc<Reservation>);

impl Deref for Pages {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: mapped while the reservation lives, initialised by the host.
        unsafe { core::slice::from_raw_parts(self.0.start.as_ptr().add(PAGES_AT), PAGES) }
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above; there is one such value for a reservation.
        unsafe { core::slice::from_raw_parts_mut(self.0.start.as_ptr().add(PAGES_AT), PAGES) }
    }
}

/// One address space's bytes.
pub struct Memory {
    reservation: Arc<Reservation>,
    base: *mut u8,
    len: usize,
}

// SAFETY: the mapping belongs to this value alone; its address is valid on every thread.
unsafe impl Send for Memory {}
// SAFETY: shared references only read.
unsafe impl Sync for Memory {}

impl Memory {
    /// `len` bytes of zeros, and the table of their pages.
    pub fn new(len: u64) -> Result<(Self, Pages), MapError> {
        let len = len as usize;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new mapping at an address of the host's choice.
        let start = unsafe { mmap_anonymous(null_mut(), RESERVED, ProtFlags::empty(), flags) };
        let start = start.ok().and_then(|start| NonNull::new(start.cast::<u8>()));
        let start = start.ok_or(MapError::OutOfMemory)?;
        let reservation = Arc::new(Reservation { start });
        let access = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: the beginning of the new mapping, which has room for more.
        unsafe { mprotect(start.as_ptr().cast(), CORE + len + SLACK, access) }
            .map_err(|_| MapError::OutOfMemory)?;
        // SAFETY: inside the mapping.
        let base = unsafe { start.as_ptr().add(CORE) };
        Ok((Self { reservation: reservation.clone(), base, len }, Pages(reservation)))
    }

    /// The address space of the host that it lies in.
    pub fn reservation(&self) -> Option<&Arc<Reservation>> {
        Some(&self.reservation)
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

    /// Whether both are one object.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file)
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
