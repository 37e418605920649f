//! Compiled modules as bytes: they run as the module does, and what does not fit is refused.
#![cfg(feature = "jit")]

use sampan::{Config, Engine, Instance, Linker, Mode, Module, Result, Store};

const PROGRAM: &str = r#"(module $m
    (import "host" "twice" (func $twice (param i32) (result i32)))
    (type $unary (func (param i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 8) "\2a\00\00\00")
    (table funcref (elem $load $twice))
    (func $load (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "answer") (result i32)
        (call_indirect (type $unary) (i32.const 8) (i32.const 0)))
    (func (export "double") (result i32)
        (call_indirect (type $unary) (i32.const 21) (i32.const 1)))
    (func $outside (export "outside") (result i32)
        (call_indirect (type $unary) (i32.const -4) (i32.const 0))))"#;

fn engine(change: impl FnOnce(&mut Config)) -> Engine {
    let mut config = Config::new();
    config.mode(Mode::Jit);
    change(&mut config);
    Engine::new(&config)
}

fn load(engine: &Engine, bytes: &[u8]) -> Result<Module> {
    // SAFETY: the tests that run what they load have it from `serialize`; the others change what
    // comes before the code.
    unsafe { Module::deserialize(engine, bytes) }
}

fn instantiate(module: &Module, engine: &Engine) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "twice", |n: i32| n * 2).expect("a new name");
    let instance = linker.instantiate(&mut store, module).expect("imports fit");
    (store, instance)
}

#[test]
fn a_module_runs_from_its_bytes_alone() {
    let bytes = {
        let engine = engine(|_| {});
        Module::new(&engine, PROGRAM).expect("valid").serialize().expect("compiled")
    };
    let engine = engine(|_| {});
    let module = load(&engine, &bytes).expect("what serialize gave");
    assert_eq!(module.name(), Some("m"));
    let (mut store, instance) = instantiate(&module, &engine);
    for (name, expected) in [("answer", 42), ("double", 42)] {
        let func = instance.get_typed_func::<(), i32>(&mut store, name).expect("exported");
        assert_eq!(func.call(&mut store, ()).expect("no trap"), expected, "{name}");
    }
    let func = instance.get_typed_func::<(), i32>(&mut store, "outside").expect("exported");
    let trap = func.call(&mut store, ()).expect_err("beyond the memory").to_string();
    assert!(trap.contains("out of bounds memory access"), "{trap}");
    assert!(trap.contains("load") && trap.contains("outside"), "{trap}");
    // It is the same the second time, from a file.
    assert_eq!(module.serialize().expect("compiled"), bytes);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("module");
    std::fs::write(&file, &bytes).expect("room");
    // SAFETY: `serialize` gave it.
    let module = unsafe { Module::deserialize_file(&engine, &file) }.expect("as before");
    assert_eq!(module.bytes(), load(&engine, &bytes).expect("as before").bytes());
    // The file can go, and its name be another's, while it is in use.
    std::fs::remove_file(&file).expect("it is ours");
    std::fs::write(&file, b"another").expect("room");
    let (mut store, instance) = instantiate(&module, &engine);
    let func = instance.get_typed_func::<(), i32>(&mut store, "answer").expect("exported");
    assert_eq!(func.call(&mut store, ()).expect("no trap"), 42);
    let error = |file: &std::path::Path| {
        // SAFETY: these files have no code.
        unsafe { Module::deserialize_file(&engine, file) }.expect_err("no code").to_string()
    };
    assert!(error(&file).contains("no compiled module"));
    std::fs::write(&file, b"").expect("room");
    assert!(error(&file).contains("no compiled module"));
    assert!(!error(&folder.path().join("none")).contains("no compiled module"));
}

#[test]
fn code_for_another_engine_is_refused_by_name() {
    let engine_of_code = engine(|_| {});
    let bytes = Module::new(&engine_of_code, PROGRAM).expect("valid").serialize().expect("code");
    let metered = engine(|config| {
        config.consume_fuel(true);
    });
    let error = load(&metered, &bytes).expect_err("other code").to_string();
    assert!(error.contains("compiled for another engine"), "{error}");
    assert!(error.contains("fuel=false") && error.contains("fuel=true"), "{error}");

    let mut config = Config::new();
    for mode in [Mode::Classic, Mode::Fast, Mode::Auto] {
        let engine = Engine::new(config.mode(mode));
        let error = load(&engine, &bytes).expect_err("no code wanted").to_string();
        assert!(error.contains("mode is `jit`"), "{error}");
        let module = Module::new(&engine, PROGRAM).expect("valid");
        let error = module.serialize().expect_err("no code there").to_string();
        assert!(error.contains("mode `jit`"), "{error}");
    }
}

#[test]
fn what_is_no_compiled_module_is_refused() {
    let engine = engine(|_| {});
    let bytes = Module::new(&engine, PROGRAM).expect("valid").serialize().expect("compiled");
    // Cut off anywhere, or with something behind.
    for len in (0..bytes.len()).step_by(7) {
        assert!(load(&engine, &bytes[..len]).is_err(), "{len} bytes");
    }
    assert!(load(&engine, &[&bytes[..], b"x"].concat()).is_err());
    // A byte changed anywhere before the code.
    let at = bytes.windows(4).position(|bytes| bytes == b"\0asm").expect("the module is there");
    for at in 0..at {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        assert!(load(&engine, &bytes).is_err(), "byte {at}");
    }
    // The code of another module, which has another number of functions.
    let other_module = Module::new(&engine, "(module (func))").expect("valid");
    let other = other_module.serialize().expect("compiled");
    // Numbers 3 and 4 of the header say where the code is.
    let number = |bytes: &[u8], n: usize| {
        let number = bytes[16 + 8 * n..].first_chunk().expect("a header");
        u64::from_le_bytes(*number) as usize
    };
    let start = number(&bytes, 3);
    let mut mixed = [&bytes[..start], &other[number(&other, 3)..]].concat();
    mixed[16 + 4 * 8..][..8].copy_from_slice(&(number(&other, 4) as u64).to_le_bytes());
    let error = load(&engine, &mixed).expect_err("two functions less").to_string();
    assert!(error.contains("the code is damaged"), "{error}");
}
