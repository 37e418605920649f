//! Integer instructions.

use super::bits::Scan;
use super::operand::Reg;
use super::{Emitter, local};
use crate::registers::flags::{AF, CF, OF};
use crate::translate::effects;
use crate::translate::state::{kind, over};
use iced_x86::{Instruction, Mnemonic, OpKind};
use wasm_encoder::BlockType;

impl Emitter<'_> {
    /// An instruction that does not branch; `false`, with nothing changed, if it is of a form
    /// that is not translated.
    #[inline(never)]
    pub(super) fn instruction(&mut self, i: &Instruction) -> bool {
        use Mnemonic as N;
        if let Some(condition) = effects::condition(i) {
            return self.conditional(i, condition);
        }
        if effects::is_vector(i) {
            return self.vector(i);
        }
        if effects::is_float(i) {
            return self.float(i);
        }
        match i.mnemonic() {
            N::Nop | N::Endbr32 | N::Endbr64 => true,
            N::Mov => self.mov(i),
            N::Movzx | N::Movsx | N::Movsxd => self.extend(i),
            N::Lea => self.lea(i),
            N::Add | N::Sub | N::Cmp | N::And | N::Or | N::Xor | N::Test => self.binary(i),
            N::Adc | N::Sbb => self.with_carry(i),
            N::Inc | N::Dec | N::Neg | N::Not => self.unary(i),
            N::Shl | N::Sal | N::Shr | N::Sar => self.shift(i),
            N::Rol | N::Ror => self.rotate(i),
            N::Shld | N::Shrd => self.double_shift(i),
            N::Bt => self.bit_test(i),
            // What this processor has not are the older ones with a prefix that means nothing.
            N::Bsf | N::Tzcnt => self.scan(i, Scan::Lowest),
            N::Bsr | N::Lzcnt => self.scan(i, Scan::Highest),
            N::Popcnt => self.scan(i, Scan::Count),
            N::Imul if i.op_count() > 1 => self.product(i),
            N::Mul => self.wide_product(i, false),
            N::Imul => self.wide_product(i, true),
            N::Div => self.divide(i, false),
            N::Idiv => self.divide(i, true),
            N::Cwd => self.sign(2),
            N::Cdq => self.sign(4),
            N::Cqo => self.sign(8),
            N::Cbw => self.halve(2),
            N::Cwde => self.halve(4),
            N::Cdqe => self.halve(8),
            N::Bswap => self.swap(i),
            N::Xchg => self.exchange(i),
            N::Xadd => self.exchange_add(i),
            N::Cmpxchg => self.compare_exchange(i),
            N::Movsb | N::Stosb => self.string(i, 1),
            N::Movsw | N::Stosw => self.string(i, 2),
            N::Movsd | N::Stosd => self.string(i, 4),
            N::Movsq | N::Stosq => self.string(i, 8),
            N::Cld => {
                self.s().local_get(local::DF);
                self.leave_if();
                true
            }
            N::Push => self.push_operand(i),
            N::Pop => self.pop_operand(i),
            N::Leave => self.leave_frame(i),
            _ => false,
        }
    }

    #[inline(never)]
    fn mov(&mut self, i: &Instruction) -> bool {
        let Some(width) = self.width(i, 0) else { return false };
        if !self.prepare(i, i.op0_kind() == OpKind::Memory) {
            return false;
        }
        let value = self.temp(width, 0);
        if !self.read(i, 1, width) {
            return false;
        }
        self.s().local_set(value);
        self.write(i, width, value);
        true
    }

    #[inline(never)]
    fn extend(&mut self, i: &Instruction) -> bool {
        let (Some(to), Some(from)) = (self.width(i, 0), self.width(i, 1)) else { return false };
        if !self.prepare(i, false) || !self.read(i, 1, from) {
            return false;
        }
        let signed = i.mnemonic() != Mnemonic::Movzx;
        if signed {
            match from {
                1 => {
                    self.s().i32_extend8_s();
                }
                2 => {
                    self.s().i32_extend16_s();
                }
                _ => {}
            }
        }
        if to == 8 {
            pick!(self, signed, i64_extend_i32_s, i64_extend_i32_u);
        }
        let Some(reg) = Reg::of(i.op0_register()) else { return false };
        self.set(reg);
        true
    }

    #[inline(never)]
    fn lea(&mut self, i: &Instruction) -> bool {
        let Some(width @ (4 | 8)) = self.width(i, 0) else { return false };
        if !self.address(i) {
            return false;
        }
        if width == 4 && self.mode == crate::Mode::Amd64 {
            self.s().i32_wrap_i64();
        }
        let Some(reg) = Reg::of(i.op0_register()) else { return false };
        self.set(reg);
        true
    }

    #[inline(never)]
    fn conditional(&mut self, i: &Instruction, condition: u32) -> bool {
        let Some(width) = self.width(i, 0) else { return false };
        if effects::is_move(i) {
            let Some(reg) = Reg::of(i.op0_register()) else { return false };
            if !self.prepare(i, false) || !self.read(i, 1, width) {
                return false;
            }
            self.get(reg);
            self.condition(condition);
            self.s().select();
            self.set(reg);
            return true;
        }
        if !self.prepare(i, true) {
            return false;
        }
        self.condition(condition);
        self.s().local_set(local::U);
        self.write(i, width, local::U);
        true
    }

    /// Puts both operands into temporaries 0 and 1.
    pub(super) fn operands(&mut self, i: &Instruction, write: bool) -> Option<u32> {
        let width = self.width(i, 0).or_else(|| self.width(i, 1))?;
        if !self.prepare(i, write && i.op0_kind() == OpKind::Memory) || !self.read(i, 0, width) {
            return None;
        }
        let (x, y) = (self.temp(width, 0), self.temp(width, 1));
        self.s().local_set(x);
        self.read(i, 1, width);
        self.s().local_set(y);
        Some(width)
    }

    #[inline(never)]
    fn binary(&mut self, i: &Instruction) -> bool {
        use Mnemonic as N;
        let writes = !matches!(i.mnemonic(), N::Cmp | N::Test);
        let Some(width) = self.operands(i, writes) else { return false };
        let (x, y, res) = (self.temp(width, 0), self.temp(width, 1), self.temp(width, 2));
        self.s().local_get(x).local_get(y);
        match i.mnemonic() {
            N::Add => pick!(self, width == 8, i64_add, i32_add),
            N::Sub | N::Cmp => pick!(self, width == 8, i64_sub, i32_sub),
            N::And | N::Test => pick!(self, width == 8, i64_and, i32_and),
            N::Or => pick!(self, width == 8, i64_or, i32_or),
            _ => pick!(self, width == 8, i64_xor, i32_xor),
        }
        self.s().local_set(res);
        let (kind, a) = match i.mnemonic() {
            N::Add => (kind::ADD, res),
            N::Sub | N::Cmp => (kind::SUB, x),
            _ => (kind::LOGIC, res),
        };
        self.keep(local::FA, a, width);
        if kind != kind::LOGIC {
            self.keep(local::FB, y, width);
        }
        self.set_flags(kind, width);
        if writes {
            self.write(i, width, res);
        }
        true
    }

    #[inline(never)]
    fn with_carry(&mut self, i: &Instruction) -> bool {
        let Some(width) = self.operands(i, true) else { return false };
        let (x, y, res) = (self.temp(width, 0), self.temp(width, 1), self.temp(width, 2));
        let adds = i.mnemonic() == Mnemonic::Adc;
        self.s().local_get(x).local_get(y);
        if adds {
            pick!(self, width == 8, i64_add, i32_add);
        } else {
            pick!(self, width == 8, i64_sub, i32_sub);
        }
        self.carry();
        if width == 8 {
            self.s().i64_extend_i32_u();
        }
        if adds {
            pick!(self, width == 8, i64_add, i32_add);
        } else {
            pick!(self, width == 8, i64_sub, i32_sub);
        }
        self.s().local_set(res);
        // As columns: a carry leaves where both are set, or one and the sum is not.
        let (a, b, c) = (local::FA, local::FB, local::FC);
        self.keep(a, x, width);
        self.keep(b, y, width);
        self.keep(c, res, width);
        let top = i64::from(8 * width - 1);
        let mut s = self.code.instructions();
        let first = |s: &mut wasm_encoder::InstructionSink<'_>| {
            s.local_get(a);
            if !adds {
                s.i64_const(-1).i64_xor();
            }
        };
        first(&mut s);
        s.local_get(b).i64_and();
        first(&mut s);
        s.local_get(b).i64_or().local_get(c);
        if adds {
            s.i64_const(-1).i64_xor();
        }
        s.i64_and().i64_or().i64_const(top).i64_shr_u().i64_const(CF as i64).i64_and();
        // Overflow: the operands' signs say one thing, the result's another.
        s.local_get(a).local_get(if adds { c } else { b }).i64_xor();
        s.local_get(if adds { b } else { a }).local_get(c).i64_xor().i64_and();
        s.i64_const(top).i64_shr_u().i64_const(1).i64_and();
        s.i64_const(OF.trailing_zeros().into()).i64_shl().i64_or();
        s.local_get(a).local_get(b).i64_xor().local_get(c).i64_xor();
        s.i64_const(AF as i64).i64_and().i64_or().local_set(b);
        s.local_get(c).local_set(a);
        self.set_flags(kind::BITS, width);
        self.write(i, width, res);
        true
    }

    #[inline(never)]
    fn unary(&mut self, i: &Instruction) -> bool {
        use Mnemonic as N;
        let Some(width) = self.width(i, 0) else { return false };
        if !self.prepare(i, true) || !self.read(i, 0, width) {
            return false;
        }
        let (x, res) = (self.temp(width, 0), self.temp(width, 2));
        self.s().local_set(x);
        match i.mnemonic() {
            N::Not | N::Neg => {
                self.constant(width, if i.mnemonic() == N::Not { u64::MAX } else { 0 });
                self.s().local_get(x);
            }
            _ => {
                self.s().local_get(x);
                self.constant(width, 1);
            }
        }
        match i.mnemonic() {
            N::Not => pick!(self, width == 8, i64_xor, i32_xor),
            N::Inc => pick!(self, width == 8, i64_add, i32_add),
            _ => pick!(self, width == 8, i64_sub, i32_sub),
        }
        self.s().local_set(res);
        match i.mnemonic() {
            N::Not => {}
            N::Neg => {
                self.s().i64_const(0).local_set(local::FA);
                self.keep(local::FB, x, width);
                self.set_flags(kind::SUB, width);
            }
            inc_or_dec => {
                if !self.dead {
                    self.carry();
                    self.s().i64_extend_i32_u().local_set(local::FC);
                }
                self.keep(local::FA, res, width);
                let kind = if inc_or_dec == N::Inc { kind::INC } else { kind::DEC };
                self.set_flags(kind, width);
                self.override_flags(over::CARRY, 8);
            }
        }
        self.write(i, width, res);
        true
    }

    #[inline(never)]
    fn shift(&mut self, i: &Instruction) -> bool {
        use Mnemonic as N;
        let Some(width) = self.width(i, 0) else { return false };
        if !self.prepare(i, true) || !self.read(i, 0, width) {
            return false;
        }
        let arithmetic = i.mnemonic() == N::Sar;
        let (x, count, res) = (self.temp(width, 0), self.temp(width, 1), self.temp(width, 2));
        if arithmetic {
            match width {
                1 => {
                    self.s().i32_extend8_s();
                }
                2 => {
                    self.s().i32_extend16_s();
                }
                _ => {}
            }
        }
        self.s().local_set(x);
        let by_register = i.op_kind(1) == OpKind::Register;
        let mask = if width == 8 { 63 } else { 31 };
        if by_register {
            self.get(Reg::new(1, if width == 8 { 8 } else { 4 }));
            self.constant(width.max(4), mask);
            pick!(self, width == 8, i64_and, i32_and);
        } else {
            self.constant(width.max(4), i.immediate(1) & mask);
        }
        self.s().local_set(count);
        let one = |this: &mut Self, less: bool| {
            this.s().local_get(x).local_get(count);
            if less {
                this.constant(width.max(4), 1);
                pick!(this, width == 8, i64_sub, i32_sub);
            }
            match i.mnemonic() {
                N::Shr => pick!(this, width == 8, i64_shr_u, i32_shr_u),
                N::Sar => pick!(this, width == 8, i64_shr_s, i32_shr_s),
                _ => pick!(this, width == 8, i64_shl, i32_shl),
            }
        };
        one(self, false);
        self.s().local_set(res);
        let kind = match i.mnemonic() {
            N::Shr => kind::SHR,
            N::Sar => kind::SAR,
            _ => kind::SHL,
        };
        let fixed = !by_register && i.immediate(1) & mask != 0;
        if fixed || by_register && !self.dead {
            if by_register {
                self.sync();
                self.flags = None;
                self.s().local_get(count);
                pick!(self, width == 8, i64_eqz, i32_eqz);
                self.s().i32_eqz().if_(BlockType::Empty);
            }
            self.keep(local::FA, res, width);
            one(self, true);
            if width != 8 {
                self.s().i64_extend_i32_u();
            }
            self.s().local_set(local::FB);
            if by_register {
                let word = crate::translate::state::word(kind, width);
                self.s().i32_const(word as i32).local_set(local::FK).end();
            } else {
                self.set_flags(kind, width);
            }
        }
        self.write(i, width, res);
        true
    }

    #[inline(never)]
    fn rotate(&mut self, i: &Instruction) -> bool {
        let Some(width @ (4 | 8)) = self.width(i, 0) else { return false };
        let count = i.immediate(1) & if width == 8 { 63 } else { 31 };
        if !self.prepare(i, true) || !self.read(i, 0, width) {
            return false;
        }
        let res = self.temp(width, 2);
        let left = i.mnemonic() == Mnemonic::Rol;
        self.constant(width, count);
        if left {
            pick!(self, width == 8, i64_rotl, i32_rotl);
        } else {
            pick!(self, width == 8, i64_rotr, i32_rotr);
        }
        self.s().local_set(res);
        if count != 0 {
            self.keep(local::FC, res, width);
            self.override_flags(if left { over::ROL } else { over::ROR }, width);
        }
        self.write(i, width, res);
        true
    }

    #[inline(never)]
    fn double_shift(&mut self, i: &Instruction) -> bool {
        let Some(width @ (4 | 8)) = self.width(i, 0) else { return false };
        let bits = u64::from(8 * width);
        let count = i.immediate(2) & (bits - 1);
        let (x, y, res) = (self.temp(width, 0), self.temp(width, 1), self.temp(width, 2));
        if count == 0 || i.op0_kind() != OpKind::Register || !self.read(i, 0, width) {
            return false;
        }
        self.s().local_set(x);
        self.read(i, 1, width);
        self.s().local_set(y);
        let left = i.mnemonic() == Mnemonic::Shld;
        let (up, down) = if left { (x, y) } else { (y, x) };
        let by = if left { count } else { bits - count };
        self.s().local_get(up);
        self.constant(width, by);
        pick!(self, width == 8, i64_shl, i32_shl);
        self.s().local_get(down);
        self.constant(width, bits - by);
        pick!(self, width == 8, i64_shr_u, i32_shr_u);
        pick!(self, width == 8, i64_or, i32_or);
        self.s().local_set(res);
        self.keep(local::FA, res, width);
        self.keep(local::FB, x, width);
        let carry = if left { bits - count } else { count - 1 };
        let mut s = self.code.instructions();
        s.local_get(local::FA).local_get(local::FB).i64_xor();
        s.i64_const(bits as i64 - 1).i64_shr_u().i64_const(OF.trailing_zeros().into()).i64_shl();
        s.local_get(local::FB).i64_const(carry as i64).i64_shr_u().i64_const(1).i64_and();
        s.i64_or().local_set(local::FB);
        self.set_flags(kind::BITS, width);
        self.write(i, width, res);
        true
    }

    /// The accumulator's sign in the data register.
    fn sign(&mut self, width: u32) -> bool {
        self.get(Reg::new(0, width));
        match width {
            8 => {
                self.s().i64_const(63).i64_shr_s();
            }
            4 => {
                self.s().i32_const(31).i32_shr_s();
            }
            _ => {
                self.s().i32_extend16_s().i32_const(31).i32_shr_s();
            }
        }
        self.set(Reg::new(2, width));
        true
    }

    /// Extends the lower half of the accumulator.
    fn halve(&mut self, width: u32) -> bool {
        self.get(Reg::new(0, width / 2));
        match width {
            8 => self.s().i64_extend_i32_s(),
            4 => self.s().i32_extend16_s(),
            _ => self.s().i32_extend8_s(),
        };
        self.set(Reg::new(0, width));
        true
    }

    fn swap(&mut self, i: &Instruction) -> bool {
        let Some(width @ (4 | 8)) = self.width(i, 0) else { return false };
        let Some(reg) = Reg::of(i.op0_register()) else { return false };
        // Halves, then quarters, then bytes.
        let x = self.temp(width, 0);
        self.get(reg);
        self.s().local_set(x);
        let steps: &[(u64, u64)] = if width == 8 {
            &[(32, 0xffff_ffff), (16, 0x0000_ffff_0000_ffff), (8, 0x00ff_00ff_00ff_00ff)]
        } else {
            &[(16, 0xffff), (8, 0x00ff_00ff)]
        };
        for &(by, mask) in steps {
            self.s().local_get(x);
            self.constant(width, by);
            pick!(self, width == 8, i64_shr_u, i32_shr_u);
            self.constant(width, mask);
            pick!(self, width == 8, i64_and, i32_and);
            self.s().local_get(x);
            self.constant(width, mask);
            pick!(self, width == 8, i64_and, i32_and);
            self.constant(width, by);
            pick!(self, width == 8, i64_shl, i32_shl);
            pick!(self, width == 8, i64_or, i32_or);
            self.s().local_set(x);
        }
        self.s().local_get(x);
        self.set(reg);
        true
    }
}
