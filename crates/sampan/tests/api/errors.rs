//! Traps, host errors, backtraces.

use crate::{alone, both, instance};
use sampan::{Caller, Engine, Error, ErrorKind, Linker, Module, Store, Trap};
use std::fmt;

#[derive(Debug)]
struct Custom(u32);

impl fmt::Display for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "custom {}", self.0)
    }
}

impl std::error::Error for Custom {}

#[test]
fn a_trap_has_a_backtrace_with_names_and_offsets() {
    both(|engine| {
        let (mut store, it) = alone(
            &engine,
            r#"(module
                (func $inner unreachable)
                (func $middle (call $inner))
                (func (export "outer") (call $middle)))"#,
        );
        let outer = it.get_typed_func::<(), ()>(&store, "outer").unwrap();
        let error = outer.call(&mut store, ()).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::UnreachableCodeReached));
        let names: Vec<_> = error.backtrace().frames().iter().map(|f| f.func_name()).collect();
        assert_eq!(names, [Some("inner"), Some("middle"), Some("outer")]);
        let lines: Vec<String> = error.to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "unreachable");
        let frame = &error.backtrace().frames()[0];
        assert_eq!(lines[1], format!("  0: 0x{:x} - inner", frame.module_offset()));
        // The offset is that of the instruction.
        assert_eq!(frame.module().bytes()[frame.module_offset() as usize], 0);
    });
}

#[test]
fn a_host_error_comes_back_as_it_was() {
    both(|engine| {
        let mut linker = Linker::<()>::new(&engine);
        linker.func_wrap("", "io", || Err::<(), _>(Custom(3))).unwrap();
        linker.func_wrap("", "trap", || Err::<(), _>(Trap::IntegerOverflow)).unwrap();
        linker.func_wrap("", "text", || Err::<i32, _>("no")).unwrap();
        let mut store = Store::new(&engine, ());
        let it = instance(
            &mut store,
            &linker,
            r#"(module
                (import "" "io" (func $io)) (import "" "trap" (func $trap))
                (import "" "text" (func $text (result i32)))
                (func (export "io") (call $io)) (func (export "trap") (call $trap))
                (func (export "text") (drop (call $text))))"#,
        );
        let mut call = |name| {
            let func = it.get_typed_func::<(), ()>(&store, name).unwrap();
            func.call(&mut store, ()).unwrap_err()
        };
        let error = call("io");
        assert_eq!(error.downcast_ref::<Custom>().unwrap().0, 3);
        assert_eq!(error.backtrace().frames().len(), 1);
        assert_eq!(call("trap").trap(), Some(Trap::IntegerOverflow));
        assert_eq!(call("text").kind().to_string(), "no");
    });
}

#[test]
fn an_error_that_passes_a_host_function_keeps_its_frames() {
    both(|engine| {
        let mut linker = Linker::<()>::new(&engine);
        linker
            .func_wrap("", "again", |mut caller: Caller<'_, ()>| -> Result<(), Error> {
                let inner = caller.get_export("inner").unwrap().into_func().unwrap();
                inner.typed::<(), ()>(&caller)?.call(&mut caller, ())
            })
            .unwrap();
        let mut store = Store::new(&engine, ());
        let it = instance(
            &mut store,
            &linker,
            r#"(module (import "" "again" (func $again))
                (func (export "inner") (drop (i32.div_s (i32.const 1) (i32.const 0))))
                (func (export "outer") (call $again)))"#,
        );
        let outer = it.get_typed_func::<(), ()>(&store, "outer").unwrap();
        let error = outer.call(&mut store, ()).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::IntegerDivisionByZero));
        let names: Vec<_> = error.backtrace().frames().iter().map(|f| f.func_name()).collect();
        assert_eq!(names, [Some("inner"), Some("outer")]);
    });
}

#[test]
fn bad_modules_say_what_and_where() {
    let engine = Engine::default();
    let error = |bytes: &[u8]| Module::new(&engine, bytes).unwrap_err();
    assert!(matches!(error(b"").kind(), ErrorKind::Module(_)));
    assert!(matches!(error(b"\x7fELF").kind(), ErrorKind::Module(_)));
    assert!(matches!(error(b"\0asm\x02\0\0\0").kind(), ErrorKind::Module(_)));
    let text = error(b"(module\n  (func (i32.bogus)))");
    assert!(text.to_string().contains("(line 2, column 10)"), "{text}");
    let invalid = error(br#"(module (func (result i32) (i64.const 0)))"#);
    assert!(
        invalid.to_string().starts_with("type mismatch: expected i32, found i64 (function 0, "),
        "{invalid}"
    );
}

#[test]
fn a_proposal_that_is_switched_off_is_an_error_of_the_module() {
    let off = Engine::new(sampan::Config::new().wasm_simd(false));
    let error = Module::new(&off, "(module (func (param v128)))").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Module(_)), "{error}");
}
