//! Atomic accesses, all sequentially consistent.

use super::builder::CraneliftBuilder;
use cranelift_codegen::ir::{AtomicRmwOp, InstBuilder, Type, Value};
use sampan_wasm::AtomicOperation as Operation;

impl CraneliftBuilder<'_> {
    pub(super) fn atomic_access(
        &mut self,
        operation: Operation,
        bytes: u8,
        ty: Type,
        address: Value,
        operands: &[Value],
    ) -> Option<Value> {
        let flags = self.access_flags();
        let cell = Type::int_with_byte_size(bytes.into()).expect("a power of two up to eight");
        let narrow: Vec<Value> = operands.iter().map(|&value| self.narrowed(value, cell)).collect();
        let rmw = match operation {
            Operation::Load => {
                let value = self.b.ins().atomic_load(cell, flags, address);
                return Some(self.widened(value, ty));
            }
            Operation::Store => {
                self.b.ins().atomic_store(flags, narrow[0], address);
                return None;
            }
            Operation::CompareExchange => {
                let value = self.b.ins().atomic_cas(flags, address, narrow[0], narrow[1]);
                return Some(self.widened(value, ty));
            }
            Operation::Add => AtomicRmwOp::Add,
            Operation::Sub => AtomicRmwOp::Sub,
            Operation::And => AtomicRmwOp::And,
            Operation::Or => AtomicRmwOp::Or,
            Operation::Xor => AtomicRmwOp::Xor,
            Operation::Exchange => AtomicRmwOp::Xchg,
        };
        let value = self.b.ins().atomic_rmw(cell, flags, rmw, address, narrow[0]);
        Some(self.widened(value, ty))
    }

    fn narrowed(&mut self, value: Value, cell: Type) -> Value {
        match self.b.func.dfg.value_type(value) == cell {
            true => value,
            false => self.b.ins().ireduce(cell, value),
        }
    }

    fn widened(&mut self, value: Value, ty: Type) -> Value {
        match self.b.func.dfg.value_type(value) == ty {
            true => value,
            false => self.b.ins().uextend(ty, value),
        }
    }
}
