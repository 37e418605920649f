//! Address space for memories, and what they begin with.
//!
//! Some released reservations are kept: a memory of the same module that comes after gets one,
//! which takes no call of the system then, and one to give its pages back when it is released.
//! An image is a file in memory that is mapped privately: a page that nothing writes to is the
//! file's, and where a written one is given back the file's is there again.

use rustix::fd::OwnedFd;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::pwrite;
use rustix::mm::{
    Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap, mmap_anonymous, mprotect, munmap,
};
use sampan_engine::native::{Image, Reservations};
use std::collections::BTreeMap;
use std::ptr::{NonNull, null_mut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Reservations for linear memories.
#[derive(Debug)]
pub(crate) struct Space {
    pool: Mutex<Pool>,
    /// How many free reservations are kept.
    keep: usize,
}

#[derive(Debug, Default)]
struct Pool {
    /// Oldest first.
    free: Vec<Free>,
    /// The images of reservations in use, by address.
    images: BTreeMap<usize, Weak<File>>,
}

/// A reservation that nobody uses: its first bytes are accessible, and zero or an image's.
#[derive(Debug)]
struct Free {
    base: NonNull<u8>,
    len: usize,
    image: Option<Weak<File>>,
}

// SAFETY: nobody uses the bytes.
unsafe impl Send for Free {}

/// An image.
#[derive(Debug)]
struct File {
    file: OwnedFd,
    len: usize,
}

/// What a 32-bit address, a 32-bit offset and the widest access reach.
const RESERVED: usize = (2 << 32) + (64 << 10);

const ACCESSIBLE: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

impl Space {
    /// Of which so many reservations are kept when they are released.
    pub fn new(keep: usize) -> Space {
        Space { pool: Mutex::default(), keep }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A kept reservation that began with the same.
    fn kept(&self, image: Option<&Arc<File>>) -> Option<Free> {
        let mut pool = self.pool();
        let same = |free: &Free| match (&free.image, image) {
            (None, None) => true,
            (Some(had), Some(image)) => std::ptr::eq(had.as_ptr(), Arc::as_ptr(image)),
            _ => false,
        };
        let at = pool.free.iter().rposition(same)?;
        Some(pool.free.remove(at))
    }
}

/// A new reservation with an image, and nothing else accessible.
fn map(image: Option<&File>) -> Option<Free> {
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: a new mapping, wherever there is room.
    let base = unsafe { mmap_anonymous(null_mut(), RESERVED, ProtFlags::empty(), flags) };
    let mut free = Free { base: NonNull::new(base.ok()?.cast())?, len: 0, image: None };
    if let Some(File { file, len }) = image {
        let flags = MapFlags::PRIVATE | MapFlags::FIXED;
        // SAFETY: within the mapping above, which nobody has seen yet.
        let mapped = unsafe { mmap(free.base.as_ptr().cast(), *len, ACCESSIBLE, flags, file, 0) };
        if mapped.is_err() {
            unmap(free);
            return None;
        }
        free.len = *len;
    }
    Some(free)
}

fn unmap(free: Free) {
    // SAFETY: nobody uses it; the size is that of every reservation.
    let result = unsafe { munmap(free.base.as_ptr().cast(), RESERVED) };
    debug_assert!(result.is_ok());
}

/// Makes bytes of a reservation accessible, or no longer.
fn protect(base: NonNull<u8>, from: usize, to: usize, access: MprotectFlags) -> bool {
    // SAFETY: of these pages the caller has no reference.
    unsafe { mprotect(base.as_ptr().add(from).cast(), to - from, access).is_ok() }
}

// SAFETY: a reservation is mapped until released, and no pages but those of its first bytes,
// as far as was asked for, have any access.
unsafe impl Reservations for Space {
    fn image(&self, len: usize, parts: &[(usize, &[u8])]) -> Option<Image> {
        let file = memfd_create("sampan-memory", MemfdFlags::CLOEXEC).ok()?;
        ftruncate(&file, len as u64).ok()?;
        for &(at, bytes) in parts {
            let mut done = 0;
            while done < bytes.len() {
                match pwrite(&file, &bytes[done..], (at + done) as u64).ok()? {
                    0 => return None,
                    more => done += more,
                }
            }
        }
        Some(Arc::new(File { file, len }))
    }

    fn reserve(&self, len: usize, image: Option<&Image>) -> Option<NonNull<u8>> {
        let image = image.map(|image| image.clone().downcast::<File>());
        let image = image.transpose().ok()?.filter(|image| image.len > 0);
        let free = self.kept(image.as_ref()).or_else(|| map(image.as_deref()))?;
        let fits = match free.len {
            had if had < len => {
                protect(free.base, had, len, MprotectFlags::READ | MprotectFlags::WRITE)
            }
            had => had == len || protect(free.base, len, had, MprotectFlags::empty()),
        };
        if !fits {
            unmap(free);
            return None;
        }
        if let Some(image) = image {
            self.pool().images.insert(free.base.as_ptr().addr(), Arc::downgrade(&image));
        }
        Some(free.base)
    }

    fn commit(&self, base: NonNull<u8>, from: usize, to: usize) -> bool {
        to <= from || protect(base, from, to, MprotectFlags::READ | MprotectFlags::WRITE)
    }

    unsafe fn release(&self, base: NonNull<u8>, len: usize) {
        let mut pool = self.pool();
        let image = pool.images.remove(&base.as_ptr().addr());
        let free = Free { base, len, image };
        // SAFETY: nobody uses the bytes; the mapping is private, so that they are then as the
        // mapping was made.
        let clean = self.keep > 0
            && (len == 0
                || unsafe { madvise(base.as_ptr().cast(), len, Advice::LinuxDontNeed) }.is_ok());
        let mut over = Vec::new();
        match clean {
            true => pool.free.push(free),
            false => over.push(free),
        }
        // Nobody asks for those whose module is gone.
        let gone =
            |free: &mut Free| free.image.as_ref().is_some_and(|image| image.strong_count() == 0);
        over.extend(pool.free.extract_if(.., gone));
        if pool.free.len() > self.keep {
            over.push(pool.free.remove(0));
        }
        drop(pool);
        over.into_iter().for_each(unmap);
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        std::mem::take(&mut self.pool().free).into_iter().for_each(unmap);
    }
}
