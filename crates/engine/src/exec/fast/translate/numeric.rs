//! Arithmetic, comparisons, accesses to memory, vectors.

use super::stack::Kind;
use super::{Class, Last, Translator, emit};
use crate::exec::fast::operand::{A, S};
use crate::exec::fast::ops::arith::{self, Shape};
use crate::exec::fast::ops::{Loc, Pair, moves, simd};
use sampan_wasm::{Imm, Instr, Opcode};

impl Translator<'_> {
    /// Translates `op` if it is scalar arithmetic.
    pub(super) fn numeric(&mut self, op: Opcode) -> bool {
        match op {
            Opcode::I32WrapI64 => self.wrap(),
            Opcode::I32Eqz | Opcode::RefIsNull | Opcode::I64Eqz => self.eqz(op),
            _ => match arith::shape(op) {
                Some(Shape::Unary(pair)) => self.unary(op, pair),
                Some(Shape::Binary(pair)) => self.binary(op, pair),
                Some(Shape::Compare { .. }) => self.compare(op),
                None => return false,
            },
        }
        true
    }

    /// The upper half of a 32-bit value's slot means nothing, so there is nothing to do.
    fn wrap(&mut self) {
        if let Some(entry) = self.entries.last_mut()
            && let Kind::Const(value) = &mut entry.kind
        {
            *value = *value as i32 as i64 as u64;
        }
    }

    fn unary(&mut self, op: Opcode, pair: fn(Loc) -> Pair) {
        let a = self.pop();
        let a = self.operand(&a, false);
        if arith::traps(op) {
            self.note_offset();
        }
        self.produce(result_class(op), pair(a), emit::fields(0, a.field(), 0, 0), &[]);
        self.canonicalize(op);
    }

    fn binary(&mut self, op: Opcode, pair: fn(Loc, Loc) -> Pair) {
        if op == Opcode::I32Sub
            && let Some(Kind::Const(value)) = self.entries.last_mut().map(|entry| &mut entry.kind)
        {
            // A difference to a constant is a sum, which can be joined with more.
            *value = (*value as i32).wrapping_neg() as i64 as u64;
            self.numeric(Opcode::I32Add);
            return;
        }
        if self.fused_binary(op) {
            return;
        }
        let mut b = self.pop();
        let mut a = self.pop();
        if commutes(op) && matches!(a.kind, Kind::Const(_)) && !matches!(b.kind, Kind::Const(_)) {
            // Each keeps its own home, in case that it must go there.
            core::mem::swap(&mut a, &mut b);
        }
        let (mut left, mut right) = (self.operand(&a, false), self.operand(&b, true));
        if commutes(op) && right == Loc::Acc {
            core::mem::swap(&mut left, &mut right);
        }
        if arith::traps(op) {
            self.note_offset();
        }
        let last = Last::Binary(op, left, right);
        self.produce_pending(result_class(op), pair(left, right), operands(left, right), &[], last);
        if op == Opcode::I32Add {
            self.note_sum((left, right));
        }
        self.canonicalize(op);
    }

    pub(super) fn canonicalize(&mut self, op: Opcode) {
        if !self.module.engine.config().canonical_nans {
            return;
        }
        let Some(class) = arith::canonical(op) else { return };
        // The accumulator holds the result, but where every operand is in a slot.
        let operand = self.pop();
        let operands = if cfg!(sampan_small) { emit::fields(0, operand.home, 0, 0) } else { 0 };
        let pair = match class {
            Class::F32 => Pair { acc: moves::canon_f32::<A>, slot: moves::canon_f32::<S> },
            _ => Pair { acc: moves::canon_f64::<A>, slot: moves::canon_f64::<S> },
        };
        self.produce(class, pair, operands, &[]);
    }

    pub(super) fn compare(&mut self, op: Opcode) {
        let mut op = op;
        let mut b = self.pop();
        let mut a = self.pop();
        if let Some(swapped) = swapped(op)
            && matches!(a.kind, Kind::Const(_))
            && !matches!(b.kind, Kind::Const(_))
        {
            core::mem::swap(&mut a, &mut b);
            op = swapped;
        }
        let left = self.operand(&a, false);
        let right = self.operand(&b, true);
        self.emit_compare(op, left, right);
    }

    fn emit_compare(&mut self, op: Opcode, left: Loc, right: Loc) {
        let Some(Shape::Compare { value, .. }) = arith::shape(op) else {
            unreachable!("{} is a comparison", op.text())
        };
        let last = Last::Binary(op, left, right);
        self.produce_pending(Class::Int, value(left, right), operands(left, right), &[], last);
    }

    /// Zero or not: the opposite of the comparison just made, or a comparison with zero.
    fn eqz(&mut self, op: Opcode) {
        if op == Opcode::I32Eqz
            && let Some(Last::Binary(op, left, right)) = self
                .take_pending(|last| matches!(last, Last::Binary(op, ..) if negated(*op).is_some()))
            && let Some(op) = negated(op)
        {
            self.emit_compare(op, left, right);
            return;
        }
        let a = self.pop();
        let left = self.operand(&a, false);
        let op = if op == Opcode::I32Eqz { Opcode::I32Eq } else { Opcode::I64Eq };
        let zero = if cfg!(sampan_small) { Loc::Slot(self.zero_slot()) } else { Loc::Imm(0) };
        self.emit_compare(op, left, zero);
    }

    pub(super) fn vector_access(&mut self, op: Opcode, offset: u32, lane: u8) -> bool {
        let Some(handler) = simd::access(op) else { return false };
        let has_vector = op.signature().is_some_and(|s| s.params().len() == 2);
        let vector = if has_vector {
            let vector = self.pop();
            self.slot_of(&vector)
        } else {
            0
        };
        let address = self.pop();
        let address = self.slot_of(&address);
        self.note_offset();
        let operands = emit::fields(0, address, vector, lane.into());
        if op.signature().is_some_and(|s| s.result.is_some()) {
            self.produce_vector(handler, operands, &[offset.into()]);
        } else {
            self.emit(handler, operands);
            self.words.push(offset.into());
        }
        true
    }

    /// Translates `instr` if it is an operation on vectors.
    pub(super) fn vector(&mut self, instr: &Instr<'_>) -> bool {
        let words = |bytes: &[u8; 16]| {
            let value = u128::from_ne_bytes(*bytes);
            let halves: [u64; 2] = if cfg!(target_endian = "little") {
                [value as u64, (value >> 64) as u64]
            } else {
                [(value >> 64) as u64, value as u64]
            };
            halves
        };
        let (lane, more) = match &instr.imm {
            Imm::Lane(lane) => (*lane, None),
            Imm::MemArgLane(memarg, lane) => {
                let Ok(offset) = u32::try_from(memarg.offset) else { return false };
                return self.vector_access(instr.op, offset, *lane);
            }
            Imm::V128(bytes) => (0, Some(words(bytes))),
            _ => (0, None),
        };
        let more: &[u64] = more.as_ref().map_or(&[], |words| words);
        if instr.op == Opcode::V128Const {
            self.produce_vector(simd::constant, 0, more);
            return true;
        }
        match simd::shape(instr.op) {
            Some(simd::Shape::Vector(count, handler)) => {
                let mut slots = [0, 0, lane.into()];
                for i in (0..count).rev() {
                    let operand = self.pop();
                    slots[i] = self.slot_of(&operand);
                }
                let operands = emit::fields(0, slots[0], slots[1], slots[2]);
                self.produce_vector(handler, operands, more);
                self.canonicalize_vector(instr.op);
            }
            Some(simd::Shape::Scalar(handler)) => {
                let operand = self.pop();
                let operand = self.slot_of(&operand);
                let class = result_class(instr.op);
                self.spill(class);
                let home = self.top as u16;
                self.invalidate(home);
                self.emit(handler, emit::fields(home, operand, 0, lane.into()));
                self.push(class, Kind::Temp);
                let reg = &mut self.regs[class as usize];
                (reg.alias, reg.site) = (Some(home), None);
            }
            None => return false,
        }
        true
    }

    fn canonicalize_vector(&mut self, op: Opcode) {
        if !self.module.engine.config().canonical_nans {
            return;
        }
        if let Some(handler) = simd::canonical(op) {
            let operand = self.pop();
            self.produce_vector(handler, emit::fields(0, operand.home, 0, 0), &[]);
        }
    }
}

/// The operand word of a binary instruction.
pub(super) fn operands(left: Loc, right: Loc) -> u64 {
    match right {
        Loc::Imm(imm) => emit::fields_imm(0, left.field(), imm),
        _ => emit::fields(0, left.field(), right.field(), 0),
    }
}

pub(super) fn result_class(op: Opcode) -> Class {
    use sampan_wasm::Operand;
    match op.signature().and_then(|signature| signature.result) {
        Some(Operand::F32) => Class::F32,
        Some(Operand::F64) => Class::F64,
        Some(Operand::V128) => Class::V128,
        _ => Class::Int,
    }
}

pub(super) fn commutes(op: Opcode) -> bool {
    use Opcode::*;
    matches!(
        op,
        I32Add | I32Mul | I32And | I32Or | I32Xor | I64Add | I64Mul | I64And | I64Or | I64Xor
    )
}

macro_rules! opcode_pairs {
    ($(#[$m:meta])* $name:ident: $($a:ident $b:ident;)*) => {
        $(#[$m])*
        fn $name(op: Opcode) -> Option<Opcode> {
            Some(match op {
                $(Opcode::$a => Opcode::$b, Opcode::$b => Opcode::$a,)*
                _ => return None,
            })
        }
    };
}

opcode_pairs! {
    /// The comparison that is true when `op` is false.
    negated:
    I32Eq I32Ne; I32LtS I32GeS; I32LtU I32GeU; I32GtS I32LeS; I32GtU I32LeU;
    I64Eq I64Ne; I64LtS I64GeS; I64LtU I64GeU; I64GtS I64LeS; I64GtU I64LeU;
}

/// The same comparison with its operands exchanged.
pub(super) fn swapped(op: Opcode) -> Option<Opcode> {
    match op {
        Opcode::I32Eq | Opcode::I32Ne | Opcode::I64Eq | Opcode::I64Ne => Some(op),
        _ => ordered_swapped(op),
    }
}

opcode_pairs! {
    ordered_swapped:
    I32LtS I32GtS; I32LtU I32GtU; I32LeS I32GeS; I32LeU I32GeU;
    I64LtS I64GtS; I64LtU I64GtU; I64LeS I64GeS; I64LeU I64GeU;
}
