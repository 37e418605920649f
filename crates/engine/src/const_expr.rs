//! Evaluating constant expressions.

use crate::{RawRef, entity::InstanceData};
use alloc::vec::Vec;
use sampan_wasm::{ConstExpr, Imm, Opcode, Reader};

/// The value of a validated constant expression in an instance whose functions, imports
/// and preceding globals exist.
pub(crate) fn evaluate(instance: &InstanceData, expr: &ConstExpr) -> [u64; 2] {
    let module = &instance.module;
    let range = expr.0.start as usize..expr.0.end as usize;
    let mut reader = Reader::new(module.bytes(), range, module.engine().config().features);
    evaluate_next(instance, &mut reader)
}

/// Evaluates the expression at the reader and leaves the reader behind its `end`.
pub(crate) fn evaluate_next(instance: &InstanceData, reader: &mut Reader<'_>) -> [u64; 2] {
    let mut stack: Vec<[u64; 2]> = Vec::new();
    loop {
        let instr = reader.instr().expect("validated: a constant expression decodes");
        let value = match (instr.op, instr.imm) {
            (Opcode::End, _) => return stack.pop().unwrap_or_default(),
            (_, Imm::I32(value)) => [value as u32 as u64, 0],
            (_, Imm::I64(value)) => [value as u64, 0],
            (_, Imm::F32(bits)) => [bits.into(), 0],
            (_, Imm::F64(bits)) => [bits, 0],
            (Opcode::V128Const, Imm::V128(bytes)) => {
                let value = u128::from_le_bytes(bytes);
                [value as u64, (value >> 64) as u64]
            }
            (Opcode::RefNull, _) => [RawRef::NULL.0, 0],
            (Opcode::RefFunc, Imm::Index(index)) => {
                [RawRef::func(instance.funcs[index as usize]).0, 0]
            }
            // SAFETY: the machine that owns the instance owns its globals.
            (Opcode::GlobalGet, Imm::Index(index)) => unsafe {
                (*instance.globals[index as usize]).value
            },
            (op, _) => {
                let b = stack.pop().unwrap_or_default()[0];
                let a = stack.pop().unwrap_or_default()[0];
                [arithmetic(op, a, b), 0]
            }
        };
        stack.push(value);
    }
}

fn arithmetic(op: Opcode, a: u64, b: u64) -> u64 {
    match op {
        Opcode::I32Add => (a as u32).wrapping_add(b as u32).into(),
        Opcode::I32Sub => (a as u32).wrapping_sub(b as u32).into(),
        Opcode::I32Mul => (a as u32).wrapping_mul(b as u32).into(),
        Opcode::I64Add => a.wrapping_add(b),
        Opcode::I64Sub => a.wrapping_sub(b),
        Opcode::I64Mul => a.wrapping_mul(b),
        _ => unreachable!("validated: {} is not constant", op.text()),
    }
}
