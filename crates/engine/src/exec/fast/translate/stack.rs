//! The operand stack as the translator models it.

use super::joined::Recent;
use super::{Translator, emit, width};
use crate::exec::fast::code::handler_word;
use crate::exec::fast::ops::moves::{self, Class};
use crate::exec::fast::ops::{Loc, Pair};
use crate::exec::fast::regs::Handler;

/// A value on the operand stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub class: Class,
    pub kind: Kind,
    /// The slot that is its own.
    pub home: u16,
}

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Known: an i32 is sign-extended.
    Const(u64),
    /// Still in the local's slot from which it was read.
    Local(u16),
    /// In its home.
    Temp,
    /// In the accumulator of its class only.
    Reg,
}

/// What an accumulator holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reg {
    /// The stack entry whose only place it is.
    pub owner: Option<usize>,
    /// The slot that has the same value.
    pub alias: Option<u16>,
    /// The instruction that wrote it, if that can be made to write a slot too.
    pub site: Option<Site>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    word: usize,
    end: usize,
    slot: Handler,
}

/// The copies of slots that the last one or two instructions make, up to four.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copies {
    word: usize,
    end: usize,
    count: u8,
}

impl Site {
    /// The word after the instruction.
    pub(super) fn end(self) -> usize {
        self.end
    }
}

impl Translator<'_> {
    pub(super) fn push(&mut self, class: Class, kind: Kind) {
        self.entries.push(Entry { class, kind, home: self.top as u16 });
        self.top += width(class);
        self.reserve(self.top);
    }

    pub(super) fn push_const(&mut self, class: Class, value: u64) {
        self.push(class, Kind::Const(value));
    }

    pub(super) fn pop(&mut self) -> Entry {
        let entry = self.entries.pop().expect("validated: the operand is there");
        self.top = entry.home.into();
        self.flushed = self.flushed.min(self.entries.len());
        self.homed.end = self.homed.end.min(self.entries.len());
        #[cfg(feature = "reference-types")]
        if let Some(recorder) = &mut self.recorder {
            recorder.forget(self.entries.len());
        }
        match entry.kind {
            Kind::Local(slot) => self.local_refs[slot as usize] -= 1,
            Kind::Reg => self.regs[entry.class as usize].owner = None,
            _ => {}
        }
        entry
    }

    /// Where the operand of a popped entry is; `imm` admits constants of 32 bits.
    pub(super) fn operand(&mut self, entry: &Entry, imm: bool) -> Loc {
        if cfg!(sampan_small) {
            return Loc::Slot(self.slot_of(entry));
        }
        match entry.kind {
            Kind::Const(value) if imm && entry.class == Class::Int && fits(value) => {
                Loc::Imm(value as i32)
            }
            Kind::Reg => Loc::Acc,
            Kind::Local(slot) => self.slot_or_acc(entry.class, slot),
            Kind::Temp => self.slot_or_acc(entry.class, entry.home),
            Kind::Const(_) => Loc::Slot(self.slot_of(entry)),
        }
    }

    fn slot_or_acc(&self, class: Class, slot: u16) -> Loc {
        if class != Class::V128 && self.regs[class as usize].alias == Some(slot) {
            return Loc::Acc;
        }
        Loc::Slot(slot)
    }

    /// The slot that holds a popped entry's value, which is put into its home if it is in
    /// none. Accumulators keep their values.
    pub(super) fn slot_of(&mut self, entry: &Entry) -> u16 {
        match entry.kind {
            Kind::Local(slot) => slot,
            Kind::Temp => entry.home,
            Kind::Reg => {
                self.acc_to_slot(entry.class, entry.home, true);
                entry.home
            }
            Kind::Const(value) => match self.constant_slot(value) {
                Some(slot) if entry.class != Class::V128 => slot,
                _ => {
                    self.const_to_slot(value, entry.home);
                    entry.home
                }
            },
        }
    }

    /// A slot past the homes in use, for a value that the next instruction takes.
    pub(super) fn scratch(&mut self, distance: u32) -> u16 {
        let slot = self.top + distance + 2;
        self.reserve(slot + 1);
        slot as u16
    }

    /// The slot of a constant that is set once a call; only loops are worth it.
    fn constant_slot(&mut self, value: u64) -> Option<u16> {
        let index = match self.constants.iter().position(|&c| c == value) {
            Some(index) => index,
            None if self.loops > 0 && self.constants.len() < self.max_constants => {
                self.constants.push(value);
                self.constants.len() - 1
            }
            None => return None,
        };
        Some(self.constants_base + index as u16)
    }

    /// A slot that holds zero, for the next instruction.
    pub(super) fn zero_slot(&mut self) -> u16 {
        self.constant_slot(0).unwrap_or_else(|| {
            let slot = self.scratch(3);
            self.const_to_slot(0, slot);
            slot
        })
    }

    pub(super) fn const_to_slot(&mut self, value: u64, slot: u16) {
        self.invalidate(slot);
        if fits(value) {
            self.emit(moves::set_imm, emit::fields_imm(slot, 0, value as i32));
        } else {
            self.emit(moves::set_word, emit::fields(slot, 0, 0, 0));
            self.words.push(value);
        }
    }

    /// Emits an instruction with a result. `operands` leaves field 0 free.
    pub(super) fn produce(&mut self, class: Class, pair: Pair, operands: u64, more: &[u64]) {
        if cfg!(sampan_small) {
            let home = self.top as u16;
            let word = self.words.len() + 1;
            self.emit(pair.slot, operands & !0xffff | u64::from(home));
            self.words.extend_from_slice(more);
            self.last_vector = Some((word, self.words.len()));
            self.push(class, Kind::Temp);
            return;
        }
        self.spill(class);
        let word = self.words.len();
        self.emit(pair.acc, operands);
        self.words.extend_from_slice(more);
        let site = Site { word, end: self.words.len(), slot: pair.slot };
        self.regs[class as usize] =
            Reg { owner: Some(self.entries.len()), alias: None, site: Some(site) };
        self.push(class, Kind::Reg);
    }

    /// Emits an instruction whose result is a vector: it goes to its home, in field 0.
    pub(super) fn produce_vector(&mut self, handler: Handler, operands: u64, more: &[u64]) {
        let home = self.top as u16;
        self.invalidate(home);
        self.invalidate(home + 1);
        let word = self.words.len() + 1;
        self.emit(handler, operands & !0xffff | u64::from(home));
        self.words.extend_from_slice(more);
        self.last_vector = Some((word, self.words.len()));
        self.push(Class::V128, Kind::Temp);
    }

    /// Frees the accumulator of a class for another value.
    pub(super) fn spill(&mut self, class: Class) {
        if let Some(owner) = self.regs[class as usize].owner {
            self.send_home(owner);
        }
    }

    /// The accumulators hold nothing known.
    pub(super) fn forget(&mut self) {
        self.regs = [Reg::default(); 3];
        self.label_here();
    }

    /// A branch leads to this point: what comes next must not be joined with what was before.
    pub(super) fn label_here(&mut self) {
        self.pending = None;
        self.recent = Recent::default();
        self.copied = None;
        self.last_vector = None;
    }

    /// Whether the entry with an index is in the accumulator, from the instruction at `word`.
    pub(super) fn is_result_of(&self, index: usize, word: usize) -> bool {
        let entry = &self.entries[index];
        entry.kind == Kind::Reg
            && self.regs[entry.class as usize].site.is_some_and(|site| site.word == word)
    }

    /// Slot `slot` gets another value: no accumulator equals it any longer.
    pub(super) fn invalidate(&mut self, slot: u16) {
        for reg in &mut self.regs {
            if reg.alias == Some(slot) {
                reg.alias = None;
            }
        }
    }

    /// Writes the accumulator to a slot, if possible by the instruction that made it.
    ///
    /// That instruction then writes the slot earlier than here. `early` says that nothing
    /// between cares: the slot is the value's own home.
    pub(super) fn acc_to_slot(&mut self, class: Class, slot: u16, early: bool) {
        self.invalidate(slot);
        let reg = &mut self.regs[class as usize];
        reg.alias = Some(slot);
        match reg.site.take() {
            Some(site) if early || site.end == self.words.len() => {
                self.words[site.word] = handler_word(site.slot);
                let operands = &mut self.words[site.word + 1];
                *operands = *operands & !0xffff | u64::from(slot);
                self.note_stored(site.word, slot);
            }
            _ => self.emit(class.store(), emit::fields(slot, 0, 0, 0)),
        }
    }

    /// Makes sure that the entry with an index is in its home.
    pub(super) fn send_home(&mut self, index: usize) {
        let entry = self.entries[index];
        match entry.kind {
            Kind::Temp => return,
            Kind::Reg => {
                self.regs[entry.class as usize].owner = None;
                self.acc_to_slot(entry.class, entry.home, true);
            }
            Kind::Local(slot) => {
                self.local_refs[slot as usize] -= 1;
                self.copy(entry.class, entry.home, slot);
            }
            Kind::Const(value) => self.const_to_slot(value, entry.home),
        }
        self.entries[index].kind = Kind::Temp;
    }

    /// Copies a slot (two for a vector).
    pub(super) fn copy(&mut self, class: Class, to: u16, from: u16) {
        if to == from {
            return;
        }
        self.invalidate(to);
        if class == Class::V128 {
            self.invalidate(to + 1);
            self.emit(moves::copy2, emit::fields(to, from, to + 1, from + 1));
        } else {
            self.copy_slot(to, from);
        }
    }

    /// Copies `width` slots, as if at once, in a number of instructions that does not depend
    /// on how many they are.
    pub(super) fn copy_span(&mut self, to: u32, from: u32, width: u32) {
        if to == from || width == 0 {
            return;
        }
        for reg in &mut self.regs {
            if reg.alias.is_some_and(|slot| (to..to + width).contains(&slot.into())) {
                reg.alias = None;
            }
        }
        self.reserve(to + width);
        let (to, from) = (to as u16, from as u16);
        match width {
            1 => self.emit(moves::copy, emit::fields(to, from, 0, 0)),
            2 => self.emit(moves::copy2, emit::fields(to, from, to + 1, from + 1)),
            _ => self.emit(moves::copy_span, emit::fields_imm(to, from, width as i32)),
        }
    }

    /// Copies one slot, with the instructions before if they are copies too.
    fn copy_slot(&mut self, to: u16, from: u16) {
        if self.joined_copy(to, from) {
            return;
        }
        let before = self.copied.filter(|copies| copies.end == self.words.len());
        let (word, count) = match before {
            Some(Copies { word, count: 1, .. }) => {
                let pair = self.pair_of_copies(word, to, from);
                self.emit(moves::copy2, pair);
                (word, 2)
            }
            Some(Copies { word, count: 3, .. }) => {
                let pair = self.pair_of_copies(word + 2, to, from);
                self.words[word] = handler_word(moves::copy4);
                self.words.push(pair);
                (word, 4)
            }
            _ => {
                let word = self.words.len();
                self.emit(moves::copy, emit::fields(to, from, 0, 0));
                match before {
                    Some(Copies { word, count: 2, .. }) if !cfg!(sampan_small) => (word, 3),
                    _ => (word, 1),
                }
            }
        };
        self.copied = Some(Copies { word, end: self.words.len(), count });
    }

    /// Removes the copy at `word` and gives the operands of a pair of copies, that one and
    /// another: both are read before one is written.
    fn pair_of_copies(&mut self, word: usize, to: u16, from: u16) -> u64 {
        let first = self.words[word + 1];
        self.words.truncate(word);
        let from = if first as u16 == from { (first >> 16) as u16 } else { from };
        first & 0xffff_ffff | emit::fields(0, 0, to, from)
    }

    /// Writes the entry with an index to a slot that is not its home. `redirect` allows the
    /// instruction that made it, if it is the last one, to write there itself.
    pub(super) fn store_entry(&mut self, index: usize, slot: u16, redirect: bool) {
        let entry = self.entries[index];
        match entry.kind {
            Kind::Const(value) => self.const_to_slot(value, slot),
            Kind::Local(from) => self.copy(entry.class, slot, from),
            Kind::Reg => {
                if !redirect {
                    self.regs[entry.class as usize].site = None;
                }
                self.acc_to_slot(entry.class, slot, false);
            }
            Kind::Temp => {
                let end = self.words.len();
                match self.last_vector {
                    Some((word, at))
                        if redirect
                            && at == end
                            && (cfg!(sampan_small) || entry.class == Class::V128)
                            && self.words[word] as u16 == entry.home =>
                    {
                        self.invalidate(slot);
                        if entry.class == Class::V128 {
                            self.invalidate(slot + 1);
                        }
                        self.words[word] = self.words[word] & !0xffff | u64::from(slot);
                        self.last_vector = None;
                    }
                    _ => self.copy(entry.class, slot, entry.home),
                }
            }
        }
    }

    /// Before a local's slot is written: entries that still stand for its old value, other
    /// than the one at `except`, move to their homes. Whether there was one.
    pub(super) fn preserve_local(&mut self, slot: u16, except: usize) -> bool {
        let own = u32::from(self.entries[except].kind == Kind::Local(slot));
        if self.local_refs[slot as usize] <= own {
            return false;
        }
        if except - self.flushed.min(except) > 64 {
            // A deep stack would be searched again and again.
            for index in self.flushed..except {
                if !matches!(self.entries[index].kind, Kind::Const(_)) {
                    self.send_home(index);
                }
            }
            self.flushed = except;
            return true;
        }
        for index in self.flushed..except {
            if self.entries[index].kind == Kind::Local(slot) {
                self.send_home(index);
            }
        }
        true
    }

    /// Brings the topmost entries into their homes.
    pub(super) fn home_top(&mut self, count: usize) {
        let first = self.entries.len() - count;
        // What was there at the last branch is not looked at again at the next.
        let known = self.homed.contains(&first) || self.homed.start == first;
        let from = if known { self.homed.end.max(first) } else { first };
        for index in from..self.entries.len() {
            self.send_home(index);
        }
        let start = if known { self.homed.start } else { first };
        self.homed = start..self.entries.len();
    }

    /// Brings every entry that is not a constant into its home.
    pub(super) fn flush(&mut self) {
        for index in self.flushed..self.entries.len() {
            if !matches!(self.entries[index].kind, Kind::Const(_)) {
                self.send_home(index);
            }
        }
        self.flushed = self.entries.len();
    }
}

/// Whether 32 bits, sign-extended, are the value.
pub(super) fn fits(value: u64) -> bool {
    value as i32 as i64 as u64 == value
}
