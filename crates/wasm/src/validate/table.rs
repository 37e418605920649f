//! Tables, element segments, globals.

use super::body::Validator;
use super::memory::narrower;
use crate::{RefType, Result, TableType, ValType};

impl<'m> Validator<'m> {
    pub(super) fn global_get(&mut self, index: u32) -> Result<()> {
        match self.module.globals.get(index as usize) {
            Some(global) => {
                self.push(global.ty.content);
                Ok(())
            }
            None => Err(self.unknown("global", index)),
        }
    }

    pub(super) fn global_set(&mut self, index: u32) -> Result<()> {
        match self.module.globals.get(index as usize) {
            Some(global) if global.ty.mutable => self.pop(global.ty.content),
            Some(_) => Err(self.invalid("immutable global")),
            None => Err(self.unknown("global", index)),
        }
    }

    pub(super) fn table(&self, index: u32) -> Result<&'m TableType> {
        match self.module.tables.get(index as usize) {
            Some(table) => Ok(&table.ty),
            None => Err(self.unknown("table", index)),
        }
    }

    /// The type of the elements of segment `index`.
    pub(super) fn elem_segment(&self, index: u32) -> Result<RefType> {
        match self.module.elements.get(index as usize) {
            Some(segment) => Ok(segment.ty),
            None => Err(self.unknown("elem segment", index)),
        }
    }

    pub(super) fn table_get(&mut self, index: u32) -> Result<()> {
        let table = self.table(index)?;
        self.pop(table.addr.val())?;
        self.push(ValType::Ref(table.element));
        Ok(())
    }

    pub(super) fn table_set(&mut self, index: u32) -> Result<()> {
        let table = self.table(index)?;
        self.pop_all(&[table.addr.val(), ValType::Ref(table.element)])
    }

    pub(super) fn table_size(&mut self, index: u32) -> Result<()> {
        let table = self.table(index)?;
        self.push(table.addr.val());
        Ok(())
    }

    pub(super) fn table_grow(&mut self, index: u32) -> Result<()> {
        let table = self.table(index)?;
        self.pop_all(&[ValType::Ref(table.element), table.addr.val()])?;
        self.push(table.addr.val());
        Ok(())
    }

    pub(super) fn table_fill(&mut self, index: u32) -> Result<()> {
        let table = self.table(index)?;
        let addr = table.addr.val();
        self.pop_all(&[addr, ValType::Ref(table.element), addr])
    }

    pub(super) fn table_copy(&mut self, to: u32, from: u32) -> Result<()> {
        let (to, from) = (self.table(to)?, self.table(from)?);
        self.elements_match(from.element, to.element)?;
        self.pop_all(&[to.addr.val(), from.addr.val(), narrower(to.addr, from.addr).val()])
    }

    pub(super) fn table_init(&mut self, elem: u32, table: u32) -> Result<()> {
        let table = self.table(table)?;
        self.elements_match(self.elem_segment(elem)?, table.element)?;
        self.pop_all(&[table.addr.val(), ValType::I32, ValType::I32])
    }

    fn elements_match(&self, from: RefType, to: RefType) -> Result<()> {
        if self.module.types.ref_matches(from, to) {
            return Ok(());
        }
        Err(self.invalid("type mismatch: the elements do not fit the table"))
    }
}
