//! The sections that declare functions, tables, memories, tags, globals, and what of
//! them goes in and out.

use super::{Decoder, extern_types::memory_type, too_many};
use crate::{
    Error, Export, ExternKind, ExternType, Feature, Global, Import, List, MemoryType, Reader,
    Result, Table, limits,
};

impl Decoder {
    pub(super) fn imports(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        for _ in 0..reader.count("imports", limits::MAX_IMPORTS)? {
            let (module, name) = (reader.name()?, reader.name()?);
            let at = reader.pos();
            let ty = self.import(reader)?;
            self.check_counts(at)?;
            self.module.imports.put(Import { module, name, ty })?;
        }
        self.check_single_table(reader)?;
        self.check_single_memory(reader)?;
        let module = &mut self.module;
        module.imported_funcs = module.funcs.len() as u32;
        module.imported_tables = module.tables.len() as u32;
        module.imported_memories = module.memories.len() as u32;
        module.imported_globals = module.globals.len() as u32;
        module.imported_tags = module.tags.len() as u32;
        Ok(())
    }

    fn import(&mut self, reader: &mut Reader<'_>) -> Result<ExternType> {
        let at = reader.pos();
        Ok(match extern_kind(reader, "malformed import kind")? {
            ExternKind::Func => {
                let index = self.func_type_index(reader)?;
                self.module.funcs.put(index)?;
                ExternType::Func(index)
            }
            ExternKind::Table => {
                let ty = self.table_type(reader)?;
                self.module.tables.put(Table { ty, init: None })?;
                ExternType::Table(ty)
            }
            ExternKind::Memory => {
                let ty = memory_type(reader)?;
                self.module.memories.put(ty)?;
                ExternType::Memory(ty)
            }
            ExternKind::Global => {
                let ty = self.global_type(reader)?;
                if ty.mutable {
                    reader.need(Feature::MutableGlobal, at)?;
                }
                self.module.globals.put(Global { ty, init: None })?;
                ExternType::Global(ty)
            }
            ExternKind::Tag => {
                let index = self.tag_type(reader)?;
                self.module.tags.put(index)?;
                ExternType::Tag(index)
            }
        })
    }

    /// Index spaces hold no more than they may.
    fn check_counts(&self, at: usize) -> Result<()> {
        let module = &self.module;
        let spaces = [
            (module.funcs.len(), "functions", limits::MAX_FUNCS),
            (module.tables.len(), "tables", limits::MAX_TABLES),
            (module.memories.len(), "memories", limits::MAX_MEMORIES),
            (module.globals.len(), "globals", limits::MAX_GLOBALS),
            (module.tags.len(), "tags", limits::MAX_TAGS),
        ];
        match spaces.into_iter().find(|&(len, _, limit)| len > limit as usize) {
            Some((_, what, limit)) => Err(too_many(what, limit, at)),
            None => Ok(()),
        }
    }

    pub(super) fn functions(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let count = reader.count("functions", limits::MAX_FUNCS)?;
        self.module.funcs.make_room(count as usize)?;
        let at = reader.pos();
        for _ in 0..count {
            let index = self.func_type_index(reader)?;
            self.module.funcs.put(index)?;
        }
        self.check_counts(at)
    }

    pub(super) fn tables(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        for _ in 0..reader.count("tables", limits::MAX_TABLES)? {
            let at = reader.pos();
            let table = self.table(reader)?;
            self.module.tables.put(table)?;
            self.check_counts(at)?;
        }
        self.check_single_table(reader)
    }

    pub(super) fn check_single_table(&self, reader: &Reader<'_>) -> Result<()> {
        if self.module.tables.len() > 1 && !reader.features().has(Feature::ReferenceTypes) {
            return Err(Error::invalid("multiple tables", reader.pos()));
        }
        Ok(())
    }

    fn table(&mut self, reader: &mut Reader<'_>) -> Result<Table> {
        let at = reader.pos();
        if reader.peek() != Some(0x40) {
            let ty = self.table_type(reader)?;
            if !ty.element.is_nullable() {
                let what =
                    "type mismatch: a table of non-nullable references needs an initial value";
                return Err(Error::invalid(what, at));
            }
            return Ok(Table { ty, init: None });
        }
        reader.need(Feature::FunctionReferences, at)?;
        reader.u8()?;
        if reader.u8()? != 0 {
            return Err(Error::malformed("malformed table: zero byte expected", at + 1));
        }
        let ty = self.table_type(reader)?;
        let init = self.const_expr(reader, crate::ValType::Ref(ty.element))?;
        Ok(Table { ty, init: Some(init) })
    }

    pub(super) fn memories(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        for _ in 0..reader.count("memories", limits::MAX_MEMORIES)? {
            let at = reader.pos();
            let ty: MemoryType = memory_type(reader)?;
            self.module.memories.put(ty)?;
            self.check_counts(at)?;
        }
        self.check_single_memory(reader)
    }

    pub(super) fn check_single_memory(&self, reader: &Reader<'_>) -> Result<()> {
        if self.module.memories.len() > 1 && !reader.features().has(Feature::MultiMemory) {
            return Err(Error::invalid("multiple memories", reader.pos()));
        }
        Ok(())
    }

    pub(super) fn tags(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        for _ in 0..reader.count("tags", limits::MAX_TAGS)? {
            let at = reader.pos();
            let index = self.tag_type(reader)?;
            self.module.tags.put(index)?;
            self.check_counts(at)?;
        }
        Ok(())
    }

    pub(super) fn globals(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        for _ in 0..reader.count("globals", limits::MAX_GLOBALS)? {
            let at = reader.pos();
            let ty = self.global_type(reader)?;
            let init = Some(self.const_expr(reader, ty.content)?);
            self.module.globals.put(Global { ty, init })?;
            self.check_counts(at)?;
        }
        Ok(())
    }

    pub(super) fn exports(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let count = reader.count("exports", limits::MAX_EXPORTS)?;
        let mut names: List<&[u8]> = List::new();
        let start = reader.pos();
        let section = reader.rest();
        for _ in 0..count {
            let name = reader.name()?;
            names.put(&section[name.start as usize - start..name.end as usize - start])?;
            let at = reader.pos();
            let kind = extern_kind(reader, "malformed export kind")?;
            let index = reader.u32()?;
            self.check_export(reader, kind, index, at)?;
            self.module.exports.put(Export { name, kind, index })?;
        }
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            // A name lies in the section, so its address tells its offset.
            Some(pair) => {
                let last = pair.iter().map(|name| name.as_ptr() as usize).max().unwrap_or(0);
                let at = start + (last - section.as_ptr() as usize);
                Err(Error::invalid("duplicate export name", at))
            }
            None => Ok(()),
        }
    }

    fn check_export(
        &mut self,
        reader: &Reader<'_>,
        kind: ExternKind,
        index: u32,
        at: usize,
    ) -> Result<()> {
        match self.module.extern_type(kind, index) {
            None => return Err(Error::unknown(kind.name(), index, at)),
            Some(ExternType::Global(ty)) if ty.mutable => {
                reader.need(Feature::MutableGlobal, at)?
            }
            Some(ExternType::Func(_)) => self.declared.insert(index)?,
            Some(_) => {}
        }
        Ok(())
    }

    pub(super) fn start(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let at = reader.pos();
        let index = reader.u32()?;
        if index as usize >= self.module.funcs.len() {
            return Err(Error::unknown("function", index, at));
        }
        let ty = self.module.func_type(index);
        if !ty.params().is_empty() || !ty.results().is_empty() {
            return Err(Error::invalid("start function must not take or return anything", at));
        }
        self.module.start = Some(index);
        Ok(())
    }

    pub(super) fn code(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let count = reader.count("functions", limits::MAX_FUNCS)?;
        self.module.bodies = List::with_room(count as usize)?;
        for _ in 0..count {
            let at = reader.pos();
            let len = reader.u32()?;
            if len > limits::MAX_BODY {
                return Err(too_many("bytes in a function", limits::MAX_BODY, at));
            }
            let body = reader.range(len)?;
            self.module.bodies.put(body)?;
        }
        Ok(())
    }
}

fn extern_kind(reader: &mut Reader<'_>, message: &'static str) -> Result<ExternKind> {
    let at = reader.pos();
    Ok(match reader.u8()? {
        0 => ExternKind::Func,
        1 => ExternKind::Table,
        2 => ExternKind::Memory,
        3 => ExternKind::Global,
        4 => ExternKind::Tag,
        _ => return Err(Error::malformed(message, at)),
    })
}
