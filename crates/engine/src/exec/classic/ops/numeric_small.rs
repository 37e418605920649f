//! The scalar operations of one byte in small builds: one function with an arm for each.
//!
//! As handlers each would take its operands and put its result, and have an entry of four bytes
//! in the table of handlers. Here that is written once, and an arm is often one instruction.

use crate::exec::classic::ops::numeric::Value;
use crate::exec::classic::regs::Regs;
use crate::exec::num::{self, with_numeric_ops};
use sampan_wasm::Opcode;

/// The first of these opcodes, `i32.eqz`, and how many there are.
const FIRST: u8 = 0x45;
const COUNT: u8 = 0x80;

/// Whether [`perform`] executes an opcode.
#[inline(always)]
pub(in crate::exec::classic) fn is_numeric(opcode: u8) -> bool {
    opcode.wrapping_sub(FIRST) < COUNT
}

macro_rules! codes {
    ($($shape:ident $variant:ident $f:ident $($more:ident)*;)*) => {
        /// The opcodes by name, as patterns.
        #[allow(non_upper_case_globals)]
        mod code {
            use super::Opcode;
            $(pub(super) const $variant: u16 = Opcode::$variant.code();)*
        }
    };
}
with_numeric_ops!(codes);

macro_rules! arms {
    ([$r:ident $opcode:ident $canonical:ident] $($shape:ident $variant:ident $f:ident $($more:ident)*;)*) => {
        match u16::from($opcode) {
            $(code::$variant if Opcode::$variant.is_built_in() => {
                arm!($r $canonical $shape $f $($more)*)
            })*
            _ => unreachable!("validated: one of these opcodes"),
        }
    };
}

macro_rules! arm {
    ($r:ident $c:ident test $f:ident $a:ident) => { arm!($r $c unary $f $a bool) };
    ($r:ident $c:ident compare $f:ident $a:ident) => { arm!($r $c binary $f $a $a bool) };
    ($r:ident $c:ident unary $f:ident $a:ident $result:ident) => {
        num::$f(top::<$a>($r)).to_slot()
    };
    ($r:ident $c:ident unary $f:ident $a:ident $result:ident $canon:ident) => {{
        let value = num::$f(top::<$a>($r));
        if $c { num::$canon(value).to_slot() } else { value.to_slot() }
    }};
    ($r:ident $c:ident binary $f:ident $a:ident $b:ident $result:ident) => {{
        let b = take::<$b>($r);
        num::$f(top::<$a>($r), b).to_slot()
    }};
    ($r:ident $c:ident binary $f:ident $a:ident $b:ident $result:ident $canon:ident) => {{
        let b = take::<$b>($r);
        let value = num::$f(top::<$a>($r), b);
        if $c { num::$canon(value).to_slot() } else { value.to_slot() }
    }};
    ($r:ident $c:ident try_unary $f:ident $a:ident $result:ident) => {
        match num::$f(top::<$a>($r)) {
            Ok(value) => value.to_slot(),
            Err(kind) => return $r.fail(kind),
        }
    };
    ($r:ident $c:ident try_binary $f:ident $a:ident) => {{
        let b = take::<$a>($r);
        match num::$f(top::<$a>($r), b) {
            Ok(value) => value.to_slot(),
            Err(kind) => return $r.fail(kind),
        }
    }};
    // Those with more results have a prefix and so are not among these.
    ($r:ident $c:ident $wide:ident $f:ident) => { unreachable!("its opcode has two bytes") };
}

/// Executes the operation at `r.pc`. `canonical` says whether NaNs are made so.
///
/// # Safety
/// As for all handlers: validation saw that the operands are on the stack.
#[inline(always)]
pub(in crate::exec::classic) unsafe fn perform(r: &mut Regs, canonical: bool) {
    // SAFETY: the caller's promise.
    unsafe {
        let opcode = *r.pc;
        let value = with_numeric_ops!(arms [r opcode canonical]);
        *r.sp.sub(1) = value;
        r.pc = r.pc.add(1);
    }
}

/// The topmost operand.
#[inline(always)]
unsafe fn top<T: Value>(r: &Regs) -> T {
    // SAFETY: the caller knows of an operand.
    unsafe { T::from_slot(*r.sp.sub(1)) }
}

/// The topmost operand, taken.
#[inline(always)]
unsafe fn take<T: Value>(r: &mut Regs) -> T {
    // SAFETY: the caller knows of an operand.
    unsafe {
        let value = top(r);
        r.sp = r.sp.sub(1);
        value
    }
}
