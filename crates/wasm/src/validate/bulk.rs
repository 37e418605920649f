//! Bulk operations on memories and tables, and segments.

use super::body::Validator;
use crate::{AddrType, Error, Imm, Instr, Opcode, RefType, Result, ValType};

impl Validator<'_> {
    /// An instruction of the bulk memory proposal.
    pub(super) fn bulk_instr(&mut self, instr: &Instr<'_>) -> Result<()> {
        match (instr.op, &instr.imm) {
            (Opcode::MemoryFill, &Imm::Index(memory)) => self.memory_fill(memory),
            (Opcode::MemoryCopy, &Imm::Index2(to, from)) => self.memory_copy(to, from),
            (Opcode::MemoryInit, &Imm::Index2(data, memory)) => self.memory_init(data, memory),
            (Opcode::DataDrop, &Imm::Index(data)) => self.data_segment(data),
            (Opcode::TableCopy, &Imm::Index2(to, from)) => self.table_copy(to, from),
            (Opcode::TableInit, &Imm::Index2(elem, table)) => self.table_init(elem, table),
            (Opcode::ElemDrop, &Imm::Index(elem)) => self.elem_segment(elem).map(|_| ()),
            (op, _) => Err(self.no_rule(op)),
        }
    }

    fn memory_fill(&mut self, index: u32) -> Result<()> {
        let addr = self.memory(index)?.addr.val();
        self.pop_all(&[addr, ValType::I32, addr])
    }

    fn memory_copy(&mut self, to: u32, from: u32) -> Result<()> {
        let (to, from) = (self.memory(to)?.addr, self.memory(from)?.addr);
        self.pop_all(&[to.val(), from.val(), narrower(to, from).val()])
    }

    fn memory_init(&mut self, data: u32, memory: u32) -> Result<()> {
        let addr = self.memory(memory)?.addr;
        self.data_segment(data)?;
        self.pop_all(&[addr.val(), ValType::I32, ValType::I32])
    }

    /// Checks the index of a data segment. The segments come after the code, so that an
    /// earlier section must have told how many there are.
    pub(super) fn data_segment(&self, index: u32) -> Result<()> {
        match self.module.data_count {
            None => Err(Error::malformed("data count section required", self.at)),
            Some(count) if index >= count => Err(self.unknown("data segment", index)),
            Some(_) => Ok(()),
        }
    }

    /// The type of the elements of segment `index`.
    pub(super) fn elem_segment(&self, index: u32) -> Result<RefType> {
        match self.module.elements.get(index as usize) {
            Some(segment) => Ok(segment.ty),
            None => Err(self.unknown("elem segment", index)),
        }
    }

    fn table_copy(&mut self, to: u32, from: u32) -> Result<()> {
        let (to, from) = (self.table(to)?, self.table(from)?);
        self.elements_match(from.element, to.element)?;
        self.pop_all(&[to.addr.val(), from.addr.val(), narrower(to.addr, from.addr).val()])
    }

    fn table_init(&mut self, elem: u32, table: u32) -> Result<()> {
        let table = self.table(table)?;
        self.elements_match(self.elem_segment(elem)?, table.element)?;
        self.pop_all(&[table.addr.val(), ValType::I32, ValType::I32])
    }

    pub(super) fn elements_match(&self, from: RefType, to: RefType) -> Result<()> {
        if self.module.types.ref_matches(from, to) {
            return Ok(());
        }
        Err(self.invalid("type mismatch: the elements do not fit the table"))
    }
}

/// The type of a length that two address types have in common.
fn narrower(a: AddrType, b: AddrType) -> AddrType {
    if a == AddrType::I64 { b } else { a }
}
