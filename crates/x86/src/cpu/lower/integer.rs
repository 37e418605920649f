//! Arithmetic, moves, shifts, stack.

use super::Builder;
use super::operand::{
    Conditional, Place, by_condition, by_wide_width, by_width, conditional, general, offset,
};
use crate::Mode;
use crate::cpu::context::slot;
use crate::cpu::loc::{I, M, Ra, Rb};
use crate::cpu::op::{Handler, Op};
use crate::cpu::ops::{alu, bcd, bits, data, exchange, muldiv, shift, stack};
use iced_x86::{Code, Instruction, Mnemonic, Register};

macro_rules! one {
    ($width:expr, $d:expr, $($handler:ident)::+) => {
        by_width!($width, T => match $d {
            Place::Reg => $($handler)::+::<T, Ra>,
            _ => $($handler)::+::<T, M>,
        })
    };
}

macro_rules! source {
    ($width:expr, $s:expr, $($handler:ident)::+) => {
        by_wide_width!($width, T => match $s {
            Place::Reg => $($handler)::+::<T, Rb>,
            _ => $($handler)::+::<T, M>,
        })
    };
}

impl Builder {
    /// Emits an integer instruction; `false` if it is none.
    pub fn integer(&mut self, i: &Instruction) -> bool {
        let mut op = self.op(i);
        let handler = self.arithmetic(i, &mut op).or_else(|| self.data(i, &mut op));
        match handler {
            Some(handler) => self.emit(op, handler),
            // What the op's address needed is removed again.
            None => {
                while self.ops.last().is_some_and(|last| last.rip == op.rip) {
                    self.ops.pop();
                }
                return false;
            }
        }
        true
    }

    fn arithmetic(&mut self, i: &Instruction, op: &mut Op) -> Option<Handler> {
        use Mnemonic as N;
        let width = self.width(i, 0);
        let (d, s) = (self.place(i, 0), self.place(i, 1));
        match i.mnemonic() {
            N::Add => binary::<alu::Add>(width, d, s),
            N::Sub => binary::<alu::Sub>(width, d, s),
            N::And => binary::<alu::And>(width, d, s),
            N::Or => binary::<alu::Or>(width, d, s),
            N::Xor => binary::<alu::Xor>(width, d, s),
            N::Adc => binary::<alu::Adc>(width, d, s),
            N::Sbb => binary::<alu::Sbb>(width, d, s),
            N::Cmp => compare::<alu::Sub>(width, d, s),
            N::Test => compare::<alu::And>(width, d, s),
            N::Inc => unary::<alu::Inc>(width, d),
            N::Dec => unary::<alu::Dec>(width, d),
            N::Neg => unary::<alu::Neg>(width, d),
            N::Not => unary::<alu::Not>(width, d),
            N::Shl | N::Sal => shifts::<shift::Shl>(width, d, i, op),
            N::Shr => shifts::<shift::Shr>(width, d, i, op),
            N::Sar => shifts::<shift::Sar>(width, d, i, op),
            N::Rol => shifts::<shift::Rol>(width, d, i, op),
            N::Ror => shifts::<shift::Ror>(width, d, i, op),
            N::Rcl => shifts::<shift::Rcl>(width, d, i, op),
            N::Rcr => shifts::<shift::Rcr>(width, d, i, op),
            N::Shld | N::Shrd => {
                let by_cl = self.place(i, 2) == Place::Reg;
                op.imm &= if width == 8 { 63 } else { 31 };
                if !by_cl && op.imm == 0 {
                    return write_back(width, d, op);
                }
                let left = i.mnemonic() == N::Shld;
                by_wide_width!(width, T => match (left, d, by_cl) {
                    (true, Place::Reg, true) => shift::shld::<T, Ra, shift::Cl>,
                    (true, Place::Reg, false) => shift::shld::<T, Ra, shift::Fixed>,
                    (true, _, true) => shift::shld::<T, M, shift::Cl>,
                    (true, _, false) => shift::shld::<T, M, shift::Fixed>,
                    (false, Place::Reg, true) => shift::shrd::<T, Ra, shift::Cl>,
                    (false, Place::Reg, false) => shift::shrd::<T, Ra, shift::Fixed>,
                    (false, _, true) => shift::shrd::<T, M, shift::Cl>,
                    (false, _, false) => shift::shrd::<T, M, shift::Fixed>,
                })
            }
            N::Bt => self.bit::<shift::Bt>(width, i, op),
            N::Bts => self.bit::<shift::Bts>(width, i, op),
            N::Btr => self.bit::<shift::Btr>(width, i, op),
            N::Btc => self.bit::<shift::Btc>(width, i, op),
            N::Mul => one!(width, d, muldiv::mul),
            N::Div => one!(width, d, muldiv::div),
            N::Idiv => one!(width, d, muldiv::idiv),
            N::Imul => match (i.op_count(), s) {
                (1, _) => one!(width, d, muldiv::imul1),
                (2, Place::Reg) => by_wide_width!(width, T => muldiv::imul2::<T, Rb>),
                (2, _) => by_wide_width!(width, T => muldiv::imul2::<T, M>),
                (_, Place::Reg) => by_wide_width!(width, T => muldiv::imul3::<T, Rb>),
                _ => by_wide_width!(width, T => muldiv::imul3::<T, M>),
            },
            // Not advertised, and then executed without their prefix.
            N::Bsf | N::Tzcnt => source!(width, s, bits::bsf),
            N::Bsr | N::Lzcnt => source!(width, s, bits::bsr),
            N::Popcnt => source!(width, s, bits::popcnt),
            N::Crc32 => match (self.width(i, 1), s) {
                (width, Place::Reg) => by_width!(width, T => bits::crc32::<T, Rb>),
                (width, _) => by_width!(width, T => bits::crc32::<T, M>),
            },
            N::Cwd => Some(data::sign::<u16>),
            N::Cdq => Some(data::sign::<u32>),
            N::Cqo => Some(data::sign::<u64>),
            N::Cbw => Some(data::extend::<u16, u8>),
            N::Cwde => Some(data::extend::<u32, u16>),
            N::Cdqe => Some(data::extend::<u64, u32>),
            N::Aaa => Some(bcd::aaa),
            N::Aas => Some(bcd::aas),
            N::Aam => Some(bcd::aam),
            N::Aad => Some(bcd::aad),
            N::Daa => Some(bcd::daa),
            N::Das => Some(bcd::das),
            N::Arpl if d == Place::Reg => Some(bits::arpl::<Ra>),
            N::Arpl => Some(bits::arpl::<M>),
            N::Clc => carry(op, 0),
            N::Stc => carry(op, 1),
            N::Cmc => carry(op, 2),
            N::Cld => Some(bits::clear_direction),
            N::Std => Some(bits::set_direction),
            N::Lahf => Some(bits::lahf),
            N::Sahf => Some(bits::sahf),
            _ => None,
        }
    }

    fn data(&mut self, i: &Instruction, op: &mut Op) -> Option<Handler> {
        use Mnemonic as N;
        let width = self.width(i, 0);
        let (d, s) = (self.place(i, 0), self.place(i, 1));
        match conditional(i) {
            Some(Conditional::Set(cc)) => {
                return Some(if d == Place::Reg {
                    by_condition!(cc, C => data::setcc::<C, Ra>)
                } else {
                    by_condition!(cc, C => data::setcc::<C, M>)
                });
            }
            Some(Conditional::Move(cc)) => {
                return if s == Place::Reg {
                    by_wide_width!(width, T => by_condition!(cc, C => data::cmov::<C, T, Rb>))
                } else {
                    by_wide_width!(width, T => by_condition!(cc, C => data::cmov::<C, T, M>))
                };
            }
            _ => {}
        }
        match i.mnemonic() {
            N::Mov | N::Movnti => {
                let plain = |n| general(i.op_register(n)).is_some();
                if (d == Place::Reg && !plain(0)) || (s == Place::Reg && !plain(1)) {
                    return None;
                }
                by_width!(width, T => match (d, s) {
                    (Place::Reg, Place::Reg) => data::mov::<T, Ra, Rb>,
                    (Place::Reg, Place::Imm) => data::mov::<T, Ra, I>,
                    (Place::Reg, _) => data::mov::<T, Ra, M>,
                    (_, Place::Imm) => data::mov::<T, M, I>,
                    _ => data::mov::<T, M, Rb>,
                })
            }
            N::Movzx => match (width, self.width(i, 1), s) {
                (2, 1, Place::Reg) => Some(data::movzx::<u16, u8, Rb>),
                (2, 1, _) => Some(data::movzx::<u16, u8, M>),
                (2, _, Place::Reg) => Some(data::movzx::<u16, u16, Rb>),
                (2, _, _) => Some(data::movzx::<u16, u16, M>),
                // The upper half is cleared in any case.
                (_, 1, Place::Reg) => Some(data::movzx::<u32, u8, Rb>),
                (_, 1, _) => Some(data::movzx::<u32, u8, M>),
                (_, _, Place::Reg) => Some(data::movzx::<u32, u16, Rb>),
                _ => Some(data::movzx::<u32, u16, M>),
            },
            N::Movsx | N::Movsxd => match (width, self.width(i, 1), s) {
                (2, 1, Place::Reg) => Some(data::movsx::<u16, u8, Rb>),
                (2, 1, _) => Some(data::movsx::<u16, u8, M>),
                (2, _, Place::Reg) => Some(data::movsx::<u16, u16, Rb>),
                (2, _, _) => Some(data::movsx::<u16, u16, M>),
                (4, 1, Place::Reg) => Some(data::movsx::<u32, u8, Rb>),
                (4, 1, _) => Some(data::movsx::<u32, u8, M>),
                (4, 2, Place::Reg) => Some(data::movsx::<u32, u16, Rb>),
                (4, 2, _) => Some(data::movsx::<u32, u16, M>),
                (4, _, Place::Reg) => Some(data::movsx::<u32, u32, Rb>),
                (4, _, _) => Some(data::movsx::<u32, u32, M>),
                (_, 1, Place::Reg) => Some(data::movsx::<u64, u8, Rb>),
                (_, 1, _) => Some(data::movsx::<u64, u8, M>),
                (_, 2, Place::Reg) => Some(data::movsx::<u64, u16, Rb>),
                (_, 2, _) => Some(data::movsx::<u64, u16, M>),
                (_, _, Place::Reg) => Some(data::movsx::<u64, u32, Rb>),
                _ => Some(data::movsx::<u64, u32, M>),
            },
            N::Lea => {
                // No segment takes part, and no access.
                self.remove_address(op);
                let mut fresh = self.bare(i);
                fresh.a = op.a;
                let address = self.raw_address(i, &mut fresh);
                fresh.imm = address.mask;
                *op = fresh;
                by_wide_width!(width, T => data::lea::<T>)
            }
            N::Xchg => {
                // The decoder gives the register or the memory operand in either place.
                if s == Place::Mem {
                    op.b = op.a;
                    return by_width!(width, T => exchange::xchg::<T, M>);
                }
                if d == Place::Reg && i.code() == Code::Xchg_r32_EAX && op.a == 0 {
                    // `xchg eax, eax` is a `nop` only in its one-byte form without REX.
                    return by_width!(width, T => data::mov::<T, Ra, Ra>);
                }
                match d {
                    Place::Reg => by_width!(width, T => exchange::xchg::<T, Ra>),
                    _ => by_width!(width, T => exchange::xchg::<T, M>),
                }
            }
            N::Xadd if d == Place::Reg => by_width!(width, T => exchange::xadd::<T, Ra>),
            N::Xadd => by_width!(width, T => exchange::xadd::<T, M>),
            N::Cmpxchg if d == Place::Reg => by_width!(width, T => exchange::cmpxchg::<T, Ra>),
            N::Cmpxchg => by_width!(width, T => exchange::cmpxchg::<T, M>),
            N::Cmpxchg8b => Some(exchange::cmpxchg8b),
            N::Cmpxchg16b => Some(exchange::cmpxchg16b),
            N::Bswap => match width {
                2 => Some(data::bswap16),
                4 => Some(data::bswap32),
                _ => Some(data::bswap64),
            },
            N::Xlatb => {
                self.remove_address(op);
                let mut fresh = self.bare(i);
                fresh.base = offset(3);
                let (mask, segment) = match i.memory_base() {
                    Register::BX => (0xffff, i.memory_segment()),
                    Register::EBX => (0xffff_ffff, i.memory_segment()),
                    _ => (u64::MAX, i.memory_segment()),
                };
                fresh.imm = mask;
                fresh.b = match segment {
                    Register::FS => offset(slot::FS),
                    Register::GS => offset(slot::GS),
                    _ => offset(slot::ZERO),
                };
                *op = fresh;
                Some(data::xlat)
            }
            N::Push => self.push(i, op),
            N::Pop => self.pop(i, op),
            N::Leave => by_wide_width!(self.stack_width(i), T => stack::leave::<T>),
            N::Enter => {
                op.imm = u64::from(i.immediate16()) | u64::from(i.immediate8_2nd()) << 16;
                by_wide_width!(self.stack_width(i), T => stack::enter::<T>)
            }
            N::Pusha => Some(stack::pusha::<u16>),
            N::Pushad => Some(stack::pusha::<u32>),
            N::Popa => Some(stack::popa::<u16>),
            N::Popad => Some(stack::popa::<u32>),
            N::Pushf => Some(stack::pushf::<u16>),
            N::Pushfd => Some(stack::pushf::<u32>),
            N::Pushfq => Some(stack::pushf::<u64>),
            N::Popf => Some(stack::popf::<u16>),
            N::Popfd => Some(stack::popf::<u32>),
            N::Popfq => Some(stack::popf::<u64>),
            N::Nop
            | N::Pause
            | N::Endbr32
            | N::Endbr64
            | N::Reservednop
            | N::Lfence
            | N::Sfence
            | N::Mfence
            | N::Prefetch
            | N::Prefetchnta
            | N::Prefetcht0
            | N::Prefetcht1
            | N::Prefetcht2
            | N::Prefetchw
            | N::Prefetchwt1
            | N::Rdsspd
            | N::Rdsspq => {
                self.remove_address(op);
                Some(data::nop)
            }
            _ => None,
        }
    }

    /// Takes back an op that computes an address.
    fn remove_address(&mut self, op: &Op) {
        if self.ops.last().is_some_and(|last| last.rip == op.rip) {
            self.ops.pop();
        }
    }

    fn bit<O: shift::BitOp>(
        &mut self,
        width: u32,
        i: &Instruction,
        op: &mut Op,
    ) -> Option<Handler> {
        match (self.place(i, 0), self.place(i, 1)) {
            (Place::Reg, Place::Reg) => by_wide_width!(width, T => shift::bit::<O, T, Ra, Rb>),
            (Place::Reg, _) => by_wide_width!(width, T => shift::bit::<O, T, Ra, I>),
            (_, Place::Imm) => by_wide_width!(width, T => shift::bit::<O, T, M, I>),
            _ => {
                self.remove_address(op);
                let mut fresh = self.bare(i);
                fresh.b = op.b;
                let address = self.raw_address(i, &mut fresh);
                (fresh.imm, fresh.a) = (address.mask, address.segment);
                *op = fresh;
                by_wide_width!(width, T => shift::bit_string::<O, T>)
            }
        }
    }

    /// The width of a stack operation without an operand that tells it.
    pub fn stack_width(&self, i: &Instruction) -> u32 {
        match i.code() {
            Code::Leavew | Code::Enterw_imm16_imm8 => 2,
            _ if self.mode == Mode::Amd64 => 8,
            _ => 4,
        }
    }

    fn push(&mut self, i: &Instruction, op: &mut Op) -> Option<Handler> {
        match self.place(i, 0) {
            Place::Reg => by_wide_width!(self.width(i, 0), T => stack::push::<T, Ra>),
            Place::Mem => by_wide_width!(self.width(i, 0), T => stack::push::<T, M>),
            _ => {
                let width = match i.code() {
                    Code::Push_imm16 | Code::Pushw_imm8 => 2,
                    Code::Pushd_imm32 | Code::Pushd_imm8 => 4,
                    _ => 8,
                };
                op.imm = i.immediate(0);
                by_wide_width!(width, T => stack::push::<T, I>)
            }
        }
    }

    fn pop(&mut self, i: &Instruction, op: &mut Op) -> Option<Handler> {
        let width = self.width(i, 0);
        if self.place(i, 0) == Place::Reg {
            return by_wide_width!(width, T => stack::pop::<T, Ra>);
        }
        // An address relative to the stack pointer counts from what it is after the pop,
        // so an address computed before would be off by the width.
        let early = self.ops.last().is_some_and(|last| last.rip == op.rip);
        if early && i.memory_base() as u32 != 0 && general(i.memory_base())?.0 == offset(4) {
            let last = self.ops.last_mut()?;
            last.disp = last.disp.wrapping_add(width as i32);
        }
        by_wide_width!(width, T => stack::pop::<T, M>)
    }
}

/// `clc`, `stc`, `cmc`.
fn carry(op: &mut Op, what: u64) -> Option<Handler> {
    op.imm = what;
    Some(bits::carry)
}

fn binary<O: alu::Binary>(width: u32, d: Place, s: Place) -> Option<Handler> {
    by_width!(width, T => match (d, s) {
        (Place::Reg, Place::Reg) => alu::binary::<O, T, Ra, Rb>,
        (Place::Reg, Place::Imm) => alu::binary::<O, T, Ra, I>,
        (Place::Reg, _) => alu::binary::<O, T, Ra, M>,
        (_, Place::Imm) => alu::binary::<O, T, M, I>,
        _ => alu::binary::<O, T, M, Rb>,
    })
}

fn compare<O: alu::Binary>(width: u32, d: Place, s: Place) -> Option<Handler> {
    by_width!(width, T => match (d, s) {
        (Place::Reg, Place::Reg) => alu::compare::<O, T, Ra, Rb>,
        (Place::Reg, Place::Imm) => alu::compare::<O, T, Ra, I>,
        (Place::Reg, _) => alu::compare::<O, T, Ra, M>,
        (_, Place::Imm) => alu::compare::<O, T, M, I>,
        _ => alu::compare::<O, T, M, Rb>,
    })
}

fn unary<O: alu::Unary>(width: u32, d: Place) -> Option<Handler> {
    by_width!(width, T => match d {
        Place::Reg => alu::unary::<O, T, Ra>,
        _ => alu::unary::<O, T, M>,
    })
}

fn shifts<O: shift::Shift>(width: u32, d: Place, i: &Instruction, op: &mut Op) -> Option<Handler> {
    if i.op_kind(1) == iced_x86::OpKind::Register {
        return by_width!(width, T => match d {
            Place::Reg => shift::shift::<O, T, Ra, shift::Cl>,
            _ => shift::shift::<O, T, M, shift::Cl>,
        });
    }
    op.imm &= if width == 8 { 63 } else { 31 };
    if op.imm == 0 {
        return write_back(width, d, op);
    }
    by_width!(width, T => match d {
        Place::Reg => shift::shift::<O, T, Ra, shift::Fixed>,
        _ => shift::shift::<O, T, M, shift::Fixed>,
    })
}

/// A shift by zero: nothing changes, but a register of 32 bits is written, and memory too.
fn write_back(width: u32, d: Place, op: &mut Op) -> Option<Handler> {
    op.b = op.a;
    match d {
        Place::Reg => by_width!(width, T => data::mov::<T, Ra, Rb>),
        // The same as rotating by nothing, with the checks of a write.
        _ => by_width!(width, T => data::rewrite::<T>),
    }
}
