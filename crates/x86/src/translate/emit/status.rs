//! The function that computes the status flags when it is not known how they follow: the same
//! as `state::status`.

use crate::registers::flags::{AF, CF, OF, PF, SF, STATUS, ZF};
use crate::translate::state::{kind, over};
use wasm_encoder::{BlockType, Function, InstructionSink, ValType};

const FA: u32 = 0;
const FB: u32 = 1;
const FC: u32 = 2;
const FK: u32 = 3;
const SHIFT: u32 = 4;
const A: u32 = 5;
const B: u32 = 6;
/// The result, at the top.
const R: u32 = 7;
/// Carry, overflow, adjust.
const BITS: u32 = 8;
const KIND: u32 = 9;

/// Parameters `fa`, `fb`, `fc`, `fk`; the flags as bits.
pub(in crate::translate) fn status_function() -> Function {
    let mut function = Function::new([(5, ValType::I64), (1, ValType::I32)]);
    let mut s = function.instructions();
    s.local_get(FK).i32_const(0xff).i32_and().local_set(KIND);
    s.local_get(FK).i32_const(8).i32_shr_u().i32_const(63).i32_and();
    s.i64_extend_i32_u().local_set(SHIFT);
    s.local_get(FA).local_get(SHIFT).i64_shl().local_tee(A).local_set(R);
    s.local_get(FB).local_get(SHIFT).i64_shl().local_set(B);
    when(&mut s, kind::ADD, |s| {
        less(s);
        // x = a - b
        s.local_get(A).local_get(B).i64_sub().local_get(A).i64_xor();
        s.local_get(B).local_get(A).i64_xor().i64_and();
        sign_to(s, OF);
        s.local_get(A).local_get(B).i64_sub();
        adjust(s);
    });
    when(&mut s, kind::SUB, |s| {
        s.local_get(A).local_get(B).i64_sub().local_set(R);
        less(s);
        s.local_get(A).local_get(B).i64_xor();
        s.local_get(A).local_get(R).i64_xor().i64_and();
        sign_to(s, OF);
        s.local_get(A);
        adjust(s);
    });
    when(&mut s, kind::INC, |s| {
        s.local_get(A).i64_const(i64::MIN).i64_eq();
        flag(s, OF);
        s.local_get(FA).i64_const(15).i64_and().i64_eqz();
        flag(s, AF);
    });
    when(&mut s, kind::DEC, |s| {
        s.local_get(A).i64_const(1).local_get(SHIFT).i64_shl().i64_add();
        s.i64_const(i64::MIN).i64_eq();
        flag(s, OF);
        s.local_get(FA).i64_const(15).i64_and().i64_const(15).i64_eq();
        flag(s, AF);
    });
    when(&mut s, kind::BITS, |s| {
        s.local_get(FB).i64_const((CF | OF | AF) as i64).i64_and().local_set(BITS);
    });
    when(&mut s, kind::SHL, |s| {
        s.local_get(B);
        sign_to(s, CF);
        s.local_get(A).local_get(B).i64_xor();
        sign_to(s, OF);
    });
    when(&mut s, kind::SHR, |s| {
        s.local_get(FB).i64_const(1).i64_and().local_set(BITS);
        s.local_get(B);
        sign_to(s, OF);
    });
    when(&mut s, kind::SAR, |s| {
        s.local_get(FB).i64_const(1).i64_and().local_set(BITS);
    });
    when(&mut s, kind::IMUL, |s| product(s, true));
    when(&mut s, kind::MUL, |s| product(s, false));
    // What follows from the result.
    s.local_get(KIND).i32_eqz().if_(BlockType::Empty);
    s.local_get(FB).i64_const(STATUS as i64).i64_and().local_set(BITS);
    s.else_();
    s.local_get(R).i64_eqz();
    flag(&mut s, ZF);
    s.local_get(R);
    sign_to(&mut s, SF);
    s.local_get(R).local_get(SHIFT).i64_shr_u().i64_const(0xff).i64_and().i64_popcnt();
    s.i64_const(1).i64_and().i64_eqz();
    flag(&mut s, PF);
    s.end();
    overrides(&mut s);
    s.local_get(BITS).i32_wrap_i64();
    s.end();
    function
}

fn overrides(s: &mut InstructionSink<'_>) {
    // From here on A is `fc` at the top, and KIND what it overrides.
    s.local_get(FC).local_get(FK).i32_const(24).i32_shr_u().i32_const(63).i32_and();
    s.i64_extend_i32_u().i64_shl().local_set(A);
    s.local_get(FK).i32_const(16).i32_shr_u().i32_const(0xff).i32_and().local_set(KIND);
    let clear = |s: &mut InstructionSink<'_>, bits: u64| {
        s.local_get(BITS).i64_const(!bits as i64).i64_and().local_set(BITS);
    };
    let low = |s: &mut InstructionSink<'_>| {
        s.local_get(FC).i64_const(1).i64_and().local_get(BITS).i64_or().local_set(BITS);
    };
    when(s, over::ROL, |s| {
        clear(s, CF | OF);
        low(s);
        s.local_get(A).local_get(FC).i64_const(63).i64_shl().i64_xor();
        sign_to(s, OF);
    });
    when(s, over::ROR, |s| {
        clear(s, CF | OF);
        s.local_get(A);
        sign_to(s, CF);
        s.local_get(A).local_get(A).i64_const(1).i64_shl().i64_xor();
        sign_to(s, OF);
    });
    when(s, over::CARRY, |s| {
        clear(s, CF);
        low(s);
    });
}

fn when(s: &mut InstructionSink<'_>, number: u32, body: impl FnOnce(&mut InstructionSink<'_>)) {
    s.local_get(KIND).i32_const(number as i32).i32_eq().if_(BlockType::Empty);
    body(s);
    s.end();
}

/// Sets a flag by the condition on the stack.
fn flag(s: &mut InstructionSink<'_>, flag: u64) {
    s.i64_extend_i32_u().i64_const(flag.trailing_zeros().into()).i64_shl();
    s.local_get(BITS).i64_or().local_set(BITS);
}

/// Sets a flag by the sign of the number on the stack.
fn sign_to(s: &mut InstructionSink<'_>, bit: u64) {
    s.i64_const(0).i64_lt_s();
    flag(s, bit);
}

/// Carry, as after a subtraction of `B` from `A`, and as after an addition.
fn less(s: &mut InstructionSink<'_>) {
    s.local_get(A).local_get(B).i64_lt_u();
    flag(s, CF);
}

/// Adjust, from the first operand on the stack.
fn adjust(s: &mut InstructionSink<'_>) {
    s.local_get(B).i64_xor().local_get(R).i64_xor().local_get(SHIFT).i64_shr_u();
    s.i64_const(AF as i64).i64_and().local_get(BITS).i64_or().local_set(BITS);
}

fn product(s: &mut InstructionSink<'_>, signed: bool) {
    s.local_get(FA).local_get(FB).i64_mul().local_get(SHIFT).i64_shl().local_set(R);
    s.local_get(SHIFT).i64_eqz().if_(BlockType::Empty);
    // The upper half is what the sign says, or zero.
    super::multiply::high(s, signed, FA, FB, [A, B, SHIFT]);
    if signed {
        s.local_get(R).i64_const(63).i64_shr_s();
    } else {
        s.i64_const(0);
    }
    s.i64_ne();
    flag(s, CF);
    s.i64_const(0).local_set(SHIFT);
    s.else_();
    s.local_get(FA).local_get(FB).i64_mul().local_get(R).local_get(SHIFT);
    if signed {
        s.i64_shr_s();
    } else {
        s.i64_shr_u();
    }
    s.i64_ne();
    flag(s, CF);
    s.end();
    s.local_get(BITS).i64_const(OF.trailing_zeros().into()).i64_shl();
    s.local_get(BITS).i64_or().local_set(BITS);
}
