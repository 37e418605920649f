//! Structs, arrays, `i31`.

use super::body::Validator;
use crate::{
    CompositeType, Error, ErrorKind, FieldType, HeapType, Imm, Instr, Opcode, RefType, Result,
    StorageType, SubType, ValType, limits,
};

/// How a field is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    /// The whole value.
    Whole,
    /// A packed one, extended.
    Extended,
}

/// `(ref null ty)`
fn nullable(ty: u32) -> ValType {
    ValType::Ref(RefType::new(true, HeapType::Concrete(ty)))
}

/// `(ref ty)`
fn non_null(ty: u32) -> ValType {
    ValType::Ref(RefType::new(false, HeapType::Concrete(ty)))
}

/// All.
impl Validator<'_> {
    /// An instruction of the garbage collection proposal.
    pub(super) fn gc_instr(&mut self, instr: &Instr<'_>) -> Result<()> {
        match (instr.op, &instr.imm) {
            (Opcode::RefEq, _) => self.ref_eq(),
            (Opcode::RefTest | Opcode::RefTestNull, &Imm::HeapType(to)) => self.ref_test(to),
            (Opcode::RefCast, &Imm::HeapType(to)) => self.ref_cast(RefType::new(false, to)),
            (Opcode::RefCastNull, &Imm::HeapType(to)) => self.ref_cast(RefType::new(true, to)),
            (Opcode::BrOnCast, &Imm::BrOnCast { label, from, to }) => {
                self.br_on_cast(label, from, to)
            }
            (Opcode::BrOnCastFail, &Imm::BrOnCast { label, from, to }) => {
                self.br_on_cast_fail(label, from, to)
            }
            (Opcode::AnyConvertExtern, _) => self.convert(HeapType::Extern, HeapType::Any),
            (Opcode::ExternConvertAny, _) => self.convert(HeapType::Any, HeapType::Extern),
            (Opcode::RefI31, _) => self.ref_i31(),
            (Opcode::I31GetS | Opcode::I31GetU, _) => self.i31_get(),
            (Opcode::StructNew, &Imm::Index(ty)) => self.struct_new(ty),
            (Opcode::StructNewDefault, &Imm::Index(ty)) => self.struct_new_default(ty),
            (Opcode::StructGet, &Imm::Index2(ty, field)) => self.struct_get(ty, field, Read::Whole),
            (Opcode::StructGetS | Opcode::StructGetU, &Imm::Index2(ty, field)) => {
                self.struct_get(ty, field, Read::Extended)
            }
            (Opcode::StructSet, &Imm::Index2(ty, field)) => self.struct_set(ty, field),
            (Opcode::ArrayNew, &Imm::Index(ty)) => self.array_new(ty),
            (Opcode::ArrayNewDefault, &Imm::Index(ty)) => self.array_new_default(ty),
            (Opcode::ArrayNewFixed, &Imm::Index2(ty, len)) => self.array_new_fixed(ty, len),
            (Opcode::ArrayNewData, &Imm::Index2(ty, data)) => self.array_new_data(ty, data),
            (Opcode::ArrayNewElem, &Imm::Index2(ty, elem)) => self.array_new_elem(ty, elem),
            (Opcode::ArrayGet, &Imm::Index(ty)) => self.array_get(ty, Read::Whole),
            (Opcode::ArrayGetS | Opcode::ArrayGetU, &Imm::Index(ty)) => {
                self.array_get(ty, Read::Extended)
            }
            (Opcode::ArraySet, &Imm::Index(ty)) => self.array_set(ty),
            (Opcode::ArrayLen, _) => self.array_len(),
            (Opcode::ArrayFill, &Imm::Index(ty)) => self.array_fill(ty),
            (Opcode::ArrayCopy, &Imm::Index2(to, from)) => self.array_copy(to, from),
            (Opcode::ArrayInitData, &Imm::Index2(ty, data)) => self.array_init_data(ty, data),
            (Opcode::ArrayInitElem, &Imm::Index2(ty, elem)) => self.array_init_elem(ty, elem),
            (op, _) => Err(self.no_rule(op)),
        }
    }
}

/// Structs.
impl<'m> Validator<'m> {
    fn sub_type(&self, index: u32) -> Result<&'m SubType> {
        match self.module.types.get(index) {
            Some(ty) => Ok(ty),
            None => Err(self.unknown("type", index)),
        }
    }

    fn struct_fields(&self, ty: u32) -> Result<&'m [FieldType]> {
        match &self.sub_type(ty)?.composite {
            CompositeType::Struct(fields) => Ok(fields),
            _ => Err(self.invalid("type mismatch: the type is not a struct type")),
        }
    }

    fn field(&self, ty: u32, index: u32) -> Result<FieldType> {
        match self.struct_fields(ty)?.get(index as usize) {
            Some(&field) => Ok(field),
            None => Err(self.unknown("field", index)),
        }
    }

    fn struct_new(&mut self, ty: u32) -> Result<()> {
        for field in self.struct_fields(ty)?.iter().rev() {
            self.pop(field.storage.unpacked())?;
        }
        self.push(non_null(ty))
    }

    fn struct_new_default(&mut self, ty: u32) -> Result<()> {
        if !self.struct_fields(ty)?.iter().all(|f| f.storage.unpacked().is_defaultable()) {
            return Err(self.invalid("type mismatch: a field is not defaultable"));
        }
        self.push(non_null(ty))
    }

    fn struct_get(&mut self, ty: u32, index: u32, read: Read) -> Result<()> {
        let field = self.field(ty, index)?;
        self.check_read(field, read)?;
        self.pop(nullable(ty))?;
        self.push(field.storage.unpacked())
    }

    fn struct_set(&mut self, ty: u32, index: u32) -> Result<()> {
        let field = self.field(ty, index)?;
        if !field.mutable {
            return Err(self.invalid("immutable field"));
        }
        self.pop_all(&[nullable(ty), field.storage.unpacked()])
    }

    fn check_read(&self, field: FieldType, read: Read) -> Result<()> {
        match (field.storage, read) {
            (StorageType::Val(_), Read::Whole) => Ok(()),
            (StorageType::I8 | StorageType::I16, Read::Extended) => Ok(()),
            (_, Read::Whole) => Err(self.invalid("type mismatch: the field is packed")),
            (_, Read::Extended) => Err(self.invalid("type mismatch: the field is not packed")),
        }
    }
}

/// Arrays.
impl<'m> Validator<'m> {
    fn array(&self, ty: u32) -> Result<FieldType> {
        match self.sub_type(ty)?.composite {
            CompositeType::Array(element) => Ok(element),
            _ => Err(self.invalid("type mismatch: the type is not an array type")),
        }
    }

    fn mutable_array(&self, ty: u32) -> Result<FieldType> {
        let element = self.array(ty)?;
        if !element.mutable {
            return Err(self.invalid("immutable array"));
        }
        Ok(element)
    }

    /// Checks that the elements can be read from a data segment.
    fn check_plain(&self, element: FieldType) -> Result<()> {
        match element.storage {
            StorageType::Val(ValType::Ref(_)) => {
                Err(self.invalid("array type is not numeric or vector"))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the elements can be read from an element segment.
    fn check_elem(&self, element: FieldType, elem: u32) -> Result<()> {
        let segment = ValType::Ref(self.elem_segment(elem)?);
        match element.storage {
            StorageType::Val(ty) if self.module.types.matches(segment, ty) => Ok(()),
            _ => Err(self.invalid("type mismatch: the segment does not fit the array")),
        }
    }

    fn array_new(&mut self, ty: u32) -> Result<()> {
        let element = self.array(ty)?;
        self.pop_all(&[element.storage.unpacked(), ValType::I32])?;
        self.push(non_null(ty))
    }

    fn array_new_default(&mut self, ty: u32) -> Result<()> {
        if !self.array(ty)?.storage.unpacked().is_defaultable() {
            return Err(self.invalid("type mismatch: the element is not defaultable"));
        }
        self.pop(ValType::I32)?;
        self.push(non_null(ty))
    }

    fn array_new_fixed(&mut self, ty: u32, len: u32) -> Result<()> {
        let element = self.array(ty)?.storage.unpacked();
        if len > limits::MAX_ARRAY_FIXED {
            let what = "operands of array.new_fixed";
            let kind = ErrorKind::Limit { what, limit: limits::MAX_ARRAY_FIXED };
            return Err(Error::new(kind, self.at));
        }
        for _ in 0..len {
            self.pop(element)?;
        }
        self.push(non_null(ty))
    }

    fn array_new_data(&mut self, ty: u32, data: u32) -> Result<()> {
        let element = self.array(ty)?;
        self.check_plain(element)?;
        self.data_segment(data)?;
        self.pop_all(&[ValType::I32, ValType::I32])?;
        self.push(non_null(ty))
    }

    fn array_new_elem(&mut self, ty: u32, elem: u32) -> Result<()> {
        let element = self.array(ty)?;
        self.check_elem(element, elem)?;
        self.pop_all(&[ValType::I32, ValType::I32])?;
        self.push(non_null(ty))
    }

    fn array_get(&mut self, ty: u32, read: Read) -> Result<()> {
        let element = self.array(ty)?;
        self.check_read(element, read)?;
        self.pop_all(&[nullable(ty), ValType::I32])?;
        self.push(element.storage.unpacked())
    }

    fn array_set(&mut self, ty: u32) -> Result<()> {
        let element = self.mutable_array(ty)?;
        self.pop_all(&[nullable(ty), ValType::I32, element.storage.unpacked()])
    }

    fn array_len(&mut self) -> Result<()> {
        self.pop(ValType::Ref(RefType::new(true, HeapType::Array)))?;
        self.push(ValType::I32)
    }

    fn array_fill(&mut self, ty: u32) -> Result<()> {
        let element = self.mutable_array(ty)?.storage.unpacked();
        self.pop_all(&[nullable(ty), ValType::I32, element, ValType::I32])
    }

    fn array_copy(&mut self, to: u32, from: u32) -> Result<()> {
        let fits = match (self.array(from)?.storage, self.mutable_array(to)?.storage) {
            (StorageType::Val(from), StorageType::Val(to)) => self.module.types.matches(from, to),
            (from, to) => from == to,
        };
        if !fits {
            return Err(self.invalid("array types do not match"));
        }
        let i32 = ValType::I32;
        self.pop_all(&[nullable(to), i32, nullable(from), i32, i32])
    }

    fn array_init_data(&mut self, ty: u32, data: u32) -> Result<()> {
        let element = self.mutable_array(ty)?;
        self.check_plain(element)?;
        self.data_segment(data)?;
        self.pop_all(&[nullable(ty), ValType::I32, ValType::I32, ValType::I32])
    }

    fn array_init_elem(&mut self, ty: u32, elem: u32) -> Result<()> {
        let element = self.mutable_array(ty)?;
        self.check_elem(element, elem)?;
        self.pop_all(&[nullable(ty), ValType::I32, ValType::I32, ValType::I32])
    }
}

/// `i31`.
impl Validator<'_> {
    fn ref_i31(&mut self) -> Result<()> {
        self.pop(ValType::I32)?;
        self.push(ValType::Ref(RefType::new(false, HeapType::I31)))
    }

    fn i31_get(&mut self) -> Result<()> {
        self.pop(ValType::Ref(RefType::new(true, HeapType::I31)))?;
        self.push(ValType::I32)
    }
}
