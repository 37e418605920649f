//! The first things that a module does, in both interpreters.

use sampan_engine::{Config, Engine, Extern, Machine, Mode, Module};

fn call(mode: Mode, wat: &str, name: &str, args: &[u64]) -> Result<u64, String> {
    let engine = Engine::new(Config { mode, ..Config::default() });
    let bytes = wat::parse_str(wat).expect("valid text");
    let module = Module::new(&engine, bytes).map_err(|e| e.to_string())?;
    let mut machine = Machine::new(&engine);
    let instance = machine.instantiate(&mut (), &module, &[]).map_err(|e| e.to_string())?;
    let Some(Extern::Func(func)) = machine.export(instance, name) else {
        return Err("no such function".into());
    };
    let mut slots = args.to_vec();
    slots.resize(slots.len().max(machine.call_slots(func)), 0);
    machine.call(&mut (), func, &mut slots).map_err(|e| e.to_string())?;
    Ok(slots.first().copied().unwrap_or(0))
}

const PROGRAM: &str = r#"(module
  (memory 1)
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add
        (call $fib (i32.sub (local.get 0) (i32.const 1)))
        (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "sum") (param $n i32) (result i32) (local $i i32) (local $s i32)
    (loop $l
      (i32.store (i32.shl (local.get $i) (i32.const 2)) (local.get $i))
      (local.set $s (i32.add (local.get $s) (i32.load (i32.shl (local.get $i) (i32.const 2)))))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (local.get $s))
  (func (export "deep") (result i32) (call 2))
  (func (export "float") (param f64) (result f64)
    (f64.sqrt (f64.mul (local.get 0) (local.get 0))))
)"#;

fn modes() -> impl Iterator<Item = Mode> {
    [Mode::Classic, Mode::Fast].into_iter()
}

#[test]
fn calls_loops_memory() {
    for mode in modes() {
        assert_eq!(call(mode, PROGRAM, "fib", &[20]), Ok(6765), "{mode:?}");
        assert_eq!(call(mode, PROGRAM, "sum", &[1000]), Ok(499_500), "{mode:?}");
        let result = call(mode, PROGRAM, "float", &[(-2.5f64).to_bits()]);
        assert_eq!(result, Ok(2.5f64.to_bits()), "{mode:?}");
    }
}

#[test]
fn endless_recursion_traps() {
    for mode in modes() {
        let result = call(mode, PROGRAM, "deep", &[]);
        assert_eq!(result, Err("call stack exhausted".into()), "{mode:?}");
    }
}

#[test]
fn out_of_bounds_traps() {
    for mode in modes() {
        let result = call(mode, PROGRAM, "sum", &[20_000]);
        assert_eq!(result, Err("out of bounds memory access".into()), "{mode:?}");
    }
}
