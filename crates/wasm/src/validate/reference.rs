//! References as values, and the tables that hold them.

use super::body::Validator;
use super::locals::check_val_type;
use crate::{HeapType, Imm, Instr, Opcode, RefType, Result, ValType};

impl Validator<'_> {
    /// An instruction of the reference types proposal.
    pub(super) fn reference_instr(&mut self, instr: &Instr<'_>) -> Result<()> {
        match (instr.op, &instr.imm) {
            (Opcode::SelectTyped, &Imm::SelectType(ty)) => self.select_typed(ty),
            (Opcode::TableGet, &Imm::Index(table)) => self.table_get(table),
            (Opcode::TableSet, &Imm::Index(table)) => self.table_set(table),
            (Opcode::TableSize, &Imm::Index(table)) => self.table_size(table),
            (Opcode::TableGrow, &Imm::Index(table)) => self.table_grow(table),
            (Opcode::TableFill, &Imm::Index(table)) => self.table_fill(table),
            (Opcode::RefNull, &Imm::HeapType(heap)) => self.ref_null(heap),
            (Opcode::RefIsNull, _) => self.ref_is_null(),
            (Opcode::RefFunc, &Imm::Index(func)) => self.ref_func(func),
            (op, _) => Err(self.no_rule(op)),
        }
    }

    fn select_typed(&mut self, ty: ValType) -> Result<()> {
        check_val_type(&self.module.types, ty, self.at)?;
        self.pop_all(&[ty, ty, ValType::I32])?;
        self.operand = Some(ty);
        self.push(ty)
    }

    pub(super) fn check_heap_type(&self, heap: HeapType) -> Result<()> {
        check_val_type(&self.module.types, ValType::Ref(RefType::new(true, heap)), self.at)
    }

    fn ref_null(&mut self, heap: HeapType) -> Result<()> {
        self.check_heap_type(heap)?;
        self.push(ValType::Ref(RefType::new(true, heap)))
    }

    fn ref_is_null(&mut self) -> Result<()> {
        self.pop_ref()?;
        self.push(ValType::I32)
    }

    fn ref_func(&mut self, index: u32) -> Result<()> {
        let Some(&ty) = self.module.funcs.get(index as usize) else {
            return Err(self.unknown("function", index));
        };
        if self.module.declared_funcs.binary_search(&index).is_err() {
            return Err(self.invalid("undeclared function reference"));
        }
        self.push(ValType::Ref(RefType::new(false, HeapType::of_func(ty))))
    }

    fn table_get(&mut self, index: u32) -> Result<()> {
        let table = self.table(index)?;
        self.pop(table.addr.val())?;
        self.push(ValType::Ref(table.element))
    }

    fn table_set(&mut self, index: u32) -> Result<()> {
        let table = self.table(index)?;
        self.pop_all(&[table.addr.val(), ValType::Ref(table.element)])
    }

    fn table_size(&mut self, index: u32) -> Result<()> {
        let table = self.table(index)?;
        self.push(table.addr.val())
    }

    fn table_grow(&mut self, index: u32) -> Result<()> {
        let table = self.table(index)?;
        self.pop_all(&[ValType::Ref(table.element), table.addr.val()])?;
        self.push(table.addr.val())
    }

    fn table_fill(&mut self, index: u32) -> Result<()> {
        let table = self.table(index)?;
        let addr = table.addr.val();
        self.pop_all(&[addr, ValType::Ref(table.element), addr])
    }
}
