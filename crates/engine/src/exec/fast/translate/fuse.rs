//! Instructions that take their predecessor in.
//!
//! The last instruction's result is often the operand of the next: a comparison of a
//! branch, a shift of a sum, a sum of an address, a load of an addition. The predecessor
//! is then taken back and both are emitted as one.

use super::access::Operand;
use super::numeric::result_class;
use super::stack::{Kind, Reg};
use super::{Class, Last, Pending, Translator, emit};
use crate::exec::fast::ops::{Loc, Pair, arith, fused, memory};
use sampan_wasm::Opcode;

impl Translator<'_> {
    /// Emits an instruction with a result, which the next one may take in.
    pub(super) fn produce_pending(
        &mut self,
        class: Class,
        pair: Pair,
        operands: u64,
        more: &[u64],
        last: Last,
    ) {
        if cfg!(sampan_small) {
            return self.produce(class, pair, operands, more);
        }
        self.spill(class);
        let before = self.regs[class as usize];
        let word = self.words.len();
        self.produce(class, pair, operands, more);
        self.pending = Some(Pending { word, end: self.words.len(), before, last });
    }

    /// Takes back the last instruction if its result is on top of the stack and it `suits`.
    pub(super) fn take_pending(&mut self, suits: fn(&Last) -> bool) -> Option<Last> {
        if cfg!(sampan_small) {
            return None; // Each instruction has its own handler.
        }
        let top = self.entries.len().checked_sub(1)?;
        let last = self.pending_result(top)?;
        if !suits(&last) {
            return None;
        }
        self.take_back();
        Some(last)
    }

    /// The last instruction, if its result is the entry with an index.
    fn pending_result(&self, index: usize) -> Option<Last> {
        let pending = self.pending.as_ref()?;
        (pending.end == self.words.len() && self.is_result_of(index, pending.word))
            .then_some(pending.last)
    }

    /// Removes the pending instruction and the entry on top, its result.
    fn take_back(&mut self) {
        let Some(Pending { word, before, .. }) = self.pending.take() else { return };
        let class = self.pop().class;
        self.words.truncate(word);
        self.recent.take_back(word);
        // Who owned the accumulator before was put away then, and has been used since.
        self.regs[class as usize] = Reg { owner: None, ..before };
    }

    /// Joins an operation with the shift or the load that made one of its operands.
    pub(super) fn fused_binary(&mut self, op: Opcode) -> bool {
        if cfg!(sampan_small) {
            return false;
        }
        let top = self.entries.len() - 1;
        let (last, above) = match self.pending_result(top) {
            Some(last) => (last, false),
            None => {
                let still =
                    matches!(self.entries[top].kind, Kind::Local(_) | Kind::Temp | Kind::Const(_));
                match self.pending_result(top - 1) {
                    Some(last) if still => (last, true),
                    _ => return false,
                }
            }
        };
        match last {
            Last::Binary(shift, shifted, Loc::Imm(by)) if fused::shifts(shift) => {
                let Some(pair) = fused::shift_shape(shift, op) else { return false };
                let other = self.take_other(above);
                let other = self.operand(&other, true);
                let more = if let Loc::Imm(imm) = other { Some(imm as u32 as u64) } else { None };
                let by = (by as u32 % 32) as u8;
                let operands = emit::fields(0, shifted.field(), other.field(), by.into());
                let last = Last::ShiftedSum { shifted, by, other };
                let pair = pair(shifted, other);
                self.produce_pending(Class::Int, pair, operands, more.as_slice(), last);
                let sum = op == Opcode::I32Add && shift == Opcode::I32Shl;
                if !sum || (shifted == Loc::Acc && other == Loc::Acc) {
                    self.pending = None;
                }
                true
            }
            Last::Load(address, at) => self.fused_load(op, &address, at, above),
            _ => false,
        }
    }

    fn fused_load(&mut self, op: Opcode, address: &Operand, at: u32, above: bool) -> bool {
        let Some(shape) = fused::load_shape(op) else { return false };
        if above && op == Opcode::F64Sub {
            // The loaded value is on the left.
            return false;
        }
        let other = self.take_other(above);
        let other = self.operand(&other, false);
        // A fault is the load's.
        let here = core::mem::replace(&mut self.at, at);
        self.spill(Class::F64);
        self.note_offset();
        self.at = here;
        let operands = emit::fields_imm(0, address.slot, address.offset as i32);
        let words = [other.field().into(), address.extra.unwrap_or(0)];
        let more = &words[..1 + usize::from(address.extra.is_some())];
        self.produce(result_class(op), shape(address.kind, other), operands, more);
        self.canonicalize(op);
        true
    }

    /// Takes back the pending instruction, which made one operand, and pops the other, which
    /// is `above` it or below.
    fn take_other(&mut self, above: bool) -> super::stack::Entry {
        if above {
            let other = self.pop();
            self.take_back();
            return other;
        }
        self.take_back();
        self.pop()
    }
}

/// Whether a comparison was the last instruction.
pub(super) fn is_comparison(last: &Last) -> bool {
    matches!(last, Last::Binary(op, ..)
        if matches!(arith::shape(*op), Some(arith::Shape::Compare { .. })))
}

/// The address that the last instruction computed.
pub(super) fn summed_address(last: &Last) -> Option<(memory::Address, u16, u64)> {
    use memory::Address;
    let low = |imm: i32| u64::from(imm as u32);
    Some(match *last {
        Last::Binary(Opcode::I32Add, left, right) => match (left, right) {
            (Loc::Slot(a), Loc::Slot(b)) => (Address::SlotSlot, a, b.into()),
            (Loc::Slot(a), Loc::Imm(b)) => (Address::SlotImm, a, low(b)),
            (Loc::Acc, Loc::Slot(b)) | (Loc::Slot(b), Loc::Acc) => (Address::AccSlot, 0, b.into()),
            (Loc::Acc, Loc::Imm(b)) => (Address::AccImm, 0, low(b)),
            _ => (Address::AccAcc, 0, 0),
        },
        Last::ShiftedSum { shifted, by, other } => {
            let by = u64::from(by) << 32;
            match (shifted, other) {
                (Loc::Slot(a), Loc::Slot(b)) => (Address::ShlSlotSlot, a, u64::from(b) | by),
                (Loc::Slot(a), Loc::Imm(b)) => (Address::ShlSlotImm, a, low(b) | by),
                (Loc::Slot(a), Loc::Acc) => (Address::ShlSlotAcc, a, by),
                (Loc::Acc, Loc::Slot(b)) => (Address::ShlAccSlot, 0, u64::from(b) | by),
                (Loc::Acc, Loc::Imm(b)) => (Address::ShlAccImm, 0, low(b) | by),
                _ => return None,
            }
        }
        _ => return None,
    })
}
