//! Sums, loads and globals that become part of the instruction behind them, although their
//! result is stored too.
//!
//! What an instruction is taken into does all of what it did: the slot that it writes is
//! written in any case, if need be one that nothing reads.

use super::access::Operand;
use super::control::Condition;
use super::numeric::swapped;
use super::{Class, Translator, emit};
use crate::exec::fast::code::handler_word;
use crate::exec::fast::ops::memory::Address;
use crate::exec::fast::ops::{Loc, arith, load_branch, sums};
use crate::exec::fast::regs::Handler;
use sampan_wasm::Opcode;

/// The instructions before this point, as far as the next may take them in. Each counts
/// only while nothing stands behind it.
#[derive(Default)]
pub(super) struct Recent {
    sum: Option<Sum>,
    /// The stored sum right before `sum`.
    previous: Option<Sum>,
    load: Option<Load>,
    /// Where a global was read, into an accumulator only, and which.
    global: Option<(usize, u32)>,
}

/// A sum of two i32.
#[derive(Clone, Copy)]
struct Sum {
    /// The words that it adds.
    word: usize,
    end: usize,
    operands: sums::Operands,
    /// The slot that is written.
    slot: Option<u16>,
    /// It is the second part of one instruction with this sum.
    joined: Option<sums::Operands>,
}

/// A load that gives an i32.
#[derive(Clone, Copy)]
struct Load {
    word: usize,
    end: usize,
    op: Opcode,
    address: u16,
    offset: u32,
    slot: Option<u16>,
}

impl Recent {
    /// The instruction at `word` was removed.
    pub(super) fn take_back(&mut self, word: usize) {
        if self.sum.is_some_and(|sum| sum.word >= word) {
            self.sum = self.previous.take();
        }
        if self.load.is_some_and(|load| load.word >= word) {
            self.load = None;
        }
        if self.global.is_some_and(|(at, _)| at >= word) {
            self.global = None;
        }
    }
}

impl Translator<'_> {
    /// The last instruction is an addition of two i32.
    pub(super) fn note_sum(&mut self, operands: sums::Operands) {
        let end = self.words.len();
        let word = end - 2;
        let before = self.recent.sum.take();
        self.recent.previous =
            before.filter(|sum| sum.end == word && sum.slot.is_some() && sum.joined.is_none());
        self.recent.sum = Some(Sum { word, end, operands, slot: None, joined: None });
    }

    pub(super) fn note_load(&mut self, word: usize, op: Opcode, address: &Operand) {
        self.recent.load = (address.kind == Address::Slot).then_some(Load {
            word,
            end: self.words.len(),
            op,
            address: address.slot,
            offset: address.offset,
            slot: None,
        });
    }

    pub(super) fn note_global_get(&mut self, word: usize, global: u32) {
        self.recent.global = Some((word, global));
    }

    /// The instruction at `word` was made to write a slot.
    pub(super) fn note_stored(&mut self, word: usize, slot: u16) {
        if self.recent.global.is_some_and(|(at, _)| at == word) {
            self.recent.global = None;
        }
        if let Some(load) = &mut self.recent.load
            && load.word == word
        {
            load.slot = Some(slot);
        }
        if let Some(sum) = &mut self.recent.sum
            && sum.word == word
            && sum.joined.is_none()
        {
            sum.slot = Some(slot);
            if sum.end == self.words.len() {
                self.pending = None;
                self.join_sums();
            }
        }
    }

    /// Makes one instruction of the last two sums, if both are stored.
    fn join_sums(&mut self) {
        let (Some(first), Some(second)) = (self.recent.previous.take(), self.recent.sum) else {
            return;
        };
        let Some(handler) = sums::two(first.operands, second.operands) else { return };
        let words = self.words[second.word + 1];
        self.words.truncate(second.word);
        self.words[first.word] = handler_word(handler);
        self.words.push(words);
        self.recent.sum = Some(Sum {
            word: first.end,
            end: self.words.len(),
            joined: Some(first.operands),
            ..second
        });
    }

    /// Copies what the last sum stored in `from`, if one instruction can do both.
    pub(super) fn joined_copy(&mut self, to: u16, from: u16) -> bool {
        let Some(sum) = self.recent.sum else { return false };
        let copy = (Loc::Acc, Loc::Imm(0));
        if sum.end != self.words.len() || sum.slot != Some(from) || sum.joined.is_some() {
            return false;
        }
        let Some(handler) = sums::two(sum.operands, copy) else { return false };
        self.words[sum.word] = handler_word(handler);
        self.words.push(emit::fields(to, 0, 0, 0));
        self.recent.sum = None;
        true
    }

    /// The last instruction, if it is a sum or ends with one.
    fn last_sum(&self) -> Option<Sum> {
        self.recent.sum.filter(|sum| sum.end == self.words.len())
    }

    /// Removes the sum that the last instruction is or ends with.
    fn take_sum(&mut self, sum: &Sum) {
        self.recent = Recent::default();
        self.pending = None;
        self.words.truncate(sum.word);
        if let Some((left, right)) = sum.joined
            && let Some(arith::Shape::Binary(pair)) = arith::shape(Opcode::I32Add)
        {
            let first = &mut self.words[sum.word - 2];
            *first = handler_word(pair(left, right).slot);
        }
        // Nothing may be written into its place.
        self.regs[Class::Int as usize].site = None;
    }

    /// Writes the sum of a global or a slot and a constant to a global, if that is what the
    /// value in `place` is.
    pub(super) fn joined_global_set(&mut self, place: Loc, global: u32) -> bool {
        let Some(sum) = self.last_sum().filter(|_| place == Loc::Acc) else { return false };
        let (handler, source): (Handler, u16) = match (sum.operands, self.recent.global) {
            ((Loc::Slot(source), Loc::Imm(_)), _) => (sums::set_global, source),
            ((Loc::Acc, Loc::Imm(_)), Some((word, read)))
                if read == global && word + 2 == sum.word && sum.joined.is_none() =>
            {
                (sums::move_global, 0)
            }
            _ => return false,
        };
        let slot = sum.slot.unwrap_or_else(|| self.scratch(0));
        let read = self.recent.global;
        self.take_sum(&sum);
        if let (Loc::Acc, Some((word, _))) = (sum.operands.0, read) {
            self.words.truncate(word);
        }
        self.emit(handler, emit::fields_imm(slot, source, global as i32));
        self.words.push(low(sum.operands.1));
        true
    }

    /// The condition that compares a sum or a loaded value, which becomes part of the branch.
    pub(super) fn joined_condition(
        &mut self,
        op: Opcode,
        left: Loc,
        right: Loc,
    ) -> Option<Condition> {
        let (op, other) = match (left, right) {
            (Loc::Acc, Loc::Slot(_) | Loc::Imm(_)) => (op, right),
            (Loc::Slot(_), Loc::Acc) => (swapped(op)?, left),
            _ => return None,
        };
        let high = low(other) << 32;
        if let Some(sum) = self.last_sum()
            && self.is_free(sum.slot)
            && let Some((when, unless)) = sums::branch(sum.operands, op, other)
        {
            let slot = sum.slot.unwrap_or_else(|| self.scratch(0));
            self.take_sum(&sum);
            let operands = emit::fields(slot, sum.operands.0.field(), 0, 0);
            return Some(Condition::If {
                when,
                unless,
                operands,
                extra: Some(low(sum.operands.1) | high),
            });
        }
        let load = self.recent.load.filter(|load| load.end == self.words.len())?;
        if !self.is_free(load.slot) {
            return None;
        }
        let (when, unless) = load_branch::branch(load.op, op, other)?;
        let slot = load.slot.unwrap_or_else(|| self.scratch(0));
        self.recent = Recent::default();
        self.words.truncate(load.word);
        self.regs[Class::Int as usize].site = None;
        let operands = emit::fields(slot, load.address, 0, 0);
        Some(Condition::If { when, unless, operands, extra: Some(u64::from(load.offset) | high) })
    }

    /// Whether a slot may be written later than it was: what a branch moves first must not be
    /// a copy of a value that is not yet made.
    fn is_free(&self, slot: Option<u16>) -> bool {
        slot.and_then(|slot| self.local_refs.get(slot as usize)).is_none_or(|&refs| refs == 0)
    }
}

/// The lower half of a word for an operand.
fn low(place: Loc) -> u64 {
    match place {
        Loc::Imm(imm) => u64::from(imm as u32),
        place => place.field().into(),
    }
}
