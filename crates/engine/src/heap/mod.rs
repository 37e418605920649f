//! The garbage-collected heap: structs, arrays, exceptions and references to host objects.
//!
//! Mark and sweep, with size classes, and nothing moves: references are addresses that
//! frames, registers and hosts hold without being told of a collection, and no access needs
//! a barrier. Marking stops the guest; sweeping is done by and by, a block when an
//! allocation needs one. Objects larger than a class are the host allocator's.
//!
//! A reference is 64 bits: zero is null, an odd number is an `i31` (value times two plus
//! one), anything else is an object's address. Functions are not in this heap; see
//! [`crate::RawRef`]. A conversion between `any` and `extern` so changes nothing.
//!
//! [`collect`] has what is alive to begin with, [`types`] how objects are laid out.

mod block;
mod collect;
mod exception;
mod host;
pub(crate) mod types;

pub(crate) use collect::Activation;
pub use host::Root;

use crate::{Limits, Machine, RawRef};
use alloc::{boxed::Box, vec::Vec};
use block::{Blocks, CLASSES, Large};
use core::any::Any;
use core::ptr::{with_exposed_provenance, with_exposed_provenance_mut};

/// What every object begins with.
#[derive(Debug)]
#[repr(C, align(8))]
pub(crate) struct Header {
    /// The type in the machine's registry, [`HOST`] or [`EXCEPTION`]; [`MARK`] is added while
    /// a collection goes on.
    pub kind: u32,
    /// An array's length, a host object's index, an exception's tag.
    pub len: u32,
}

/// The kind of a reference to a host object.
pub(crate) const HOST: u32 = (1 << 30) - 1;
/// The kind of an exception.
pub(crate) const EXCEPTION: u32 = (1 << 30) - 2;
/// Set in the kind of an object that a collection found alive.
pub(crate) const MARK: u32 = 1 << 31;

/// Bytes of a header.
pub(crate) const HEADER: usize = size_of::<Header>();

/// The heap of a machine.
#[derive(Default)]
pub(crate) struct Heap {
    classes: [Blocks; CLASSES],
    large: Vec<Large>,
    /// Bytes handed out since the last collection, and those that were alive after it.
    fresh: usize,
    live: usize,
    /// Host objects by index, and the free indices.
    hosts: Vec<Option<(*mut Header, Box<dyn Any + Send + Sync>)>>,
    free_hosts: Vec<u32>,
    marking: Vec<*mut Header>,
    /// Collections are off while constant expressions hold references that nothing else sees.
    paused: u32,
    collections: u64,
}

// SAFETY: the heap owns what its pointers lead to, and moves with its machine.
unsafe impl Send for Heap {}

/// No collection below so many fresh bytes.
const MIN_FRESH: usize = if cfg!(target_pointer_width = "64") { 1 << 20 } else { 8 << 10 };

impl Machine {
    /// A zeroed object with `bytes` behind its header; `None` if a limit is reached. Collects
    /// first when it is time: references must be where [`collect`] finds them.
    pub(crate) fn allocate(&mut self, kind: u32, len: u32, bytes: u64) -> Option<*mut Header> {
        let size = usize::try_from(bytes.checked_add(HEADER as u64)?).ok()?;
        let heap = &self.heap;
        let due = heap.fresh.saturating_add(size) > heap.live.max(MIN_FRESH);
        if (due || self.engine.config().collect_always) && heap.paused == 0 {
            self.collect();
        }
        let object = match self.heap.take(size, &mut self.limits) {
            Some(object) => object,
            None if self.heap.paused == 0 => {
                self.collect();
                self.heap.take(size, &mut self.limits)?
            }
            None => return None,
        };
        // SAFETY: `take` gave so many bytes to us alone.
        unsafe {
            object.cast::<u8>().write_bytes(0, size);
            object.write(Header { kind, len });
        }
        Some(object)
    }

    /// Bytes that objects take, dead ones that no collection has found yet included.
    pub fn heap_bytes(&self) -> usize {
        self.heap.live + self.heap.fresh
    }

    /// How many collections there have been.
    pub fn collections(&self) -> u64 {
        self.heap.collections
    }
}

impl Heap {
    fn take(&mut self, size: usize, limits: &mut Limits) -> Option<*mut Header> {
        let object = match block::class_of(size) {
            Some(class) => self.classes[class].take(class, limits)?,
            None => {
                let large = Large::new(size, limits)?;
                let object = large.object();
                self.large.push(large);
                object
            }
        };
        self.fresh += size;
        Some(object)
    }

    /// Collections are off until as many calls of `resume`.
    pub(crate) fn pause(&mut self) {
        self.paused += 1;
    }

    pub(crate) fn resume(&mut self) {
        self.paused -= 1;
    }
}

impl RawRef {
    /// The object that it refers to; `None` for null and `i31`.
    #[inline(always)]
    pub(crate) fn object(self) -> Option<*mut Header> {
        if self.0 == 0 || self.0 & 1 == 1 {
            return None;
        }
        Some(with_exposed_provenance_mut(self.0 as usize))
    }

    /// A reference to an object.
    #[inline(always)]
    pub(crate) fn to_object(object: *mut Header) -> RawRef {
        RawRef(object.expose_provenance() as u64)
    }

    /// An `i31`, of whose value 31 bits count.
    #[inline(always)]
    pub fn i31(value: u32) -> RawRef {
        RawRef(u64::from(value << 1 | 1))
    }

    /// The value of an `i31`, sign-extended; `None` for anything else.
    #[inline(always)]
    pub fn as_i31(self) -> Option<i32> {
        (self.0 & 1 == 1).then_some(self.0 as i32 >> 1)
    }

    /// What an object is: its registry type, [`HOST`] or [`EXCEPTION`].
    pub(crate) fn kind(self) -> Option<u32> {
        // SAFETY: references in a machine are to live objects of it.
        self.object().map(|object| unsafe { (*object.cast_const()).kind })
    }
}

/// The first byte behind an object's header.
#[inline(always)]
pub(crate) fn content(object: *mut Header) -> *mut u8 {
    object.wrapping_add(1).cast()
}

/// The reference that lies at an address.
#[inline(always)]
unsafe fn reference_at(at: *const u8) -> RawRef {
    // SAFETY: the caller knows of one; objects are aligned to eight bytes.
    RawRef(unsafe { at.cast::<u64>().read() })
}

/// A pointer that is kept as a number.
#[allow(dead_code)]
fn pointer<T>(address: u64) -> *const T {
    with_exposed_provenance(address as usize)
}
