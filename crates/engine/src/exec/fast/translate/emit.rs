//! Writing words of code.

use super::{Translator, stack::Kind};
use crate::exec::fast::code::handler_word;
use crate::exec::fast::ops::control as ctl;
use crate::exec::fast::regs::Handler;
use sampan_wasm::Opcode;

/// An operand word of four 16-bit fields.
pub(super) fn fields(a: u16, b: u16, c: u16, d: u16) -> u64 {
    u64::from(a) | u64::from(b) << 16 | u64::from(c) << 32 | u64::from(d) << 48
}

/// An operand word of two 16-bit fields and 32 bits.
pub(super) fn fields_imm(a: u16, b: u16, imm: i32) -> u64 {
    u64::from(a) | u64::from(b) << 16 | u64::from(imm as u32) << 32
}

impl Translator<'_> {
    /// Appends a handler and its first operand word.
    pub(super) fn emit(&mut self, handler: Handler, operands: u64) {
        self.words.push(handler_word(handler));
        self.words.push(operands);
    }

    /// Remembers where the next instruction came from, for backtraces.
    pub(super) fn note_offset(&mut self) {
        let word = self.words.len() as u32;
        // Instructions can be taken back, so an older note may lie at or after this one.
        while self.offsets.last().is_some_and(|&(at, _)| at >= word) {
            self.offsets.pop();
        }
        self.offsets.push((word, self.at));
    }

    /// Puts 32 bits into the upper half of an operand word.
    pub(super) fn patch_upper(&mut self, word: usize, value: i32) {
        self.words[word] = self.words[word] & 0xffff_ffff | u64::from(value as u32) << 32;
    }

    /// Books the cost of an instruction.
    pub(super) fn count_fuel(&mut self, op: Opcode) {
        if !self.module.engine.config().fuel || self.dead {
            return;
        }
        let free =
            matches!(op, Opcode::Block | Opcode::Loop | Opcode::End | Opcode::Else | Opcode::Nop);
        if free {
            return;
        }
        if self.need_fuel {
            self.end_fuel();
            self.note_offset();
            self.fuel = Some((self.words.len() + 1, 0));
            self.emit(ctl::fuel, 0);
            self.need_fuel = false;
        }
        if let Some((_, count)) = &mut self.fuel {
            *count += 1;
        }
    }

    /// Writes the sum into the latest `fuel`.
    pub(super) fn end_fuel(&mut self) {
        if let Some((word, count)) = self.fuel.take() {
            self.patch_upper(word, count as i32);
        }
    }

    /// A point that can be reached in other ways than from the instruction before, or left
    /// there: what follows pays for itself.
    pub(super) fn new_segment(&mut self) {
        self.need_fuel = true;
    }

    /// At a function's and a loop's start.
    pub(super) fn check_interrupt(&mut self) {
        if self.module.engine.config().interruptible {
            self.note_offset();
            self.emit(ctl::check_interrupt, 0);
        }
    }

    /// Before a loop whose parameters are on top: writes the constants below to their homes
    /// too, from where machine code takes the stack over. They stay constants, as other ways to
    /// what follows do not come by here. False if the loop's rounds are not to be counted: there
    /// are no counters, or so many entries that this would make much code of little.
    pub(super) fn write_constants(&mut self, params: usize) -> bool {
        let below = self.entries.len() - params;
        if self.module.native.tier().is_none() || below > 32 {
            return false;
        }
        for index in 0..below {
            let entry = self.entries[index];
            if let Kind::Const(value) = entry.kind {
                self.const_to_slot(value, entry.home);
            }
        }
        true
    }

    /// At a function's start (`at` is 0) and at that of the loop at an offset of the module.
    #[cfg(feature = "native")]
    pub(super) fn count_round(&mut self, at: u32) {
        let body = self.index - self.module.decl.imported_funcs;
        if let Some(counter) = self.module.native.counter(body) {
            self.emit(ctl::count_round, counter);
            self.words.push(u64::from(body) | u64::from(at) << 32);
            let stack = u32::from(self.constants_base) + self.max_constants as u32;
            self.words.push(stack.into());
        }
    }

    /// There is no machine code.
    #[cfg(not(feature = "native"))]
    pub(super) fn count_round(&mut self, _: u32) {}
}
