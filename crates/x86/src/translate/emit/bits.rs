//! Single bits: tests, scans and counts.

use super::operand::Reg;
use super::{Emitter, local};
use crate::translate::state::{kind, over};
use iced_x86::{Instruction, OpKind};

/// What is looked for in a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    Lowest,
    Highest,
    Count,
}

impl Emitter<'_> {
    /// `bsf`, `bsr`, `popcnt`: all flags are clear but zero, which says whether the source is.
    #[inline(never)]
    pub(super) fn scan(&mut self, i: &Instruction, what: Scan) -> bool {
        let Some(reg) = Reg::of(i.op0_register()) else { return false };
        if !self.prepare(i, false) || !self.read(i, 1, reg.width) {
            return false;
        }
        let value = local::T;
        self.widen_to_64(reg.width);
        self.s().local_set(value).local_get(value);
        match what {
            Scan::Lowest => self.s().i64_ctz(),
            Scan::Highest => self.s().i64_clz().i64_const(63).i64_xor(),
            Scan::Count => self.s().i64_popcnt(),
        };
        let whole = Reg::new(reg.number, 8);
        if reg.width == 2 {
            self.get(whole);
            self.s().i64_const(!0xffff).i64_and().i64_or();
        }
        if what != Scan::Count {
            // Of zero nothing is found, and the register stays, its upper half too.
            self.get(whole);
            self.s().local_get(value).i64_eqz().i32_eqz().select();
        }
        self.set(whole);
        const ZF: i64 = 6;
        self.s().local_get(value).i64_eqz().i64_extend_i32_u().i64_const(ZF).i64_shl();
        self.s().local_set(local::FB);
        self.flags = Some(kind::EXACT);
        true
    }

    /// `bt` of a bit that is known, or of one of a register.
    #[inline(never)]
    pub(super) fn bit_test(&mut self, i: &Instruction) -> bool {
        let Some(width) = self.width(i, 0) else { return false };
        if !self.prepare(i, false) {
            return false;
        }
        self.keep_other_flags();
        if !self.read(i, 0, width) {
            return false;
        }
        self.widen_to_64(width);
        let bits = i64::from(8 * width - 1);
        if i.op1_kind() == OpKind::Register {
            if !self.read(i, 1, width) {
                return false;
            }
            self.widen_to_64(width);
            self.s().i64_const(bits).i64_and();
        } else {
            self.s().i64_const(i.immediate(1) as i64 & bits);
        }
        self.s().i64_shr_u().i64_const(1).i64_and().local_set(local::FC);
        self.override_flags(over::CARRY, 8);
        true
    }

    fn widen_to_64(&mut self, width: u32) {
        if width != 8 {
            self.s().i64_extend_i32_u();
        }
    }
}
