//! The instructions whose signature depends on context, and the rule for each.

use super::body::Validator;
use super::frame::FrameKind;
use super::gc::Read;
use super::locals::check_val_type;
use super::stack::Slot;
use crate::{Error, ErrorKind, HeapType, Imm, Instr, Opcode, RefType, Result, ValType};

impl Validator<'_> {
    /// An instruction that has neither a short way nor a context-free signature.
    #[inline(never)]
    pub(super) fn special(&mut self, instr: &Instr<'_>) -> Result<()> {
        match (instr.op, &instr.imm) {
            // Control.
            (Opcode::Unreachable, _) => {
                self.unreachable();
                Ok(())
            }
            (Opcode::Block, &Imm::Block(ty)) => self.open(FrameKind::Block, ty),
            (Opcode::Loop, &Imm::Block(ty)) => self.open(FrameKind::Loop, ty),
            (Opcode::If, &Imm::Block(ty)) => {
                self.pop(ValType::I32)?;
                self.open(FrameKind::If, ty)
            }
            (Opcode::Else, _) => self.else_(),
            (Opcode::BrTable, Imm::BrTable(table)) => self.br_table(table),
            (Opcode::Return, _) => self.return_(),
            (Opcode::CallIndirect, &Imm::CallIndirect { ty, table }) => {
                self.call_indirect(ty, table)
            }
            (Opcode::CallRef, &Imm::Index(ty)) => self.call_ref(ty),
            (Opcode::ReturnCall, &Imm::Index(func)) => self.return_call(func),
            (Opcode::ReturnCallIndirect, &Imm::CallIndirect { ty, table }) => {
                self.return_call_indirect(ty, table)
            }
            (Opcode::ReturnCallRef, &Imm::Index(ty)) => self.return_call_ref(ty),

            // Exceptions.
            (Opcode::TryTable, Imm::TryTable(ty, catches)) => self.try_table(*ty, catches),
            (Opcode::Throw, &Imm::Index(tag)) => self.throw(tag),
            (Opcode::ThrowRef, _) => self.throw_ref(),
            (Opcode::Try, &Imm::Block(ty)) => self.open(FrameKind::Try, ty),
            (Opcode::Catch, &Imm::Index(tag)) => self.legacy_catch(Some(tag)),
            (Opcode::CatchAll, _) => self.legacy_catch(None),
            (Opcode::Rethrow, &Imm::Label(label)) => self.rethrow(label),
            (Opcode::Delegate, &Imm::Label(label)) => self.delegate(label),

            // Parametric and variables.
            (Opcode::Drop, _) => self.drop_(),
            (Opcode::Select, _) => self.select(),
            (Opcode::SelectTyped, &Imm::SelectType(ty)) => self.select_typed(ty),
            (Opcode::GlobalGet, &Imm::Index(global)) => self.global_get(global),
            (Opcode::GlobalSet, &Imm::Index(global)) => self.global_set(global),

            // Memories and tables.
            (Opcode::MemorySize, &Imm::Index(memory)) => self.memory_size(memory),
            (Opcode::MemoryGrow, &Imm::Index(memory)) => self.memory_grow(memory),
            (Opcode::MemoryFill, &Imm::Index(memory)) => self.memory_fill(memory),
            (Opcode::MemoryCopy, &Imm::Index2(to, from)) => self.memory_copy(to, from),
            (Opcode::MemoryInit, &Imm::Index2(data, memory)) => self.memory_init(data, memory),
            (Opcode::DataDrop, &Imm::Index(data)) => self.data_segment(data),
            (Opcode::TableGet, &Imm::Index(table)) => self.table_get(table),
            (Opcode::TableSet, &Imm::Index(table)) => self.table_set(table),
            (Opcode::TableSize, &Imm::Index(table)) => self.table_size(table),
            (Opcode::TableGrow, &Imm::Index(table)) => self.table_grow(table),
            (Opcode::TableFill, &Imm::Index(table)) => self.table_fill(table),
            (Opcode::TableCopy, &Imm::Index2(to, from)) => self.table_copy(to, from),
            (Opcode::TableInit, &Imm::Index2(elem, table)) => self.table_init(elem, table),
            (Opcode::ElemDrop, &Imm::Index(elem)) => self.elem_segment(elem).map(|_| ()),

            // References.
            (Opcode::RefNull, &Imm::HeapType(heap)) => self.ref_null(heap),
            (Opcode::RefIsNull, _) => self.ref_is_null(),
            (Opcode::RefFunc, &Imm::Index(func)) => self.ref_func(func),
            (Opcode::RefEq, _) => self.ref_eq(),
            (Opcode::RefAsNonNull, _) => self.ref_as_non_null(),
            (Opcode::BrOnNull, &Imm::Label(label)) => self.br_on_null(label),
            (Opcode::BrOnNonNull, &Imm::Label(label)) => self.br_on_non_null(label),
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

            // Structs and arrays.
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

            // Wide arithmetic, which has two results.
            (Opcode::I64Add128 | Opcode::I64Sub128, _) => {
                self.pop_all(&[ValType::I64; 4])?;
                self.push_all(&[ValType::I64; 2])
            }
            (Opcode::I64MulWideS | Opcode::I64MulWideU, _) => {
                self.pop_all(&[ValType::I64; 2])?;
                self.push_all(&[ValType::I64; 2])
            }

            // A test walks the opcode table to show that no instruction comes here.
            (op, _) => Err(Error::new(ErrorKind::UnknownOpcode(0, u32::from(op.code())), self.at)),
        }
    }

    fn drop_(&mut self) -> Result<()> {
        self.operand = self.pop_any()?.val();
        Ok(())
    }

    /// `select` without a type, which chooses between numbers or vectors.
    fn select(&mut self) -> Result<()> {
        self.pop(ValType::I32)?;
        let (second, first) = (self.pop_any()?, self.pop_any()?);
        let slot = if first == Slot::Bottom { second } else { first };
        if second != Slot::Bottom && second != slot {
            return Err(self.invalid("type mismatch: select has operands of different types"));
        }
        if matches!(slot, Slot::Val(ValType::Ref(_)) | Slot::BottomRef) {
            return Err(self.invalid("type mismatch: select without a type has reference operands"));
        }
        self.operand = slot.val();
        self.operands.push(slot);
        Ok(())
    }

    fn select_typed(&mut self, ty: ValType) -> Result<()> {
        check_val_type(&self.module.types, ty, self.at)?;
        self.pop_all(&[ty, ty, ValType::I32])?;
        self.operand = Some(ty);
        self.push(ty);
        Ok(())
    }
}
