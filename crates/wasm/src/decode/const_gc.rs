//! The constant instructions of the garbage collection proposal.

use super::{Decoder, const_expr::not_constant};
use crate::{
    CompositeType, Error, FieldType, HeapType, Imm, Instr, Opcode, RefType, Result, StorageType,
    ValType, limits,
};

impl Decoder {
    pub(super) fn const_gc_instr(&mut self, instr: &Instr<'_>, at: usize) -> Result<()> {
        match (instr.op, &instr.imm) {
            (Opcode::RefI31, _) => {
                self.pop(ValType::I32, at)?;
                self.push_ref(false, HeapType::I31)?;
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
                self.push_ref(false, HeapType::Concrete(ty))?;
            }
            (Opcode::ArrayNew | Opcode::ArrayNewDefault, &Imm::Index(ty)) => {
                let element = self.array_element(ty, at)?;
                self.pop(ValType::I32, at)?;
                self.field(element, instr.op == Opcode::ArrayNew, at)?;
                self.push_ref(false, HeapType::Concrete(ty))?;
            }
            (Opcode::ArrayNewFixed, &Imm::Index2(ty, count)) => {
                let element = self.array_element(ty, at)?;
                if count > limits::MAX_ARRAY_FIXED {
                    return Err(super::too_many("operands", limits::MAX_ARRAY_FIXED, at));
                }
                for _ in 0..count {
                    self.pop(element.storage.unpacked(), at)?;
                }
                self.push_ref(false, HeapType::Concrete(ty))?;
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
        self.push_ref(nullable.is_some_and(RefType::is_nullable), to)
    }
}
