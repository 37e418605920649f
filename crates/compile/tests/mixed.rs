//! Compiled, interpreted and host functions call each other in every order, to any depth;
//! traps pass through all of them.

use sampan_compile::Jit;
use sampan_engine::native::Compiler;
use sampan_engine::wasm::{FuncType, ValType};
use sampan_engine::{Config, Engine, Extern, FuncId, InstanceId, Machine, Mode, Module, TrapKind};
use std::sync::Arc;

/// Each function mixes its number into the value and passes it on to one of the others, which
/// the value itself chooses: directly, through the table, by a reference, by the host, or as
/// a tail call. At depth zero it traps if the value says so.
const MODULE: &str = r#"(module
  (type $t (func (param i32 i64) (result i64)))
  (import "" "" (func $host (type $t)))
  (table $all 4 4 funcref)
  (elem (table $all) (i32.const 0) func $a $b $c $host)
  (elem declare func $a $b $c)
  (func $next (param $n i32) (param $x i64) (result i64)
    (call_indirect $all (type $t) (local.get $n) (local.get $x)
      (i32.and (i32.wrap_i64 (local.get $x)) (i32.const 3))))
  (func $a (export "a") (type $t)
    (if (i32.eqz (local.get 0)) (then
      (if (i64.eqz (i64.rem_u (local.get 1) (i64.const 3))) (then (unreachable)))
      (return (local.get 1))))
    (i64.add (i64.const 1) (call $next
      (i32.sub (local.get 0) (i32.const 1))
      (i64.add (i64.mul (local.get 1) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))))
  (func $b (type $t)
    (local $back i64)
    (if (i32.eqz (local.get 0)) (then (return (call $a (local.get 0) (local.get 1)))))
    (local.set $back (call $c (i32.sub (local.get 0) (i32.const 1))
      (i64.rotl (local.get 1) (i64.const 7))))
    (i64.xor (local.get $back) (call $host (i32.const 0) (i64.or (local.get 1) (i64.const 1)))))
  (func $c (type $t)
    (if (i32.eqz (local.get 0)) (then (return_call $b (local.get 0) (local.get 1))))
    (if (i64.eqz (i64.and (local.get 1) (i64.const 4))) (then
      (return_call_ref $t (i32.sub (local.get 0) (i32.const 1))
        (i64.xor (local.get 1) (i64.const 0x5bd1e995)) (ref.func $a))))
    (return_call_indirect $all (type $t)
      (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 77))
      (i32.and (i32.wrap_i64 (i64.shr_u (local.get 1) (i64.const 3))) (i32.const 3))))
)"#;

/// The engine, in which the bodies of `compiled` (a bit each) are compiled.
fn engine(compiled: Option<u32>) -> Engine {
    let mode = if compiled.is_some() { Mode::Jit } else { Mode::Fast };
    let config = Config { mode, ..Config::default() };
    match compiled {
        None => Engine::new(config),
        Some(set) => {
            let jit = Jit::new(&config).expect("this host runs compiled code");
            let jit = jit.only(Box::new(move |body| set >> body & 1 != 0));
            Engine::with_compiler(config, Arc::new(jit))
        }
    }
}

/// An engine that compiles while it runs.
fn tiering(tier_after: u32, tier_waits: bool) -> Engine {
    let config = Config { mode: Mode::Auto, tier_after, tier_waits, ..Config::default() };
    let jit = Jit::new(&config).expect("this host runs compiled code");
    Engine::with_compiler(config, Arc::new(jit))
}

/// Engines with every choice of compiled functions, and with code from every moment on.
fn engines() -> impl Iterator<Item = (String, Engine)> {
    let choices =
        (0..16).map(|compiled| (format!("compiled {compiled:#06b}"), engine(Some(compiled))));
    let moments = [0, 1, 2, 5, 20, 100, 1000].into_iter().flat_map(|after| {
        [true, false].map(|waits| (format!("after {after}, {waits}"), tiering(after, waits)))
    });
    choices.chain(moments)
}

/// The machine, and function `a`.
fn machine(compiled: Option<u32>) -> (Machine, FuncId) {
    machine_of(&engine(compiled))
}

fn machine_of(engine: &Engine) -> (Machine, FuncId) {
    let wasm = wat::parse_str(MODULE).expect("valid text");
    let module = Module::new(engine, wasm).expect("a valid module");
    let mut machine = Machine::new(engine);
    let ty = FuncType::new([ValType::I32, ValType::I64], [ValType::I64]);
    let host = sampan_engine::sync::Arc::host(|machine, data, caller, slots| {
        let (n, x) = (slots[0] as u32, slots[1]);
        if n == 0 {
            slots[0] = x.wrapping_mul(31);
            return Ok(());
        }
        let caller = caller.expect("a guest calls");
        let Some(Extern::Func(a)) = machine.export(caller, "a") else { panic!("exported") };
        let mut inner = [u64::from(n - 1), x.rotate_left(13)];
        machine.call(data, a, &mut inner)?;
        slots[0] = inner[0] ^ 1;
        Ok(())
    });
    let host = machine.new_host_func(&ty, host.expect("there is memory"));
    let host = host.expect("there is memory");
    let it: InstanceId =
        machine.instantiate(&mut (), &module, &[Extern::Func(host)]).expect("it has no start");
    let Some(Extern::Func(a)) = machine.export(it, "a") else { panic!("exported") };
    (machine, a)
}

/// The result, or the number of frames known of a trap and its text.
fn outcome(machine: &mut Machine, a: FuncId, depth: u32, x: u64) -> Result<u64, String> {
    let mut slots = [u64::from(depth), x];
    match machine.call(&mut (), a, &mut slots) {
        Ok(()) => Ok(slots[0]),
        Err(trap) => {
            assert!(!trap.frames().is_empty(), "a trap has a backtrace");
            assert_eq!(trap.frames()[0].func, a, "only `a` traps");
            Err(trap.to_string())
        }
    }
}

#[test]
fn nothing_in_the_module_is_left_to_the_interpreter() {
    let engine = engine(None);
    let module = Module::new(&engine, wat::parse_str(MODULE).expect("valid text")).expect("valid");
    let jit = Jit::new(engine.config()).expect("this host runs compiled code");
    let code = jit.compile(&module, engine.config()).expect("it is compiled");
    for body in 0..module.decl().bodies.len() as u32 {
        assert!(code.entry(body).is_some(), "body {body}");
    }
}

#[test]
fn every_choice_of_compiled_functions_gives_the_same() {
    let (mut reference, a) = machine(None);
    let inputs: Vec<(u32, u64)> =
        (0..60u64).map(|i| ((i % 40) as u32, i.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let expected: Vec<_> =
        inputs.iter().map(|&(depth, x)| outcome(&mut reference, a, depth, x)).collect();
    assert!(expected.iter().any(Result::is_ok) && expected.iter().any(Result::is_err));
    for (what, engine) in engines() {
        let (mut machine, a) = machine_of(&engine);
        for (&(depth, x), expected) in inputs.iter().zip(&expected) {
            let got = outcome(&mut machine, a, depth, x);
            assert_eq!(&got, expected, "depth {depth}, {x:#x}, {what}");
        }
    }
}

#[test]
fn recursion_through_all_of_them_is_a_trap() {
    for (what, engine) in engines() {
        let (mut machine, a) = machine_of(&engine);
        for x in 1..4 {
            let mut slots = [u64::from(u32::MAX), x];
            let trap = machine.call(&mut (), a, &mut slots).expect_err("it is too deep");
            assert!(matches!(trap.kind(), TrapKind::StackOverflow), "{trap}, {what}");
        }
        assert!(outcome(&mut machine, a, 0, 1).is_ok(), "the machine is as before");
    }
}
