//! Guests that start threads by `wasi-threads`.

use crate::MODES;
use sampan::wasi::{self, SharedWasiCtx, ThreadLimits, WasiCtx, WasiThreads};
use sampan::{Config, Engine, Linker, Mode, Module, Result, Store, Trap};

/// Runs a program; `$spawn`, `$exit` and the memory are there already.
fn run(mode: Mode, limits: ThreadLimits, fuel: Option<u64>, body: &str) -> Result<i32> {
    let text = format!(
        r#"(module
            (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (import "env" "memory" (memory 1 4 shared))
            (export "memory" (memory 0))
            {body})"#
    );
    let mut config = Config::new();
    let engine = Engine::new(config.mode(mode).interruptible(true).consume_fuel(fuel.is_some()));
    let module = Module::new(&engine, &text).unwrap();
    let mut linker = Linker::new(&engine);
    wasi::add_to_linker_shared(&mut linker, |ctx: &mut SharedWasiCtx| ctx)?;
    let threads = WasiThreads::new(&mut linker, &module, limits, SharedWasiCtx::clone)?;
    let ctx = SharedWasiCtx::new(WasiCtx::builder().build().unwrap());
    let mut store = Store::new(&engine, ctx);
    if let Some(fuel) = fuel {
        store.set_fuel(fuel)?;
    }
    let instance = linker.instantiate(&mut store, &module)?;
    let start = instance.get_typed_func::<(), i32>(&store, "_start")?;
    threads.run(&mut store, |store| start.call(store, ()))
}

/// Waits for ever.
const FOREVER: &str = "(drop (memory.atomic.wait32 (i32.const 64) (i32.const 0) (i64.const -1)))";

#[test]
fn threads_work_and_are_waited_for() {
    // Four threads add their argument; the first waits until all have.
    let body = r#"
        (func (export "wasi_thread_start") (param i32 i32)
            (drop (i32.atomic.rmw.add (i32.const 0) (local.get 1)))
            (drop (i32.atomic.rmw.add (i32.const 4) (i32.const 1)))
            (drop (memory.atomic.notify (i32.const 4) (i32.const 1))))
        (func (export "_start") (result i32) (local $i i32)
            (loop $more
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (if (i32.le_s (call $spawn (local.get $i)) (i32.const 0)) (then (unreachable)))
                (br_if $more (i32.lt_u (local.get $i) (i32.const 4))))
            (loop $wait
                (local.set $i (i32.atomic.load (i32.const 4)))
                (if (i32.ne (local.get $i) (i32.const 4)) (then
                    (drop (memory.atomic.wait32 (i32.const 4) (local.get $i) (i64.const -1)))
                    (br $wait))))
            (i32.atomic.load (i32.const 0)))"#;
    for &mode in MODES {
        assert_eq!(run(mode, ThreadLimits::default(), None, body).unwrap(), 10, "{mode:?}");
    }
}

#[test]
fn a_trap_in_a_thread_ends_all() {
    for what in [FOREVER, "(loop (br 0))"] {
        let body = format!(
            r#"(func (export "wasi_thread_start") (param i32 i32)
                    (if (i32.eq (local.get 1) (i32.const 2)) (then (unreachable)))
                    {what})
                (func (export "_start") (result i32)
                    (drop (call $spawn (i32.const 1)))
                    (drop (call $spawn (i32.const 2)))
                    {what} (i32.const 0))"#
        );
        for &mode in MODES {
            let error = run(mode, ThreadLimits::default(), None, &body).unwrap_err();
            assert_eq!(error.trap(), Some(Trap::UnreachableCodeReached), "{mode:?}: {error}");
        }
    }
}

#[test]
fn an_exit_in_a_thread_ends_all() {
    let body = format!(
        r#"(func (export "wasi_thread_start") (param i32 i32) (call $exit (i32.const 3)))
            (func (export "_start") (result i32)
                (drop (call $spawn (i32.const 1))) {FOREVER} (i32.const 0))"#
    );
    for &mode in MODES {
        let error = run(mode, ThreadLimits::default(), None, &body).unwrap_err();
        assert_eq!(error.i32_exit_status(), Some(3), "{mode:?}: {error}");
    }
}

#[test]
fn the_end_of_the_first_ends_all() {
    let body = format!(
        r#"(func (export "wasi_thread_start") (param i32 i32) {FOREVER})
            (func (export "_start") (result i32)
                (drop (call $spawn (i32.const 1))) (i32.const 5))"#
    );
    for &mode in MODES {
        assert_eq!(run(mode, ThreadLimits::default(), None, &body).unwrap(), 5, "{mode:?}");
    }
}

#[test]
fn threads_are_limited() {
    // How many could be started of ten, all of which wait.
    let body = format!(
        r#"(func (export "wasi_thread_start") (param i32 i32) {FOREVER})
            (func (export "_start") (result i32) (local $i i32) (local $n i32)
                (loop $more
                    (local.set $n (i32.add (local.get $n)
                        (i32.gt_s (call $spawn (i32.const 0)) (i32.const 0))))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $more (i32.lt_u (local.get $i) (i32.const 10))))
                (local.get $n))"#
    );
    for &mode in MODES {
        let limits = ThreadLimits { threads: 3, ..ThreadLimits::default() };
        assert_eq!(run(mode, limits, None, &body).unwrap(), 3, "{mode:?}");
    }
}

#[test]
fn threads_have_fuel_of_the_one_that_starts_them() {
    // Each thread starts two; without a common budget that would never end.
    let body = r#"
        (func $both (drop (call $spawn (i32.const 1))) (drop (call $spawn (i32.const 1))))
        (func (export "wasi_thread_start") (param i32 i32) (call $both) (loop (br 0)))
        (func (export "_start") (result i32) (call $both) (loop (br 0)) (i32.const 0))"#;
    for &mode in MODES {
        let limits = ThreadLimits { threads: 20, ..ThreadLimits::default() };
        let error = run(mode, limits, Some(100_000), body).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::OutOfFuel), "{mode:?}: {error}");
    }
}
