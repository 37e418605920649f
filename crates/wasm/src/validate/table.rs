//! Tables and globals.

use super::body::Validator;
use crate::{Result, TableType};

impl<'m> Validator<'m> {
    pub(super) fn global_get(&mut self, index: u32) -> Result<()> {
        match self.module.globals.get(index as usize) {
            Some(global) => self.push(global.ty.content),
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
}
