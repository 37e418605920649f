//! The types of what a module can import: limits, memories, tables, globals, tags.

use super::Decoder;
use crate::{
    AddrType, Error, Feature, GlobalType, HeapType, Limits, MemoryType, Reader, RefType, Result,
    TableType, ValType, limits,
    type_reader::{ref_type, val_type},
    types_section::mutability,
};

const HAS_MAX: u8 = 1;
const SHARED: u8 = 2;
const ADDR_64: u8 = 4;
const PAGE_SIZE: u8 = 8;

impl Decoder {
    pub(super) fn val_type(&self, reader: &mut Reader<'_>) -> Result<ValType> {
        let at = reader.pos();
        let ty = val_type(reader)?;
        if let ValType::Ref(r) = ty {
            self.check_heap(r.heap(), at)?;
        }
        Ok(ty)
    }

    pub(super) fn ref_type(&self, reader: &mut Reader<'_>) -> Result<RefType> {
        let at = reader.pos();
        let ty = ref_type(reader)?;
        self.check_heap(ty.heap(), at)?;
        Ok(ty)
    }

    pub(super) fn check_heap(&self, heap: HeapType, at: usize) -> Result<()> {
        match heap {
            HeapType::Concrete(index) if index >= self.module.types.len() => {
                Err(Error::unknown("type", index, at))
            }
            _ => Ok(()),
        }
    }

    /// The index of a function type.
    pub(super) fn func_type_index(&self, reader: &mut Reader<'_>) -> Result<u32> {
        let at = reader.pos();
        let index = reader.u32()?;
        if index >= self.module.types.len() {
            return Err(Error::unknown("type", index, at));
        }
        match self.module.types.func(index) {
            Some(_) => Ok(index),
            None => Err(Error::invalid("type mismatch: not a function type", at)),
        }
    }

    pub(super) fn tag_type(&self, reader: &mut Reader<'_>) -> Result<u32> {
        let at = reader.pos();
        need_tags(reader, at)?;
        if reader.u8()? != 0 {
            return Err(Error::malformed("malformed tag attribute", at));
        }
        let at = reader.pos();
        let index = self.func_type_index(reader)?;
        if self.module.types.func(index).is_some_and(|ty| !ty.results().is_empty()) {
            return Err(Error::invalid("non-empty tag result type", at));
        }
        Ok(index)
    }

    pub(super) fn global_type(&self, reader: &mut Reader<'_>) -> Result<GlobalType> {
        Ok(GlobalType { content: self.val_type(reader)?, mutable: mutability(reader)? })
    }

    pub(super) fn table_type(&self, reader: &mut Reader<'_>) -> Result<TableType> {
        let element = self.ref_type(reader)?;
        let at = reader.pos();
        let flags = limits_flags(reader, HAS_MAX | ADDR_64)?;
        let addr = addr_type(flags);
        let limits = read_limits(reader, flags)?;
        let most = limits.max.unwrap_or(limits.min);
        if addr == AddrType::I32 && most > u64::from(u32::MAX) {
            return Err(Error::invalid("table size must be at most 2^32-1", at));
        }
        Ok(TableType { element, limits, addr })
    }
}

/// Both kinds of exceptions have tags.
#[inline(always)]
pub(super) fn need_tags(reader: &Reader<'_>, at: usize) -> Result<()> {
    if reader.features().has(Feature::LegacyExceptions) {
        return Ok(());
    }
    reader.need(Feature::Exceptions, at)
}

pub(super) fn memory_type(reader: &mut Reader<'_>) -> Result<MemoryType> {
    let at = reader.pos();
    let flags = limits_flags(reader, HAS_MAX | SHARED | ADDR_64 | PAGE_SIZE)?;
    let limits = read_limits(reader, flags)?;
    let page_log2 = if flags & PAGE_SIZE != 0 { page_log2(reader)? } else { 16 };
    let addr = addr_type(flags);
    let (most, message) = match (addr, page_log2) {
        (AddrType::I32, 16) => {
            (limits::MAX_PAGES_32, "memory size must be at most 65536 pages (4GiB)")
        }
        (AddrType::I32, _) => (u64::from(u32::MAX), "memory size must be at most 2^32-1 bytes"),
        (AddrType::I64, 16) => (limits::MAX_PAGES_64, "memory size must be at most 2^48 pages"),
        (AddrType::I64, _) => (u64::MAX, ""),
    };
    if limits.min > most || limits.max.is_some_and(|max| max > most) {
        return Err(Error::invalid(message, at));
    }
    let shared = flags & SHARED != 0;
    if shared && limits.max.is_none() {
        return Err(Error::invalid("shared memory must have maximum size", at));
    }
    Ok(MemoryType { limits, addr, shared, page_log2 })
}

fn addr_type(flags: u8) -> AddrType {
    if flags & ADDR_64 != 0 { AddrType::I64 } else { AddrType::I32 }
}

fn limits_flags(reader: &mut Reader<'_>, allowed: u8) -> Result<u8> {
    let at = reader.pos();
    let flags = reader.u8()?;
    if flags & !allowed != 0 {
        return Err(Error::malformed("malformed limits flags", at));
    }
    let features = [
        (SHARED, Feature::Threads),
        (ADDR_64, Feature::Memory64),
        (PAGE_SIZE, Feature::CustomPageSizes),
    ];
    for (flag, feature) in features {
        if flags & flag != 0 {
            reader.need(feature, at)?;
        }
    }
    Ok(flags)
}

/// Since memory64, sizes have 64 bits in the format whatever the address type.
fn read_limits(reader: &mut Reader<'_>, flags: u8) -> Result<Limits> {
    let at = reader.pos();
    let size = |reader: &mut Reader<'_>| match reader.features().has(Feature::Memory64) {
        true => reader.u64(),
        false => reader.u32().map(u64::from),
    };
    let min = size(reader)?;
    let max = if flags & HAS_MAX != 0 { Some(size(reader)?) } else { None };
    if max.is_some_and(|max| min > max) {
        return Err(Error::invalid("size minimum must not be greater than maximum", at));
    }
    Ok(Limits { min, max })
}

fn page_log2(reader: &mut Reader<'_>) -> Result<u8> {
    let at = reader.pos();
    match reader.u32()? {
        log2 @ (0 | 16) => Ok(log2 as u8),
        0..64 => Err(Error::invalid("invalid custom page size", at)),
        _ => Err(Error::malformed("malformed custom page size", at)),
    }
}
