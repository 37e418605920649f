//! Structs and arrays: making, reading and writing them.
//!
//! Values are slots as operands are: a number of 32 bits in the low half of one, a vector in
//! two. Types are the registry's. References that are handed in are to objects of the type
//! that the method says; static types or the caller saw to that.

use super::types::{Shape, Storage, StructShape};
use super::{Header, Heap, NOTHING, Visit};
use crate::{Machine, RawRef, TrapKind};
use core::ops::Range;

/// A value: one slot, or two for a vector.
pub type Slots = [u64; 2];

impl Heap {
    /// The value at an offset of the content; packed ones are extended with zeroes.
    #[inline]
    pub(crate) fn load(&self, object: RawRef, offset: u32, storage: Storage) -> Slots {
        let value = match storage {
            Storage::I8 => self.read::<1>(object, offset)[0].into(),
            Storage::I16 => u16::from_le_bytes(self.read(object, offset)).into(),
            Storage::B32 | Storage::Ref => u32::from_le_bytes(self.read(object, offset)).into(),
            Storage::B64 => u64::from_le_bytes(self.read(object, offset)),
            Storage::B128 => {
                let high = u64::from_le_bytes(self.read(object, offset + 8));
                return [u64::from_le_bytes(self.read(object, offset)), high];
            }
        };
        [value, 0]
    }

    /// Writes a value, of which a packed one takes the low bits.
    #[inline]
    pub(crate) fn store(&mut self, object: RawRef, offset: u32, storage: Storage, value: Slots) {
        let [low, high] = value;
        match storage {
            Storage::I8 => self.write(object, offset, [low as u8]),
            Storage::I16 => self.write(object, offset, (low as u16).to_le_bytes()),
            Storage::B32 | Storage::Ref => self.write(object, offset, (low as u32).to_le_bytes()),
            Storage::B64 => self.write(object, offset, low.to_le_bytes()),
            Storage::B128 => {
                self.write(object, offset, low.to_le_bytes());
                self.write(object, offset + 8, high.to_le_bytes());
            }
        }
    }

    /// The bytes of elements of an array.
    fn elements(&self, array: RawRef, storage: Storage, range: &Range<u32>) -> Range<usize> {
        let at = |index: u32| {
            array.0 as usize + super::HEADER as usize + ((index as usize) << storage.log2())
        };
        at(range.start)..at(range.end)
    }

    /// `len` elements from `at` on, if the array has them.
    fn range(&self, array: RawRef, at: u64, len: u64) -> Result<Range<u32>, TrapKind> {
        let end = u64::from(self.len(array));
        match at.checked_add(len) {
            Some(to) if to <= end => Ok(at as u32..to as u32),
            _ => Err(TrapKind::ArrayOutOfBounds),
        }
    }
}

/// Sees to that something is not null.
#[inline]
pub(crate) fn non_null(reference: RawRef) -> Result<RawRef, TrapKind> {
    if reference.is_null() { Err(TrapKind::NullReference) } else { Ok(reference) }
}

/// Structs.
impl Machine {
    /// How structs of a type are laid out.
    #[inline]
    pub(crate) fn struct_shape(&self, ty: u32) -> &StructShape {
        match &self.types[ty as usize].shape {
            Shape::Struct(shape) => shape,
            _ => unreachable!("the caller knows it for a struct type"),
        }
    }

    /// A struct whose fields are zero or null.
    pub(crate) fn new_struct_default(&mut self, ty: u32) -> Result<RawRef, TrapKind> {
        let size = self.struct_shape(ty).size;
        self.allocate(Header::new(ty, 0, size), NOTHING)
    }

    /// A struct with fields from `slots`.
    ///
    /// # Errors
    /// The heap has no room.
    pub fn new_struct(&mut self, ty: u32, slots: &[u64]) -> Result<RawRef, TrapKind> {
        let shape = self.struct_shape(ty);
        let header = Header::new(ty, 0, shape.size);
        let object = match self.allocate_quickly(header) {
            Some(object) => object,
            None => {
                let fields = &self.struct_shape(ty).fields;
                let fields = sampan_wasm::room::collected(fields.iter().map(|field| field.1))?;
                let show = |mark: &mut dyn FnMut(RawRef)| {
                    let mut at = 0;
                    for &storage in &fields {
                        if storage == Storage::Ref {
                            mark(RawRef(slots[at]));
                        }
                        at += storage.slots() as usize;
                    }
                };
                self.allocate(header, &show)?
            }
        };
        let Shape::Struct(shape) = &self.types[ty as usize].shape else {
            unreachable!("the caller knows it for a struct type")
        };
        let mut at = 0;
        for &(offset, storage) in &shape.fields {
            let high = if storage == Storage::B128 { slots[at + 1] } else { 0 };
            self.heap.store(object, offset, storage, [slots[at], high]);
            at += storage.slots() as usize;
        }
        Ok(object)
    }

    /// A field of a struct of type `ty` or a subtype.
    pub fn struct_get(&self, object: RawRef, ty: u32, field: u32) -> Slots {
        let (offset, storage) = self.struct_shape(ty).fields[field as usize];
        self.heap.load(object, offset, storage)
    }

    /// Writes a field of a struct of type `ty` or a subtype.
    pub fn struct_set(&mut self, object: RawRef, ty: u32, field: u32, value: Slots) {
        let (offset, storage) = self.struct_shape(ty).fields[field as usize];
        self.heap.store(object, offset, storage, value);
    }
}

/// Arrays.
impl Machine {
    /// How elements of an array type are stored.
    #[inline]
    pub(crate) fn array_storage(&self, ty: u32) -> Storage {
        match self.types[ty as usize].shape {
            Shape::Array(storage) => storage,
            _ => unreachable!("the caller knows it for an array type"),
        }
    }

    fn allocate_array(&mut self, ty: u32, len: u64, also: Visit<'_>) -> Result<RawRef, TrapKind> {
        let len = u32::try_from(len).map_err(|_| TrapKind::HeapExhausted)?;
        let log2 = self.array_storage(ty).log2();
        self.allocate(Header::new(ty, log2, len), also)
    }

    /// An array of zeroes or nulls.
    pub(crate) fn new_array_default(&mut self, ty: u32, len: u64) -> Result<RawRef, TrapKind> {
        self.allocate_array(ty, len, NOTHING)
    }

    /// An array of equal elements.
    ///
    /// # Errors
    /// The heap has no room.
    pub fn new_array(&mut self, ty: u32, len: u64, value: Slots) -> Result<RawRef, TrapKind> {
        let storage = self.array_storage(ty);
        let show = |mark: &mut dyn FnMut(RawRef)| {
            if storage == Storage::Ref {
                mark(RawRef(value[0]));
            }
        };
        let array = self.allocate_array(ty, len, &show)?;
        self.array_fill(array, ty, 0, value, len)?;
        Ok(array)
    }

    /// An array with elements from `slots`.
    ///
    /// # Errors
    /// The heap has no room.
    pub fn new_array_fixed(&mut self, ty: u32, slots: &[u64]) -> Result<RawRef, TrapKind> {
        let storage = self.array_storage(ty);
        let show = |mark: &mut dyn FnMut(RawRef)| {
            if storage == Storage::Ref {
                slots.iter().for_each(|&slot| mark(RawRef(slot)));
            }
        };
        let width = storage.slots() as usize;
        let array = self.allocate_array(ty, (slots.len() / width) as u64, &show)?;
        for (index, value) in slots.chunks(width).enumerate() {
            let value = [value[0], value.get(1).copied().unwrap_or(0)];
            self.heap.store(array, (index as u32) << storage.log2(), storage, value);
        }
        Ok(array)
    }

    /// An array with `len` elements from the bytes of a data segment, from `from` on.
    pub(crate) fn new_array_data(
        &mut self,
        ty: u32,
        data: &[u8],
        from: u64,
        len: u64,
    ) -> Result<RawRef, TrapKind> {
        let data = segment(data, from, len, self.array_storage(ty))?;
        let array = self.allocate_array(ty, len, NOTHING)?;
        let all = self.heap.elements(array, self.array_storage(ty), &(0..len as u32));
        self.heap.space.bytes_mut()[all].copy_from_slice(data);
        Ok(array)
    }

    /// An array with elements from an element segment, which is a root itself.
    pub(crate) fn new_array_elem(
        &mut self,
        ty: u32,
        items: &[RawRef],
        from: u64,
        len: u64,
    ) -> Result<RawRef, TrapKind> {
        let items = items_of(items, from, len)?;
        let array = self.allocate_array(ty, len, NOTHING)?;
        self.write_items(array, self.array_storage(ty), 0, items);
        Ok(array)
    }

    fn write_items(&mut self, array: RawRef, storage: Storage, to: u32, items: &[RawRef]) {
        for (index, item) in items.iter().enumerate() {
            let offset = (to + index as u32) << storage.log2();
            self.heap.store(array, offset, storage, [item.0, 0]);
        }
    }

    /// An array's length.
    pub fn array_len(&self, array: RawRef) -> u32 {
        self.heap.len(array)
    }

    /// An element of an array of type `ty` or a subtype.
    ///
    /// # Errors
    /// There is none.
    pub fn array_get(&self, array: RawRef, ty: u32, index: u64) -> Result<Slots, TrapKind> {
        let storage = self.array_storage(ty);
        let at = self.heap.range(array, index, 1)?.start;
        Ok(self.heap.load(array, at << storage.log2(), storage))
    }

    /// Writes an element of an array of type `ty` or a subtype.
    ///
    /// # Errors
    /// There is none.
    pub fn array_set(
        &mut self,
        array: RawRef,
        ty: u32,
        index: u64,
        value: Slots,
    ) -> Result<(), TrapKind> {
        let storage = self.array_storage(ty);
        let at = self.heap.range(array, index, 1)?.start;
        self.heap.store(array, at << storage.log2(), storage, value);
        Ok(())
    }

    pub(crate) fn array_fill(
        &mut self,
        array: RawRef,
        ty: u32,
        at: u64,
        value: Slots,
        len: u64,
    ) -> Result<(), TrapKind> {
        let storage = self.array_storage(ty);
        let range = self.heap.range(array, at, len)?;
        if value == [0; 2] || range.is_empty() {
            let bytes = self.heap.elements(array, storage, &range);
            self.heap.space.bytes_mut()[bytes].fill(0);
            return Ok(());
        }
        self.heap.store(array, range.start << storage.log2(), storage, value);
        // What is there is copied behind itself, twice as much each time.
        let bytes = self.heap.elements(array, storage, &range);
        let (space, mut done) = (self.heap.space.bytes_mut(), 1 << storage.log2());
        while done < bytes.len() {
            let more = done.min(bytes.len() - done);
            space.copy_within(bytes.start..bytes.start + more, bytes.start + done);
            done += more;
        }
        Ok(())
    }

    /// Copies elements between arrays of types whose elements are stored alike.
    #[allow(clippy::too_many_arguments)] // They are the instruction's operands.
    pub(crate) fn array_copy(
        &mut self,
        ty: u32,
        to: RawRef,
        at: u64,
        from: RawRef,
        source: u64,
        len: u64,
    ) -> Result<(), TrapKind> {
        let storage = self.array_storage(ty);
        let to_range = self.heap.range(to, at, len)?;
        let from_range = self.heap.range(from, source, len)?;
        let to = self.heap.elements(to, storage, &to_range).start;
        let from = self.heap.elements(from, storage, &from_range);
        self.heap.space.bytes_mut().copy_within(from, to);
        Ok(())
    }

    pub(crate) fn array_init_data(
        &mut self,
        array: RawRef,
        ty: u32,
        to: u64,
        data: &[u8],
        from: u64,
        len: u64,
    ) -> Result<(), TrapKind> {
        let storage = self.array_storage(ty);
        let range = self.heap.range(array, to, len)?;
        let data = segment(data, from, len, storage)?;
        let bytes = self.heap.elements(array, storage, &range);
        self.heap.space.bytes_mut()[bytes].copy_from_slice(data);
        Ok(())
    }

    pub(crate) fn array_init_elem(
        &mut self,
        array: RawRef,
        ty: u32,
        to: u64,
        items: &[RawRef],
        from: u64,
        len: u64,
    ) -> Result<(), TrapKind> {
        let range = self.heap.range(array, to, len)?;
        let items = items_of(items, from, len)?;
        self.write_items(array, self.array_storage(ty), range.start, items);
        Ok(())
    }
}

/// The bytes of a data segment that `len` elements take.
fn segment(data: &[u8], from: u64, len: u64, storage: Storage) -> Result<&[u8], TrapKind> {
    let end = (len << storage.log2()).checked_add(from);
    match end.and_then(|end| usize::try_from(end).ok()) {
        Some(end) => data.get(from as usize..end).ok_or(TrapKind::MemoryOutOfBounds),
        None => Err(TrapKind::MemoryOutOfBounds),
    }
}

fn items_of(items: &[RawRef], from: u64, len: u64) -> Result<&[RawRef], TrapKind> {
    let end = usize::try_from(from.saturating_add(len)).map_err(|_| TrapKind::TableOutOfBounds)?;
    items.get(from as usize..end).ok_or(TrapKind::TableOutOfBounds)
}
