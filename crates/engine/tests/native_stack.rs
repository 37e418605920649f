//! No instruction may leave anything on the host's stack: in optimised builds a handler
//! ends in a jump to the next, and one that calls it instead would grow the stack with
//! every instruction executed.

use sampan_engine::sync::Arc;
use sampan_engine::wasm::FuncType;
use sampan_engine::{Config, Engine, Extern, Machine, Mode, Module};

const MODULE: &str = r#"(module
  (type $t (func))
  (import "" "" (func $host (type $t)))
  (memory 1)
  (table $f 4 funcref)
  (elem (i32.const 0) $host $own $tail)
  (elem $passive func $own)
  (data $bytes "abc")
  (global $g (mut i64) (i64.const 0))
  (func $own)
  (func $tail (return_call $host))
  (func $tail_indirect (return_call_indirect (type $t) (i32.const 0)))
  (func $values (param i32 i64 f32 f64) (result i64 f64) (local.get 1) (local.get 3))
  (func (export "run") (param $n i32)
    (loop $again
      (call $host)
      (call $own)
      (call $tail)
      (call $tail_indirect)
      (call_indirect (type $t) (i32.const 0))
      (call_indirect (type $t) (i32.const 1))
      (call $values (local.get $n) (i64.const 1) (f32.const 2) (f64.const 3))
      (drop) (global.set $g)
      (memory.copy (i32.const 8) (i32.const 0) (i32.const 8))
      (memory.fill (i32.const 8) (i32.const 7) (i32.const 8))
      (memory.init $bytes (i32.const 0) (i32.const 0) (i32.const 3))
      (drop (memory.grow (i32.const 0)))
      (drop (memory.size))
      (table.set (i32.const 3) (table.get (i32.const 1)))
      (table.copy (i32.const 3) (i32.const 1) (i32.const 1))
      (table.init $passive (i32.const 3) (i32.const 0) (i32.const 1))
      (table.fill (i32.const 3) (ref.func $own) (i32.const 1))
      (drop (table.grow (ref.null func) (i32.const 0)))
      (drop (table.size))
      (block $out (br_table $out $out (local.get $n)))
      (drop (select (i32.const 1) (local.get $n) (local.get $n)))
      (v128.store (i32.const 32) (i8x16.add (v128.load (i32.const 32)) (i32x4.splat (local.get $n))))
      (i32.store (local.get $n) (i32.add (i32.load8_u (local.get $n)) (i32.const 1)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
)"#;

#[test]
fn stays_as_it_is() {
    for mode in [Mode::Classic, Mode::Fast] {
        let run = move || {
            let engine =
                Engine::new(Config { mode, fuel: true, interruptible: true, ..Config::default() });
            let module = Module::new(&engine, wat::parse_str(MODULE).expect("valid text"))
                .expect("a valid module");
            let mut machine = Machine::new(&engine);
            machine.set_fuel(u64::MAX);
            let host = Arc::host(|_, _, _, _| Ok(())).expect("there is memory");
            let host = machine.new_host_func(&FuncType::new([], []), host);
            let host = host.expect("there is memory");
            let instance =
                machine.instantiate(&mut (), &module, &[Extern::Func(host)]).expect("imports fit");
            let Some(Extern::Func(func)) = machine.export(instance, "run") else {
                panic!("no such function")
            };
            machine.call(&mut (), func, &mut [50_000]).expect("no trap");
        };
        // One word for each instruction would be far more than this stack.
        let thread = std::thread::Builder::new().stack_size(256 << 10);
        thread.spawn(run).expect("a thread").join().expect("no overflow");
    }
}
