//! What instructions do in the classic interpreter, beyond what the official suite tests:
//! how branches, frames, instances and the host fit together.

mod support;

use sampan_engine::sync::Arc;
use sampan_engine::{Extern, Machine, Trap, TrapKind, wasm::ValType};
use support::{Guest, add, classic, host};

#[test]
fn calls_and_loops() {
    let mut guest = Guest::new(
        r#"(module
          (func $fib (export "fib") (param i32) (result i32)
            (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
              (then (local.get 0))
              (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                             (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
          (func (export "sum") (param i32) (result i32) (local i32)
            (loop $l
              (local.set 1 (i32.add (local.get 1) (local.get 0)))
              (br_if $l (local.tee 0 (i32.add (local.get 0) (i32.const -1)))))
            (local.get 1)))"#,
    );
    assert_eq!(guest.i32("fib", &[20]), Ok(6765));
    assert_eq!(guest.i32("sum", &[100]), Ok(5050));
}

#[test]
fn branches_remove_what_lies_below_their_values() {
    let mut guest = Guest::new(
        r#"(module
          (func (export "f") (param i32) (result i32)
            i32.const 1000
            (block $out (result i32)
              i32.const 1 i32.const 2
              (block $in (result i32)
                i32.const 7 i32.const 8
                i32.const 10
                local.get 0
                br_table $in $out 1)
              ;; 1, 2 and the value that came to $in
              i32.add i32.add)
            i32.add)
          (func (export "keep") (param i32) (result i32)
            i32.const 1 i32.const 2
            (block $b (result i32) i32.const 5 i32.const 6 i32.const 7 local.get 0 br_if $b
              drop drop)
            i32.add i32.add))"#,
    );
    assert_eq!(guest.i32("f", &[0]), Ok(1000 + 1 + 2 + 10));
    assert_eq!(guest.i32("f", &[1]), Ok(1000 + 10));
    assert_eq!(guest.i32("f", &[9]), Ok(1000 + 10));
    assert_eq!(guest.i32("keep", &[1]), Ok(10));
    assert_eq!(guest.i32("keep", &[0]), Ok(8));
}

#[test]
fn branches_farther_than_an_entry_holds() {
    // 70,000 bytes and 20,000 branches between a branch and its target.
    let filler = "(br_if $out (i32.const 0))".repeat(20_000);
    let mut guest = Guest::new(&format!(
        r#"(module (func (export "f") (param i32) (result i32) (local i32)
          (loop $again
            (block $out
              (br_if $out (local.get 0))
              {filler}
              (local.set 1 (i32.add (local.get 1) (i32.const 1)))
              (br_if $again (i32.lt_u (local.get 1) (i32.const 3)))))
          (local.get 1)))"#
    ));
    assert_eq!(guest.i32("f", &[0]), Ok(3));
    assert_eq!(guest.i32("f", &[1]), Ok(0));
}

#[test]
fn more_far_branches_than_their_numbers_hold() {
    // Each of 70,000 branches removes an operand and so has a record.
    let count = 70_000;
    let filler = "(br_if $out (i32.const 4) (i32.const 0)) (drop)".repeat(count - 1);
    let mut guest = Guest::new(&format!(
        r#"(module (func (export "f") (param i32) (result i32)
          (block $out (result i32)
            (i32.const 1)
            {filler}
            (br_if $out (i32.const 5) (local.get 0))
            (i32.add))))"#
    ));
    assert_eq!(guest.i32("f", &[1]), Ok(5));
    assert_eq!(guest.i32("f", &[0]), Ok(6));
}

#[test]
fn several_values_and_many_locals() {
    let locals = "i32 ".repeat(200);
    let mut guest = Guest::new(&format!(
        r#"(module
          (func $swap (param i32 i64 i32) (result i32 i64 i32)
            (local.get 2) (local.get 1) (local.get 0))
          (func (export "f") (param i32) (result i32) (local {locals})
            (local.set 150 (local.get 0))
            (call $swap (local.get 150) (i64.const 5) (i32.const 3))
            (local.set 200) (drop) (local.tee 199)
            (i32.mul (i32.const 100)) (i32.add (local.get 200)) (i32.add (local.get 7))))"#
    ));
    assert_eq!(guest.i32("f", &[42]), Ok(342));
}

#[test]
fn tail_calls_take_no_stack() {
    let mut guest = Guest::new(
        r#"(module
          (type $t (func (param i32 i32) (result i32)))
          (table funcref (elem $even $odd))
          (func $even (export "even") (type $t)
            (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
            (return_call $odd (i32.sub (local.get 0) (i32.const 1)) (local.get 1)))
          (func $odd (type $t) (local i64 i64 i64)
            (if (i32.eqz (local.get 0)) (then (return (i32.const -1))))
            (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1))
              (i32.add (local.get 1) (i32.const 1)) (i32.const 0))))"#,
    );
    assert_eq!(guest.i32("even", &[10_000_000, 0]), Ok(5_000_000));
    assert_eq!(guest.i32("even", &[3, 0]), Ok(-1));
}

#[test]
fn vectors_beside_numbers() {
    let mut guest = Guest::new(
        r#"(module
          (memory 1)
          (global $g (mut v128) (v128.const i32x4 1 2 3 4))
          (func $mix (param i32 v128 i64) (result v128 i32)
            (i32x4.add (local.get 1) (i32x4.splat (local.get 0)))
            (i32.wrap_i64 (local.get 2)))
          (func (export "f") (param i32) (result i32) (local v128 i32 v128)
            (call $mix (local.get 0) (global.get $g) (i64.const 9))
            (local.set 2)
            (local.tee 1)
            (select (v128.const i32x4 0 0 0 0) (local.get 0))
            (local.set 3)
            (block $b (result v128)
              (i32.const 5) (local.get 1) (local.get 3) (local.get 0)
              (br_if $b) (drop) (drop) (drop) (v128.const i32x4 7 7 7 7))
            (global.set $g)
            (v128.store offset=8 (i32.const 8) (global.get $g))
            (i32.add (i32.load (i32.const 28)) (local.get 2))))"#,
    );
    assert_eq!(guest.i32("f", &[10]), Ok(4 + 10 + 9));
    assert_eq!(guest.i32("f", &[0]), Ok(7 + 9));
}

#[test]
fn vectors_at_the_hosts_boundary() {
    let echo = Arc::host(|_, _, _, slots| {
        assert_eq!(slots[..4], [1, 2, 3, 4]);
        slots[..3].copy_from_slice(&[7, 2, 3]);
        Ok(())
    })
    .expect("there is memory");
    let mut guest = Guest::with(
        classic(),
        r#"(module (import "h" "echo" (func $echo (param i32 v128 i32) (result i32 v128)))
          (func (export "f") (param v128) (result v128)
            (local i32)
            (call $echo (i32.const 1) (local.get 0) (i32.const 4))
            (drop) (local.set 1) (i64x2.splat (i64.extend_i32_u (local.get 1)))))"#,
        |machine| {
            use ValType::{I32, V128};
            vec![host(machine, &[I32, V128, I32], &[I32, V128], echo)]
        },
    );
    assert_eq!(guest.call("f", &[2, 3]).expect("no trap"), [7, 7]);
}

#[test]
fn the_host_calls_back_and_grows_memory() {
    let again = Arc::host(|machine, data, caller, slots| {
        let caller = caller.expect("called by an instance");
        let Some(Extern::Func(func)) = machine.export(caller, "down") else { panic!("no down") };
        let Some(Extern::Memory(memory)) = machine.export(caller, "m") else { panic!("no m") };
        machine.memory_grow(memory, 1).expect("there is room");
        let mut inner = [slots[0]];
        machine.call(data, func, &mut inner)?;
        slots[0] = inner[0];
        Ok(())
    })
    .expect("there is memory");
    let mut guest = Guest::with(
        classic(),
        r#"(module (import "h" "again" (func $again (param i32) (result i32)))
          (memory (export "m") 1)
          (func (export "down") (param i32) (result i32) (local i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
            (local.set 1 (call $again (i32.sub (local.get 0) (i32.const 1))))
            ;; The page that the host just added.
            (i32.store8 (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1))
              (i32.const 1))
            (i32.add (local.get 1) (i32.const 1))))"#,
        |machine| vec![host(machine, &[ValType::I32], &[ValType::I32], again)],
    );
    assert_eq!(guest.i32("down", &[100]), Ok(101));
    assert_eq!(guest.i32("down", &[1000]), Err("call stack exhausted".into()));
    assert_eq!(guest.i32("down", &[3]), Ok(4), "the machine is still usable");
}

/// Three instances that call each other, two with memories of their own.
fn three_instances() -> Guest {
    let mut guest = Guest::with(
        classic(),
        r#"(module (memory (data "\0b"))
          (func (export "load") (result i32) (i32.load8_u (i32.const 0)))
          (func (export "fail") (result i32) (i32.load8_u (i32.const -1))))"#,
        |_| Vec::new(),
    );
    let (load, fail) = (guest.func("load"), guest.func("fail"));
    let middle = add(
        &mut guest.machine,
        r#"(module
          (import "a" "load" (func $load (result i32))) (import "a" "fail" (func $fail (result i32)))
          (func (export "load") (result i32) (return_call $load))
          (func (export "fail") (result i32) (i32.add (call $fail) (i32.const 1))))"#,
        &[Extern::Func(load), Extern::Func(fail)],
    );
    let import = |machine: &Machine, name| machine.export(middle, name).expect("exported");
    let imports = [import(&guest.machine, "load"), import(&guest.machine, "fail")];
    guest.instance = add(
        &mut guest.machine,
        r#"(module
          (import "b" "load" (func $load (result i32))) (import "b" "fail" (func $fail (result i32)))
          (memory (data "\16"))
          (func (export "f") (result i32)
            (i32.mul (call $load) (i32.load8_u (i32.const 0))))
          (func (export "g") (result i32) (call $fail)))"#,
        &imports,
    );
    guest
}

#[test]
fn each_instance_has_its_memory() {
    assert_eq!(three_instances().i32("f", &[]), Ok(11 * 22));
}

#[test]
fn traps_carry_frames_of_all_instances() {
    let mut guest = three_instances();
    let trap = guest.call("g", &[]).expect_err("it loads from beyond the end");
    assert!(matches!(trap.kind(), TrapKind::MemoryOutOfBounds));
    let funcs: Vec<u32> = trap.frames().iter().map(|frame| frame.func.0).collect();
    assert_eq!(funcs, [1, 3, guest.func("g").0]);
    assert_eq!(guest.i32("f", &[]), Ok(242), "the machine is still usable");
}

#[test]
fn frames_give_the_instruction() {
    let wat = r#"(module
      (func $inner (param i32) (nop) (i32.const 1) (local.get 0) (i32.div_u) (drop))
      (func (export "f") (nop) (nop) (call $inner (i32.const 0))))"#;
    let bytes = wat::parse_str(wat).expect("valid text");
    let mut guest = Guest::new(wat);
    let trap: Trap = guest.call("f", &[]).expect_err("division by zero");
    let opcodes: Vec<u8> = trap.frames().iter().map(|frame| bytes[frame.offset as usize]).collect();
    assert_eq!(opcodes, [0x6e, 0x10], "i32.div_u, call: {trap:?}");
}
