//! The type section with recursion groups, subtyping and types that refer to types.
//!
//! Source: core specification 3.0, sections 3.2 (validation) and 5.3 (format).

use crate::{
    CompositeType, Error, ErrorKind, Feature, HeapType, List, Reader, RefType, Result, SubType,
    Types, ValType,
    canon::{self, Groups},
    limits,
    types_section::func_type,
};
#[cfg(feature = "gc")]
use crate::{FieldType, StorageType, subtyping, type_reader::val_type, types_section::mutability};

impl Types {
    /// Reads and checks the content of a type section.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Types> {
        let mut types = Types::default();
        let mut groups = Groups::default();
        let mut offsets = List::new();
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
        offsets: &mut List<usize>,
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
            offsets.put(reader.pos())?;
            self.subs.put(sub_type(reader)?)?;
        }
        for index in start..end {
            self.check_refs(index, end, offsets[(index - start) as usize])?;
        }
        let key = canon::key(self.slice(start..end), start, |id| self.canonical[id as usize])?;
        let first = groups.intern(key, start)?;
        (first..first + count).try_for_each(|id| self.canonical.put(id))?;
        self.group_ends.put(end)?;
        #[cfg(feature = "gc")]
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
            #[cfg(feature = "gc")]
            CompositeType::Struct(fields) => {
                fields.iter().map(|f| f.storage.unpacked()).try_for_each(check)
            }
            #[cfg(feature = "gc")]
            CompositeType::Array(field) => check(field.storage.unpacked()),
        }
    }

    /// Type `index` may stand below its declared supertype.
    #[cfg(feature = "gc")]
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
        #[cfg(feature = "gc")]
        0x5f => {
            reader.need(Feature::Gc, at)?;
            let count = reader.count("fields", limits::MAX_FIELDS)?;
            let mut fields = List::with_room(count as usize)?;
            for _ in 0..count {
                fields.put(field(reader)?)?;
            }
            CompositeType::Struct(fields.into_boxed_slice()?)
        }
        #[cfg(feature = "gc")]
        0x5e => {
            reader.need(Feature::Gc, at)?;
            CompositeType::Array(field(reader)?)
        }
        #[cfg(not(feature = "gc"))]
        0x5e | 0x5f => return Err(Error::new(crate::Features::refusal(Feature::Gc), at)),
        _ => return Err(Error::malformed("malformed type: unknown form", at)),
    })
}

#[cfg(feature = "gc")]
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

fn type_index(reader: &mut Reader<'_>) -> Result<u32> {
    let at = reader.pos();
    let index = reader.u32()?;
    if index >= limits::MAX_TYPES {
        return Err(Error::unknown("type", index, at));
    }
    Ok(index)
}
