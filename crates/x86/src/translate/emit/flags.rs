//! Flags: what an instruction leaves of them, and conditions.

use super::{Emitter, local};
use crate::translate::state::{kind, over, word};

/// A status flag that conditions are made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flag {
    Carry,
    Zero,
    Sign,
    Overflow,
    Parity,
}

impl Emitter<'_> {
    /// Notes how all flags follow from `FA` and `FB`.
    #[inline(never)]
    pub(super) fn set_flags(&mut self, kind: u32, width: u32) {
        self.flags = Some(word(kind, width));
    }

    /// Takes a temporary to a flags' word, widened.
    pub(super) fn keep(&mut self, to: u32, from: u32, width: u32) {
        self.s().local_get(from);
        if width != 8 {
            self.s().i64_extend_i32_u();
        }
        self.s().local_set(to);
    }

    /// Notes that some flags follow from `FC`.
    #[inline(never)]
    pub(super) fn override_flags(&mut self, what: u32, width: u32) {
        let bits = what << 16 | (64 - 8 * width) << 24;
        match &mut self.flags {
            Some(word) => *word = *word & 0xffff | bits,
            None => {
                self.s().local_get(local::FK).i32_const(0xffff).i32_and();
                self.s().i32_const(bits as i32).i32_or().local_set(local::FK);
            }
        }
    }

    /// Makes the flags bits of `FB`.
    #[inline(never)]
    pub(super) fn materialize(&mut self) {
        self.sync();
        self.status = true;
        self.s().local_get(local::FA).local_get(local::FB).local_get(local::FC);
        self.s().local_get(local::FK).call(1).i64_extend_i32_u().local_set(local::FB);
        self.flags = Some(kind::EXACT);
    }

    /// Before an instruction that changes carry alone: its value becomes `FC`, on the stack
    /// as a number of 32 bits. Other flags that `FC` gives are made bits first.
    pub(super) fn keep_other_flags(&mut self) {
        let known = self.flags.is_some_and(|word| matches!(word >> 16 & 0xff, 0 | over::CARRY));
        if !known {
            self.materialize();
        }
    }

    /// What the flags are made of, in a form from which single ones can be had.
    fn known(&mut self) -> u32 {
        match self.flags {
            Some(word) if !matches!(word & 0xff, kind::IMUL | kind::MUL) => word,
            _ => {
                self.materialize();
                kind::EXACT
            }
        }
    }

    /// Pushes the carry flag.
    pub(super) fn carry(&mut self) {
        let word = self.known();
        self.flag(word, Flag::Carry);
    }

    /// Pushes whether a condition holds.
    #[inline(never)]
    pub(super) fn condition(&mut self, number: u32) {
        let word = self.known();
        let over = word >> 16 & 0xff;
        match (word & 0xff, over, number) {
            (kind::SUB, 0, _) if self.compare(word, number) => {}
            (kind::LOGIC, 0, _) if self.compare_zero(word, number) => {}
            _ => {
                self.combined(word, number & !1);
                if number & 1 != 0 {
                    self.s().i32_eqz();
                }
            }
        }
    }

    #[inline(never)]
    fn combined(&mut self, word: u32, number: u32) {
        match number {
            0 => self.flag(word, Flag::Overflow),
            2 => self.flag(word, Flag::Carry),
            4 => self.flag(word, Flag::Zero),
            6 => {
                self.flag(word, Flag::Carry);
                self.flag(word, Flag::Zero);
                self.s().i32_or();
            }
            8 => self.flag(word, Flag::Sign),
            10 => self.flag(word, Flag::Parity),
            _ => {
                self.flag(word, Flag::Sign);
                self.flag(word, Flag::Overflow);
                self.s().i32_ne();
                if number == 14 {
                    self.flag(word, Flag::Zero);
                    self.s().i32_or();
                }
            }
        }
    }

    /// A condition after a comparison; `false` if it has no instruction of its own.
    fn compare(&mut self, word: u32, number: u32) -> bool {
        if matches!(number, 0 | 1 | 8..=11) {
            return false;
        }
        let wide = self.top(local::FA, word);
        self.top(local::FB, word);
        let mut s = self.s();
        match (number, wide) {
            (2, true) => s.i64_lt_u(),
            (3, true) => s.i64_ge_u(),
            (4, true) => s.i64_eq(),
            (5, true) => s.i64_ne(),
            (6, true) => s.i64_le_u(),
            (7, true) => s.i64_gt_u(),
            (12, true) => s.i64_lt_s(),
            (13, true) => s.i64_ge_s(),
            (14, true) => s.i64_le_s(),
            (_, true) => s.i64_gt_s(),
            (2, _) => s.i32_lt_u(),
            (3, _) => s.i32_ge_u(),
            (4, _) => s.i32_eq(),
            (5, _) => s.i32_ne(),
            (6, _) => s.i32_le_u(),
            (7, _) => s.i32_gt_u(),
            (12, _) => s.i32_lt_s(),
            (13, _) => s.i32_ge_s(),
            (14, _) => s.i32_le_s(),
            (_, _) => s.i32_gt_s(),
        };
        true
    }

    /// A condition after a logical operation.
    fn compare_zero(&mut self, word: u32, number: u32) -> bool {
        let constant = match number {
            0 | 2 => Some(0),
            1 | 3 => Some(1),
            10 | 11 => return false,
            _ => None,
        };
        if let Some(constant) = constant {
            self.s().i32_const(constant);
            return true;
        }
        let wide = self.top(local::FA, word);
        let mut s = self.s();
        if wide {
            s.i64_const(0);
        } else {
            s.i32_const(0);
        }
        match (number, wide) {
            (4 | 6, true) => s.i64_eq(),
            (5 | 7, true) => s.i64_ne(),
            (8 | 12, true) => s.i64_lt_s(),
            (9 | 13, true) => s.i64_ge_s(),
            (14, true) => s.i64_le_s(),
            (_, true) => s.i64_gt_s(),
            (4 | 6, _) => s.i32_eq(),
            (5 | 7, _) => s.i32_ne(),
            (8 | 12, _) => s.i32_lt_s(),
            (9 | 13, _) => s.i32_ge_s(),
            (14, _) => s.i32_le_s(),
            (_, _) => s.i32_gt_s(),
        };
        true
    }

    /// Pushes a flags' word shifted so that its sign is that of the operand; whether it has
    /// 64 bits.
    fn top(&mut self, from: u32, word: u32) -> bool {
        let shift = word >> 8 & 63;
        self.s().local_get(from);
        if shift == 0 {
            return true;
        }
        self.s().i32_wrap_i64();
        if shift > 32 {
            self.s().i32_const(shift as i32 - 32).i32_shl();
        }
        false
    }

    /// Compares the number on the stack with zero.
    fn negative(&mut self, wide: bool) {
        if wide {
            self.s().i64_const(0).i64_lt_s();
        } else {
            self.s().i32_const(0).i32_lt_s();
        }
    }

    fn xor(&mut self, wide: bool) {
        pick!(self, wide, i64_xor, i32_xor);
    }

    fn and(&mut self, wide: bool) {
        pick!(self, wide, i64_and, i32_and);
    }

    fn sub(&mut self, wide: bool) {
        pick!(self, wide, i64_sub, i32_sub);
    }

    fn bit(&mut self, from: u32, bit: u32) {
        self.s().local_get(from).i32_wrap_i64();
        if bit > 0 {
            self.s().i32_const(bit as i32).i32_shr_u();
        }
        self.s().i32_const(1).i32_and();
    }

    /// Pushes a flag as 0 or 1.
    #[inline(never)]
    fn flag(&mut self, word: u32, flag: Flag) {
        let over = word >> 16 & 0xff;
        let turned = word >> 24 << 8;
        match (flag, over) {
            (Flag::Carry, over::ROL | over::CARRY) => return self.bit(local::FC, 0),
            (Flag::Carry, over::ROR) => {
                let wide = self.top(local::FC, turned);
                return self.negative(wide);
            }
            (Flag::Overflow, over::ROL) => {
                let wide = self.top(local::FC, turned);
                self.negative(wide);
                self.bit(local::FC, 0);
                self.s().i32_xor();
                return;
            }
            (Flag::Overflow, over::ROR) => {
                let wide = self.top(local::FC, turned);
                self.top(local::FC, turned);
                if wide {
                    self.s().i64_const(1).i64_shl();
                } else {
                    self.s().i32_const(1).i32_shl();
                }
                self.xor(wide);
                return self.negative(wide);
            }
            _ => {}
        }
        let kind = word & 0xff;
        if kind == kind::EXACT {
            let bit = match flag {
                Flag::Carry => 0,
                Flag::Parity => 2,
                Flag::Zero => 6,
                Flag::Sign => 7,
                Flag::Overflow => 11,
            };
            return self.bit(local::FB, bit);
        }
        match flag {
            Flag::Carry => self.carry_of(word),
            Flag::Overflow => self.overflow_of(word),
            Flag::Zero => {
                let wide = self.result(word);
                pick!(self, wide, i64_eqz, i32_eqz);
            }
            Flag::Sign => {
                let wide = self.result(word);
                self.negative(wide);
            }
            Flag::Parity => {
                self.s().local_get(local::FA);
                if kind == kind::SUB {
                    self.s().local_get(local::FB).i64_sub();
                }
                self.s().i32_wrap_i64().i32_const(0xff).i32_and().i32_popcnt();
                self.s().i32_const(1).i32_and().i32_eqz();
            }
        }
    }

    /// Pushes the result at the top.
    #[inline(never)]
    fn result(&mut self, word: u32) -> bool {
        let wide = self.top(local::FA, word);
        if word & 0xff == kind::SUB {
            self.top(local::FB, word);
            self.sub(wide);
        }
        wide
    }

    #[inline(never)]
    fn carry_of(&mut self, word: u32) {
        match word & 0xff {
            kind::ADD | kind::SUB => {
                let wide = self.top(local::FA, word);
                self.top(local::FB, word);
                pick!(self, wide, i64_lt_u, i32_lt_u);
            }
            kind::SHL => {
                let wide = self.top(local::FB, word);
                self.negative(wide);
            }
            kind::BITS | kind::SHR | kind::SAR => self.bit(local::FB, 0),
            _ => {
                self.s().i32_const(0);
            }
        }
    }

    #[inline(never)]
    fn overflow_of(&mut self, word: u32) {
        match word & 0xff {
            kind::ADD => {
                // (x ^ r) & (y ^ r), with x = r - y.
                let wide = self.top(local::FA, word);
                self.top(local::FB, word);
                self.sub(wide);
                self.top(local::FA, word);
                self.xor(wide);
                self.top(local::FB, word);
                self.top(local::FA, word);
                self.xor(wide);
                self.and(wide);
                self.negative(wide);
            }
            kind::SUB => {
                let wide = self.top(local::FA, word);
                self.top(local::FB, word);
                self.xor(wide);
                self.top(local::FA, word);
                self.result(word);
                self.xor(wide);
                self.and(wide);
                self.negative(wide);
            }
            kind @ (kind::INC | kind::DEC) => {
                let wide = self.top(local::FA, word);
                let least = 1_u64 << 63;
                let value = if kind == kind::INC { least } else { least - (1 << (word >> 8 & 63)) };
                if wide {
                    self.s().i64_const(value as i64).i64_eq();
                } else {
                    self.s().i32_const((value >> 32) as i32).i32_eq();
                }
            }
            kind::BITS => self.bit(local::FB, 11),
            kind::SHL => {
                let wide = self.top(local::FA, word);
                self.top(local::FB, word);
                self.xor(wide);
                self.negative(wide);
            }
            kind::SHR => {
                let wide = self.top(local::FB, word);
                self.negative(wide);
            }
            _ => {
                self.s().i32_const(0);
            }
        }
    }
}
