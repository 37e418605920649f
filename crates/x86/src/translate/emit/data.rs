//! What moves data without computing: exchanges with memory, single string instructions, the
//! stack.

use super::operand::Reg;
use super::plan::Check;
use super::{Emitter, local};
use crate::translate::state::kind;
use iced_x86::{Instruction, Mnemonic, OpKind};

impl Emitter<'_> {
    /// Threads of the guest take turns between instructions: nothing is needed to be atomic.
    #[inline(never)]
    pub(super) fn exchange(&mut self, i: &Instruction) -> bool {
        // The decoder has the register second where there is memory.
        let Some(other) = Reg::of(i.op1_register()) else { return false };
        let Some(width) = self.operands(i, true) else { return false };
        let (x, y) = (self.temp(width, 0), self.temp(width, 1));
        self.write(i, width, y);
        self.s().local_get(x);
        self.set(other);
        true
    }

    /// `xadd`: the sum to the first operand, what that was to the second.
    #[inline(never)]
    pub(super) fn exchange_add(&mut self, i: &Instruction) -> bool {
        let Some(other) = Reg::of(i.op1_register()) else { return false };
        let Some(width) = self.operands(i, true) else { return false };
        let (x, y, res) = (self.temp(width, 0), self.temp(width, 1), self.temp(width, 2));
        self.s().local_get(x).local_get(y);
        pick!(self, width == 8, i64_add, i32_add);
        self.s().local_set(res);
        self.keep(local::FA, res, width);
        self.keep(local::FB, y, width);
        self.set_flags(kind::ADD, width);
        self.s().local_get(x);
        self.set(other);
        self.write(i, width, res);
        true
    }

    /// `cmpxchg`: the second operand to the first if that is the accumulator, else the first to
    /// the accumulator.
    #[inline(never)]
    pub(super) fn compare_exchange(&mut self, i: &Instruction) -> bool {
        let Some(width @ (4 | 8)) = self.operands(i, true) else { return false };
        if i.op0_kind() != OpKind::Memory {
            return false;
        }
        let (x, y, new) = (self.temp(width, 0), self.temp(width, 1), self.temp(width, 2));
        let accumulator = Reg::new(0, width);
        // If they differ memory is written as it was.
        self.s().local_get(y).local_get(x);
        self.get(accumulator);
        self.s().local_get(x);
        pick!(self, width == 8, i64_eq, i32_eq);
        self.s().select().local_set(new);
        self.store(width, new);
        self.get(accumulator);
        self.s().local_set(y);
        self.keep(local::FA, y, width);
        self.keep(local::FB, x, width);
        self.set_flags(kind::SUB, width);
        // Of 32 bits, the upper half stays if they are equal.
        self.s().local_get(x);
        if width == 4 {
            self.s().i64_extend_i32_u();
        }
        let whole = Reg::new(0, 8);
        self.get(whole);
        self.s().local_get(y).local_get(x);
        pick!(self, width == 8, i64_ne, i32_ne);
        self.s().select();
        self.set(whole);
        true
    }

    /// A string instruction without a prefix, upwards: one element.
    #[inline(never)]
    pub(super) fn string(&mut self, i: &Instruction, width: u32) -> bool {
        use Mnemonic as N;
        const RSI: u32 = 6;
        const RDI: u32 = 7;
        let pointer = if self.mode == crate::Mode::Amd64 { 8 } else { 4 };
        let (from, to) = (Reg::new(RSI, pointer), Reg::new(RDI, pointer));
        let stores = matches!(i.mnemonic(), N::Stosb | N::Stosw | N::Stosd | N::Stosq);
        self.s().local_get(local::DF);
        self.leave_if();
        let value = self.temp(width, 0);
        if stores {
            self.get(Reg::new(0, width));
        } else {
            self.get(from);
            self.check(width, false, Check::Alone);
            self.load(width);
        }
        self.s().local_set(value);
        self.get(to);
        self.check(width, true, Check::Alone);
        self.store(width, value);
        for reg in [from, to] {
            if reg.number == RSI && stores {
                continue;
            }
            self.get(reg);
            self.constant(pointer, width.into());
            pick!(self, pointer == 8, i64_add, i32_add);
            self.set(reg);
        }
        true
    }

    #[inline(never)]
    pub(super) fn push_operand(&mut self, i: &Instruction) -> bool {
        use iced_x86::Code;
        let width = match i.code() {
            Code::Push_imm16 | Code::Pushw_imm8 => 2,
            Code::Pushd_imm32 | Code::Pushd_imm8 => 4,
            Code::Pushq_imm32 | Code::Pushq_imm8 => 8,
            _ => match self.width(i, 0) {
                Some(width) => width,
                None => return false,
            },
        };
        if !matches!(width, 4 | 8) || !self.prepare(i, false) || !self.read(i, 0, width) {
            return false;
        }
        let value = self.temp(width, 0);
        self.s().local_set(value);
        self.push(width, value);
        true
    }

    #[inline(never)]
    pub(super) fn pop_operand(&mut self, i: &Instruction) -> bool {
        let Some(width @ (4 | 8)) = self.width(i, 0) else { return false };
        let Some(reg) = Reg::of(i.op0_register()) else { return false };
        let value = self.temp(width, 0);
        self.peek(width);
        self.s().local_set(value);
        self.drop_bytes(width.into());
        self.s().local_get(value);
        self.set(reg);
        true
    }

    /// `leave`: the frame pointer becomes the stack pointer, and is popped.
    pub(super) fn leave_frame(&mut self, i: &Instruction) -> bool {
        if i.code() == iced_x86::Code::Leavew {
            return false;
        }
        let width = if self.mode == crate::Mode::Amd64 { 8 } else { 4 };
        let (stack, frame) = (Reg::new(4, width), Reg::new(5, width));
        let value = self.temp(width, 0);
        self.get(frame);
        self.check(width, false, Check::Alone);
        self.load(width);
        self.s().local_set(value);
        self.get(frame);
        self.set(stack);
        self.drop_bytes(width.into());
        self.s().local_get(value);
        self.set(frame);
        true
    }
}
