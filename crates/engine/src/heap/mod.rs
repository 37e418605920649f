//! The garbage-collected heap: structs, arrays, exceptions and references to host objects.
//!
//! Mark and sweep, and nothing moves: a reference keeps its value, so that interpreters,
//! compiled code and hosts hold it wherever they like, and no access needs a barrier.
//! Marking stops the guest for as long as it takes to visit what is alive; sweeping is done
//! by and by, as allocations need room ([`space`]).
//!
//! A reference has 32 bits in objects, and 64 in slots, of which the upper half is zero.
//! Zero is null, an odd number is an `i31` (value times two plus one), any other is the place
//! of an object in the heap. Functions are not in the heap: theirs is the function's number
//! plus one, and static types tell them apart. A conversion between `any` and `extern` so
//! changes nothing.
//!
//! [`collect`] has what is alive to begin with, [`types`] how objects are laid out,
//! [`object`] how they are read and written, [`handles`] what hosts hold.
//!
//! Nothing here is unsafe: objects are bytes of one array, and every access is checked
//! against its bounds.

mod activation;
mod collect;
#[cfg_attr(not(feature = "exceptions"), allow(dead_code))]
mod exception;
mod handles;
pub(crate) mod object;
mod space;
pub(crate) mod types;

pub(crate) use activation::Activation;
pub use handles::{Handle, OwnedRef};
pub(crate) use space::{HEADER, Header};

use crate::exec::maps::Maps;
use crate::{Limits, Machine, RawRef, TrapKind};
use alloc::boxed::Box;
use core::any::Any;
use handles::Handles;
use sampan_wasm::List;
use space::Space;

/// The kind of an exception.
pub(crate) const EXCEPTION: u32 = space::FREE - 1;
/// The kind of a reference to a host object.
pub(crate) const HOST: u32 = space::FREE - 2;

/// The place of the reference to a host object, and the object.
type HostObject = (u32, Box<dyn Any + Send + Sync>);

/// The heap of a machine.
#[derive(Default)]
pub(crate) struct Heap {
    space: Space,
    /// Bytes handed out since the last collection, and those that were alive after it.
    fresh: u64,
    live: u64,
    /// Host objects by index, and the free indices.
    hosts: List<Option<HostObject>>,
    free_hosts: List<u32>,
    pub(crate) handles: Handles,
    maps: Maps,
    /// The places of objects that are marked but not yet traced.
    marking: List<u32>,
    /// Collections are off while values are where no root leads to.
    paused: u32,
    collections: u64,
}

/// No collection below so many fresh bytes.
const MIN_FRESH: u64 = if cfg!(target_pointer_width = "64") { 1 << 20 } else { 8 << 10 };

/// References that must be seen by a collection and are nowhere else: operands of the
/// allocating instruction.
pub(crate) type Visit<'a> = &'a dyn Fn(&mut dyn FnMut(RawRef));

/// There are none.
pub(crate) const NOTHING: Visit<'static> = &|_| {};

impl Machine {
    /// A new object whose content is zero. Collects first when it is time: references must
    /// be where [`collect`] finds them, or be shown by `also`.
    ///
    /// # Errors
    /// The heap, or the limit for the store, has no room for it.
    pub(crate) fn allocate(&mut self, header: Header, also: Visit<'_>) -> Result<RawRef, TrapKind> {
        let size = header.size().ok_or(TrapKind::HeapExhausted)?;
        if self.heap.is_due(size) || self.engine.config().collect_always {
            self.collect_with(also);
        }
        let place = self.heap.take(header, size, &mut self.limits);
        let place = match place {
            Some(place) => place,
            None => {
                self.collect_with(also);
                // A heap that is nearly full counts as full: else it would be marked again and
                // again for a few bytes.
                let capacity = u64::from(self.heap.space.capacity());
                if self.heap.live > capacity - capacity / 32 {
                    return Err(TrapKind::HeapExhausted);
                }
                let again = self.heap.take(header, size, &mut self.limits);
                again.ok_or(TrapKind::HeapExhausted)?
            }
        };
        let content = place as usize + HEADER as usize..place as usize + size as usize;
        self.heap.space.bytes_mut()[content].fill(0);
        Ok(RawRef(place.into()))
    }

    /// A new object whose content is whatever was there, if that needs no collection.
    #[inline]
    pub(crate) fn allocate_quickly(&mut self, header: Header) -> Option<RawRef> {
        let size = header.size()?;
        let heap = &mut self.heap;
        if heap.is_due(size) || self.engine.config().collect_always {
            return None;
        }
        let place = heap.space.take(header, size)?;
        heap.fresh += u64::from(size);
        Some(RawRef(place.into()))
    }

    /// A reference to a host object, which lives as long as something refers to it.
    ///
    /// # Errors
    /// The heap has no room.
    pub fn new_host_ref(&mut self, object: Box<dyn Any + Send + Sync>) -> Result<RawRef, TrapKind> {
        let reference = self.allocate(Header::new(HOST, 0, 8), NOTHING)?;
        let heap = &mut self.heap;
        // An object without its entry is none of the host's yet.
        heap.write(reference, 0, u32::MAX.to_le_bytes());
        let entry = Some((reference.0 as u32, object));
        let index = match heap.free_hosts.pop() {
            Some(index) => {
                heap.hosts[index as usize] = entry;
                index
            }
            None => {
                let count = heap.hosts.len() + 1;
                heap.free_hosts.make_room(count).map_err(|_| TrapKind::OutOfMemory)?;
                heap.hosts.put(entry)?;
                heap.hosts.len() as u32 - 1
            }
        };
        heap.write(reference, 0, index.to_le_bytes());
        Ok(reference)
    }

    /// The object that a host reference refers to; `None` if it is not one.
    pub fn host_ref(&self, reference: RawRef) -> Option<&(dyn Any + Send + Sync)> {
        if self.heap.kind(reference)? != HOST {
            return None;
        }
        let index = u32::from_le_bytes(self.heap.read(reference, 0));
        self.heap.hosts.get(index as usize)?.as_ref().map(|(_, object)| &**object)
    }

    /// Bytes of the heap: those that it takes from the host, and those that objects took at
    /// the last collection or have taken since.
    pub fn heap_bytes(&self) -> (u64, u64) {
        (self.heap.space.capacity().into(), self.heap.live + self.heap.fresh)
    }

    /// How many collections there have been.
    pub fn collections(&self) -> u64 {
        self.heap.collections
    }
}

impl Heap {
    /// Whether it is time to collect before an allocation.
    #[inline]
    fn is_due(&self, size: u32) -> bool {
        self.fresh + u64::from(size) > self.live.max(MIN_FRESH) && self.fresh > 0
    }

    fn take(&mut self, header: Header, size: u32, limits: &mut Limits) -> Option<u32> {
        let place = match self.space.take(header, size) {
            Some(place) => place,
            None if self.space.grow(size, limits) => self.space.take(header, size)?,
            None => return None,
        };
        self.fresh += u64::from(size);
        Some(place)
    }

    /// Collections are off until as many calls of `resume`.
    pub(crate) fn pause(&mut self) {
        self.paused += 1;
    }

    pub(crate) fn resume(&mut self) {
        self.paused -= 1;
    }

    /// What an object is: a type of the registry, [`HOST`] or [`EXCEPTION`]; `None` for null
    /// and `i31`.
    #[inline]
    pub(crate) fn kind(&self, reference: RawRef) -> Option<u32> {
        Some(self.space.header(reference.place()?).kind())
    }

    /// An array's length, or bytes of another object's content. The reference is to an object.
    #[inline]
    pub(crate) fn len(&self, reference: RawRef) -> u32 {
        self.space.header(reference.0 as u32).len
    }

    /// Bytes of an object's content from `offset` on.
    #[inline]
    pub(crate) fn read<const N: usize>(&self, reference: RawRef, offset: u32) -> [u8; N] {
        let at = reference.0 as usize + HEADER as usize + offset as usize;
        self.space.bytes()[at..at + N].try_into().expect("as many bytes")
    }

    #[inline]
    pub(crate) fn write<const N: usize>(&mut self, reference: RawRef, offset: u32, bytes: [u8; N]) {
        let at = reference.0 as usize + HEADER as usize + offset as usize;
        self.space.bytes_mut()[at..at + N].copy_from_slice(&bytes);
    }
}

impl RawRef {
    /// The place in the heap of the object that it refers to; `None` for null and `i31`.
    /// Nothing sensible for a function.
    #[inline(always)]
    pub(crate) fn place(self) -> Option<u32> {
        (self.0 != 0 && self.0 & 1 == 0).then_some(self.0 as u32)
    }
}
