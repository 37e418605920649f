//! Handlers that look at the next opcode and execute frequent pairs at once.
//!
//! They take the place of plain ones where fuel is not counted. The pairs are those that
//! C compilers' output executes most: together about half of all instructions.

use super::{control, variable};
use crate::exec::classic::ops::numeric::Value;
use crate::exec::classic::regs::{Flow, Regs, handler};
use crate::exec::num::{self, with_numeric_ops};
use sampan_wasm::Opcode;

const BR_IF: u8 = Opcode::BrIf.code() as u8;
const I32_ADD: u8 = Opcode::I32Add.code() as u8;
const I32_CONST: u8 = Opcode::I32Const.code() as u8;
const LOCAL_GET: u8 = Opcode::LocalGet.code() as u8;
const LOCAL_SET: u8 = Opcode::LocalSet.code() as u8;
const LOCAL_TEE: u8 = Opcode::LocalTee.code() as u8;

/// The value of a one-byte LEB128.
fn signed(byte: u8) -> u32 {
    ((byte as i8) << 1 >> 1) as u32
}

handler! {
    /// With `i32.const`, with that and `i32.add`, or with a second one.
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
                    r.push(&mut depth, (value as u32).wrapping_add(constant).into());
                    return r.next(depth, 5);
                }
                r.push(&mut depth, value);
                r.push(&mut depth, constant.into());
                r.next(depth, 4)
            }
            LOCAL_GET if r.byte(3) < 0x80 => {
                let second = *r.fp.add(r.byte(3).into());
                r.push(&mut depth, value);
                r.push(&mut depth, second);
                r.next(depth, 4)
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
        if r.byte(2) == LOCAL_GET && r.byte(3) < 0x80 {
            let value = *r.fp.add(r.byte(3).into());
            r.push(&mut depth, value);
            return r.next(depth, 4);
        }
        r.next(depth, 2)
    }

    /// With `i32.add`.
    fn i32_const<const DEPTH: usize>(r) {
        let byte = r.byte(1);
        if byte >= 0x80 {
            return r.call(variable::i32_const_long::<DEPTH>);
        }
        let mut depth = DEPTH;
        if r.byte(2) == I32_ADD {
            let value = r.pop(&mut depth) as u32;
            r.push(&mut depth, value.wrapping_add(signed(byte)).into());
            return r.next(depth, 3);
        }
        r.push(&mut depth, signed(byte).into());
        r.next(depth, 2)
    }

    /// With `local.set` or `local.tee`.
    fn i32_add<const DEPTH: usize>(r) {
        let mut depth = DEPTH;
        let right = r.pop(&mut depth) as u32;
        let left = r.pop(&mut depth) as u32;
        let sum = left.wrapping_add(right).into();
        match r.byte(1) {
            LOCAL_SET if r.byte(2) < 0x80 => {
                *r.fp.add(r.byte(2).into()) = sum;
                r.next(depth, 3)
            }
            LOCAL_TEE if r.byte(2) < 0x80 => {
                *r.fp.add(r.byte(2).into()) = sum;
                r.push(&mut depth, sum);
                r.next(depth, 3)
            }
            _ => {
                r.push(&mut depth, sum);
                r.next(depth, 1)
            }
        }
    }
}

/// Comparisons with `br_if`.
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
    ($($other:tt)*) => {};
}

with_numeric_ops!(rows);

/// Executes the `br_if` behind the current opcode.
#[inline(always)]
unsafe fn branch_if(mut r: Regs, depth: usize, condition: bool) -> Flow {
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
        r.next(depth, 2)
    }
}
