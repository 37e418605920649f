//! Tables of references.

use crate::{Limits, RawRef, TrapKind};
use sampan_wasm::{AddrType, List, TableType};

/// A table. Compiled code reads the first fields.
#[derive(Debug)]
#[repr(C)]
pub struct TableEntity {
    /// Where the elements are, and how many: for compiled code.
    base: *const RawRef,
    len: usize,
    pub(crate) elements: List<RawRef>,
    /// The bits of a slot that are an index.
    #[cfg_attr(not(feature = "classic"), allow(dead_code))] // One interpreter reads it.
    pub(crate) index_mask: u64,
    /// Its element type is in the registry's numbering.
    ty: TableType,
    pub(crate) id: u32,
}

// SAFETY: `base` points into the elements, which move with the value.
unsafe impl Send for TableEntity {}
// SAFETY: as above.
unsafe impl Sync for TableEntity {}

impl TableEntity {
    #[cfg_attr(not(feature = "native"), allow(dead_code))]
    pub(crate) const BASE_OFFSET: usize = core::mem::offset_of!(TableEntity, base);
    #[cfg_attr(not(feature = "native"), allow(dead_code))]
    pub(crate) const LEN_OFFSET: usize = core::mem::offset_of!(TableEntity, len);

    pub(crate) fn new(
        ty: TableType,
        init: RawRef,
        limits: &mut Limits,
        id: u32,
    ) -> Option<TableEntity> {
        if !limits.take_table(0, ty.limits.min) {
            return None;
        }
        let mut elements = List::new();
        elements.put_times(init, usize::try_from(ty.limits.min).ok()?).ok()?;
        let (base, len) = (elements.as_ptr(), elements.len());
        let index_mask = crate::memory::operand(ty.addr, u64::MAX);
        Some(TableEntity { base, len, elements, index_mask, ty, id })
    }

    /// The type, with the current size as its minimum.
    pub fn ty(&self) -> TableType {
        let mut ty = self.ty;
        ty.limits.min = self.elements.len() as u64;
        ty
    }

    /// An index or a length that is an operand in a slot.
    pub(crate) fn operand(&self, slot: u64) -> u64 {
        crate::memory::operand(self.ty.addr, slot)
    }

    /// The number of elements.
    pub fn size(&self) -> u64 {
        self.elements.len() as u64
    }

    /// The element at `index`.
    pub fn get(&self, index: u64) -> Result<RawRef, TrapKind> {
        let element = usize::try_from(index).ok().and_then(|i| self.elements.get(i));
        element.copied().ok_or(TrapKind::TableOutOfBounds)
    }

    /// Writes the element at `index`.
    pub fn set(&mut self, index: u64, value: RawRef) -> Result<(), TrapKind> {
        let element = usize::try_from(index).ok().and_then(|i| self.elements.get_mut(i));
        *element.ok_or(TrapKind::TableOutOfBounds)? = value;
        Ok(())
    }

    /// Adds `delta` elements and gives the old size; `None` changes nothing.
    pub(crate) fn grow(&mut self, delta: u64, value: RawRef, limits: &mut Limits) -> Option<u64> {
        let old = self.size();
        let new = old.checked_add(delta)?;
        let space = match self.ty.addr {
            AddrType::I32 => u64::from(u32::MAX),
            AddrType::I64 => u64::MAX,
        };
        if new > self.ty.limits.max.unwrap_or(space).min(space) {
            return None;
        }
        let additional = usize::try_from(delta).ok()?;
        if !limits.take_table(old, new) {
            return None;
        }
        if self.elements.put_times(value, additional).is_err() {
            limits.take_table(new, old);
            return None;
        }
        (self.base, self.len) = (self.elements.as_ptr(), self.elements.len());
        Some(old)
    }

    /// `table.fill`.
    pub(crate) fn fill(&mut self, at: u64, value: RawRef, len: u64) -> Result<(), TrapKind> {
        let range = checked(at, len, self.elements.len())?;
        self.elements[range].fill(value);
        Ok(())
    }

    /// `table.copy` within one table.
    pub(crate) fn copy_within(&mut self, to: u64, from: u64, len: u64) -> Result<(), TrapKind> {
        let from = checked(from, len, self.elements.len())?;
        let to = checked(to, len, self.elements.len())?;
        self.elements.copy_within(from, to.start);
        Ok(())
    }

    /// `table.init`, or `table.copy` from another table.
    pub(crate) fn init(
        &mut self,
        to: u64,
        source: &[RawRef],
        from: u64,
        len: u64,
    ) -> Result<(), TrapKind> {
        let from = checked(from, len, source.len())?;
        let to = checked(to, len, self.elements.len())?;
        self.elements[to].copy_from_slice(&source[from]);
        Ok(())
    }
}

fn checked(at: u64, len: u64, size: usize) -> Result<core::ops::Range<usize>, TrapKind> {
    match at.checked_add(len) {
        Some(end) if end <= size as u64 => Ok(at as usize..end as usize),
        _ => Err(TrapKind::TableOutOfBounds),
    }
}
