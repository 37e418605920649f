//! Linear memories.
//!
//! Unsafe because the interpreters access the bytes through the raw base pointer; here
//! are its allocation, its growth and the safe views of it.
//!
//! Invariant: `base` is valid for `capacity` bytes, all initialised (allocated zeroed),
//! and `len <= capacity`. Only `grow` moves `base`. The bytes of a shared memory belong to
//! [`SharedMemory`]; here is then a handle, `base` is its base, and `len` and `capacity` are 0.

use crate::native::{Image, Rooms};
#[cfg(feature = "threads")]
use crate::relaxed;
use crate::{Limits, SharedMemory, TrapKind};
use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::ptr::NonNull;
use core::sync::atomic::AtomicUsize;
use sampan_wasm::{AddrType, MemoryType};

/// A linear memory. Compiled code reads the first fields.
#[derive(Debug)]
#[repr(C)]
pub struct MemoryEntity {
    base: NonNull<u8>,
    len: usize,
    /// The length of a shared memory, which any thread may change; else null.
    shared_len: *const AtomicUsize,
    capacity: usize,
    ty: MemoryType,
    pub(crate) id: u32,
    shared: Option<SharedMemory>,
    /// Where the bytes are, if not allocated: then `base` never moves.
    reservation: Option<Rooms>,
}

// SAFETY: the bytes belong to this value alone, as a Vec's would; or to a `SharedMemory`.
unsafe impl Send for MemoryEntity {}

impl MemoryEntity {
    #[cfg_attr(not(feature = "native"), allow(dead_code))]
    pub(crate) const BASE_OFFSET: usize = core::mem::offset_of!(MemoryEntity, base);
    #[cfg_attr(not(feature = "native"), allow(dead_code))]
    pub(crate) const LEN_OFFSET: usize = core::mem::offset_of!(MemoryEntity, len);
    #[cfg_attr(not(feature = "native"), allow(dead_code))]
    pub(crate) const SHARED_LEN_OFFSET: usize = core::mem::offset_of!(MemoryEntity, shared_len);

    /// A memory of its type's minimum size, or `None` if the host has no room. If there is an
    /// image of that size, it begins with that, else with zeros.
    pub(crate) fn new(
        ty: MemoryType,
        limits: &mut Limits,
        id: u32,
        rooms: Option<Rooms>,
        image: Option<&Image>,
    ) -> Option<MemoryEntity> {
        if ty.shared && SharedMemory::EXISTS {
            let shared = SharedMemory::new(ty, limits.room_for_memory())?;
            return MemoryEntity::share(&shared, limits, id);
        }
        let len = size_in_bytes(&ty, ty.limits.min)?;
        if !limits.take_memory(0, len as u64) {
            return None;
        }
        if let Some(rooms) = rooms.filter(|_| has_reservation(&ty)) {
            let mut memory = MemoryEntity::of(rooms.reserve(len, image)?, len, ty, id);
            memory.reservation = Some(rooms);
            return Some(memory);
        }
        Some(MemoryEntity::of(allocate(len)?, len, ty, id))
    }

    /// A memory that other machines have too, or `None` if a limit is passed.
    #[allow(unreachable_code)] // Where nothing is of the type.
    pub(crate) fn share(
        memory: &SharedMemory,
        limits: &mut Limits,
        id: u32,
    ) -> Option<MemoryEntity> {
        if !limits.take_shared(memory) {
            return None;
        }
        let base = NonNull::new(memory.base())?;
        let mut entity = MemoryEntity::of(base, 0, memory.ty(), id);
        entity.shared_len = memory.len_cell();
        entity.shared = Some(memory.clone());
        Some(entity)
    }

    fn of(base: NonNull<u8>, len: usize, ty: MemoryType, id: u32) -> MemoryEntity {
        let shared_len = core::ptr::null();
        MemoryEntity {
            base,
            len,
            shared_len,
            capacity: len,
            ty,
            id,
            shared: None,
            reservation: None,
        }
    }

    /// The memory that others may have too, if it is one.
    pub fn shared(&self) -> Option<&SharedMemory> {
        self.shared.as_ref()
    }

    /// The type, with the current size as its minimum.
    pub fn ty(&self) -> MemoryType {
        let mut ty = self.ty;
        ty.limits.min = self.pages();
        ty
    }

    /// The size in pages.
    pub fn pages(&self) -> u64 {
        self.len() as u64 >> self.ty.page_log2
    }

    /// The bytes.
    ///
    /// # Panics
    /// The memory is [shared](MemoryEntity::shared): others may write the bytes at any time.
    pub fn data(&self) -> &[u8] {
        assert!(self.shared.is_none(), "{NO_SLICE}");
        // SAFETY: the invariant; the lifetime is that of the borrow of self.
        unsafe { core::slice::from_raw_parts(self.base.as_ptr(), self.len) }
    }

    /// The bytes, to be written.
    ///
    /// # Panics
    /// As for [`MemoryEntity::data`].
    pub fn data_mut(&mut self) -> &mut [u8] {
        assert!(self.shared.is_none(), "{NO_SLICE}");
        // SAFETY: the invariant; the borrow of self is unique.
        unsafe { core::slice::from_raw_parts_mut(self.base.as_ptr(), self.len) }
    }

    /// Where the bytes are, for the interpreters.
    #[inline]
    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// How many bytes there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        match &self.shared {
            None => self.len,
            Some(shared) => shared.len(),
        }
    }

    /// Adds `delta` pages and gives the old size in pages; `None` changes nothing.
    pub(crate) fn grow(&mut self, delta: u64, limits: &mut Limits) -> Option<u64> {
        if let Some(shared) = &self.shared {
            return shared.grow_within(delta, |more| more <= limits.room_for_memory());
        }
        let old = self.pages();
        let len = size_in_bytes(&self.ty, old.checked_add(delta)?)?;
        if len > self.capacity {
            self.move_to(len, limits)?;
        } else if !limits.take_memory(self.len as u64, len as u64) {
            return None;
        }
        self.len = len;
        Some(old)
    }

    /// Moves the bytes to an allocation of at least `len`, with room to grow: zeroed pages
    /// that nothing touches cost address space only.
    fn move_to(&mut self, len: usize, limits: &mut Limits) -> Option<()> {
        if !limits.take_memory(self.len as u64, len as u64) {
            return None;
        }
        if let Some(reservation) = &self.reservation {
            if !reservation.commit(self.base, self.capacity, len) {
                limits.take_memory(len as u64, self.len as u64);
                return None;
            }
            self.capacity = len;
            return Some(());
        }
        let most = self.ty.limits.max.and_then(|max| max.checked_shl(self.ty.page_log2.into()));
        let roomy = len.saturating_add(len / 2).min(most.unwrap_or(u64::MAX) as usize).max(len);
        let Some((base, capacity)) = allocate(roomy)
            .map(|base| (base, roomy))
            .or_else(|| allocate(len).map(|base| (base, len)))
        else {
            limits.take_memory(len as u64, self.len as u64);
            return None;
        };
        // SAFETY: both allocations hold at least self.len bytes and are distinct.
        unsafe { core::ptr::copy_nonoverlapping(self.base.as_ptr(), base.as_ptr(), self.len) };
        self.release();
        (self.base, self.capacity) = (base, capacity);
        Some(())
    }

    fn release(&mut self) {
        if let Some(reservation) = &self.reservation {
            // SAFETY: made by `reserve`, and self is being dropped.
            return unsafe { reservation.release(self.base, self.capacity) };
        }
        if self.capacity > 0 {
            // SAFETY: allocated by `allocate(self.capacity)` and released once.
            unsafe { dealloc(self.base.as_ptr(), layout(self.capacity)) };
        }
    }

    /// `memory.fill`.
    pub(crate) fn fill(&mut self, at: u64, value: u8, len: u64) -> Result<(), TrapKind> {
        let range = checked(at, len, self.len())?;
        #[cfg(feature = "threads")]
        if self.shared.is_some() {
            // SAFETY: in range.
            unsafe { relaxed::fill(self.base().add(range.start), value, range.len()) };
            return Ok(());
        }
        self.data_mut()[range].fill(value);
        Ok(())
    }

    /// The width of an address or a length that is an operand in a slot.
    pub(crate) fn operand(&self, slot: u64) -> u64 {
        operand(self.ty.addr, slot)
    }

    /// Whether addresses have 32 bits and nobody else has access: then the interpreters reach
    /// the bytes by the base and length that they keep of memory 0.
    #[allow(dead_code)] // As is the next, by one interpreter only.
    pub(crate) fn is_plain(&self) -> bool {
        is_plain(&self.ty)
    }

    /// The address of `size` bytes at `base + offset`, if all are in the memory.
    #[inline]
    #[allow(dead_code)]
    pub(crate) fn locate(&self, base: u64, offset: u64, size: u64) -> Option<*mut u8> {
        let at = base.checked_add(offset)?;
        if at.checked_add(size)? > self.len() as u64 {
            return None;
        }
        Some(self.base().wrapping_add(at as usize))
    }

    /// `memory.copy` within one memory.
    pub(crate) fn copy_within(&mut self, to: u64, from: u64, len: u64) -> Result<(), TrapKind> {
        let from = checked(from, len, self.len())?;
        let to = checked(to, len, self.len())?;
        #[cfg(feature = "threads")]
        if self.shared.is_some() {
            let base = self.base();
            // SAFETY: both are in range.
            unsafe { relaxed::copy(base.add(from.start), base.add(to.start), from.len()) };
            return Ok(());
        }
        self.data_mut().copy_within(from, to.start);
        Ok(())
    }

    /// `memory.copy` from another memory.
    pub(crate) fn copy_from(
        &mut self,
        to: u64,
        source: &MemoryEntity,
        from: u64,
        len: u64,
    ) -> Result<(), TrapKind> {
        let from = checked(from, len, source.len())?;
        let to = checked(to, len, self.len())?;
        #[cfg(feature = "threads")]
        if self.shared.is_some() || source.shared.is_some() {
            let (from, to, len) = (from.start, to.start, to.len());
            // SAFETY: both are in range.
            unsafe { relaxed::copy(source.base().add(from), self.base().add(to), len) };
            return Ok(());
        }
        self.data_mut()[to].copy_from_slice(&source.data()[from]);
        Ok(())
    }

    /// `memory.init`: `len` bytes of `source` from `from` on.
    pub(crate) fn init(
        &mut self,
        to: u64,
        source: &[u8],
        from: u64,
        len: u64,
    ) -> Result<(), TrapKind> {
        let from = checked(from, len, source.len())?;
        let to = checked(to, len, self.len())?;
        #[cfg(feature = "threads")]
        if self.shared.is_some() {
            let (source, to) = (&source[from], to.start);
            // SAFETY: in range.
            unsafe { relaxed::copy(source.as_ptr(), self.base().add(to), source.len()) };
            return Ok(());
        }
        self.data_mut()[to].copy_from_slice(&source[from]);
        Ok(())
    }
}

impl Drop for MemoryEntity {
    fn drop(&mut self) {
        self.release();
    }
}

/// Whether a memory of the type is plain; see [`MemoryEntity::is_plain`].
pub(crate) fn is_plain(ty: &MemoryType) -> bool {
    ty.addr == AddrType::I32 && !ty.shared
}

/// An address, index or length in a slot, whose upper half means nothing if it has 32 bits.
#[inline]
pub(crate) fn operand(addr: AddrType, slot: u64) -> u64 {
    match addr {
        AddrType::I32 => slot & 0xffff_ffff,
        AddrType::I64 => slot,
    }
}

/// Whether compiled code expects that memories of this type never move.
pub(crate) fn has_reservation(ty: &MemoryType) -> bool {
    ty.addr == AddrType::I32 && ty.page_log2 == 16 && !ty.shared
}

/// The range `at..at + len` if it lies within `size` bytes.
fn checked(at: u64, len: u64, size: usize) -> Result<core::ops::Range<usize>, TrapKind> {
    match at.checked_add(len) {
        Some(end) if end <= size as u64 => Ok(at as usize..end as usize),
        _ => Err(TrapKind::MemoryOutOfBounds),
    }
}

/// How many bytes so many pages are; `None` if that is more than a memory of the type may have,
/// or than addresses reach.
pub(crate) fn size_in_bytes(ty: &MemoryType, pages: u64) -> Option<usize> {
    let space = match ty.addr {
        AddrType::I32 => 1u64 << (32 - ty.page_log2),
        AddrType::I64 => 1u64 << (62 - ty.page_log2),
    };
    if pages > ty.limits.max.unwrap_or(space).min(space) {
        return None;
    }
    usize::try_from(pages << ty.page_log2).ok()
}

const NO_SLICE: &str = "the bytes of a shared memory cannot be borrowed";

pub(crate) fn layout(len: usize) -> Layout {
    Layout::from_size_align(len, 16).expect("checked when it was allocated")
}

pub(crate) fn allocate(len: usize) -> Option<NonNull<u8>> {
    if len == 0 {
        return Some(NonNull::dangling());
    }
    let layout = Layout::from_size_align(len, 16).ok()?;
    // SAFETY: the size is not zero.
    NonNull::new(unsafe { alloc_zeroed(layout) })
}
