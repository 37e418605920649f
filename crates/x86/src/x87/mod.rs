//! x87: a stack of eight extended numbers. Every operation is a function on the state, so that
//! whoever executes an instruction fetches operands and nothing else. They are not inlined:
//! their locals in a handler would keep its last call from being a jump.
//!
//! Source: Intel SDM vol. 1, chapter 8.

pub(crate) mod arith;
pub(crate) mod control;
mod fast;
pub(crate) mod memory;
pub(crate) mod transcendental;

use crate::Fpu;
use crate::float::{
    self as soft, EXTENDED, Env, Format, NanRule, Num, Rounding, exception, pack80, unpack80,
};

/// Stack fault, in the status word.
const SF: u32 = 0x40;
pub(crate) const C0: u16 = 0x100;
pub(crate) const C1: u16 = 0x200;
pub(crate) const C2: u16 = 0x400;
pub(crate) const C3: u16 = 0x4000;
/// An unmasked exception is pending; the busy bit mirrors it.
const PENDING: u16 = 0x8080;

impl Fpu {
    fn index(&self, i: u8) -> usize {
        (self.top() + usize::from(i)) & 7
    }

    pub(crate) fn is_empty(&self, i: u8) -> bool {
        self.in_use >> self.index(i) & 1 == 0
    }

    fn set_top(&mut self, top: usize) {
        self.status = self.status & !0x3800 | ((top & 7) as u16) << 11;
    }

    fn st(&self, i: u8) -> Num {
        unpack80(self.st[self.index(i)])
    }

    fn set(&mut self, i: u8, x: Num) {
        let index = self.index(i);
        self.st[index] = pack80(x);
        self.in_use |= 1 << index;
    }

    fn pop(&mut self) {
        self.in_use &= !(1 << self.top());
        self.set_top(self.top() + 1);
    }

    fn env(&self) -> Env {
        Env {
            rounding: Rounding::of(u32::from(self.control) >> 10),
            nan: NanRule::Larger,
            daz: false,
            ftz: false,
            masks: u32::from(self.control) & 0x3f,
            flags: 0,
            up: false,
        }
    }

    /// The format of results by the precision control.
    fn format(&self) -> Format {
        let precision = match self.control >> 8 & 3 {
            0 => 24,
            2 => 53,
            _ => 64,
        };
        Format { precision, ..EXTENDED }
    }

    /// Enters what happened into the status word; `false` if a result must not be written, for
    /// an exception about the operands is not masked.
    fn finish(&mut self, env: &Env) -> bool {
        self.status &= !C1;
        self.note(env)
    }

    /// The same for instructions that leave C1 alone.
    fn note(&mut self, env: &Env) -> bool {
        let mut env = *env;
        if env.flags & !env.masks & 7 != 0 {
            // What is about the operands traps before there is a result to be inexact.
            env.flags &= 0x47;
        }
        self.status |= env.flags as u16 & 0x7f;
        if env.flags & SF != 0 {
            self.status &= !C1;
        }
        if env.up && env.flags & exception::PRECISION != 0 {
            self.status |= C1;
        }
        let unmasked = env.flags & !env.masks & 0x3f;
        if unmasked != 0 {
            self.status |= PENDING;
        }
        unmasked & (exception::INVALID | exception::DENORMAL | exception::DIVIDE) == 0
    }

    /// An operand was empty: `false` if the result must not be written.
    fn underflow(&mut self) -> bool {
        let mut env = self.env();
        env.flags = exception::INVALID | SF;
        self.finish(&env)
    }

    /// Pushes a value; a full stack is an invalid operation.
    fn push(&mut self, x: Num) {
        if !self.is_empty(7) {
            let mut env = self.env();
            env.flags = exception::INVALID | SF;
            let write = self.finish(&env);
            self.status |= C1;
            if write {
                self.set_top(self.top() + 7);
                self.set(0, Num::INDEFINITE);
            }
            return;
        }
        self.set_top(self.top() + 7);
        self.set(0, x);
    }

    /// Replaces the top by a function of it.
    fn unary(&mut self, f: impl FnOnce(&mut Env, Format, Num) -> Num) {
        if self.is_empty(0) {
            if self.underflow() {
                self.set(0, Num::INDEFINITE);
            }
            return;
        }
        let mut env = self.env();
        let result = f(&mut env, self.format(), self.st(0));
        if self.finish(&env) {
            self.set(0, result);
        }
    }

    fn conditions(&mut self, bits: u16) {
        self.status = self.status & !(C0 | C2 | C3) | bits;
    }
}

/// A loaded single or double becomes extended: denormals and signaling NaNs are noticed.
fn widen(env: &mut Env, mut x: Num) -> Num {
    if x.is_nan() {
        return soft::propagate(env, x, x);
    }
    env.operand(&mut x);
    Num { denormal: false, ..x }
}
