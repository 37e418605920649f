//! Functions and loops that go on in machine code give what the interpreter gives, wherever
//! that happens.

use sampan_compile::Jit;
use sampan_engine::{Config, Engine, Extern, Machine, Mode, Module, Trap};
use std::sync::Arc;

fn engine(mode: Mode, after: u32, waits: bool) -> Engine {
    let config = Config { mode, tier_after: after, tier_waits: waits, ..Config::default() };
    match mode {
        Mode::Auto => {
            let jit = Jit::new(&config).expect("this host runs compiled code");
            Engine::with_compiler(config, Arc::new(jit))
        }
        _ => Engine::new(config),
    }
}

/// Calls export `f` some times with an argument: the results, or how it trapped.
fn outcomes(engine: &Engine, text: &str, args: &[u64]) -> Vec<Result<[u64; 2], String>> {
    let module = Module::new(engine, wat::parse_str(text).expect("valid text")).expect("valid");
    let mut machine = Machine::new(engine);
    let instance = machine.instantiate(&mut (), &module, &[]).expect("it has no imports");
    let Some(Extern::Func(f)) = machine.export(instance, "f") else { panic!("no f") };
    args.iter()
        .map(|&arg| {
            let mut slots = [arg, 0];
            let called = machine.call(&mut (), f, &mut slots);
            called.map(|()| slots).map_err(|trap: Trap| {
                let frames: Vec<_> =
                    trap.frames().iter().map(|frame| (frame.func, frame.offset)).collect();
                format!("{trap} {frames:?}")
            })
        })
        .collect()
}

/// The same with machine code from every moment on.
#[track_caller]
fn same_in_all_tiers(text: &str, args: &[u64]) {
    let expected = outcomes(&engine(Mode::Fast, 0, false), text, args);
    for after in [0, 1, 2, 3, 5, 8, 13, 40] {
        let got = outcomes(&engine(Mode::Auto, after, true), text, args);
        assert_eq!(got, expected, "compiled after {after}");
    }
}

#[test]
fn a_loop_takes_locals_and_the_operand_stack_over() {
    same_in_all_tiers(
        r#"(module (func (export "f") (param $n i64) (result i64)
          (local $i i64) (local $x f64) (local $v v128) (local $sum i64)
          (local.set $x (f64.const 1.5))
          (local.set $v (v128.const i64x2 3 5))
          (i64.const 1000)                          ;; below: a constant,
          (i64.mul (local.get $n) (i64.const 7))    ;; a value,
          (v128.const i32x4 1 2 3 4)                ;; a vector,
          (local.get $n)                            ;; a local that changes later
          (local.set $n (i64.const 9))
          (i64.const 0) (f32.const 0.25)
          (loop $l (param i64 f32) (result i64 f32)
            (f32.mul (f32.const 1.25))
            (local.set $x (f64.add (local.get $x) (f64.const 0.125)))
            (local.set $v (i64x2.add (local.get $v) (v128.const i64x2 1 2)))
            (local.set $i (i64.add (local.get $i) (i64.const 1)))
            (if (i64.lt_u (local.get $i) (i64.const 50)) (then
              (local.set $sum (i64.add (local.get $sum) (local.get $i)))))
            (br_if $l (i64.lt_u (local.get $i) (i64.const 60))))
          (i64.add (i64.extend_i32_u (i32.reinterpret_f32)))
          (i64.add)
          (local.set $sum (i64.add (local.get $sum)))
          (i64x2.extract_lane 1 (i64x2.add (local.get $v)))
          (i64.add (local.get $sum)) (i64.add) (i64.add)
          (i64.add (i64.trunc_f64_s (local.get $x)))))"#,
        &[0, 1, 5, 100],
    );
}

#[test]
fn a_loop_with_a_parameter_above_other_values() {
    for below in ["(local.get $n)", "(i64.const 9)", "(i64.mul (i64.const 5) (local.get $n))"] {
        let text = format!(
            r#"(module (func (export "f") (param $n i64) (result i64) (local $i i64)
              {below}
              (i64.add (i64.const 77) (local.get $n))
              (loop $l (param i64) (result i64)
                (local.set $i (i64.add (local.get $i) (i64.const 1)))
                (br_if $l (i64.lt_u (local.get $i) (i64.const 3))))
              (i64.add (i64.mul (i64.const 1000)))))"#
        );
        same_in_all_tiers(&text, &[3, 4]);
    }
}

#[test]
fn a_block_s_end_that_is_reached_around_the_loop() {
    same_in_all_tiers(
        r#"(module (func $f (export "f") (param $n i64) (result i64)
          (local $i i64) (local $j i64)
          (local.get $n)
          (block $out (result i64)
            (i64.const 77)
            (br_if $out (i64.eq (local.get $n) (i64.const 3)))
            (i64.add (local.get $n))
            (loop $outer (param i64) (result i64)
              (i64.const 5)
              (local.set $j (i64.const 0))
              (loop $inner
                (drop (br_if $out (local.get $i) (i64.eq (local.get $i) (i64.const 37))))
                (local.set $i (i64.add (local.get $i) (i64.const 1)))
                (local.set $j (i64.add (local.get $j) (i64.const 1)))
                (br_if $inner (i64.lt_u (local.get $j) (i64.const 4))))
              (i64.add)
              (br_if $outer (i64.lt_u (local.get $i) (i64.mul (local.get $n) (i64.const 2))))))
          (i64.add)))"#,
        &[0, 1, 2, 3, 4, 9, 30],
    );
}

#[test]
fn the_other_part_of_an_if_with_a_loop() {
    same_in_all_tiers(
        r#"(module (func (export "f") (param $n i64) (result i64)
          (local $i i64) (local $j i64) (local $sum i64)
          (loop $outer
            (local.set $i (i64.add (local.get $i) (i64.const 1)))
            (i64.mul (local.get $i) (i64.const 10))
            (if (i64.eqz (i64.and (i64.add (local.get $i) (local.get $n)) (i64.const 1)))
              (then
                (local.set $j (i64.const 0))
                (loop $inner
                  (local.set $j (i64.add (local.get $j) (i64.const 1)))
                  (br_if $inner (i64.lt_u (local.get $j) (i64.const 5)))))
              (else
                (block (local.set $j (i64.const 100)))))
            (local.set $sum (i64.add (i64.add (local.get $j)) (local.get $sum)))
            (br_if $outer (i64.lt_u (local.get $i) (i64.const 20))))
          (local.get $sum)))"#,
        &[0, 1, 2],
    );
}

#[test]
fn a_constant_below_a_loop_that_is_not_always_passed() {
    same_in_all_tiers(
        r#"(module (func (export "f") (param $n i64) (result i64) (local $i i64)
          (i64.const 1000)
          (block $out
            (i64.const 5)
            (if (result i64) (i64.and (local.get $n) (i64.const 1)) (i32.wrap_i64)
              (then
                (loop $l
                  (local.set $i (i64.add (local.get $i) (i64.const 1)))
                  (br_if $l (i64.lt_u (local.get $i) (i64.const 3))))
                (local.get $i))
              (else (local.set $i (i64.const 50)) (local.get $i)))
            (local.set $i (i64.add))
            (br_if $out (i64.eq (local.get $n) (i64.const 2)))
            (loop $m
              (local.set $n (i64.add (local.get $n) (i64.const 1)))
              (br_if $m (i64.lt_u (local.get $n) (i64.const 20)))))
          (i64.add (local.get $i))))"#,
        &[0, 1, 2, 3, 4],
    );
}

/// What is above 32 bits of a slot does not matter.
#[test]
fn values_of_32_bits_between_the_interpreter_and_machine_code() {
    same_in_all_tiers(
        r#"(module
          (func $result (param i64 i64) (result i32) (i32.wrap_i64 (local.get 1)))
          (func $two (param i64 i64) (result i32 f32)
            (i32.wrap_i64 (local.get 1)) (f32.const 1.5))
          (func $args (param i32 f32) (result i64)
            (i64.add (i64.extend_i32_u (local.get 0))
              (i64.extend_i32_u (i32.reinterpret_f32 (local.get 1)))))
          (func (export "f") (param $n i64) (result i64) (local $i i64) (local $sum i64)
            (loop $l
              (local.set $i (i64.add (local.get $i) (i64.const 1)))
              (local.set $sum (i64.add (local.get $sum)
                (i64.extend_i32_u (call $result (i64.const -1) (local.get $i)))))
              (local.set $sum (i64.add (local.get $sum)
                (i64.extend_i32_u (call $result (i64.const -2) (local.get $n)))))
              (call $two (i64.const -1) (i64.const -1))
              (local.set $sum (i64.add (i64.extend_i32_u (i32.reinterpret_f32)) (local.get $sum)))
              (local.set $sum (i64.add (i64.extend_i32_u) (local.get $sum)))
              (if (i64.gt_u (local.get $i) (i64.const 9)) (then
                (local.set $sum (i64.add (local.get $sum) (call $args
                  (i32.wrap_i64 (i64.xor (i64.const -1) (local.get $i))) (f32.const -3))))))
              (br_if $l (i64.lt_u (local.get $i) (i64.const 20))))
            (local.get $sum)))"#,
        &[1, 0x1_0000_0002, 3],
    );
}

#[test]
fn traps_and_calls_in_a_loop_that_went_on_in_machine_code() {
    same_in_all_tiers(
        r#"(module
          (memory 1)
          (table 2 funcref) (elem (i32.const 0) $down $trap)
          (type $t (func (param i64) (result i64)))
          (func $down (type $t)
            (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 1)) (else
              (i64.add (i64.const 2) (call $down (i64.sub (local.get 0) (i64.const 1)))))))
          (func $trap (type $t) (i64.load offset=65530 (i32.wrap_i64 (local.get 0))))
          (func (export "f") (param $n i64) (result i64) (local $sum i64)
            (loop $l
              (local.set $sum (i64.add (local.get $sum) (call_indirect (type $t)
                (local.get $n) (i32.wrap_i64 (i64.shr_u (local.get $n) (i64.const 4))))))
              (local.set $n (i64.add (local.get $n) (i64.const 1)))
              (br_if $l (i64.ne (local.get $n) (i64.const 12))))
            (local.get $sum)))"#,
        &[0, 3, 11, 13, 0, 1],
    );
}

#[test]
fn a_tail_call_in_a_loop_that_went_on_in_machine_code() {
    same_in_all_tiers(
        r#"(module
          (func $even (param i64 i64) (result i64 i64)
            (if (i64.eqz (local.get 0)) (then (return (local.get 1) (i64.const 0))))
            (return_call $odd (i64.sub (local.get 0) (i64.const 1)) (local.get 1)))
          (func $odd (param i64 i64) (result i64 i64) (local $i i64)
            (loop $l
              (local.set $i (i64.add (local.get $i) (i64.const 1)))
              (local.set 1 (i64.add (local.get 1) (local.get $i)))
              (if (i64.eqz (local.get 0)) (then (return (local.get 1) (i64.const 1))))
              (br_if $l (i64.lt_u (local.get $i) (i64.const 3))))
            (return_call $even (i64.sub (local.get 0) (i64.const 1)) (local.get 1)))
          (func (export "f") (param i64) (result i64 i64)
            (return_call $even (local.get 0) (i64.const 0))))"#,
        &[0, 1, 2, 7, 20, 33],
    );
}

#[test]
fn code_from_another_thread_is_entered_while_a_loop_runs() {
    let engine = engine(Mode::Auto, 10, false);
    // So long that an interpreter would take minutes, and no call ever begins anew.
    let text = r#"(module (func (export "f") (param i64) (result i64) (local $x i64)
      (loop $l
        (local.set $x (i64.add (i64.rotl (local.get $x) (i64.const 5)) (local.get 0)))
        (local.set 0 (i64.sub (local.get 0) (i64.const 1)))
        (br_if $l (i64.ne (local.get 0) (i64.const 0))))
      (local.get $x)))"#;
    let rounds = 300_000_000_u64;
    let expected = (1..=rounds).rev().fold(0u64, |x, i| x.rotate_left(5).wrapping_add(i));
    assert_eq!(outcomes(&engine, text, &[rounds]), [Ok([expected, 0])]);
}
