//! Memory that runs out: each allocation of loading, linking, instantiating and calling fails in
//! turn, once alone and once with all that follow. The outcome is an error that says so, nothing
//! panics, and all memory comes back.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sampan::libc::{self, System as Output};
use sampan::{
    Caller, Config, Engine, Error, ErrorKind, ExternRef, FuncType, Instance, Linker, Mode, Module,
    NativeCall, Preparation, Result, Store, Trap, Val, ValType,
};

#[global_allocator]
static ALLOCATOR: Failing = Failing;

/// Counts what a thread allocates, and refuses what the test says.
struct Failing;

thread_local! {
    /// Allocations until one fails; at 0 none does.
    static LEFT: Cell<u64> = const { Cell::new(0) };
    /// Whether those after it fail too.
    static FOR_GOOD: Cell<bool> = const { Cell::new(false) };
    /// Whether one has failed.
    static FAILED: Cell<bool> = const { Cell::new(false) };
    /// Bytes in use.
    static USED: Cell<isize> = const { Cell::new(0) };
}

fn refused() -> bool {
    let left = LEFT.get();
    if left == 0 {
        return FAILED.get() && FOR_GOOD.get();
    }
    LEFT.set(left - 1);
    FAILED.set(left == 1);
    left == 1
}

fn book(bytes: isize) {
    USED.set(USED.get() + bytes);
}

// SAFETY: it passes everything on to the system's allocator, or refuses.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if refused() {
            return std::ptr::null_mut();
        }
        book(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if refused() {
            return std::ptr::null_mut();
        }
        book(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        book(-(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if refused() {
            return std::ptr::null_mut();
        }
        book(size as isize - layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// What a guest gives back whose memory could not grow.
const COULD_NOT_GROW: i32 = -1;

#[test]
fn a_module_of_all_kinds() {
    exhaust(
        r#"(module
            (type $unary (func (param i32) (result i32)))
            (import "host" "add" (func $add (param i32 i32) (result i32)))
            (import "host" "length" (func $length (param i32) (result i32)))
            (import "host" "twice" (func $twice (param i32) (result i32)))
            (global $base i32 (i32.const 40))
            (global $next (mut i32) (i32.const 1))
            (table $calls 3 8 funcref)
            (memory (export "memory") 1)
            (data (i32.const 8) "seven b\00")
            (elem (i32.const 0) $increment $double $increment)
            (start $begin)
            (func $begin (global.set $next (i32.const 2)))
            (func $increment (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
            (func $double (type $unary) (call $twice (local.get 0)))
            (func $choose (param i32) (result i32)
                (block (block (block (br_table 0 1 2 (local.get 0)))
                    (return (i32.const 10))) (return (i32.const 20)))
                (i32.const 30))
            (func $pair (result i32 i32) (i32.const 3) (i32.const 4))
            (func (export "run") (param i32) (result i32)
                (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1))
                    (then (return (i32.const -1))))
                (call_indirect $calls (type $unary) (local.get 0) (global.get $next))
                (call_indirect $calls (type $unary) (i32.const 1))
                (i32.add (call $choose (i32.const 1)))
                (i32.add (call $add (call $pair)))
                (i32.add (call $length (i32.const 8)))
                (i32.add (global.get $base))))"#,
        Ok((20 + 1) * 2 + 20 + 7 + 7 + 40),
    );
}

#[test]
fn c_programs_without_wasi() {
    exhaust(
        r#"(module
            (import "env" "printf" (func $printf (param i32 i32) (result i32)))
            (import "env" "malloc" (func $malloc (param i32) (result i32)))
            (import "env" "free" (func $free (param i32)))
            (import "env" "snprintf" (func $snprintf (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 16) "%d %s %5.2f\n\00")
            (data (i32.const 48) "a string\00")
            (func (export "run") (param i32) (result i32)
                (local $block i32)
                (local.set $block (call $malloc (i32.const 100)))
                (if (i32.eqz (local.get $block)) (then (return (i32.const -1))))
                (i32.store (i32.const 64) (local.get 0))
                (i32.store (i32.const 68) (i32.const 48))
                (f64.store (i32.const 72) (f64.const 2.25))
                (drop (call $printf (i32.const 16) (i32.const 64)))
                (call $snprintf (local.get $block) (i32.const 100) (i32.const 16) (i32.const 64))
                (call $free (local.get $block))))"#,
        Ok(18),
    );
}

#[test]
fn what_ends_in_an_error_of_its_own() {
    let trap = |text: &str, kind: &str| exhaust(text, Err(kind.into()));
    trap(
        r#"(module (func $deep (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
                (else (unreachable))))
            (func (export "run") (param i32) (result i32) (call $deep (local.get 0))))"#,
        "unreachable",
    );
    trap(
        r#"(module (import "host" "no" (func (param i32) (result f32)))
            (import "host" "add" (func (param f64))) (import "x" "m" (memory 1 2))
            (import "x" "t" (table 1 2 funcref)) (import "x" "g" (global i64)))"#,
        "unknown import",
    );
    trap(
        r#"(module (import "host" "fail" (func $fail (param i32) (result i32)))
            (func (export "run") (param i32) (result i32) (call $fail (local.get 0))))"#,
        "no luck with 20",
    );
    trap(
        r#"(module (import "host" "length" (func $length (param i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "run") (param i32) (result i32) (call $length (i32.const -1))))"#,
        "argument",
    );
    trap(
        r#"(module (import "host" "length" (func $length (param i32) (result i32)))
            (memory (export "memory") 1) (data (i32.const 0) "\ff\00")
            (func (export "run") (param i32) (result i32) (call $length (i32.const 0))))"#,
        "UTF-8",
    );
    trap(
        r#"(module (memory 1) (data (i32.const 65535) "two")
            (func (export "run") (param i32) (result i32) (i32.const 1)))"#,
        "out of bounds memory access",
    );
    trap(r#"(module (func (export "other") (param i32)))"#, "no function is exported");
    trap(r#"(module (func (export "run") (param i64)))"#, "type mismatch");
    trap(
        r#"(module (import "env" "exit" (func $exit (param i32))) (memory (export "memory") 1)
            (func (export "run") (param i32) (result i32) (call $exit (i32.const 3)) (i32.const 1)))"#,
        "exited with status 3",
    );
}

#[test]
fn invalid_modules() {
    for (bytes, said) in [
        (&b"\0asm\x02\0\0\0"[..], "unknown binary version"),
        (b"\0asm\x01\0\0\0\x01\x04\x01\x60\x00\x01", "unexpected end"),
        // An i32 where an f32 is needed.
        (
            b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7d\x03\x02\x01\0\x0a\x06\x01\x04\0\x41\0\x0b",
            "type mismatch",
        ),
    ] {
        each_allocation(&Err(said.into()), |mode| run(bytes, mode, Preparation::Eager, false));
    }
}

#[test]
fn references_and_exceptions() {
    exhaust(
        r#"(module
            (import "host" "make" (func $make (param i32) (result externref)))
            (import "host" "take" (func $take (param externref) (result i32)))
            (tag $t (param i32 externref))
            (table $refs 1 externref)
            (elem declare func $throw)
            (func $throw (param i32) (throw $t (local.get 0) (call $make (local.get 0))))
            (func (export "run") (param i32) (result i32)
                (local $i i32)
                (if (i32.eq (table.grow $refs (ref.null extern) (i32.const 3)) (i32.const -1))
                    (then (return (i32.const -1))))
                (loop $again
                    (table.set $refs (i32.const 1) (call $make (local.get $i)))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $again (i32.lt_u (local.get $i) (i32.const 10))))
                (block $caught (result i32 externref)
                    (try_table (catch $t $caught) (call $throw (local.get 0)))
                    (unreachable))
                (drop)
                (i32.add (call $take (table.get $refs (i32.const 1))))))"#,
        Ok(20 + 9),
    );
}

#[test]
fn a_collected_heap() {
    exhaust(
        r#"(module
            (rec (type $list (struct (field i32) (field (ref null $list))))
                (type $more (sub (struct (field (mut (ref null $more)))))))
            (type $bytes (array (mut i8)))
            (global $first (ref null $list) (struct.new $list (i32.const 1) (ref.null $list)))
            (func $make (param i32) (result (ref null $list))
                (if (result (ref null $list)) (local.get 0)
                    (then (struct.new $list (local.get 0)
                        (call $make (i32.sub (local.get 0) (i32.const 1)))))
                    (else (global.get $first))))
            (func (export "run") (param i32) (result i32)
                (local $list (ref null $list)) (local $sum i32)
                (drop (array.new $bytes (i32.const 1) (i32.const 100)))
                (local.set $list (call $make (local.get 0)))
                (loop $again
                    (local.set $sum
                        (i32.add (local.get $sum) (struct.get $list 0 (local.get $list))))
                    (local.set $list (struct.get $list 1 (local.get $list)))
                    (br_if $again (i32.eqz (ref.is_null (local.get $list)))))
                (local.get $sum)))"#,
        Ok(210 + 1),
    );
}

#[test]
fn calls_from_instance_to_instance() {
    let exporter = wat::parse_str(
        r#"(module (memory (export "memory") 1) (global (export "one") i32 (i32.const 1))
            (table (export "table") 2 funcref)
            (func (export "add") (param i32 i32) (result i32)
                (i32.add (local.get 0) (local.get 1))))"#,
    );
    let importer = wat::parse_str(
        r#"(module (import "lib" "add" (func $add (param i32 i32) (result i32)))
            (import "lib" "memory" (memory 1)) (import "lib" "one" (global $one i32))
            (import "lib" "table" (table 2 funcref))
            (elem (i32.const 1) $add)
            (func (export "run") (param i32) (result i32)
                (call $add (call $add (local.get 0) (global.get $one)) (i32.const 2))))"#,
    );
    let (exporter, importer) = (exporter.expect("valid text"), importer.expect("valid text"));
    each_allocation(&Ok(23), |mode| {
        let engine = Engine::try_new(Config::new().mode(mode))?;
        let mut store = Store::try_new(&engine, Host)?;
        let mut linker = Linker::new(&engine);
        linker.module(&mut store, "lib", &Module::new(&engine, &exporter)?)?;
        let module = Module::new(&engine, &importer)?;
        call(&linker.instantiate(&mut store, &module)?, &mut store)
    });
}

/// The embedder's data.
struct Host;

impl Output for Host {
    fn write(&mut self, _: &[u8]) {}
}

fn call(instance: &Instance, store: &mut Store<Host>) -> Result<i32> {
    instance.get_typed_func::<i32, i32>(&*store, "run")?.call(store, 20)
}

/// Loads, links, instantiates and calls a module.
fn run(bytes: &[u8], mode: Mode, preparation: Preparation, collect: bool) -> Result<i32> {
    let mut config = Config::new();
    config.mode(mode).preparation(preparation).collect_always(collect);
    let engine = Engine::try_new(&config)?;
    let module = Module::new(&engine, bytes)?;
    let mut store = Store::try_new(&engine, Host)?;
    let mut linker = Linker::<Host>::new(&engine);
    linker.func_wrap("host", "add", |a: i32, b: i32| a + b)?;
    linker.func_wrap("host", "fail", |_: Caller<'_, Host>, n: i32| -> Result<i32> {
        Err(Error::new(match n {
            20 => "no luck with 20",
            _ => "no luck",
        }))
    })?;
    linker.func_wrap("host", "make", |mut caller: Caller<'_, Host>, n: i32| {
        ExternRef::new(&mut caller, n).map(Some)
    })?;
    linker.func_wrap("host", "take", |caller: Caller<'_, Host>, it: Option<ExternRef>| {
        let it = it.ok_or_else(|| Error::new("null"))?;
        let value = it.data(&caller).and_then(|it| it.downcast_ref::<i32>());
        value.copied().ok_or_else(|| Error::new("another type, or its scope has ended: no memory"))
    })?;
    linker.func_native("host", "length", "($)i", |native: &mut NativeCall<'_, Host>| {
        Ok(native.str(0)?.len() as i32)
    })?;
    let ty = FuncType::try_new([ValType::I32], [ValType::I32]).map_err(Error::from)?;
    linker.func_new("host", "twice", ty, |_, arguments, results| {
        results[0] = Val::I32(arguments[0].i32().unwrap_or(0) * 2);
        Ok(())
    })?;
    libc::add_to_linker(&mut linker, &module, |host: &mut Host| host)?;
    let instance = linker.instantiate(&mut store, &module)?;
    call(&instance, &mut store)
}

fn exhaust(text: &str, expected: Result<i32, String>) {
    let bytes = wat::parse_str(text).expect("valid text");
    for preparation in [Preparation::Eager, Preparation::Lazy] {
        for collect in [false, true] {
            each_allocation(&expected, |mode| run(&bytes, mode, preparation, collect));
        }
    }
}

/// Runs something again and again, each time with another allocation that fails, until none does.
fn each_allocation(expected: &Result<i32, String>, mut run: impl FnMut(Mode) -> Result<i32>) {
    for (mode, for_good) in [(Mode::Classic, false), (Mode::Classic, true)] {
        // What is allocated once for all, as for messages of tests, is not counted.
        let _ = run(mode);
        for number in 1.. {
            let before = USED.get();
            FAILED.set(false);
            FOR_GOOD.set(for_good);
            LEFT.set(number);
            let outcome = run(mode);
            LEFT.set(0);
            FOR_GOOD.set(false);
            let failed = FAILED.replace(false);
            check(number, failed, &outcome, expected);
            drop(outcome);
            assert_eq!(USED.get(), before, "allocation {number} failed, and memory is lost");
            if !failed {
                assert!(number > 1, "it allocates");
                break;
            }
            assert!(number < 100_000, "it ends");
        }
    }
}

fn check(number: u64, failed: bool, outcome: &Result<i32>, expected: &Result<i32, String>) {
    let same = match (outcome, expected) {
        (Ok(value), Ok(wanted)) => value == wanted,
        (Err(error), Err(wanted)) => error.to_string().contains(wanted.as_str()),
        _ => false,
    };
    if same {
        return; // Nothing failed, or it could be done without.
    }
    assert!(failed, "nothing failed, but {outcome:?} is not {expected:?}");
    let clean = match outcome {
        Ok(value) => *value == COULD_NOT_GROW,
        Err(error) => {
            let text = error.to_string();
            error.trap() == Some(Trap::OutOfMemory)
                || error.trap() == Some(Trap::HeapExhausted)
                || matches!(error.kind(), ErrorKind::OutOfMemory)
                // A memory, a table; a handle of a reference.
                || text.contains("limit")
                || text.contains("no memory")
                // The short forms of sentences.
                || matches!(&*text, "wrong results" | "bad signature" | "no such function" | "type mismatch")
        }
    };
    assert!(clean, "allocation {number} failed: {outcome:?}");
}
