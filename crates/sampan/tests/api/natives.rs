//! Host functions with checked pointers and lengths.

use crate::{both, instance};
use sampan::{ArgumentError, BadArgument, ErrorKind, Linker, NativeCall, Store};

/// A module that passes its arguments on to `env.f`, with `"hi"` at 16 and no NUL in its last
/// 4 bytes.
const PASS: &str = r#"(module
    (import "env" "f" (func $f (param i32 i32 i32) (result i32)))
    (memory 1 1)
    (data (i32.const 16) "hi\00\ff\00") (data (i32.const 65532) "abcd")
    (func (export "run") (param i32 i32 i32) (result i32)
        (call $f (local.get 0) (local.get 1) (local.get 2)))
    (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0))))"#;

type Call<'a> = NativeCall<'a, Vec<u8>>;

#[test]
fn bytes_and_strings_arrive_and_can_be_changed() {
    both(|engine| {
        let mut linker = Linker::new(&engine);
        let call = |native: &mut Call<'_>| {
            let text = native.str(0)?.to_owned();
            native.bytes_mut(1).fill(7);
            native.data_mut().extend_from_slice(text.as_bytes());
            Ok(native.i32(2) + native.bytes(1).len() as i32)
        };
        linker.func_native("env", "f", "($*~)i", call).unwrap();
        let mut store = Store::new(&engine, Vec::new());
        let it = instance(&mut store, &linker, PASS);
        let run = it.get_typed_func::<(i32, i32, i32), i32>(&store, "run").unwrap();
        // The last bytes of the memory, all of them, and nothing behind them.
        assert_eq!(run.call(&mut store, (16, 65530, 6)).unwrap(), 12);
        assert_eq!(run.call(&mut store, (18, 65536, 0)).unwrap(), 0);
        assert_eq!(store.data(), b"hi");
        let byte = it.get_typed_func::<i32, i32>(&store, "byte").unwrap();
        let found: Vec<i32> =
            [65529, 65530, 65535].map(|at| byte.call(&mut store, at).unwrap()).into();
        assert_eq!(found, [0, 7, 7]);
    });
}

#[test]
fn what_does_not_fit_stops_the_guest_and_names_the_argument() {
    both(|engine| {
        let mut linker = Linker::new(&engine);
        let call = |native: &mut Call<'_>| {
            native.data_mut().push(1);
            native.str(0)?;
            Ok(0)
        };
        linker.func_native("env", "f", "($*~)i", call).unwrap();
        let mut store = Store::new(&engine, Vec::new());
        let it = instance(&mut store, &linker, PASS);
        let run = it.get_typed_func::<(i32, i32, i32), i32>(&store, "run").unwrap();
        let cases = [
            ((16, 65535, 2), 1, BadArgument::OutOfBounds),
            ((16, 65537, 0), 1, BadArgument::OutOfBounds),
            ((16, 0, -1), 1, BadArgument::OutOfBounds),
            ((16, -1, -1), 1, BadArgument::OutOfBounds),
            ((-1, 0, 0), 0, BadArgument::OutOfBounds),
            ((65532, 0, 0), 0, BadArgument::Unterminated),
            ((65536, 0, 0), 0, BadArgument::Unterminated),
        ];
        for (args, argument, reason) in cases {
            let error = run.call(&mut store, args).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Host(_)), "{error}");
            let expected = ArgumentError { argument, reason };
            assert_eq!(error.downcast_ref::<ArgumentError>(), Some(&expected), "{args:?}");
        }
        assert!(store.data().is_empty(), "the native ran");
        let error = run.call(&mut store, (19, 0, 0)).unwrap_err();
        assert_eq!(error.kind().to_string(), "argument 0 is not UTF-8");
    });
}

#[test]
fn numbers_arrive_in_their_types() {
    both(|engine| {
        let mut linker = Linker::new(&engine);
        linker
            .func_native("env", "sum", "(iIfFr)F", |native: &mut NativeCall<'_, ()>| {
                assert!(native.externref(4).is_none());
                let ints = f64::from(native.i32(0)) + native.i64(1) as f64;
                Ok(ints + f64::from(native.f32(2)) + native.f64(3))
            })
            .unwrap();
        let mut store = Store::new(&engine, ());
        let it = instance(
            &mut store,
            &linker,
            r#"(module
                (import "env" "sum" (func $sum (param i32 i64 f32 f64 externref) (result f64)))
                (func (export "run") (result f64) (call $sum (i32.const -1) (i64.const -20)
                    (f32.const 0.5) (f64.const 0.25) (ref.null extern))))"#,
        );
        let run = it.get_typed_func::<(), f64>(&store, "run").unwrap();
        assert_eq!(run.call(&mut store, ()).unwrap(), -20.25);
    });
}

#[test]
fn a_pointer_without_a_memory_is_an_error() {
    both(|engine| {
        let mut linker = Linker::new(&engine);
        linker.func_native("env", "f", "(*)", |_: &mut NativeCall<'_, ()>| Ok(())).unwrap();
        let mut store = Store::new(&engine, ());
        let text = r#"(module (import "env" "f" (func $f (param i32)))
            (func (export "run") (call $f (i32.const 0))))"#;
        let it = instance(&mut store, &linker, text);
        let error = it.get_typed_func::<(), ()>(&store, "run").unwrap().call(&mut store, ());
        let expected = ArgumentError { argument: 0, reason: BadArgument::NoMemory };
        assert_eq!(error.unwrap_err().downcast_ref::<ArgumentError>(), Some(&expected));
    });
}

#[test]
fn there_are_no_slices_of_a_shared_memory() {
    both(|engine| {
        let mut linker = Linker::new(&engine);
        linker.func_native("env", "f", "(*)", |_: &mut NativeCall<'_, ()>| Ok(())).unwrap();
        let size = |native: &mut NativeCall<'_, ()>| Ok(native.memory().len() as i32);
        linker.func_native("env", "g", "()i", size).unwrap();
        let mut store = Store::new(&engine, ());
        let text = r#"(module (import "env" "f" (func $f (param i32)))
            (import "env" "g" (func $g (result i32))) (memory 1 1 shared)
            (func (export "run") (call $f (i32.const 0)))
            (func (export "size") (result i32) (call $g)))"#;
        let it = instance(&mut store, &linker, text);
        let error = it.get_typed_func::<(), ()>(&store, "run").unwrap().call(&mut store, ());
        let expected = ArgumentError { argument: 0, reason: BadArgument::SharedMemory };
        assert_eq!(error.unwrap_err().downcast_ref::<ArgumentError>(), Some(&expected));
        let size = it.get_typed_func::<(), i32>(&store, "size").unwrap();
        assert_eq!(size.call(&mut store, ()).unwrap(), 0);
    });
}

#[test]
fn signatures_are_checked_when_they_are_defined() {
    let engine = sampan::Engine::default();
    let cases = [
        ("i", "it has no parentheses"),
        ("(i", "it has no parentheses"),
        ("(x)", "unknown letter 'x'"),
        ("(i~)", "'~' does not follow a '*'"),
        ("(~)", "'~' does not follow a '*'"),
        ("(iiiiiiiiiiiiiiiii)", "more than 16 parameters"),
        ("()$", "a result is one of i, I, f, F, r"),
        ("()i", "the function returns []"),
    ];
    for (signature, problem) in cases {
        let mut linker = Linker::<()>::new(&engine);
        let error = linker.func_native("env", "f", signature, |_| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), format!("native signature {signature:?}: {problem}"));
    }
}
