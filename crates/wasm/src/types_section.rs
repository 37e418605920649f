//! The defined types of a module: the type section, and when one type matches another.
//!
//! Source: core specification 3.0, sections 3.2 (validation) and 5.3 (format).

use crate::{
    CompositeType, Error, ErrorKind, Feature, FieldType, FuncType, HeapType, Reader, RefType,
    Result, StorageType, SubType, ValType,
    canon::{self, Groups},
    limits,
    subtyping::{self, Defs},
    type_reader::val_type,
};
use alloc::{boxed::Box, vec::Vec};
use core::ops::Range;

/// The defined types of a module.
///
/// Two indices denote the same type if their recursion groups have the same structure;
/// [`Types::canonical`] maps both to the first of them.
#[derive(Clone, Debug, Default)]
pub struct Types {
    subs: Vec<SubType>,
    /// For each type, the first type that is the same.
    canonical: Vec<u32>,
    /// Where each recursion group ends.
    group_ends: Vec<u32>,
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
    pub fn canonical(&self, index: u32) -> u32 {
        self.canonical[index as usize]
    }

    /// The recursion groups in order.
    pub fn groups(&self) -> impl Iterator<Item = Range<u32>> + '_ {
        let mut start = 0;
        self.group_ends.iter().map(move |&end| core::mem::replace(&mut start, end)..end)
    }

    /// Whether a value of type `sub` can stand where `sup` is expected.
    #[inline]
    pub fn matches(&self, sub: ValType, sup: ValType) -> bool {
        sub == sup || subtyping::val(self, sub, sup)
    }

    /// [`Types::matches`] for references.
    #[inline]
    pub fn ref_matches(&self, sub: RefType, sup: RefType) -> bool {
        sub == sup || subtyping::reference(self, sub, sup)
    }

    /// [`Types::matches`] for what references refer to.
    #[inline]
    pub fn heap_matches(&self, sub: HeapType, sup: HeapType) -> bool {
        sub == sup || subtyping::heap(self, sub, sup)
    }

    /// Whether type `sup` is `sub` or one of its declared supertypes.
    #[inline]
    pub fn is_subtype(&self, sub: u32, sup: u32) -> bool {
        sub == sup || subtyping::defined(self, sub, sup)
    }

    pub(crate) fn slice(&self, range: Range<u32>) -> &[SubType] {
        &self.subs[range.start as usize..range.end as usize]
    }

    /// Reads and checks the content of a type section.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Types> {
        let mut types = Types::default();
        let mut groups = Groups::default();
        let mut offsets = Vec::new();
        for _ in 0..reader.count("types", limits::MAX_TYPES)? {
            types.read_group(reader, &mut groups, &mut offsets)?;
        }
        Ok(types)
    }

    /// One recursion group; `offsets` is memory for the members' positions.
    fn read_group(
        &mut self,
        reader: &mut Reader<'_>,
        groups: &mut Groups,
        offsets: &mut Vec<usize>,
    ) -> Result<()> {
        let at = reader.pos();
        let start = self.len();
        let mut count = 1;
        if reader.peek() == Some(0x4e) {
            reader.u8()?;
            reader.need(Feature::Gc, at)?;
            count = reader.count("members of a recursion group", limits::MAX_REC_GROUP)?;
        }
        let end = start + count;
        if end > limits::MAX_TYPES {
            let limit = limits::MAX_TYPES;
            return Err(Error::new(ErrorKind::Limit { what: "types", limit }, at));
        }
        offsets.clear();
        for _ in 0..count {
            offsets.push(reader.pos());
            self.subs.push(sub_type(reader)?);
        }
        for index in start..end {
            self.check_refs(index, end, offsets[(index - start) as usize])?;
        }
        let key = canon::key(self.slice(start..end), start, |id| self.canonical[id as usize]);
        let first = groups.intern(key, start);
        self.canonical.extend(first..first + count);
        self.group_ends.push(end);
        if first == start {
            for index in start..end {
                self.check_supertype(index, offsets[(index - start) as usize])?;
            }
        }
        Ok(())
    }

    /// Everything that type `index` refers to lies before `end`, its supertype before itself.
    fn check_refs(&self, index: u32, end: u32, at: usize) -> Result<()> {
        let sub = &self.subs[index as usize];
        if let Some(sup) = sub.supertype.filter(|&sup| sup >= index) {
            return Err(Error::unknown("type", sup, at));
        }
        let check = |ty: ValType| match ty.as_ref().map(RefType::heap) {
            Some(HeapType::Concrete(id)) if id >= end => Err(Error::unknown("type", id, at)),
            _ => Ok(()),
        };
        match &sub.composite {
            CompositeType::Func(ty) => {
                ty.params().iter().chain(ty.results()).copied().try_for_each(check)
            }
            CompositeType::Struct(fields) => {
                fields.iter().map(|f| f.storage.unpacked()).try_for_each(check)
            }
            CompositeType::Array(field) => check(field.storage.unpacked()),
        }
    }

    /// Type `index` may stand below its declared supertype.
    fn check_supertype(&self, index: u32, at: usize) -> Result<()> {
        let sub = &self.subs[index as usize];
        let Some(parent) = sub.supertype else { return Ok(()) };
        let sup = &self.subs[parent as usize];
        if sup.is_final {
            return Err(Error::invalid("sub type: the supertype is final", at));
        }
        if !subtyping::composite(self, &sub.composite, &sup.composite) {
            return Err(Error::invalid("sub type does not match its supertype", at));
        }
        let mut depth = 0;
        let mut next = sub.supertype;
        while let Some(id) = next {
            depth += 1;
            if depth > limits::MAX_SUBTYPING_DEPTH {
                let limit = limits::MAX_SUBTYPING_DEPTH;
                return Err(Error::new(
                    ErrorKind::Limit { what: "levels of subtyping", limit },
                    at,
                ));
            }
            next = self.subs[id as usize].supertype;
        }
        Ok(())
    }
}

impl Defs for Types {
    fn def(&self, id: u32) -> Option<&SubType> {
        self.get(id)
    }

    /// An index out of range stands for itself, and matches nothing else.
    fn canon(&self, id: u32) -> u32 {
        self.canonical.get(id as usize).copied().unwrap_or(id)
    }
}

fn sub_type(reader: &mut Reader<'_>) -> Result<SubType> {
    let at = reader.pos();
    let byte = reader.u8()?;
    if !matches!(byte, 0x4f | 0x50) {
        let composite = composite_type(reader, byte, at)?;
        return Ok(SubType { is_final: true, supertype: None, composite });
    }
    reader.need(Feature::Gc, at)?;
    let count_at = reader.pos();
    let supertype = match reader.u32()? {
        0 => None,
        1 => Some(type_index(reader)?),
        _ => return Err(Error::invalid("sub type: more than one supertype", count_at)),
    };
    let at = reader.pos();
    let form = reader.u8()?;
    Ok(SubType { is_final: byte == 0x4f, supertype, composite: composite_type(reader, form, at)? })
}

fn composite_type(reader: &mut Reader<'_>, form: u8, at: usize) -> Result<CompositeType> {
    Ok(match form {
        0x60 => CompositeType::Func(func_type(reader)?),
        0x5f => {
            reader.need(Feature::Gc, at)?;
            let count = reader.count("fields", limits::MAX_FIELDS)?;
            let fields: Result<Box<[FieldType]>> = (0..count).map(|_| field(reader)).collect();
            CompositeType::Struct(fields?)
        }
        0x5e => {
            reader.need(Feature::Gc, at)?;
            CompositeType::Array(field(reader)?)
        }
        _ => return Err(Error::malformed("malformed type: unknown form", at)),
    })
}

fn func_type(reader: &mut Reader<'_>) -> Result<FuncType> {
    let count = reader.count("parameters", limits::MAX_PARAMS)?;
    let mut params = Vec::with_capacity(count as usize);
    for _ in 0..count {
        params.push(val_type(reader)?);
    }
    let at = reader.pos();
    let count = reader.count("results", limits::MAX_RESULTS)?;
    if count > 1 {
        reader.need(Feature::MultiValue, at)?;
    }
    let mut results = Vec::with_capacity(count as usize);
    for _ in 0..count {
        results.push(val_type(reader)?);
    }
    Ok(FuncType::new(params, results))
}

fn field(reader: &mut Reader<'_>) -> Result<FieldType> {
    let storage = match reader.peek() {
        Some(0x78) => StorageType::I8,
        Some(0x77) => StorageType::I16,
        _ => StorageType::Val(val_type(reader)?),
    };
    if !matches!(storage, StorageType::Val(_)) {
        reader.u8()?;
    }
    Ok(FieldType { storage, mutable: mutability(reader)? })
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

fn type_index(reader: &mut Reader<'_>) -> Result<u32> {
    let at = reader.pos();
    let index = reader.u32()?;
    if index >= limits::MAX_TYPES {
        return Err(Error::unknown("type", index, at));
    }
    Ok(index)
}
