//! x87.

use super::Builder;
use super::operand::Place;
use crate::cpu::flags as cond;
use crate::cpu::op::{Handler, Op};
use crate::cpu::ops::data;
use crate::cpu::ops::x87::{self as h, POP, STORE_POP, TRUNCATE, Top};
use crate::x87::arith::{self as a, Operation};
use crate::x87::memory::Kind;
use crate::x87::transcendental as t;
use iced_x86::{Instruction, MemorySize, Mnemonic, Register};

impl Builder {
    /// Emits an x87 instruction; `false` if it is none.
    pub fn x87(&mut self, i: &Instruction) -> bool {
        let before = self.ops.len();
        let mut op = self.op(i);
        let handler = self.x87_handler(i, &mut op);
        match handler {
            Some(handler) => self.emit(op, handler),
            None => self.ops.truncate(before),
        }
        handler.is_some()
    }

    fn x87_handler(&mut self, i: &Instruction, op: &mut Op) -> Option<Handler> {
        use Mnemonic as N;
        let in_memory = self.place(i, 0) == Place::Mem;
        let format = kind(i.memory_size()).map_or(0, |kind| kind as u8);
        let wide = !matches!(i.memory_size(), MemorySize::FpuEnv14 | MemorySize::FpuState94);
        let st = |n: u32| (i.op_count() > n).then(|| stack_register(i.op_register(n))).flatten();
        // The register that is not the top, for instructions that name one or two.
        let other = st(1).filter(|&n| n != 0).or(st(0)).unwrap_or(1);
        (op.x, op.y) = (0, other);
        let mut arithmetic = |operation: Operation, pop: u8| -> Option<Handler> {
            op.imm = operation as u64;
            if in_memory {
                op.x = format;
                return Some(h::with_memory);
            }
            (op.a, op.b, op.x) = (st(0)?, st(1)?, pop);
            Some(h::registers)
        };
        let handler: Handler = match i.mnemonic() {
            N::Fadd | N::Fiadd => return arithmetic(Operation::Add, 0),
            N::Fmul | N::Fimul => return arithmetic(Operation::Mul, 0),
            N::Fsub | N::Fisub => return arithmetic(Operation::Sub, 0),
            N::Fsubr | N::Fisubr => return arithmetic(Operation::Subr, 0),
            N::Fdiv | N::Fidiv => return arithmetic(Operation::Div, 0),
            N::Fdivr | N::Fidivr => return arithmetic(Operation::Divr, 0),
            N::Faddp => return arithmetic(Operation::Add, POP),
            N::Fmulp => return arithmetic(Operation::Mul, POP),
            N::Fsubp => return arithmetic(Operation::Sub, POP),
            N::Fsubrp => return arithmetic(Operation::Subr, POP),
            N::Fdivp => return arithmetic(Operation::Div, POP),
            N::Fdivrp => return arithmetic(Operation::Divr, POP),
            N::Fcom | N::Ficom if in_memory => with(op, format, h::compare_memory),
            N::Fcomp | N::Ficomp if in_memory => with(op, format | STORE_POP, h::compare_memory),
            N::Fcom => with(op, 0, h::compare),
            N::Fcomp => with(op, 1, h::compare),
            N::Fcompp => with(op, 2, h::compare),
            N::Fucom => with(op, 4, h::compare),
            N::Fucomp => with(op, 5, h::compare),
            N::Fucompp => with(op, 6, h::compare),
            N::Fcomi => with(op, 0, h::compare_to_flags),
            N::Fcomip => with(op, 1, h::compare_to_flags),
            N::Fucomi => with(op, 4, h::compare_to_flags),
            N::Fucomip => with(op, 5, h::compare_to_flags),
            N::Ftst => top(op, a::ftst),
            N::Fxam => top(op, a::fxam),
            N::Fchs => top(op, |fpu| a::change_sign(fpu, |word| word ^ 0x8000)),
            N::Fabs => top(op, |fpu| a::change_sign(fpu, |word| word & 0x7fff)),
            N::Fsqrt => top(op, a::fsqrt),
            N::Frndint => top(op, a::frndint),
            N::Fscale => top(op, a::fscale),
            N::Fxtract => top(op, a::fxtract),
            N::Fprem => top(op, |fpu| a::remainder(fpu, false)),
            N::Fprem1 => top(op, |fpu| a::remainder(fpu, true)),
            N::F2xm1 => top(op, t::f2xm1),
            N::Fyl2x => top(op, t::fyl2x),
            N::Fyl2xp1 => top(op, t::fyl2xp1),
            N::Fpatan => top(op, t::fpatan),
            N::Fsin => with(op, 0, h::trigonometric),
            N::Fcos => with(op, 1, h::trigonometric),
            N::Fsincos => with(op, 2, h::trigonometric),
            N::Fptan => with(op, 3, h::trigonometric),
            N::Fld1 => with(op, 0, h::constant),
            N::Fldl2t => with(op, 1, h::constant),
            N::Fldl2e => with(op, 2, h::constant),
            N::Fldpi => with(op, 3, h::constant),
            N::Fldlg2 => with(op, 4, h::constant),
            N::Fldln2 => with(op, 5, h::constant),
            N::Fldz => with(op, 6, h::constant),
            N::Fld | N::Fild | N::Fbld if in_memory => with(op, format, h::load),
            N::Fld => with(op, 0, h::fld),
            N::Fst | N::Fist if in_memory => with(op, format, h::store),
            N::Fstp | N::Fistp | N::Fbstp if in_memory => with(op, format | STORE_POP, h::store),
            N::Fisttp => with(op, format | STORE_POP | TRUNCATE, h::store),
            N::Fst => with(op, 0, h::fst),
            N::Fstp => with(op, POP, h::fst),
            N::Fstpnce => h::fstpnce,
            N::Fxch => with(op, 0, h::fxch),
            N::Fcmovb => h::fcmov::<cond::B>,
            N::Fcmove => h::fcmov::<cond::E>,
            N::Fcmovbe => h::fcmov::<cond::Be>,
            N::Fcmovu => h::fcmov::<cond::P>,
            N::Fcmovnb => h::fcmov::<cond::Ae>,
            N::Fcmovne => h::fcmov::<cond::Ne>,
            N::Fcmovnbe => h::fcmov::<cond::A>,
            N::Fcmovnu => h::fcmov::<cond::Np>,
            N::Ffree => with(op, 0, h::ffree),
            N::Ffreep => with(op, POP, h::ffree),
            N::Fincstp => with(op, 1, h::turn),
            N::Fdecstp => with(op, 7, h::turn),
            N::Wait => h::wait,
            N::Fnop => h::wait,
            N::Fninit | N::Finit => h::fninit,
            N::Fnclex | N::Fclex => h::fnclex,
            N::Fnstcw | N::Fstcw => h::fnstcw,
            N::Fldcw => h::fldcw,
            N::Fnstsw | N::Fstsw if in_memory => h::fnstsw,
            N::Fnstsw | N::Fstsw => h::fnstsw_ax,
            N::Fnstenv | N::Fstenv => with(op, wide.into(), h::fnstenv),
            N::Fldenv => with(op, wide.into(), h::fldenv),
            N::Fnsave | N::Fsave => with(op, wide.into(), h::fnsave),
            N::Frstor => with(op, wide.into(), h::frstor),
            // Of the 8087 and 80287; ignored since.
            N::Fneni | N::Feni | N::Fndisi | N::Fdisi | N::Fnsetpm | N::Fsetpm => data::nop,
            _ => return None,
        };
        Some(handler)
    }
}

fn with(op: &mut Op, x: u8, handler: Handler) -> Handler {
    op.x = x;
    handler
}

fn top(op: &mut Op, f: Top) -> Handler {
    op.imm = f as usize as u64;
    h::top
}

fn stack_register(register: Register) -> Option<u8> {
    let n = (register as u32).checked_sub(Register::ST0 as u32)?;
    (n < 8).then_some(n as u8)
}

fn kind(size: MemorySize) -> Option<Kind> {
    Some(match size {
        MemorySize::Float32 => Kind::Single,
        MemorySize::Float64 => Kind::Double,
        MemorySize::Float80 => Kind::Extended,
        MemorySize::Int16 => Kind::Int16,
        MemorySize::Int32 => Kind::Int32,
        MemorySize::Int64 => Kind::Int64,
        MemorySize::Bcd => Kind::Bcd,
        _ => return None,
    })
}
