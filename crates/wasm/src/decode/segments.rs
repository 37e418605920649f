//! Element and data segments.

use super::Decoder;
use crate::{
    Data, Element, ElementItems, Error, Feature, HeapType, Reader, RefType, Result, SegmentMode,
    ValType, limits,
};

/// The bits of an element segment's flags.
const PASSIVE_OR_DECLARED: u32 = 1;
/// With the bit above: declared; without: a table index follows.
const EXPLICIT: u32 = 2;
const EXPRS: u32 = 4;

impl Decoder {
    pub(super) fn elements(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        for _ in 0..reader.count("element segments", limits::MAX_ELEMS)? {
            let element = self.element(reader)?;
            self.module.elements.put(element)?;
        }
        Ok(())
    }

    fn element(&mut self, reader: &mut Reader<'_>) -> Result<Element> {
        let at = reader.pos();
        let flags = reader.u32()?;
        if flags > 7 {
            return Err(Error::malformed("malformed elements segment kind", at));
        }
        let mut table_type = None;
        let mode = if flags & PASSIVE_OR_DECLARED != 0 {
            reader.need(Feature::BulkMemory, at)?;
            if flags & EXPLICIT != 0 { SegmentMode::Declared } else { SegmentMode::Passive }
        } else {
            let index_at = reader.pos();
            let index = if flags & EXPLICIT != 0 { reader.u32()? } else { 0 };
            let Some(table) = self.module.tables.get(index as usize) else {
                return Err(Error::unknown("table", index, index_at));
            };
            let ty = table.ty;
            table_type = Some(ty.element);
            SegmentMode::Active { index, offset: self.const_expr(reader, ty.addr.val())? }
        };
        let ty = self.element_type(reader, flags)?;
        if let Some(expected) =
            table_type.filter(|&table| !self.module.types.ref_matches(ty, table))
        {
            let (expected, found) = (ValType::Ref(expected), Some(ValType::Ref(ty)));
            return Err(Error::new(crate::ErrorKind::TypeMismatch { expected, found }, at));
        }
        let items = self.items(reader, ty, flags & EXPRS != 0)?;
        Ok(Element { ty, mode, items })
    }

    fn element_type(&self, reader: &mut Reader<'_>, flags: u32) -> Result<RefType> {
        let at = reader.pos();
        if flags & EXPRS != 0 {
            reader.need(Feature::ReferenceTypes, at)?;
        }
        let explicit = flags & (PASSIVE_OR_DECLARED | EXPLICIT) != 0;
        match (flags & EXPRS != 0, explicit) {
            (true, true) => return self.ref_type(reader),
            (true, false) => return Ok(RefType::FUNCREF),
            (false, true) if reader.u8()? != 0 => {
                return Err(Error::malformed("malformed element kind", at));
            }
            (false, _) => {}
        }
        Ok(RefType::new(false, HeapType::Func))
    }

    /// Checks the items and tells where they are.
    fn items(&mut self, reader: &mut Reader<'_>, ty: RefType, exprs: bool) -> Result<ElementItems> {
        let count = reader.count("elements in a segment", limits::MAX_TABLE_ENTRIES)?;
        let start = reader.pos() as u32;
        for _ in 0..count {
            if exprs {
                self.const_expr(reader, ValType::Ref(ty))?;
            } else {
                let at = reader.pos();
                let index = reader.u32()?;
                if index as usize >= self.module.funcs.len() {
                    return Err(Error::unknown("function", index, at));
                }
                self.declared.insert(index)?;
            }
        }
        Ok(ElementItems { count, exprs, span: start..reader.pos() as u32 })
    }

    pub(super) fn data(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        for _ in 0..reader.count("data segments", limits::MAX_DATA)? {
            let mode = self.data_mode(reader)?;
            let len = reader.u32()?;
            let bytes = reader.range(len)?;
            self.module.data.put(Data { mode, bytes })?;
        }
        Ok(())
    }

    fn data_mode(&mut self, reader: &mut Reader<'_>) -> Result<SegmentMode> {
        let at = reader.pos();
        let index = match reader.u32()? {
            0 => 0,
            1 => {
                reader.need(Feature::BulkMemory, at)?;
                return Ok(SegmentMode::Passive);
            }
            2 => reader.u32()?,
            _ => return Err(Error::malformed("malformed data segment kind", at)),
        };
        let Some(memory) = self.module.memories.get(index as usize) else {
            return Err(Error::unknown("memory", index, at));
        };
        let addr = memory.addr.val();
        Ok(SegmentMode::Active { index, offset: self.const_expr(reader, addr)? })
    }
}
