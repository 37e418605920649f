//! Atomic accesses: the address is aligned, or it is a trap.

use super::Lowering;
use super::memory::addr;
use crate::builder::{Builder, Ty};
use sampan_engine::native::TrapCode;
use sampan_wasm::{AddrType, Imm, MemArg, Opcode, Operand};

impl<B: Builder> Lowering<'_, B> {
    /// An atomic access. Waiting and waking are the engine's.
    pub(super) fn atomic(&mut self, op: Opcode, memarg: &MemArg) {
        let signature = op.signature().expect("an access has a signature");
        let Some((operation, bytes)) = op.atomic() else {
            let address = addr(self.module.memories[memarg.memory as usize].addr);
            // All that is not an address is an integer.
            let ty = |operand: Operand| match operand {
                Operand::Addr => address,
                Operand::I32 => Ty::I32,
                _ => Ty::I64,
            };
            let params: Vec<Ty> = signature.params().iter().map(|&operand| ty(operand)).collect();
            return self.by_engine(op, &Imm::MemArg(*memarg), &params, signature.result.map(ty));
        };
        let values = self.pop_many(signature.params().len() - 1);
        let index = self.pop();
        self.check_alignment(index, memarg, bytes);
        let (address, offset) = self.address(index, memarg, bytes.into());
        let offset = self.i64(offset as u64);
        let address = self.op(Opcode::I64Add, &[address, offset]);
        let wide = signature.params().last() == Some(&Operand::I64)
            || signature.result == Some(Operand::I64);
        let ty = if wide { Ty::I64 } else { Ty::I32 };
        let result = self.builder.atomic(operation, bytes, ty, address, &values);
        self.stack.extend(result);
    }

    /// Memories begin at multiples of 16, so that the address in them says it all.
    fn check_alignment(&mut self, index: B::Value, memarg: &MemArg, bytes: u8) {
        if bytes == 1 {
            return;
        }
        let (add, and) = match self.module.memories[memarg.memory as usize].addr {
            AddrType::I32 => (Opcode::I32Add, Opcode::I32And),
            AddrType::I64 => (Opcode::I64Add, Opcode::I64And),
        };
        let ty = self.builder.type_of(index);
        let mask = u64::from(bytes) - 1;
        let (offset, mask) = (memarg.offset & mask, self.builder.constant(ty, mask));
        let mut at = index;
        if offset != 0 {
            let offset = self.builder.constant(ty, offset);
            at = self.op(add, &[at, offset]);
        }
        let odd = self.op(and, &[at, mask]);
        self.builder.trap_if(odd, TrapCode::UnalignedAtomic.into());
    }
}
