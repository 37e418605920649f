//! Instructions on many bytes of a memory: a few bytes, if it is known how many, are loads and
//! stores; for the rest the engine is called.

use super::Lowering;
use super::memory::addr;
use crate::builder::{Builder, Reason, Ty};
use sampan_engine::native::{Calls, PENDING};
use sampan_wasm::{Imm, MemArg, Opcode};

/// At most so many bytes are copied or filled without a call: eight words, which processors have
/// registers for.
const FEW: u64 = 64;

impl<B: Builder> Lowering<'_, B> {
    /// Fills, copies and initialisation; whether it was one of them.
    pub(super) fn bulk(&mut self, op: Opcode, imm: &Imm<'_>) -> bool {
        match (op, imm) {
            (Opcode::MemoryFill, &Imm::Index(memory)) => match self.few() {
                Some(len) => self.fill_few(memory, len),
                None => self.fill(memory),
            },
            (Opcode::MemoryCopy, &Imm::Index2(to, from)) => match self.few() {
                Some(len) => self.copy_few(to, from, len),
                None => self.copy(to, from),
            },
            (Opcode::MemoryInit, &Imm::Index2(_, memory)) => {
                let ty = addr(self.module.memories[memory as usize].addr);
                self.by_engine(op, imm, &[ty, Ty::I32, Ty::I32], None);
            }
            _ => return false,
        }
        true
    }

    /// The length on the stack, if it is a small one that is known.
    fn few(&self) -> Option<u64> {
        let len = *self.stack.last().expect("validated: there is an operand");
        self.builder.known(len).filter(|len| (1..=FEW).contains(len))
    }

    fn copy(&mut self, to: u32, from: u32) {
        let (len, from_index, to_index) = (self.pop_wide(), self.pop_wide(), self.pop_wide());
        let (to, from) = (self.i32(to), self.i32(from));
        let words = [to_index, from_index, len].map(|value| (Ty::I64, value));
        let all = [words.as_slice(), &[(Ty::I32, to), (Ty::I32, from)]].concat();
        let status = self.call_engine(Calls::COPY, &all);
        self.builder.trap_if(status, Reason(PENDING));
    }

    fn fill(&mut self, memory: u32) {
        let (len, value, index) = (self.pop_wide(), self.pop(), self.pop_wide());
        let memory = self.i32(memory);
        let all = [(Ty::I64, index), (Ty::I32, value), (Ty::I64, len), (Ty::I32, memory)];
        let status = self.call_engine(Calls::FILL, &all);
        self.builder.trap_if(status, Reason(PENDING));
    }

    /// An address or a length, of 32 or 64 bits, as an i64.
    fn pop_wide(&mut self) -> B::Value {
        let value = self.pop();
        self.wide(value)
    }

    fn copy_few(&mut self, to: u32, from: u32, len: u64) {
        self.pop();
        let (from_index, to_index) = (self.pop(), self.pop());
        // All are read before the first is written, as the places may overlap.
        let (address, offset) = self.address(from_index, &whole(from), len);
        let mut parts = Vec::new();
        for (at, size) in parts_of(len) {
            let (load, _) = accesses(size);
            let value = self.builder.wasm_load(load, address, offset + at, None);
            parts.push((at, size, value.expect("every back end has integers")));
        }
        let (address, offset) = self.address(to_index, &whole(to), len);
        self.store_parts(address, offset, parts);
    }

    fn fill_few(&mut self, memory: u32, len: u64) {
        self.pop();
        let (byte, index) = (self.pop(), self.pop());
        let byte = self.op(Opcode::I64ExtendI32U, &[byte]);
        let (mask, each) = (self.i64(0xff), self.i64(0x0101_0101_0101_0101));
        let byte = self.op(Opcode::I64And, &[byte, mask]);
        let word = self.op(Opcode::I64Mul, &[byte, each]);
        let (address, offset) = self.address(index, &whole(memory), len);
        let parts = parts_of(len).map(|(at, size)| (at, size, word)).collect();
        self.store_parts(address, offset, parts);
    }

    /// The last comes first: if it is beyond the memory's end, nothing is written.
    fn store_parts(&mut self, address: B::Value, offset: i32, parts: Vec<(i32, u64, B::Value)>) {
        for (at, size, value) in parts.into_iter().rev() {
            let (_, store) = accesses(size);
            let stored = self.builder.wasm_store(store, address, offset + at, value, 0);
            debug_assert!(stored, "every back end has integers");
        }
    }
}

/// All of a memory, from an index on.
fn whole(memory: u32) -> MemArg {
    MemArg { align: 0, offset: 0, memory }
}

/// Words, and what is left after them, in order: where each begins, and its bytes.
fn parts_of(len: u64) -> impl Iterator<Item = (i32, u64)> {
    let mut at = 0;
    core::iter::from_fn(move || {
        let size = [8, 4, 2, 1].into_iter().find(|&size| at + size <= len)?;
        at += size;
        Some(((at - size) as i32, size))
    })
}

/// What loads and stores an i64's low bytes.
fn accesses(size: u64) -> (Opcode, Opcode) {
    match size {
        8 => (Opcode::I64Load, Opcode::I64Store),
        4 => (Opcode::I64Load32U, Opcode::I64Store32),
        2 => (Opcode::I64Load16U, Opcode::I64Store16),
        _ => (Opcode::I64Load8U, Opcode::I64Store8),
    }
}
