//! Structs and arrays: their types, and what hosts do with them.

use crate::error::{message, of_kind};
use crate::rooted::Rooted;
use crate::store::StoreId;
use crate::{ArrayRef, AsContext, AsContextMut, Error, HeapType, Result, StructRef, Val, ValType};
use alloc::{boxed::Box, vec::Vec};
use sampan_engine::wasm::CompositeType;
use sampan_engine::wasm::List;
pub use sampan_engine::wasm::{FieldType, StorageType};
use sampan_engine::{Machine, RawRef};

macro_rules! types {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name {
            store: StoreId,
            id: u32,
        }

        impl $name {
            /// The type as what a reference refers to.
            pub fn heap_type(&self) -> HeapType {
                HeapType::Concrete(self.id)
            }
        }
    )*};
}
types! {
    /// A type of structs in a store.
    StructType;
    /// A type of arrays in a store.
    ArrayType;
}

impl StructType {
    /// The final type without supertype that has these fields. Type indices in them are the
    /// store's.
    ///
    /// # Panics
    /// There is no memory left.
    pub fn new(mut store: impl AsContextMut, fields: impl Into<Box<[FieldType]>>) -> StructType {
        let ctx = store.as_context_mut();
        let id = ctx.machine.intern_type(CompositeType::Struct(fields.into()));
        let id = id.expect("there is memory for a type");
        StructType { store: ctx.inner.id, id }
    }

    /// The fields.
    ///
    /// # Panics
    /// It is of another store.
    pub fn fields(&self, store: impl AsContext) -> Vec<FieldType> {
        fields_of(store.as_context().machine(self.store), self.id).to_vec()
    }
}

impl ArrayType {
    /// The final type without supertype that has such elements. A type index in them is the
    /// store's.
    ///
    /// # Panics
    /// There is no memory left.
    pub fn new(mut store: impl AsContextMut, element: FieldType) -> ArrayType {
        let ctx = store.as_context_mut();
        let id = ctx.machine.intern_type(CompositeType::Array(element));
        let id = id.expect("there is memory for a type");
        ArrayType { store: ctx.inner.id, id }
    }

    /// The elements.
    ///
    /// # Panics
    /// It is of another store.
    pub fn element(&self, store: impl AsContext) -> FieldType {
        fields_of(store.as_context().machine(self.store), self.id)[0]
    }
}

impl StructRef {
    /// `struct.new`
    ///
    /// # Errors
    /// Fields of another number or of other types; the collected heap has no room.
    ///
    /// # Panics
    /// The type is of another store.
    pub fn new(mut store: impl AsContextMut, ty: &StructType, fields: &[Val]) -> Result<StructRef> {
        let ctx = store.as_context_mut();
        ctx.inner.id.check(ty.store);
        let types = fields_of(ctx.machine, ty.id);
        if types.len() != fields.len() {
            return Err(Error::new(
                message!("wrong number of fields": "expected {} fields, found {}", types.len(), fields.len()),
            ));
        }
        let mut slots = List::new();
        for (value, field) in fields.iter().zip(types) {
            push(ctx.machine, ty.store, value, field, &mut slots)?;
        }
        let raw = ctx.machine.new_struct(ty.id, &slots).map_err(of_kind)?;
        Ok(StructRef(Rooted::new(ctx.machine, ty.store, raw)))
    }

    /// The type.
    ///
    /// # Errors
    /// The reference is of another store, or its scope has ended.
    pub fn ty(&self, store: impl AsContext) -> Result<StructType> {
        let raw = self.0.get(&store)?;
        let id = type_of(store.as_context().machine, raw);
        Ok(StructType { store: self.0.store, id })
    }

    /// The field with an index; a packed one is extended with zeroes.
    ///
    /// # Errors
    /// There is none; the reference is of another store, or its scope has ended.
    pub fn field(&self, mut store: impl AsContextMut, index: usize) -> Result<Val> {
        let raw = self.0.get(&store)?;
        let ctx = store.as_context_mut();
        let ty = type_of(ctx.machine, raw);
        let field = field(ctx.machine, ty, index)?;
        let slots = ctx.machine.struct_get(raw, ty, index as u32);
        Ok(Val::from_slots(ctx.machine, self.0.store, field.storage.unpacked(), &slots).0)
    }

    /// Writes the field with an index; a packed one takes the low bits.
    ///
    /// # Errors
    /// There is none, it cannot be written, or has another type; the reference is of another
    /// store, or its scope has ended.
    pub fn set_field(&self, mut store: impl AsContextMut, index: usize, value: Val) -> Result<()> {
        let raw = self.0.get(&store)?;
        let ctx = store.as_context_mut();
        let ty = type_of(ctx.machine, raw);
        let field = writable(field(ctx.machine, ty, index)?)?;
        let mut slots = [0; 2];
        value.to_slots(ctx.machine, self.0.store, field.storage.unpacked(), &mut slots)?;
        ctx.machine.struct_set(raw, ty, index as u32, slots);
        Ok(())
    }
}

impl ArrayRef {
    /// `array.new`
    ///
    /// # Errors
    /// An element of another type; the collected heap has no room.
    ///
    /// # Panics
    /// The type is of another store.
    pub fn new(
        mut store: impl AsContextMut,
        ty: &ArrayType,
        element: Val,
        len: u32,
    ) -> Result<ArrayRef> {
        let ctx = store.as_context_mut();
        ctx.inner.id.check(ty.store);
        let field = fields_of(ctx.machine, ty.id)[0];
        let mut slots = [0; 2];
        element.to_slots(ctx.machine, ty.store, field.storage.unpacked(), &mut slots)?;
        let raw = ctx.machine.new_array(ty.id, len.into(), slots).map_err(of_kind)?;
        Ok(ArrayRef(Rooted::new(ctx.machine, ty.store, raw)))
    }

    /// `array.new_fixed`
    ///
    /// # Errors
    /// As [`ArrayRef::new`].
    ///
    /// # Panics
    /// The type is of another store.
    pub fn new_fixed(
        mut store: impl AsContextMut,
        ty: &ArrayType,
        elements: &[Val],
    ) -> Result<ArrayRef> {
        let ctx = store.as_context_mut();
        ctx.inner.id.check(ty.store);
        let field = fields_of(ctx.machine, ty.id)[0];
        let mut slots = List::new();
        for value in elements {
            push(ctx.machine, ty.store, value, &field, &mut slots)?;
        }
        let raw = ctx.machine.new_array_fixed(ty.id, &slots).map_err(of_kind)?;
        Ok(ArrayRef(Rooted::new(ctx.machine, ty.store, raw)))
    }

    /// The type.
    ///
    /// # Errors
    /// The reference is of another store, or its scope has ended.
    pub fn ty(&self, store: impl AsContext) -> Result<ArrayType> {
        let raw = self.0.get(&store)?;
        let id = type_of(store.as_context().machine, raw);
        Ok(ArrayType { store: self.0.store, id })
    }

    /// How many elements it has.
    ///
    /// # Errors
    /// As [`ArrayRef::ty`].
    pub fn len(&self, store: impl AsContext) -> Result<u32> {
        let raw = self.0.get(&store)?;
        Ok(store.as_context().machine.array_len(raw))
    }

    /// The element with an index; a packed one is extended with zeroes.
    ///
    /// # Errors
    /// There is none; the reference is of another store, or its scope has ended.
    pub fn get(&self, mut store: impl AsContextMut, index: u32) -> Result<Val> {
        let raw = self.0.get(&store)?;
        let ctx = store.as_context_mut();
        let ty = type_of(ctx.machine, raw);
        let field = fields_of(ctx.machine, ty)[0];
        let slots = ctx.machine.array_get(raw, ty, index.into()).map_err(of_kind)?;
        Ok(Val::from_slots(ctx.machine, self.0.store, field.storage.unpacked(), &slots).0)
    }

    /// Writes the element with an index; a packed one takes the low bits.
    ///
    /// # Errors
    /// There is none, elements cannot be written, or have another type; the reference is of
    /// another store, or its scope has ended.
    pub fn set(&self, mut store: impl AsContextMut, index: u32, value: Val) -> Result<()> {
        let raw = self.0.get(&store)?;
        let ctx = store.as_context_mut();
        let ty = type_of(ctx.machine, raw);
        let field = writable(fields_of(ctx.machine, ty)[0])?;
        let mut slots = [0; 2];
        value.to_slots(ctx.machine, self.0.store, field.storage.unpacked(), &mut slots)?;
        ctx.machine.array_set(raw, ty, index.into(), slots).map_err(of_kind)
    }
}

/// The fields of a struct type, or an array type's element.
fn fields_of(machine: &Machine, ty: u32) -> &[FieldType] {
    match machine.registry().get(ty).map(|sub| &sub.composite) {
        Some(CompositeType::Struct(fields)) => fields,
        Some(CompositeType::Array(element)) => core::slice::from_ref(element),
        _ => &[],
    }
}

/// The type of a struct or an array.
fn type_of(machine: &Machine, raw: RawRef) -> u32 {
    match machine.heap_type(raw) {
        HeapType::Concrete(ty) => ty,
        _ => unreachable!("the reference is to a struct or an array"),
    }
}

fn field(machine: &Machine, ty: u32, index: usize) -> Result<FieldType> {
    let fields = fields_of(machine, ty);
    fields.get(index).copied().ok_or_else(|| Error::new("the struct has no such field"))
}

fn writable(field: FieldType) -> Result<FieldType> {
    if field.mutable { Ok(field) } else { Err(Error::new("the field cannot be written")) }
}

fn push(
    machine: &Machine,
    store: StoreId,
    value: &Val,
    field: &FieldType,
    slots: &mut List<u64>,
) -> Result<()> {
    let mut buffer = [0; 2];
    let ty: ValType = field.storage.unpacked();
    let count = value.to_slots(machine, store, ty, &mut buffer)?;
    buffer[..count].iter().try_for_each(|&slot| slots.put(slot))?;
    Ok(())
}
