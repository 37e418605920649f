//! Constant expressions: straight-line code of the few instructions that are allowed.
//!
//! Source: core specification 3.0, section 3.4.12 "Constant Expressions".

use super::Decoder;
use crate::{
    ConstExpr, Error, ErrorKind, Feature, HeapType, Imm, Instr, Opcode, Reader, RefType, Result,
    ValType,
};

impl Decoder {
    /// Reads an expression that has one result, which matches `expected`.
    pub(super) fn const_expr(
        &mut self,
        reader: &mut Reader<'_>,
        expected: ValType,
    ) -> Result<ConstExpr> {
        let start = reader.pos();
        self.stack.clear();
        loop {
            let at = reader.pos();
            let instr = reader.instr()?;
            if instr.op != Opcode::End {
                self.const_instr(reader.features().has(Feature::Gc), reader, &instr, at)?;
                continue;
            }
            self.pop(expected, at)?;
            if !self.stack.is_empty() {
                let what = "type mismatch: a constant expression has one result";
                return Err(Error::invalid(what, at));
            }
            return Ok(ConstExpr(start as u32..reader.pos() as u32));
        }
    }

    fn const_instr(
        &mut self,
        gc: bool,
        reader: &Reader<'_>,
        instr: &Instr<'_>,
        at: usize,
    ) -> Result<()> {
        match (instr.op, &instr.imm) {
            (
                Opcode::I32Const
                | Opcode::I64Const
                | Opcode::F32Const
                | Opcode::F64Const
                | Opcode::V128Const,
                _,
            ) => self.stack.put(match instr.op {
                Opcode::I32Const => ValType::I32,
                Opcode::I64Const => ValType::I64,
                Opcode::F32Const => ValType::F32,
                Opcode::F64Const => ValType::F64,
                _ => ValType::V128,
            })?,
            (Opcode::I32Add | Opcode::I32Sub | Opcode::I32Mul, _) => {
                self.arithmetic(reader, ValType::I32, at)?;
            }
            (Opcode::I64Add | Opcode::I64Sub | Opcode::I64Mul, _) => {
                self.arithmetic(reader, ValType::I64, at)?;
            }
            (Opcode::GlobalGet, &Imm::Index(index)) => self.global_get(gc, index, at)?,
            (Opcode::RefNull, &Imm::HeapType(heap)) => {
                self.check_heap(heap, at)?;
                self.push_ref(true, heap)?;
            }
            (Opcode::RefFunc, &Imm::Index(index)) => {
                let Some(&ty) = self.module.funcs.get(index as usize) else {
                    return Err(Error::unknown("function", index, at));
                };
                self.declared.insert(index)?;
                self.push_ref(false, HeapType::of_func(ty))?;
            }
            #[cfg(feature = "gc")]
            _ if gc => return self.const_gc_instr(instr, at),
            _ => return Err(not_constant(at)),
        }
        Ok(())
    }

    fn arithmetic(&mut self, reader: &Reader<'_>, ty: ValType, at: usize) -> Result<()> {
        if !reader.features().has(Feature::ExtendedConst) {
            return Err(not_constant(at));
        }
        self.pop(ty, at)?;
        self.pop(ty, at)?;
        Ok(self.stack.put(ty)?)
    }

    /// Any global before this one, since garbage collection; before that imported ones only.
    fn global_get(&mut self, gc: bool, index: u32, at: usize) -> Result<()> {
        let ty = match self.module.globals.get(index as usize) {
            Some(global) if gc || index < self.module.imported_globals => global.ty,
            _ => return Err(Error::unknown("global", index, at)),
        };
        if ty.mutable {
            let what = "constant expression required: the global is mutable";
            return Err(Error::invalid(what, at));
        }
        Ok(self.stack.put(ty.content)?)
    }

    pub(super) fn push_ref(&mut self, nullable: bool, heap: HeapType) -> Result<()> {
        Ok(self.stack.put(ValType::Ref(RefType::new(nullable, heap)))?)
    }

    pub(super) fn pop(&mut self, expected: ValType, at: usize) -> Result<()> {
        let found = self.stack.pop();
        match found {
            Some(ty) if self.module.types.matches(ty, expected) => Ok(()),
            _ => Err(Error::new(ErrorKind::TypeMismatch { expected, found }, at)),
        }
    }
}

#[cold]
pub(super) fn not_constant(at: usize) -> Error {
    Error::invalid("constant expression required", at)
}
