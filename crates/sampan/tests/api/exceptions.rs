//! Exceptions, both forms: who catches what, in which frame, and what else goes on as usual.

use crate::{alone, instance};
use sampan::{
    Caller, Config, Engine, ErrorKind, Exception, FuncType, Instance, Linker, Mode, Store, Tag,
    Trap, Val, ValType,
};

/// Does the same in both interpreters, with the older form too, and with a collection at each
/// allocation.
fn both(test: impl Fn(Engine)) {
    for mode in [Mode::Classic, Mode::Fast] {
        for collect in [false, true] {
            let mut config = Config::new();
            config.mode(mode).wasm_legacy_exceptions(true).collect_always(collect);
            test(Engine::new(&config));
        }
    }
}

fn call(store: &mut Store<()>, it: Instance, name: &str, arg: i32) -> sampan::Result<i32> {
    it.get_typed_func::<i32, i32>(&*store, name)?.call(store, arg)
}

const FORMS: &str = r#"(module
    (tag $a (param i32)) (tag $b (param i64 i32)) (tag $v (param v128 f64))
    (func $throw (param i32)
        (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $a (i32.const 10))))
        (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $b (i64.const 5) (i32.const 20))))
        (if (i32.eq (local.get 0) (i32.const 3))
            (then (throw $v (v128.const i64x2 7 8) (f64.const 0.5)))))
    ;; Operands below the block, a value that only an accumulator has, and a loop as label.
    (func (export "table") (param i32) (result i32)
        (local i32)
        (i32.add (i32.mul (local.get 0) (i32.const 1000))
            (block $a (result i32)
                (block $b (result i64 i32)
                    (block $v (result v128 f64)
                        (block $all
                            (local.set 1 (i32.const 3))
                            (try_table (catch $a $a) (catch $b $b) (catch $v $v) (catch_all $all)
                                (call $throw (local.get 0)))
                            (br $a (local.get 1)))
                        (br $a (i32.const 99)))
                    (i32.trunc_f64_s (f64.mul (f64.const 10)))
                    (drop)
                    (i64x2.extract_lane 1)
                    (i32.wrap_i64)
                    (br $a))
                (local.set 1)
                (i32.wrap_i64)
                (i32.add (local.get 1)))))
    ;; The function itself as label.
    (func (export "return") (param i32) (result i32)
        (try_table (result i32) (catch $a 0) (call $throw (local.get 0)) (i32.const 4)))
    ;; Caught, kept, thrown on by reference, and caught again outside.
    (func (export "ref") (param i32) (result i32)
        (local exnref)
        (block $outer (result i32)
            (try_table (catch $a $outer)
                (local.set 1 (block $inner (result exnref)
                    (try_table (catch_all_ref $inner) (call $throw (local.get 0)))
                    (return (i32.const 1))))
                (throw_ref (local.get 1)))
            (unreachable)))
    (func (export "null") (param i32) (result i32) (throw_ref (ref.null exn)))
    (func (export "legacy") (param i32) (result i32)
        i32.const 1000
        try (result i32)
            local.get 0
            call $throw
            i32.const 1
        catch $b
            local.set 0
            drop
            local.get 0
        catch $a
        catch_all
            i32.const 77
        end
        i32.add)
    (func (export "rethrow") (param i32) (result i32)
        try $outer (result i32)
            try (result i32)
                local.get 0
                call $throw
                i32.const 1
            catch_all
                ;; An exception inside of a handler, caught there, does not disturb it.
                try
                    i32.const 2
                    call $throw
                catch_all
                end
                rethrow 0
            end
        catch $a
            i32.const 1
            i32.add
        end)
    (func (export "delegate") (param i32) (result i32)
        try $outer (result i32)
            try (result i32)
                try (result i32)
                    local.get 0
                    call $throw
                    i32.const 1
                delegate $outer
            catch_all
                i32.const 5
            end
        catch $a
            i32.const 100
            i32.add
        end)
    ;; Many times, with a table of handlers at each depth of recursion.
    (func $deep (param i32)
        (if (i32.eqz (local.get 0)) (then (throw $a (i32.const 1))))
        (block $b (result i64 i32)
            (try_table (catch $b $b) (call $deep (i32.sub (local.get 0) (i32.const 1))))
            (return))
        (drop) (drop))
    (func (export "deep") (param i32) (result i32)
        (local i32)
        (loop $again
            (block $a (result i32)
                (try_table (catch $a $a) (call $deep (i32.const 50)))
                (unreachable))
            (local.set 1 (i32.add (local.get 1)))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1))
    (func (export "uncaught") (param i32) (result i32) (call $throw (local.get 0)) (i32.const 0)))"#;

#[test]
fn clauses_catch_what_they_name() {
    both(|engine| {
        let (mut store, it) = alone(&engine, FORMS);
        let mut call = |name, arg| call(&mut store, it, name, arg);
        for (arg, result) in [(0, 3), (1, 10), (2, 25), (3, 8)] {
            assert_eq!(call("table", arg).unwrap(), arg * 1000 + result);
        }
        assert_eq!(call("return", 0).unwrap(), 4);
        assert_eq!(call("return", 1).unwrap(), 10);
        assert!(matches!(call("return", 2).unwrap_err().kind(), ErrorKind::Exception));
        assert_eq!(call("ref", 0).unwrap(), 1);
        assert_eq!(call("ref", 1).unwrap(), 10);
        assert!(matches!(call("ref", 2).unwrap_err().kind(), ErrorKind::Exception));
        assert_eq!(call("null", 0).unwrap_err().trap(), Some(Trap::NullReference));
        assert_eq!(call("deep", 100).unwrap(), 100);
    });
}

#[test]
fn the_older_form_catches_rethrows_and_delegates() {
    both(|engine| {
        let (mut store, it) = alone(&engine, FORMS);
        let mut call = |name, arg| call(&mut store, it, name, arg);
        for (arg, result) in [(0, 1), (1, 10), (2, 20), (3, 77)] {
            assert_eq!(call("legacy", arg).unwrap(), 1000 + result);
        }
        assert_eq!(call("rethrow", 0).unwrap(), 1);
        assert_eq!(call("rethrow", 1).unwrap(), 11);
        assert!(matches!(call("rethrow", 3).unwrap_err().kind(), ErrorKind::Exception));
        assert_eq!(call("delegate", 0).unwrap(), 1);
        assert_eq!(call("delegate", 1).unwrap(), 110);
        assert!(matches!(call("delegate", 2).unwrap_err().kind(), ErrorKind::Exception));
    });
}

#[test]
fn the_older_form_is_off_by_default() {
    let engine = Engine::default();
    assert!(sampan::Module::new(&engine, "(module (func try catch_all end))").is_err());
}

#[test]
fn what_nobody_catches_has_a_backtrace() {
    both(|engine| {
        let (mut store, it) = alone(&engine, FORMS);
        let error = call(&mut store, it, "uncaught", 1).unwrap_err();
        assert!(error.to_string().starts_with("uncaught exception: tag \"a\" [i32]\n"), "{error}");
        let error = call(&mut store, it, "uncaught", 2).unwrap_err();
        assert!(
            error.to_string().starts_with("uncaught exception: tag \"b\" [i64 i32]\n"),
            "{error}"
        );
        let frames = error.backtrace().frames();
        let names: Vec<Option<&str>> = frames.iter().map(|frame| frame.func_name()).collect();
        assert_eq!(frames.len(), 2, "{names:?}");
    });
}

#[test]
fn instances_and_the_host_throw_and_catch() {
    both(|engine| {
        let mut store = Store::new(&engine, ());
        let tag = Tag::new(&mut store, FuncType::new([ValType::I32], [])).unwrap();
        let mut linker = Linker::new(&engine);
        linker.define(&store, "host", "tag", tag).unwrap();
        linker
            .func_wrap("host", "throw", move |mut caller: Caller<'_, ()>, value: i32| {
                let exception = Exception::new(&mut caller, tag, &[Val::I32(value)])?;
                Err::<(), _>(exception.throw(&mut caller))
            })
            .unwrap();
        let thrower = r#"(module
            (import "host" "tag" (tag $t (param i32)))
            (import "host" "throw" (func $throw (param i32)))
            (tag $same (param i32))
            (func (export "guest") (param i32) (throw $t (local.get 0)))
            (func (export "other") (param i32) (throw $same (local.get 0)))
            (func (export "host") (param i32) (call $throw (local.get 0)))
            ;; The frame is left before the host throws, so its own clause does not count.
            (func (export "tail") (param i32)
                (block $t (result i32)
                    (try_table (catch $t $t) (return_call $throw (local.get 0)))
                    (unreachable))
                (unreachable)))"#;
        let inner = instance(&mut store, &linker, thrower);
        linker.instance(&store, "inner", inner).unwrap();
        let text = r#"(module
            (import "host" "tag" (tag $t (param i32)))
            (import "inner" "guest" (func $guest (param i32)))
            (import "inner" "other" (func $other (param i32)))
            (import "inner" "host" (func $host (param i32)))
            (import "inner" "tail" (func $tail (param i32)))
            (table funcref (elem $guest $other $host $tail))
            (memory (export "memory") 1)
            (func (export "catch") (param i32) (result i32)
                (i32.store (i32.const 8) (i32.const 1))
                (i32.add (block $t (result i32)
                    (try_table (catch $t $t)
                        (call_indirect (param i32) (i32.const 40) (local.get 0)))
                    (i32.const 0))
                    ;; The memory is this instance's again.
                    (i32.load (i32.const 8)))))"#;
        let it = instance(&mut store, &linker, text);
        assert_eq!(call(&mut store, it, "catch", 0).unwrap(), 41);
        assert_eq!(call(&mut store, it, "catch", 2).unwrap(), 41);
        assert_eq!(call(&mut store, it, "catch", 3).unwrap(), 41);
        let error = call(&mut store, it, "catch", 1).unwrap_err();
        let exception = Exception::thrown(&mut store, &error).unwrap();
        assert_ne!(exception.tag(&store).unwrap(), tag);
        assert_eq!(exception.fields(&mut store).unwrap()[0].i32(), Some(40));
    });
}

#[test]
fn tags_are_told_apart_when_linking() {
    both(|engine| {
        let mut store = Store::new(&engine, ());
        let tag = Tag::new(&mut store, FuncType::new([ValType::I64], [])).unwrap();
        let mut linker = Linker::new(&engine);
        linker.define(&store, "m", "t", tag).unwrap();
        let text = r#"(module (import "m" "t" (tag (param i32))))"#;
        let module = sampan::Module::new(&engine, text).unwrap();
        let error = linker.instantiate(&mut store, &module).unwrap_err();
        assert!(error.to_string().contains("tag"), "{error}");
        assert!(Tag::new(&mut store, FuncType::new([], [ValType::I32])).is_err());
    });
}

#[test]
fn fuel_and_interruption_stop_loops_that_throw() {
    const ENDLESS: &str = r#"(module (tag $t)
        (func (export "run")
            (loop $l (block $c (try_table (catch $t $c) (throw $t))) (br $l))))"#;
    for mode in [Mode::Classic, Mode::Fast] {
        let mut config = Config::new();
        config.mode(mode).consume_fuel(true).interruptible(true);
        let engine = Engine::new(&config);
        let (mut store, it) = alone(&engine, ENDLESS);
        let run = it.get_typed_func::<(), ()>(&store, "run").unwrap();
        store.set_fuel(100_000).unwrap();
        assert_eq!(run.call(&mut store, ()).unwrap_err().trap(), Some(Trap::OutOfFuel));
        store.set_fuel(u64::MAX).unwrap();
        let handle = store.interrupt_handle().unwrap();
        let stopper = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            handle.interrupt();
        });
        assert_eq!(run.call(&mut store, ()).unwrap_err().trap(), Some(Trap::Interrupt));
        stopper.join().unwrap();
    }
}

#[test]
fn references_to_exceptions_pass_through_the_host() {
    both(|engine| {
        let (mut store, it) = alone(
            &engine,
            r#"(module
                (tag $tag (export "tag") (param i32 i64))
                (func (export "make") (result exnref)
                    (block $caught (result exnref)
                        (try_table (catch_all_ref $caught)
                            (throw $tag (i32.const 5) (i64.const 6)))
                        (unreachable)))
                (func (export "null") (result exnref) (ref.null exn))
                (func (export "throw") (param exnref) (throw_ref (local.get 0))))"#,
        );
        let make = it.get_func(&store, "make").unwrap();
        let mut results = [Val::I32(0)];
        make.call(&mut store, &[], &mut results).unwrap();
        let Val::ExnRef(Some(exception)) = results[0] else { panic!("{results:?}") };
        assert_eq!(exception.tag(&store).unwrap(), it.get_tag(&store, "tag").unwrap());
        let fields = exception.fields(&mut store).unwrap();
        assert_eq!((fields[0].i32(), fields[1].i64()), (Some(5), Some(6)));

        let throw = it.get_typed_func::<Option<Exception>, ()>(&store, "throw").unwrap();
        let error = throw.call(&mut store, Some(exception)).unwrap_err();
        assert_eq!(Exception::thrown(&mut store, &error), Some(exception));
        let error = throw.call(&mut store, None).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::NullReference));

        let null = it.get_func(&store, "null").unwrap();
        null.call(&mut store, &[], &mut results).unwrap();
        assert!(matches!(results[0], Val::ExnRef(None)), "{results:?}");
        // Other references are none of this kind.
        let throw = it.get_func(&store, "throw").unwrap();
        let number = sampan::AnyRef::from_i31(&mut store, sampan::I31::wrapping_u32(1));
        assert!(throw.call(&mut store, &[number.into()], &mut []).is_err());
    });
}

#[test]
fn a_tag_without_a_name_has_its_export_or_its_index() {
    both(|engine| {
        let (mut store, it) = alone(
            &engine,
            r#"(module (tag (export "ours")) (tag (param f64))
                (func (export "throw") (param i32) (result i32)
                    (if (local.get 0) (then (throw 0)))
                    (throw 1 (f64.const 1))))"#,
        );
        let error = call(&mut store, it, "throw", 1).unwrap_err().to_string();
        assert!(error.starts_with("uncaught exception: tag \"ours\" []"), "{error}");
        let error = call(&mut store, it, "throw", 0).unwrap_err().to_string();
        assert!(error.starts_with("uncaught exception: tag 1 [f64]"), "{error}");
    });
}
