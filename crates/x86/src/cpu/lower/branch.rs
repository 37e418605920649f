//! Jumps, calls, returns.

use super::operand::{Conditional, Place, by_condition, by_wide_width, conditional};
use super::{Builder, Lowered};
use crate::Mode;
use crate::cpu::loc::{M, Ra};
use crate::cpu::op::{Handler, Op};
use crate::cpu::ops::branch as b;
use iced_x86::{Code, Instruction, Mnemonic, OpKind};

impl Builder {
    /// Emits a branch; `None` if it is none.
    pub fn branch(&mut self, i: &Instruction) -> Option<Lowered> {
        use Mnemonic as N;
        if let Some(Conditional::Jump(cc)) = conditional(i) {
            return Some(self.conditional_jump(i, by_condition!(cc, C => b::jcc::<C>)));
        }
        let count_width = || match i.code() {
            Code::Loop_rel8_16_CX
            | Code::Loop_rel8_32_CX
            | Code::Loope_rel8_16_CX
            | Code::Loope_rel8_32_CX
            | Code::Loopne_rel8_16_CX
            | Code::Loopne_rel8_32_CX => 2,
            Code::Loop_rel8_16_RCX
            | Code::Loop_rel8_64_RCX
            | Code::Loope_rel8_16_RCX
            | Code::Loope_rel8_64_RCX
            | Code::Loopne_rel8_16_RCX
            | Code::Loopne_rel8_64_RCX => 8,
            _ => 4,
        };
        let handler = match i.mnemonic() {
            N::Jcxz => Some(b::jump_if_zero::<u16> as Handler),
            N::Jecxz => Some(b::jump_if_zero::<u32> as Handler),
            N::Jrcxz => Some(b::jump_if_zero::<u64> as Handler),
            N::Loop => by_wide_width!(count_width(), T => b::loop_::<T>),
            N::Loope => by_wide_width!(count_width(), T => b::loope::<T>),
            N::Loopne => by_wide_width!(count_width(), T => b::loopne::<T>),
            _ => None,
        };
        if let Some(handler) = handler {
            return Some(self.conditional_jump(i, handler));
        }
        match i.mnemonic() {
            N::Jmp => match self.near_target(i) {
                Some(target) => {
                    let op = self.bare(i);
                    self.direct(op, target, b::jmp, b::jmp_wild);
                }
                None => {
                    let mut op = self.op(i);
                    let handler = match self.place(i, 0) {
                        Place::Reg => {
                            by_wide_width!(self.width(i, 0), T => b::jmp_indirect::<T, Ra>)?
                        }
                        // A far pointer in memory has no width here.
                        Place::Mem => {
                            by_wide_width!(self.width(i, 0), T => b::jmp_indirect::<T, M>)?
                        }
                        _ => return None,
                    };
                    op.x = self.count;
                    self.emit(op, handler);
                }
            },
            N::Call => match self.near_target(i) {
                Some(target) => {
                    let op = self.bare(i);
                    let width = match i.op_kind(0) {
                        OpKind::NearBranch16 => 2,
                        _ => self.pointer_width(),
                    };
                    let near: Handler = by_wide_width!(width, T => b::call::<T>)?;
                    let wild: Handler = by_wide_width!(width, T => b::call_wild::<T>)?;
                    self.direct(op, target, near, wild);
                }
                None => {
                    let mut op = self.op(i);
                    let handler = match self.place(i, 0) {
                        Place::Reg => {
                            by_wide_width!(self.width(i, 0), T => b::call_indirect::<T, Ra>)?
                        }
                        Place::Mem => {
                            by_wide_width!(self.width(i, 0), T => b::call_indirect::<T, M>)?
                        }
                        _ => return None,
                    };
                    op.x = self.count;
                    self.emit(op, handler);
                }
            },
            N::Ret => {
                let mut op = self.bare(i);
                op.imm = if i.op_count() > 0 { i.immediate(0) } else { 0 };
                let width = match i.code() {
                    Code::Retnw | Code::Retnw_imm16 => 2,
                    _ => self.pointer_width(),
                };
                let handler = by_wide_width!(width, T => b::ret::<T>)?;
                self.emit(op, handler);
            }
            _ => return None,
        }
        Some(Lowered::End)
    }

    fn pointer_width(&self) -> u32 {
        if self.mode == Mode::Amd64 { 8 } else { 4 }
    }

    fn near_target(&self, i: &Instruction) -> Option<u64> {
        match i.op_kind(0) {
            OpKind::NearBranch16 => Some(u64::from(i.near_branch16())),
            OpKind::NearBranch32 => Some(u64::from(i.near_branch32())),
            OpKind::NearBranch64 => Some(i.near_branch64()),
            _ => None,
        }
    }

    /// A jump to a known address, by the handler for those that can be mapped or the other.
    fn direct(&mut self, mut op: Op, target: u64, near: Handler, wild: Handler) {
        match u32::try_from(target) {
            Ok(target) => {
                op.disp = target as i32;
                self.emit(op, near);
            }
            Err(_) => {
                op.imm = target;
                self.emit(op, wild);
            }
        }
    }

    /// A jump that may not be taken: behind it, the jump to the next instruction.
    fn conditional_jump(&mut self, i: &Instruction, handler: Handler) -> Lowered {
        let target = self.near_target(i).unwrap_or(0);
        let op = self.bare(i);
        // A target beyond 4 GiB is where nothing can be mapped. Only code within 2 GiB of that
        // border can name one; it then faults at the border instead.
        let target = u32::try_from(target).unwrap_or(u32::MAX);
        self.emit(Op { disp: target as i32, ..op }, handler);
        self.fall_through(i.next_ip());
        Lowered::End
    }
}
