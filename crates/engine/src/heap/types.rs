//! What is known of each type of the registry: its supertypes, and how its objects are laid
//! out.
//!
//! A struct's fields follow each other in their order, each aligned to its size up to eight
//! bytes. So a subtype, which has its supertype's fields first, has them where that has
//! them. A field takes as many bytes as its type; a reference four.

use super::{EXCEPTION, HOST};
use crate::{Machine, RawRef};
use alloc::boxed::Box;
use sampan_wasm::room::{OutOfMemory, collected};
use sampan_wasm::{
    CompositeType, FieldType, HeapType, List, RefType, StorageType, TypeRegistry, ValType,
};

/// A type.
pub(crate) struct TypeInfo {
    /// Its supertypes from the outermost on, itself last: a type with n supertypes is at index
    /// n, and so is it in all its subtypes.
    supers: Box<[u32]>,
    pub(crate) shape: Shape,
}

/// What objects of a type look like.
pub(crate) enum Shape {
    Func,
    Struct(StructShape),
    Array(Storage),
}

/// A struct.
pub(crate) struct StructShape {
    /// Where each field is, in the content, and how it is stored.
    pub fields: Box<[(u32, Storage)]>,
    /// Bytes of all fields.
    pub size: u32,
    /// Slots of all as operands.
    pub slots: u32,
    /// Where references to the heap are.
    pub refs: Box<[u32]>,
}

/// How a field or an element is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    I8,
    I16,
    /// A number of 32 bits, or a reference to a function.
    B32,
    B64,
    B128,
    /// A reference to the heap.
    Ref,
}

impl Storage {
    /// The logarithm of its bytes.
    #[inline]
    pub(crate) fn log2(self) -> u32 {
        match self {
            Storage::I8 => 0,
            Storage::I16 => 1,
            Storage::B32 | Storage::Ref => 2,
            Storage::B64 => 3,
            Storage::B128 => 4,
        }
    }

    /// Slots as an operand.
    #[inline]
    pub(crate) fn slots(self) -> u32 {
        if self == Storage::B128 { 2 } else { 1 }
    }

    /// How a value is stored; `is_func` says whether a type index is a function's.
    pub(crate) fn of(ty: StorageType, is_func: impl Fn(u32) -> bool) -> Storage {
        match ty {
            StorageType::I8 => Storage::I8,
            StorageType::I16 => Storage::I16,
            StorageType::Val(ValType::I32 | ValType::F32) => Storage::B32,
            StorageType::Val(ValType::I64 | ValType::F64) => Storage::B64,
            StorageType::Val(ValType::V128) => Storage::B128,
            StorageType::Val(ValType::Ref(ty)) if in_heap(ty, is_func) => Storage::Ref,
            StorageType::Val(ValType::Ref(_)) => Storage::B32,
        }
    }
}

/// Whether references of a type are to the heap: all but those to functions.
pub(crate) fn in_heap(ty: RefType, is_func: impl Fn(u32) -> bool) -> bool {
    match ty.heap() {
        HeapType::Func | HeapType::NoFunc => false,
        HeapType::Concrete(index) => !is_func(index),
        _ => true,
    }
}

/// Where each field is in the content, and the bytes of all.
pub(crate) fn offsets(fields: &[FieldType]) -> Result<(Box<[u32]>, u32), OutOfMemory> {
    let mut end = 0u32;
    let offset = |field: &FieldType| {
        let size = 1 << Storage::of(field.storage, |_| false).log2();
        let at = end.next_multiple_of(size.min(8));
        end = at + size;
        at
    };
    let offsets = collected(fields.iter().map(offset))?;
    Ok((offsets, end))
}

impl TypeInfo {
    fn new(registry: &TypeRegistry, known: &[TypeInfo], id: u32) -> Result<TypeInfo, OutOfMemory> {
        let sub = registry.get(id).expect("a number of the registry");
        let above = sub.supertype.map_or(&[][..], |sup| &known[sup as usize].supers);
        let mut supers = List::with_room(above.len() + 1)?;
        above.iter().chain([&id]).try_for_each(|&id| supers.put(id))?;
        let supers = supers.into_boxed_slice()?;
        #[cfg(feature = "gc")]
        let is_func = |index| registry.func(index).is_some();
        let shape = match &sub.composite {
            CompositeType::Func(_) => Shape::Func,
            #[cfg(feature = "gc")]
            CompositeType::Array(element) => Shape::Array(Storage::of(element.storage, is_func)),
            #[cfg(feature = "gc")]
            CompositeType::Struct(fields) => {
                let (offsets, size) = offsets(fields)?;
                let storages = fields.iter().map(|field| Storage::of(field.storage, is_func));
                let fields = collected(offsets.into_iter().zip(storages))?;
                let mut refs = List::new();
                for &(offset, storage) in &fields {
                    if storage == Storage::Ref {
                        refs.put(offset)?;
                    }
                }
                let refs = refs.into_boxed_slice()?;
                let slots = fields.iter().map(|field| field.1.slots()).sum();
                Shape::Struct(StructShape { fields, size, slots, refs })
            }
        };
        Ok(TypeInfo { supers, shape })
    }
}

impl Machine {
    /// After types were added to the registry.
    ///
    /// # Errors
    /// There is no memory left.
    pub(crate) fn describe_types(&mut self) -> Result<(), OutOfMemory> {
        for id in self.types.len() as u32..self.registry.len() {
            let info = TypeInfo::new(&self.registry, &self.types, id)?;
            self.types.put(info)?;
        }
        Ok(())
    }

    /// Whether type `sup` is `sub` or a supertype of it: one comparison.
    #[inline]
    pub(crate) fn is_subtype(&self, sub: u32, sup: u32) -> bool {
        if sub == sup {
            return true;
        }
        let depth = self.types[sup as usize].supers.len() - 1;
        self.types[sub as usize].supers.get(depth) == Some(&sup)
    }

    /// Whether a reference is of a type in the registry's numbering. The reference is of
    /// the type's hierarchy: to a function if the type is a function's.
    pub fn is_of(&self, reference: RawRef, ty: RefType) -> bool {
        if reference.is_null() {
            return ty.is_nullable();
        }
        match ty.heap() {
            HeapType::Func | HeapType::Extern | HeapType::Any | HeapType::Exn => true,
            HeapType::None | HeapType::NoFunc | HeapType::NoExtern | HeapType::NoExn => false,
            HeapType::Concrete(sup) if matches!(self.types[sup as usize].shape, Shape::Func) => {
                let func = reference.index().expect("not null");
                self.is_subtype(self.funcs[func as usize].ty, sup)
            }
            heap => self.is_object_of(reference, heap),
        }
    }

    fn is_object_of(&self, reference: RawRef, ty: HeapType) -> bool {
        let Some(kind) = self.heap.kind(reference) else {
            return matches!(ty, HeapType::I31 | HeapType::Eq);
        };
        if matches!(kind, HOST | EXCEPTION) {
            return false;
        }
        match ty {
            HeapType::Concrete(sup) => self.is_subtype(kind, sup),
            HeapType::Eq => true,
            HeapType::Struct => matches!(self.types[kind as usize].shape, Shape::Struct(_)),
            HeapType::Array => matches!(self.types[kind as usize].shape, Shape::Array(_)),
            _ => false,
        }
    }

    /// The most exact heap type of a reference that is not null and not to a function: a
    /// type of the registry, `i31`, `extern` (a host object) or `exn`.
    pub fn heap_type(&self, reference: RawRef) -> HeapType {
        match self.heap.kind(reference) {
            None => HeapType::I31,
            Some(HOST) => HeapType::Extern,
            Some(EXCEPTION) => HeapType::Exn,
            Some(ty) => HeapType::Concrete(ty),
        }
    }
}
