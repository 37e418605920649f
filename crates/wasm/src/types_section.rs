//! The defined types of a module, and when one type matches another. Reading the section is
//! [`crate::rec_groups`]' part, or [`crate::plain_types`]' where no type can refer to another.
//!
//! Source: core specification 3.0, sections 3.2 (validation) and 5.3 (format).

use crate::{
    CompositeType, Error, Feature, FuncType, HeapType, List, Reader, RefType, Result, SubType,
    ValType, limits,
    subtyping::{self, Defs},
    type_reader::val_type,
};
#[cfg(feature = "function-references")]
use core::ops::Range;

/// The defined types of a module.
///
/// Two indices denote the same type if their recursion groups have the same structure;
/// [`Types::canonical`] maps both to the first of them.
#[derive(Clone, Debug, Default)]
pub struct Types {
    pub(crate) subs: List<SubType>,
    /// For each type, the first type that is the same.
    #[cfg(feature = "function-references")]
    pub(crate) canonical: List<u32>,
    /// Where each recursion group ends; without recursive types each is one type.
    #[cfg(feature = "function-references")]
    pub(crate) group_ends: List<u32>,
}

impl Types {
    /// The number of types.
    pub fn len(&self) -> u32 {
        self.subs.len() as u32
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.subs.is_empty()
    }

    /// The type with an index.
    #[inline]
    pub fn get(&self, index: u32) -> Option<&SubType> {
        self.subs.get(index as usize)
    }

    /// The function type with an index.
    #[inline]
    pub fn func(&self, index: u32) -> Option<&FuncType> {
        match self.get(index) {
            Some(SubType { composite: CompositeType::Func(ty), .. }) => Some(ty),
            _ => None,
        }
    }

    /// The first index that denotes the same type as `index`, which must be in range.
    #[inline]
    #[cfg(feature = "function-references")]
    pub fn canonical(&self, index: u32) -> u32 {
        self.canonical[index as usize]
    }

    /// The recursion groups in order.
    #[cfg(feature = "function-references")]
    pub fn groups(&self) -> impl Iterator<Item = Range<u32>> + '_ {
        let mut start = 0;
        self.group_ends.iter().map(move |&end| core::mem::replace(&mut start, end)..end)
    }

    /// Whether a value of type `sub` can stand where `sup` is expected.
    #[inline]
    pub fn matches(&self, sub: ValType, sup: ValType) -> bool {
        sub == sup || HAVE_REFS && subtyping::val(self, sub, sup)
    }

    /// [`Types::matches`] for references.
    #[inline]
    pub fn ref_matches(&self, sub: RefType, sup: RefType) -> bool {
        sub == sup || HAVE_REFS && subtyping::reference(self, sub, sup)
    }

    /// [`Types::matches`] for what references refer to.
    #[inline]
    pub fn heap_matches(&self, sub: HeapType, sup: HeapType) -> bool {
        sub == sup || HAVE_REFS && subtyping::heap(self, sub, sup)
    }

    /// Whether type `sup` is `sub` or one of its declared supertypes.
    #[inline]
    pub fn is_subtype(&self, sub: u32, sup: u32) -> bool {
        sub == sup || cfg!(feature = "gc") && subtyping::defined(self, sub, sup)
    }

    #[cfg(feature = "function-references")]
    pub(crate) fn slice(&self, range: Range<u32>) -> &[SubType] {
        &self.subs[range.start as usize..range.end as usize]
    }
}

/// Whether there are reference types of which one matches another.
const HAVE_REFS: bool = cfg!(feature = "reference-types");

impl Defs for Types {
    fn def(&self, id: u32) -> Option<&SubType> {
        self.get(id)
    }

    /// An index out of range stands for itself, and matches nothing else.
    #[cfg(feature = "function-references")]
    fn canon(&self, id: u32) -> u32 {
        self.canonical.get(id as usize).copied().unwrap_or(id)
    }

    /// Without references to types nobody asks.
    #[cfg(not(feature = "function-references"))]
    fn canon(&self, id: u32) -> u32 {
        id
    }
}

pub(crate) fn func_type(reader: &mut Reader<'_>) -> Result<FuncType> {
    let count = reader.count("parameters", limits::MAX_PARAMS)?;
    let params = count;
    let mut all = List::with_room(count as usize)?;
    for _ in 0..count {
        all.put(val_type(reader)?)?;
    }
    let at = reader.pos();
    let count = reader.count("results", limits::MAX_RESULTS)?;
    if count > 1 {
        reader.need(Feature::MultiValue, at)?;
    }
    for _ in 0..count {
        all.put(val_type(reader)?)?;
    }
    Ok(FuncType::of(all, params)?)
}

/// Whether a field or a global can be written.
pub(crate) fn mutability(reader: &mut Reader<'_>) -> Result<bool> {
    let at = reader.pos();
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::malformed("malformed mutability", at)),
    }
}
