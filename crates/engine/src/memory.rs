//! Linear memories.
//!
//! Unsafe because the interpreters access the bytes through the raw base pointer; here
//! are its allocation, its growth and the safe views of it.
//!
//! Invariant: `base` is valid for `capacity` bytes, all initialised (allocated zeroed),
//! and `len <= capacity`. Only `grow` moves `base`.

use crate::native::Rooms;
use crate::{Limits, TrapKind};
use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::ptr::NonNull;
use sampan_wasm::{AddrType, MemoryType};

/// A linear memory. Compiled code reads the first fields.
#[derive(Debug)]
#[repr(C)]
pub struct MemoryEntity {
    base: NonNull<u8>,
    len: usize,
    capacity: usize,
    ty: MemoryType,
    pub(crate) id: u32,
    /// Where the bytes are, if not allocated: then `base` never moves.
    reservation: Option<Rooms>,
}

// SAFETY: the bytes belong to this value alone, as a Vec's would.
unsafe impl Send for MemoryEntity {}

impl MemoryEntity {
    #[cfg_attr(not(feature = "native"), allow(dead_code))]
    pub(crate) const BASE_OFFSET: usize = core::mem::offset_of!(MemoryEntity, base);
    #[cfg_attr(not(feature = "native"), allow(dead_code))]
    pub(crate) const LEN_OFFSET: usize = core::mem::offset_of!(MemoryEntity, len);

    /// A memory of its type's minimum size, or `None` if the host has no room.
    pub(crate) fn new(
        ty: MemoryType,
        limits: &mut Limits,
        id: u32,
        rooms: Option<Rooms>,
    ) -> Option<MemoryEntity> {
        let len = usize::try_from(ty.limits.min.checked_shl(ty.page_log2.into())?).ok()?;
        if ty.limits.min >> (63 - ty.page_log2) != 0 || !limits.take_memory(0, len as u64) {
            return None;
        }
        if let Some(rooms) = rooms.filter(|_| has_reservation(&ty)) {
            let base = rooms.reserve()?;
            let committed = rooms.commit(base, 0, len);
            let reservation = Some(rooms);
            let memory = MemoryEntity { base, len, capacity: len, ty, id, reservation };
            return committed.then_some(memory);
        }
        let base = allocate(len)?;
        Some(MemoryEntity { base, len, capacity: len, ty, id, reservation: None })
    }

    /// The type, with the current size as its minimum.
    pub fn ty(&self) -> MemoryType {
        let mut ty = self.ty;
        ty.limits.min = self.pages();
        ty
    }

    /// The size in pages.
    pub fn pages(&self) -> u64 {
        self.len as u64 >> self.ty.page_log2
    }

    /// The bytes.
    pub fn data(&self) -> &[u8] {
        // SAFETY: the invariant; the lifetime is that of the borrow of self.
        unsafe { core::slice::from_raw_parts(self.base.as_ptr(), self.len) }
    }

    /// The bytes, to be written.
    pub fn data_mut(&mut self) -> &mut [u8] {
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
        self.len
    }

    /// Adds `delta` pages and gives the old size in pages; `None` changes nothing.
    pub(crate) fn grow(&mut self, delta: u64, limits: &mut Limits) -> Option<u64> {
        let old = self.pages();
        let pages = old.checked_add(delta)?;
        let space = match self.ty.addr {
            AddrType::I32 => 1u64 << (32 - self.ty.page_log2),
            AddrType::I64 => 1u64 << (62 - self.ty.page_log2),
        };
        if pages > self.ty.limits.max.unwrap_or(space).min(space) {
            return None;
        }
        let len = usize::try_from(pages << self.ty.page_log2).ok()?;
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
            return unsafe { reservation.release(self.base) };
        }
        if self.capacity > 0 {
            // SAFETY: allocated by `allocate(self.capacity)` and released once.
            unsafe { dealloc(self.base.as_ptr(), layout(self.capacity)) };
        }
    }

    /// `memory.fill`.
    pub(crate) fn fill(&mut self, at: u64, value: u8, len: u64) -> Result<(), TrapKind> {
        let range = checked(at, len, self.len)?;
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
        let from = checked(from, len, self.len)?;
        let to = checked(to, len, self.len)?;
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
        let to = checked(to, len, self.len)?;
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
fn has_reservation(ty: &MemoryType) -> bool {
    ty.addr == AddrType::I32 && ty.page_log2 == 16 && !ty.shared
}

/// The range `at..at + len` if it lies within `size` bytes.
fn checked(at: u64, len: u64, size: usize) -> Result<core::ops::Range<usize>, TrapKind> {
    match at.checked_add(len) {
        Some(end) if end <= size as u64 => Ok(at as usize..end as usize),
        _ => Err(TrapKind::MemoryOutOfBounds),
    }
}

fn layout(len: usize) -> Layout {
    Layout::from_size_align(len, 16).expect("checked when it was allocated")
}

fn allocate(len: usize) -> Option<NonNull<u8>> {
    if len == 0 {
        return Some(NonNull::dangling());
    }
    let layout = Layout::from_size_align(len, 16).ok()?;
    // SAFETY: the size is not zero.
    NonNull::new(unsafe { alloc_zeroed(layout) })
}
