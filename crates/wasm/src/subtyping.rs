//! When one type matches another.
//!
//! The rules need to look up defined types, which a module and a [`crate::TypeRegistry`]
//! hold under different numbers; [`Defs`] is what the two have in common.
//!
//! Source: core specification 3.0, section 3.3.

#[cfg(feature = "function-references")]
use crate::CompositeType;
#[cfg(feature = "gc")]
use crate::{FieldType, StorageType};
use crate::{HeapType, RefType, SubType, ValType};

/// Numbered type definitions.
///
/// Supertypes are declared earlier than their subtypes, so that every chain ends.
pub(crate) trait Defs {
    /// The definition with a number.
    fn def(&self, id: u32) -> Option<&SubType>;
    /// The number that stands for every number of the same type.
    fn canon(&self, id: u32) -> u32;
}

/// Whether a value of type `sub` can stand where `sup` is expected.
pub(crate) fn val<D: Defs>(defs: &D, sub: ValType, sup: ValType) -> bool {
    match (sub, sup) {
        (ValType::Ref(sub), ValType::Ref(sup)) => reference(defs, sub, sup),
        _ => sub == sup,
    }
}

pub(crate) fn reference<D: Defs>(defs: &D, sub: RefType, sup: RefType) -> bool {
    (sup.is_nullable() || !sub.is_nullable()) && heap(defs, sub.heap(), sup.heap())
}

pub(crate) fn heap<D: Defs>(defs: &D, sub: HeapType, sup: HeapType) -> bool {
    use HeapType::*;
    let _ = defs; // Where no reference is to one type.
    match (sub, sup) {
        #[cfg(feature = "function-references")]
        (Concrete(sub), Concrete(sup)) => defined(defs, sub, sup),
        #[cfg(feature = "function-references")]
        (Concrete(sub), _) => match defs.def(sub).map(|def| &def.composite) {
            Some(CompositeType::Func(_)) => sup == Func,
            #[cfg(feature = "gc")]
            Some(CompositeType::Struct(_)) => matches!(sup, Struct | Eq | Any),
            #[cfg(feature = "gc")]
            Some(CompositeType::Array(_)) => matches!(sup, Array | Eq | Any),
            Option::None => false,
        },
        #[cfg(feature = "function-references")]
        (None | NoFunc, Concrete(sup)) => match defs.def(sup).map(|def| &def.composite) {
            Some(CompositeType::Func(_)) => sub == NoFunc,
            #[cfg(feature = "gc")]
            Some(_) => sub == None,
            Option::None => false,
        },
        (Eq, Any)
        | (I31 | Struct | Array, Eq | Any)
        | (None, I31 | Struct | Array | Eq | Any)
        | (NoFunc, Func)
        | (NoExtern, Extern)
        | (NoExn, Exn) => true,
        _ => sub == sup,
    }
}

/// Whether `sup` is `sub` or one of its declared supertypes.
pub(crate) fn defined<D: Defs>(defs: &D, sub: u32, sup: u32) -> bool {
    let sup = defs.canon(sup);
    let mut sub = defs.canon(sub);
    loop {
        if sub == sup {
            return true;
        }
        match defs.def(sub).and_then(|def| def.supertype) {
            Some(next) => sub = defs.canon(next),
            None => return false,
        }
    }
}

/// Whether a type of structure `sub` may declare one of structure `sup` as its supertype.
#[cfg(feature = "gc")]
pub(crate) fn composite<D: Defs>(defs: &D, sub: &CompositeType, sup: &CompositeType) -> bool {
    match (sub, sup) {
        (CompositeType::Func(sub), CompositeType::Func(sup)) => {
            let all = |sub: &[ValType], sup: &[ValType]| {
                sub.len() == sup.len() && sub.iter().zip(sup).all(|(&a, &b)| val(defs, a, b))
            };
            all(sup.params(), sub.params()) && all(sub.results(), sup.results())
        }
        #[cfg(feature = "gc")]
        (CompositeType::Struct(sub), CompositeType::Struct(sup)) => {
            sub.len() >= sup.len() && sub.iter().zip(sup).all(|(a, b)| field(defs, a, b))
        }
        #[cfg(feature = "gc")]
        (CompositeType::Array(sub), CompositeType::Array(sup)) => field(defs, sub, sup),
        _ => false,
    }
}

/// A field that can be written is invariant: reads want one direction, writes the other.
#[cfg(feature = "gc")]
fn field<D: Defs>(defs: &D, sub: &FieldType, sup: &FieldType) -> bool {
    sub.mutable == sup.mutable
        && storage(defs, sub.storage, sup.storage)
        && (!sub.mutable || storage(defs, sup.storage, sub.storage))
}

#[cfg(feature = "gc")]
fn storage<D: Defs>(defs: &D, sub: StorageType, sup: StorageType) -> bool {
    match (sub, sup) {
        (StorageType::Val(sub), StorageType::Val(sup)) => val(defs, sub, sup),
        _ => sub == sup,
    }
}
