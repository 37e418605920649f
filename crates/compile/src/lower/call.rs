//! Calls.
//!
//! A body of the same module is called directly. Any other function is found in the
//! machine's list: its code and its context, or, if it has no code, the module's own code
//! that passes the call on to the engine.

use super::Lowering;
use crate::builder::{Builder, Place, Ty};
use sampan_engine::native::{Calls, Layout, TrapCode, offsets};
use sampan_wasm::{Imm, Opcode};

impl<B: Builder> Lowering<'_, B> {
    pub(super) fn call_instr(&mut self, op: Opcode, imm: &Imm<'_>) {
        let tail = matches!(op, Opcode::ReturnCall | Opcode::ReturnCallIndirect);
        match *imm {
            Imm::Index(func) => self.call(func, tail),
            Imm::CallIndirect { ty, table } => self.call_indirect(ty, table, tail),
            _ => unreachable!("a call names a function or a type"),
        }
        self.need_fuel |= tail;
        if tail {
            self.die();
        }
    }

    /// The machine's number of a function of the module, an i32.
    pub(super) fn func_number(&mut self, func: u32) -> B::Value {
        let numbers = self.context_word(Layout::FUNCS);
        self.builder.load(Ty::I32, numbers, func as i32 * 4, Place::Constant)
    }

    fn call(&mut self, func: u32, tail: bool) {
        let module = self.module;
        let ty = module.func_type(func);
        let args = self.pop_many(ty.params().len());
        if let Some(body) = func.checked_sub(module.imported_funcs) {
            let context = self.builder.context();
            let args = [&[context], &args[..]].concat();
            if tail {
                self.builder.tail_call(body, ty, &args);
            } else {
                let results = self.builder.call(body, ty, &args);
                self.stack.extend(results);
            }
            return;
        }
        let number = self.func_number(func);
        let entity = self.entity(number);
        self.call_entity(entity, module.funcs[func as usize], &args, tail);
    }

    /// The address of a function in the machine's list.
    fn entity(&mut self, number: B::Value) -> B::Value {
        let runtime = self.runtime();
        super::entity(&mut self.builder, runtime, number)
    }

    fn call_indirect(&mut self, ty: u32, table: u32, tail: bool) {
        let module = self.module;
        let func_type = module.types.func(ty).expect("validated: a call's type is a function's");
        let index = self.pop();
        let args = self.pop_many(func_type.params().len());
        let at = self.element(table, index, TrapCode::UndefinedElement);
        let reference = self.builder.load(Ty::I64, at, 0, Place::Table);
        let null = self.op(Opcode::I64Eqz, &[reference]);
        self.builder.trap_if(null, TrapCode::UninitializedElement.into());
        let number = self.op(Opcode::I32WrapI64, &[reference]);
        let one = self.i32(1);
        let number = self.op(Opcode::I32Sub, &[number, one]);
        let entity = self.entity(number);

        let types = self.context_word(Layout::TYPES);
        let want = self.builder.load(Ty::I32, types, ty as i32 * 4, Place::Constant);
        let have = self.builder.load(Ty::I32, entity, offsets::FUNC_TYPE, Place::Machine);
        let same = self.op(Opcode::I32Eq, &[have, want]);
        let (check, matched) = (self.builder.block(&[]), self.builder.block(&[]));
        self.builder.branch(same, (matched, &[]), (check, &[]));
        self.builder.seal(check);
        self.builder.cold(check);
        self.builder.enter(check);
        let fits = self.call_engine(Calls::SUBTYPE, &[(Ty::I32, have), (Ty::I32, want)]);
        self.builder.trap_unless(fits, TrapCode::IndirectCallTypeMismatch.into());
        self.builder.jump(matched, &[]);
        self.builder.seal(matched);
        self.builder.enter(matched);
        self.call_entity(entity, ty, &args, tail);
    }

    fn call_entity(&mut self, entity: B::Value, ty: u32, args: &[B::Value], tail: bool) {
        let func_type = self.module.types.func(ty).expect("validated: it is a function's");
        let code = self.builder.load(Ty::I64, entity, offsets::FUNC_ENTRY, Place::Machine);
        let callee = self.builder.load(Ty::I64, entity, offsets::FUNC_CONTEXT, Place::Machine);
        let (runtime, context) = (self.runtime(), self.builder.context());
        self.builder.store(context, runtime, offsets::RUNTIME_CALLER, Place::Machine);
        let none = self.op(Opcode::I64Eqz, &[code]);
        let through = self.builder.interpreted_caller(ty);
        let code = self.builder.select(none, through, code);
        let args = [&[callee], args].concat();
        if tail {
            self.builder.tail_call_address(code, func_type, &args);
        } else {
            let results = self.builder.call_address(code, func_type, &args);
            self.stack.extend(results);
        }
    }
}
