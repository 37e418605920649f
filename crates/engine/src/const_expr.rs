//! Evaluating constant expressions.

use crate::{Machine, RawRef, TrapKind};
#[cfg(feature = "gc")]
use sampan_wasm::room::collected;
use sampan_wasm::{ConstExpr, Imm, List, Opcode, Reader};

/// The value of a validated constant expression in the instance with an index, whose
/// functions, imports and preceding globals exist. Collections are off: nothing leads to the
/// objects that the expression makes.
///
/// # Errors
/// The heap has no room for an object.
pub(crate) fn evaluate(
    machine: &mut Machine,
    instance: usize,
    expr: &ConstExpr,
) -> Result<[u64; 2], TrapKind> {
    let module = machine.instances[instance].module.clone();
    let range = expr.0.start as usize..expr.0.end as usize;
    let mut reader = Reader::new(module.bytes(), range, module.engine().config().features);
    evaluate_next(machine, instance, &mut reader)
}

/// Evaluates the expression at the reader and leaves the reader behind its `end`.
pub(crate) fn evaluate_next(
    machine: &mut Machine,
    index: usize,
    reader: &mut Reader<'_>,
) -> Result<[u64; 2], TrapKind> {
    let mut stack: List<[u64; 2]> = List::new();
    loop {
        let instance = &*machine.instances[index];
        let instr = reader.instr().expect("validated: a constant expression decodes");
        let value = match (instr.op, instr.imm) {
            (Opcode::End, _) => return Ok(stack.pop().unwrap_or_default()),
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
            #[cfg(feature = "gc")]
            (op, ref imm) if (0x100..0x200).contains(&op.code()) => {
                gc(machine, index, op, imm, &mut stack)?
            }
            (op, _) => {
                let b = stack.pop().unwrap_or_default()[0];
                let a = stack.pop().unwrap_or_default()[0];
                [arithmetic(op, a, b), 0]
            }
        };
        stack.put(value)?;
    }
}

/// An instruction of the garbage collection proposal.
#[cfg(feature = "gc")]
fn gc(
    machine: &mut Machine,
    index: usize,
    op: Opcode,
    imm: &Imm<'_>,
    stack: &mut List<[u64; 2]>,
) -> Result<[u64; 2], TrapKind> {
    let mut pop = || stack.pop().unwrap_or_default();
    let ty = match *imm {
        Imm::Index(ty) | Imm::Index2(ty, _) => machine.instances[index].types[ty as usize],
        _ => 0,
    };
    let reference = match (op, imm) {
        (Opcode::RefI31, _) => RawRef::i31(pop()[0] as u32),
        (Opcode::AnyConvertExtern | Opcode::ExternConvertAny, _) => return Ok(pop()),
        (Opcode::StructNewDefault, _) => machine.new_struct_default(ty)?,
        (Opcode::StructNew, _) => {
            let fields = &machine.struct_shape(ty).fields;
            let widths = collected(fields.iter().map(|field| field.1.slots()))?;
            let first = stack.len().saturating_sub(widths.len());
            let slots = flatten(&stack[first..], widths)?;
            stack.truncate(first);
            machine.new_struct(ty, &slots)?
        }
        (Opcode::ArrayNew, _) => {
            let len = u64::from(pop()[0] as u32);
            machine.new_array(ty, len, pop())?
        }
        (Opcode::ArrayNewDefault, _) => machine.new_array_default(ty, (pop()[0] as u32).into())?,
        (Opcode::ArrayNewFixed, &Imm::Index2(_, count)) => {
            let width = machine.array_storage(ty).slots();
            let first = stack.len().saturating_sub(count as usize);
            let slots = flatten(&stack[first..], core::iter::repeat(width))?;
            stack.truncate(first);
            machine.new_array_fixed(ty, &slots)?
        }
        _ => unreachable!("validated: {} is not constant", op.text()),
    };
    Ok([reference.0, 0])
}

/// Values one after the other, each in as many slots as it takes.
#[cfg(feature = "gc")]
fn flatten(
    values: &[[u64; 2]],
    widths: impl IntoIterator<Item = u32>,
) -> Result<List<u64>, TrapKind> {
    let mut slots = List::new();
    for (value, width) in values.iter().zip(widths) {
        value[..width as usize].iter().try_for_each(|&slot| slots.put(slot))?;
    }
    Ok(slots)
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
