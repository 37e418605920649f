//! The limits on guests in the classic interpreter.

mod support;

use sampan_engine::{Config, TrapKind};
use std::time::Duration;
use support::{Guest, classic};

const ENDLESS: &str = r#"(module
  (func (export "loop") (loop $l (br $l)))
  (func $f (export "tail") (return_call $f))
  (func (export "calls") (param i32) (result i32)
    (loop $l (result i32) (i32.add (call $one (i32.const 1)) (drop) (br $l)))
  )
  (func $one (param i32) (result i32) (local.get 0))
  (func $deep (export "deep") (param i64) (result i64)
    (i64.add (call $deep (local.get 0)) (i64.const 1))))"#;

#[test]
fn recursion_ends() {
    for stack_bytes in [0, 1 << 12, 1 << 20] {
        let mut guest = Guest::with(Config { stack_bytes, ..classic() }, ENDLESS, |_| Vec::new());
        let trap = guest.call("deep", &[0]).expect_err("endless");
        assert!(matches!(trap.kind(), TrapKind::StackOverflow));
        assert!(!trap.frames().is_empty() && trap.frames().len() <= 100);
    }
}

#[test]
fn interruption_ends_loops_and_calls() {
    for name in ["loop", "tail", "calls"] {
        let config = Config { interruptible: true, ..classic() };
        let mut guest = Guest::with(config, ENDLESS, |_| Vec::new());
        let handle = guest.machine.interrupt_handle();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            handle.interrupt();
        });
        let trap = guest.call(name, &[0]).expect_err("endless");
        assert!(matches!(trap.kind(), TrapKind::Interrupted), "{name}");
        thread.join().expect("it does not panic");
    }
}

#[test]
fn fuel_counts_instructions_but_not_structure() {
    let wat = r#"(module (func (export "f") (param i32) (result i32)
      (nop)
      (loop $l
        (block (br_if 0 (i32.eqz (local.get 0))) ;; 3
          (local.set 0 (i32.sub (local.get 0) (i32.const 1))) ;; 4
          (br $l))) ;; 1
      (if (i32.const 1) (then (nop)) (else)) ;; 2
      (local.get 0)))"#; // 1
    for count in [0, 1, 10] {
        let needed = count * 8 + 3 + 2 + 1;
        for (fuel, enough) in [(needed, true), (needed - 1, false), (needed + 100, true)] {
            let mut guest = Guest::with(Config { fuel: true, ..classic() }, wat, |_| Vec::new());
            guest.machine.set_fuel(fuel);
            let result = guest.i32("f", &[count]);
            if enough {
                assert_eq!((result, guest.machine.fuel()), (Ok(0), fuel - needed));
            } else {
                assert_eq!((result, guest.machine.fuel()), (Err("all fuel consumed".into()), 0));
            }
        }
    }
}

#[test]
fn fuel_ends_endless_functions() {
    for name in ["loop", "tail", "calls"] {
        let mut guest = Guest::with(Config { fuel: true, ..classic() }, ENDLESS, |_| Vec::new());
        guest.machine.set_fuel(100_000);
        let trap = guest.call(name, &[0]).expect_err("endless");
        assert!(matches!(trap.kind(), TrapKind::OutOfFuel), "{name}");
    }
}

#[test]
fn canonical_nans() {
    let config = Config { canonical_nans: true, ..classic() };
    let mut guest = Guest::with(
        config,
        r#"(module
          (func (export "f64") (param f64) (result f64)
            (f64.add (local.get 0) (f64.const 1)))
          (func (export "f32") (param f32) (result f32)
            (f32x4.extract_lane 2 (f32x4.mul (f32x4.splat (local.get 0)) (f32x4.splat (local.get 0))))))"#,
        |_| Vec::new(),
    );
    let odd_nan = 0xfff8_dead_beef_0001;
    assert_eq!(guest.call("f64", &[odd_nan]).expect("no trap"), [0x7ff8_0000_0000_0000]);
    assert_eq!(guest.call("f32", &[0xffc1_2345]).expect("no trap")[0] as u32, 0x7fc0_0000);
}
