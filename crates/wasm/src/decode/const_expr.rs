//! Constant expressions: straight-line code of the few instructions that are allowed.
//!
//! Source: core specification 3.0, section 3.4.12 "Constant Expressions".

use super::Decoder;
use crate::{
    CompositeType, ConstExpr, Error, ErrorKind, Feature, FieldType, HeapType, Imm, Instr, Opcode,
    Reader, RefType, Result, StorageType, ValType, limits,
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
            ) => self.stack.push(match instr.op {
                Opcode::I32Const => ValType::I32,
                Opcode::I64Const => ValType::I64,
                Opcode::F32Const => ValType::F32,
                Opcode::F64Const => ValType::F64,
                _ => ValType::V128,
            }),
            (Opcode::I32Add | Opcode::I32Sub | Opcode::I32Mul, _) => {
                self.arithmetic(reader, ValType::I32, at)?;
            }
            (Opcode::I64Add | Opcode::I64Sub | Opcode::I64Mul, _) => {
                self.arithmetic(reader, ValType::I64, at)?;
            }
            (Opcode::GlobalGet, &Imm::Index(index)) => self.global_get(gc, index, at)?,
            (Opcode::RefNull, &Imm::HeapType(heap)) => {
                self.check_heap(heap, at)?;
                self.push_ref(true, heap);
            }
            (Opcode::RefFunc, &Imm::Index(index)) => {
                let Some(&ty) = self.module.funcs.get(index as usize) else {
                    return Err(Error::unknown("function", index, at));
                };
                self.declared.insert(index);
                self.push_ref(false, HeapType::Concrete(ty));
            }
            _ => return self.const_gc_instr(instr, at),
        }
        Ok(())
    }

    fn arithmetic(&mut self, reader: &Reader<'_>, ty: ValType, at: usize) -> Result<()> {
        if !reader.features().has(Feature::ExtendedConst) {
            return Err(not_constant(at));
        }
        self.pop(ty, at)?;
        self.pop(ty, at)?;
        self.stack.push(ty);
        Ok(())
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
        self.stack.push(ty.content);
        Ok(())
    }

    fn const_gc_instr(&mut self, instr: &Instr<'_>, at: usize) -> Result<()> {
        match (instr.op, &instr.imm) {
            (Opcode::RefI31, _) => {
                self.pop(ValType::I32, at)?;
                self.push_ref(false, HeapType::I31);
            }
            (Opcode::AnyConvertExtern, _) => self.convert(HeapType::Extern, HeapType::Any, at)?,
            (Opcode::ExternConvertAny, _) => self.convert(HeapType::Any, HeapType::Extern, at)?,
            (Opcode::StructNew | Opcode::StructNewDefault, &Imm::Index(ty)) => {
                let count = self.struct_fields(ty, at)?.len();
                // The topmost operand is the last field's.
                for i in (0..count).rev() {
                    let field = self.struct_fields(ty, at)?[i];
                    self.field(field, instr.op == Opcode::StructNew, at)?;
                }
                self.push_ref(false, HeapType::Concrete(ty));
            }
            (Opcode::ArrayNew | Opcode::ArrayNewDefault, &Imm::Index(ty)) => {
                let element = self.array_element(ty, at)?;
                self.pop(ValType::I32, at)?;
                self.field(element, instr.op == Opcode::ArrayNew, at)?;
                self.push_ref(false, HeapType::Concrete(ty));
            }
            (Opcode::ArrayNewFixed, &Imm::Index2(ty, count)) => {
                let element = self.array_element(ty, at)?;
                if count > limits::MAX_ARRAY_FIXED {
                    return Err(super::too_many("operands", limits::MAX_ARRAY_FIXED, at));
                }
                for _ in 0..count {
                    self.pop(element.storage.unpacked(), at)?;
                }
                self.push_ref(false, HeapType::Concrete(ty));
            }
            _ => return Err(not_constant(at)),
        }
        Ok(())
    }

    /// A field gets a value from the stack, or else its default.
    fn field(&mut self, field: FieldType, given: bool, at: usize) -> Result<()> {
        match field.storage {
            storage if given => self.pop(storage.unpacked(), at),
            StorageType::Val(ty) if !ty.is_defaultable() => {
                Err(Error::invalid("field type is not defaultable", at))
            }
            _ => Ok(()),
        }
    }

    fn struct_fields(&self, index: u32, at: usize) -> Result<&[FieldType]> {
        match self.module.types.get(index).map(|sub| &sub.composite) {
            Some(CompositeType::Struct(fields)) => Ok(fields),
            Some(_) => Err(Error::invalid("type mismatch: not a struct type", at)),
            None => Err(Error::unknown("type", index, at)),
        }
    }

    fn array_element(&self, index: u32, at: usize) -> Result<FieldType> {
        match self.module.types.get(index).map(|sub| &sub.composite) {
            Some(CompositeType::Array(element)) => Ok(*element),
            Some(_) => Err(Error::invalid("type mismatch: not an array type", at)),
            None => Err(Error::unknown("type", index, at)),
        }
    }

    /// A reference into the other hierarchy, as nullable as it was.
    fn convert(&mut self, from: HeapType, to: HeapType, at: usize) -> Result<()> {
        let nullable = self.stack.last().copied().and_then(ValType::as_ref);
        self.pop(ValType::Ref(RefType::new(true, from)), at)?;
        self.push_ref(nullable.is_some_and(RefType::is_nullable), to);
        Ok(())
    }

    fn push_ref(&mut self, nullable: bool, heap: HeapType) {
        self.stack.push(ValType::Ref(RefType::new(nullable, heap)));
    }

    fn pop(&mut self, expected: ValType, at: usize) -> Result<()> {
        let found = self.stack.pop();
        match found {
            Some(ty) if self.module.types.matches(ty, expected) => Ok(()),
            _ => Err(Error::new(ErrorKind::TypeMismatch { expected, found }, at)),
        }
    }
}

#[cold]
fn not_constant(at: usize) -> Error {
    Error::invalid("constant expression required", at)
}
