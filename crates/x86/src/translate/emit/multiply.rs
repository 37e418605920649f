//! Multiplication and division.

use super::operand::Reg;
use super::{Emitter, local};
use crate::translate::state::kind;
use iced_x86::Instruction;
use wasm_encoder::InstructionSink;

/// Pushes the upper half of a product of two locals; uses three others.
pub(super) fn high(s: &mut InstructionSink<'_>, signed: bool, x: u32, y: u32, free: [u32; 3]) {
    let [low, mid, rest] = free;
    let half = |s: &mut InstructionSink<'_>, from: u32, upper: bool| {
        s.local_get(from);
        if upper {
            s.i64_const(32).i64_shr_u();
        } else {
            s.i64_const(0xffff_ffff).i64_and();
        }
    };
    // low = x0 y0; mid = x1 y0 + (low >> 32); rest = x0 y1 + (mid & mask)
    half(s, x, false);
    half(s, y, false);
    s.i64_mul().local_set(low);
    half(s, x, true);
    half(s, y, false);
    s.i64_mul();
    half(s, low, true);
    s.i64_add().local_set(mid);
    half(s, x, false);
    half(s, y, true);
    s.i64_mul();
    half(s, mid, false);
    s.i64_add().local_set(rest);
    // x1 y1 + (mid >> 32) + (rest >> 32)
    half(s, x, true);
    half(s, y, true);
    s.i64_mul();
    half(s, mid, true);
    s.i64_add();
    half(s, rest, true);
    s.i64_add();
    if signed {
        for (one, other) in [(x, y), (y, x)] {
            s.local_get(one).i64_const(63).i64_shr_s().local_get(other).i64_and().i64_sub();
        }
    }
}

impl Emitter<'_> {
    /// `imul` of two or three operands.
    #[inline(never)]
    pub(super) fn product(&mut self, i: &Instruction) -> bool {
        let Some(width) = self.width(i, 0) else { return false };
        if !self.prepare(i, false) {
            return false;
        }
        let (x, y) = (self.temp(width, 0), self.temp(width, 1));
        let (first, second) = if i.op_count() == 3 { (1, 2) } else { (0, 1) };
        if !self.read(i, first, width) {
            return false;
        }
        self.s().local_set(x);
        self.read(i, second, width);
        self.s().local_set(y);
        self.s().local_get(x).local_get(y);
        pick!(self, width == 8, i64_mul, i32_mul);
        if let Some(reg) = Reg::of(i.op0_register()) {
            self.set(reg);
        }
        for (to, from) in [(local::FA, x), (local::FB, y)] {
            self.s().local_get(from);
            match width {
                8 => {}
                4 => {
                    self.s().i64_extend_i32_s();
                }
                _ => {
                    self.s().i64_extend_i32_s().i64_extend16_s();
                }
            }
            self.s().local_set(to);
        }
        self.set_flags(kind::IMUL, width);
        true
    }

    /// `mul` and `imul` of one operand.
    #[inline(never)]
    pub(super) fn wide_product(&mut self, i: &Instruction, signed: bool) -> bool {
        let Some(width @ (4 | 8)) = self.width(i, 0) else { return false };
        if !self.prepare(i, false) {
            return false;
        }
        let (low, upper) = (Reg::new(0, width), Reg::new(2, width));
        for (to, from) in [(local::FA, None), (local::FB, Some(()))] {
            match from {
                None => self.get(low),
                Some(()) => {
                    self.read(i, 0, width);
                }
            }
            match (width, signed) {
                (8, _) => {}
                (_, true) => {
                    self.s().i64_extend_i32_s();
                }
                (_, false) => {
                    self.s().i64_extend_i32_u();
                }
            }
            self.s().local_set(to);
        }
        if width == 8 {
            let free = [local::T, local::T + 1, local::T + 2];
            high(&mut self.s(), signed, local::FA, local::FB, free);
            self.set(upper);
            self.s().local_get(local::FA).local_get(local::FB).i64_mul();
            self.set(low);
        } else {
            self.s().local_get(local::FA).local_get(local::FB).i64_mul().local_tee(local::T);
            self.s().i32_wrap_i64();
            self.set(low);
            self.s().local_get(local::T).i64_const(32).i64_shr_u().i32_wrap_i64();
            self.set(upper);
        }
        self.set_flags(if signed { kind::IMUL } else { kind::MUL }, width);
        true
    }

    /// `div` and `idiv`: ordinary cases only, the interpreter has the others.
    #[inline(never)]
    pub(super) fn divide(&mut self, i: &Instruction, signed: bool) -> bool {
        let Some(width @ (4 | 8)) = self.width(i, 0) else { return false };
        if !self.prepare(i, false) {
            return false;
        }
        let (low, upper) = (Reg::new(0, width), Reg::new(2, width));
        let (x, y, q) = (local::T, local::T + 1, local::T + 2);
        self.read(i, 0, width);
        if width == 4 {
            pick!(self, signed, i64_extend_i32_s, i64_extend_i32_u);
        }
        self.s().local_tee(y).i64_eqz();
        self.leave_if();
        if signed {
            // The one quotient that has no room, and with it a few that have.
            self.s().local_get(y).i64_const(-1).i64_eq();
            self.leave_if();
        }
        self.get(low);
        if width == 8 {
            self.s().local_set(x);
            self.get(upper);
            if signed {
                self.s().local_get(x).i64_const(63).i64_shr_s().i64_ne();
            } else {
                self.s().i64_const(0).i64_ne();
            }
            self.leave_if();
        } else {
            self.s().i64_extend_i32_u();
            self.get(upper);
            self.s().i64_extend_i32_u().i64_const(32).i64_shl().i64_or().local_set(x);
        }
        self.s().local_get(x).local_get(y);
        pick!(self, signed, i64_div_s, i64_div_u);
        self.s().local_set(q);
        if width == 4 {
            self.s().local_get(q).local_get(q).i32_wrap_i64();
            pick!(self, signed, i64_extend_i32_s, i64_extend_i32_u);
            self.s().i64_ne();
            self.leave_if();
        }
        self.s().local_get(x).local_get(q).local_get(y).i64_mul().i64_sub();
        if width == 4 {
            self.s().i32_wrap_i64();
        }
        self.set(upper);
        self.s().local_get(q);
        if width == 4 {
            self.s().i32_wrap_i64();
        }
        self.set(low);
        true
    }
}
