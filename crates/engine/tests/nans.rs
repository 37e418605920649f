//! Canonical NaNs, where the compiler of the engine is tempted to leave them as they are.

use sampan_engine::{Config, Engine, Extern, Machine, Mode, Module};

/// What the exported function `f` gives for `arg`.
fn call(config: Config, wat: &str, arg: u64) -> u64 {
    let engine = Engine::new(config);
    let module = Module::new(&engine, wat::parse_str(wat).expect("valid text")).expect("valid");
    let mut machine = Machine::new(&engine);
    let instance = machine.instantiate(&mut (), &module, &[]).expect("no imports");
    let Some(Extern::Func(func)) = machine.export(instance, "f") else { panic!("no function") };
    let mut slots = [arg, 0];
    machine.call(&mut (), func, &mut slots).expect("it does not trap");
    slots[0]
}

#[test]
fn results_of_every_float_instruction() {
    let operands = "(f64.reinterpret_i64 (local.get 0))";
    let scalar = |op: &str| format!("i64.reinterpret_f64 ({op} {operands})");
    let vector = |op: &str| format!("i64x2.extract_lane 0 ({op} (i64x2.splat (local.get 0)))");
    let mut bodies = Vec::new();
    for op in ["sqrt", "ceil", "floor", "trunc", "nearest"] {
        bodies.push(scalar(&format!("f64.{op}")));
        bodies.push(vector(&format!("f64x2.{op}")));
        let f32 = format!("f32.{op} (f32.reinterpret_i32 (i32.wrap_i64 (local.get 0)))");
        bodies.push(format!("i64.extend_i32_u (i32.reinterpret_f32 ({f32}))"));
        bodies.push(format!(
            "i64.extend_i32_u (i32x4.extract_lane 0 (f32x4.{op} (i64x2.splat (local.get 0))))"
        ));
    }
    for op in ["add", "sub", "mul", "div", "min", "max"] {
        bodies.push(scalar(&format!("f64.{op} {operands}")));
        bodies.push(vector(&format!("f64x2.{op} (i64x2.splat (local.get 0))")));
    }
    bodies.push(vector("f64x2.promote_low_f32x4"));
    bodies.push(format!("i64.reinterpret_f64 (f64.promote_f32 (f32.demote_f64 {operands}))"));
    for body in bodies {
        let wat = format!("(module (func (export \"f\") (param i64) (result i64) ({body})))");
        for mode in [Mode::Fast, Mode::Classic] {
            let config = Config { mode, canonical_nans: true, ..Config::default() };
            let canonical = if body.starts_with("i64.extend") { 0x7fc0_0000 } else { 0x7ff8 << 48 };
            // A quiet NaN with a sign and a payload, whichever width it is seen in.
            let result = call(config, &wat, 0xffff_ffff_ffff_fff5);
            assert_eq!(result, canonical, "{mode:?} {body}: {result:#x}");
        }
    }
    // A NaN that was none before.
    let wat = "(module (func (export \"f\") (param i64) (result i64)
        (i64.reinterpret_f64 (f64.sqrt (f64.reinterpret_i64 (local.get 0))))))";
    for mode in [Mode::Fast, Mode::Classic] {
        let config = Config { mode, canonical_nans: true, ..Config::default() };
        assert_eq!(call(config, wat, (-2.0f64).to_bits()), 0x7ff8 << 48, "{mode:?}");
    }
}
