//! Handlers that look at the next opcode and execute frequent pairs at once.
//!
//! They take the place of plain ones where fuel is not counted. The pairs are those that
//! C compilers' output executes most; every second instruction needs no dispatch.

use super::memory::{Access, address, load_long, short_accesses, short_offset, store_long};
use super::{control, variable};
use crate::exec::classic::ops::numeric::Value;
use crate::exec::classic::regs::{Flow, Handler, Regs, handler, signed_leb};
use crate::exec::num::{self, with_numeric_ops};
use sampan_wasm::Opcode;

const BR_IF: u8 = Opcode::BrIf.code() as u8;
const I32_ADD: u8 = Opcode::I32Add.code() as u8;
const I32_AND: u8 = Opcode::I32And.code() as u8;
const I32_CONST: u8 = Opcode::I32Const.code() as u8;
const LOCAL_GET: u8 = Opcode::LocalGet.code() as u8;

/// The value of a one-byte LEB128.
fn signed(byte: u8) -> u32 {
    ((byte as i8) << 1 >> 1) as u32
}

/// Goes on behind `$len` bytes with a result, and executes the `local.get`, `local.set` or
/// `local.tee` that may be there.
macro_rules! finish {
    ($r:ident, $depth:ident, $value:expr, $len:expr) => {{
        let value = $value;
        let access = $r.byte($len).wrapping_sub(LOCAL_GET);
        if access < 3 && $r.byte($len + 1) < 0x80 {
            let local = $r.fp.add($r.byte($len + 1).into());
            if access == 0 {
                $r.push(&mut $depth, value);
                $r.push(&mut $depth, *local);
                return $r.next($depth, $len + 2);
            }
            *local = value;
            if access == 2 {
                // Else LLVM makes one end of both, which computes its table.
                core::arch::asm!("", options(nomem, nostack, preserves_flags));
                $r.push(&mut $depth, value);
                return $r.next($depth, $len + 2);
            }
            return $r.next($depth, $len + 2);
        }
        $r.push(&mut $depth, value);
        $r.next($depth, $len)
    }};
}

/// Goes on behind `$len` bytes, with the `local.get` that may be there.
macro_rules! get {
    ($r:ident, $depth:ident, $len:expr) => {{
        if $r.byte($len) == LOCAL_GET && $r.byte($len + 1) < 0x80 {
            let value = *$r.fp.add($r.byte($len + 1).into());
            $r.push(&mut $depth, value);
            return $r.next($depth, $len + 2);
        }
        $r.next($depth, $len)
    }};
}

handler! {
    /// With `i32.const`, with that and `i32.add`, or with a second one, and what is done with
    /// a sum.
    fn local_get<const DEPTH: usize>(r) {
        let index = r.byte(1);
        if index >= 0x80 {
            return r.call(variable::local_get_long::<DEPTH>);
        }
        let value = *r.fp.add(index.into());
        let mut depth = DEPTH;
        // The bytes that are read exist: an immediate is followed by an instruction.
        match r.byte(2) {
            I32_CONST if r.byte(3) < 0x80 => {
                let constant = signed(r.byte(3));
                if r.byte(4) == I32_ADD {
                    let sum = (value as u32).wrapping_add(constant).into();
                    return finish!(r, depth, sum, 5);
                }
                r.push(&mut depth, value);
                r.push(&mut depth, constant.into());
                r.next(depth, 4)
            }
            LOCAL_GET if r.byte(3) < 0x80 => {
                let second = *r.fp.add(r.byte(3).into());
                if r.byte(4) == I32_ADD {
                    let sum = (value as u32).wrapping_add(second as u32).into();
                    return finish!(r, depth, sum, 5);
                }
                r.push(&mut depth, value);
                r.push(&mut depth, second);
                r.next(depth, 4)
            }
            I32_ADD if DEPTH > 0 => {
                let left = r.pop(&mut depth) as u32;
                let sum = left.wrapping_add(value as u32).into();
                finish!(r, depth, sum, 3)
            }
            _ => {
                r.push(&mut depth, value);
                r.next(depth, 2)
            }
        }
    }

    /// With `local.get`.
    fn local_set<const DEPTH: usize>(r) {
        let index = r.byte(1);
        if index >= 0x80 {
            return r.call(variable::local_set_long::<DEPTH>);
        }
        let mut depth = DEPTH;
        *r.fp.add(index.into()) = r.pop(&mut depth);
        get!(r, depth, 2)
    }

    /// With `local.get`.
    fn local_tee<const DEPTH: usize>(r) {
        let index = r.byte(1);
        if index >= 0x80 {
            return r.call(variable::local_tee_long::<DEPTH>);
        }
        let mut depth = DEPTH;
        let value = r.pop(&mut depth);
        *r.fp.add(index.into()) = value;
        r.push(&mut depth, value);
        get!(r, depth, 2)
    }

    /// With `i32.add` or a bit operation, and what is done with the result.
    fn i32_const<const DEPTH: usize>(r) {
        let byte = r.byte(1);
        if byte >= 0x80 {
            return r.call(i32_const_long::<DEPTH>);
        }
        let mut depth = DEPTH;
        let operation = usize::from(r.byte(2).wrapping_sub(I32_AND));
        if DEPTH > 0 && operation < BIT_OPERATIONS {
            return r.call(WITH_CONSTANT[DEPTH - 1][operation]);
        }
        if r.byte(2) == I32_ADD {
            let value = r.pop(&mut depth) as u32;
            return finish!(r, depth, value.wrapping_add(signed(byte)).into(), 3);
        }
        r.push(&mut depth, signed(byte).into());
        r.next(depth, 2)
    }

    /// With `i32.add`: addresses are often that long.
    fn i32_const_long<const DEPTH: usize>(r) {
        let (value, len) = signed_leb(r.pc.add(1));
        let mut depth = DEPTH;
        if r.byte(1 + len) == I32_ADD {
            let left = r.pop(&mut depth) as u32;
            r.push(&mut depth, left.wrapping_add(value as u32).into());
            return r.next(depth, 2 + len);
        }
        r.push(&mut depth, (value as u32).into());
        r.next(depth, 1 + len)
    }
}

/// Makes the handlers of an `i32.const` of one byte and the bit operation behind it. Beside
/// two operands in registers, the constant would be a third, for which one goes to memory
/// and comes back at once: hashes and coders of bytes wait for that.
macro_rules! with_constant {
    ($($name:ident $f:ident;)*) => {
        handler! {$(
            fn $name<const DEPTH: usize>(r) {
                let mut depth = DEPTH;
                let left = r.pop(&mut depth) as u32;
                finish!(r, depth, num::$f(left, signed(r.byte(1))).into(), 3)
            }
        )*}
        const BIT_OPERATIONS: usize = [$(stringify!($f)),*].len();
        /// By number of operands in registers less one, and opcode.
        static WITH_CONSTANT: [[Handler; BIT_OPERATIONS]; 2] = [[$($name::<1>),*], [$($name::<2>),*]];
    };
}

// In the order of their opcodes.
with_constant! {
    constant_and i32_and;
    constant_or i32_or;
    constant_xor i32_xor;
    constant_shl i32_shl;
    constant_shr_s i32_shr_s;
    constant_shr_u i32_shr_u;
    constant_rotl i32_rotl;
    constant_rotr i32_rotr;
}

// Loads with the access of a local behind them, stores with `local.get`.
short_accesses!(finish, get);

/// Comparisons with `br_if`, other operations with the access of a local.
macro_rules! rows {
    ($($shape:ident $variant:ident $f:ident $($t:ident)*;)*) => {
        $(row! { $shape $f $($t)* })*
    };
}

macro_rules! row {
    (test $f:ident $a:ident) => {
        handler! {
            fn $f<const DEPTH: usize>(r) {
                let mut depth = DEPTH;
                let a = $a::from_slot(r.pop(&mut depth));
                let result = num::$f(a);
                if r.byte(1) == BR_IF {
                    return branch_if(r, depth, result);
                }
                r.push(&mut depth, result.into());
                r.next(depth, 1)
            }
        }
    };
    (compare $f:ident $a:ident) => {
        handler! {
            fn $f<const DEPTH: usize>(r) {
                let mut depth = DEPTH;
                let b = $a::from_slot(r.pop(&mut depth));
                let a = $a::from_slot(r.pop(&mut depth));
                let result = num::$f(a, b);
                if r.byte(1) == BR_IF {
                    return branch_if(r, depth, result);
                }
                r.push(&mut depth, result.into());
                r.next(depth, 1)
            }
        }
    };
    (unary $f:ident $a:ident $r:ident $($canon:ident)?) => {
        handler! {
            fn $f<const DEPTH: usize>(r) {
                let mut depth = DEPTH;
                let a = $a::from_slot(r.pop(&mut depth));
                finish!(r, depth, num::$f(a).to_slot(), 1)
            }
        }
    };
    (binary $f:ident $a:ident $b:ident $r:ident $($canon:ident)?) => {
        handler! {
            fn $f<const DEPTH: usize>(r) {
                let mut depth = DEPTH;
                let b = $b::from_slot(r.pop(&mut depth));
                let a = $a::from_slot(r.pop(&mut depth));
                finish!(r, depth, num::$f(a, b).to_slot(), 1)
            }
        }
    };
    ($($other:tt)*) => {};
}

with_numeric_ops!(rows);

/// Executes the `br_if` behind the current opcode.
#[inline(always)]
unsafe fn branch_if(mut r: Regs, mut depth: usize, condition: bool) -> Flow {
    // SAFETY: the caller's promise.
    unsafe {
        r.pc = r.pc.add(1);
        let entry = r.side();
        if condition {
            return r.branch(depth, entry);
        }
        r.set_side(entry.add(1));
        if r.byte(1) >= 0x80 {
            return control::skip(r, depth);
        }
        get!(r, depth, 2)
    }
}
