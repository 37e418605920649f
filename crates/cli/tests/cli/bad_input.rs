//! Bad input: one clear message and an exit code.

use crate::Bench;

#[test]
fn a_malformed_module_names_the_offset() {
    let bench = Bench::new();
    bench.file("empty.wasm", "");
    bench.file("elf.wasm", b"\x7fELF\x02\x01\x01\0");
    bench.file("cut.wasm", b"\0asm\x01\0\0\0\x01\x05\x01");
    let magic = "magic header not detected: not a WebAssembly module (offset 0x0)";
    for command in ["run", "inspect"] {
        bench.sampan(&[command, "empty.wasm"]).fails(1, &[&format!("sampan: empty.wasm: {magic}")]);
        bench.sampan(&[command, "elf.wasm"]).fails(1, &[&format!("sampan: elf.wasm: {magic}")]);
        let run = bench.sampan(&[command, "cut.wasm"]);
        assert_eq!(run.code, 1);
        assert!(run.stderr.starts_with("sampan: cut.wasm: "), "{}", run.stderr);
        assert!(run.stderr.trim_end().ends_with("(offset 0xb)"), "{}", run.stderr);
    }
}

#[test]
fn an_invalid_module_names_function_and_offset() {
    let bench = Bench::new();
    bench.file("bad.wat", "(module (func (result i32) (i64.const 0)))");
    let problem = "type mismatch: expected i32, found i64 (function 0, offset 0x1a)";
    bench.sampan(&["run", "bad.wat"]).fails(1, &[&format!("sampan: bad.wat: {problem}")]);
    let run = bench.sampan(&["validate", "bad.wat"]);
    assert_eq!(run.stdout, format!("bad.wat: {problem}\n"));
    run.fails(1, &[]);
}

#[test]
fn text_that_does_not_parse_names_line_and_column() {
    let bench = Bench::new();
    bench.file("bad.wat", "(module\n  (func (i32.bogus)))\n");
    let run = bench.sampan(&["run", "bad.wat"]);
    assert_eq!(run.code, 1);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("(line 2, column 10)"), "{}", run.stderr);
}

#[test]
fn wrong_imports_are_all_named_with_their_types() {
    let bench = Bench::new();
    bench.file(
        "imports.wat",
        r#"(module
            (import "env" "missing" (func (param i32) (result i64)))
            (import "env" "memory" (memory 1))
            (import "wasi_snapshot_preview1" "fd_write" (func (param i32)))
            (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
            (func (export "_start")))"#,
    );
    bench.sampan(&["run", "imports.wat"]).fails(
        1,
        &[
            "sampan: imports.wat: unknown import: \"env\" \"missing\" (function [i32] -> [i64]) \
             is not defined",
            "sampan: imports.wat: unknown import: \"env\" \"memory\" (memory 1..) is not defined",
            "sampan: imports.wat: incompatible import type: \"wasi_snapshot_preview1\" \
             \"fd_write\" needs function [i32] -> [], but is function [i32 i32 i32 i32] -> [i32]",
        ],
    );
}

#[test]
fn a_missing_file_is_one_line() {
    let bench = Bench::new();
    for command in ["run", "inspect", "wast"] {
        let run = bench.sampan(&[command, "none.wasm"]);
        assert_eq!(run.code, 1);
        assert_eq!(run.stderr.lines().count(), 1);
        assert!(run.stderr.starts_with("sampan: none.wasm: "), "{}", run.stderr);
    }
    let run = bench.sampan(&["validate", "none.wasm"]);
    assert_eq!((run.code, run.stdout.lines().count()), (1, 1));
    assert!(run.stdout.starts_with("none.wasm: "), "{}", run.stdout);
    // A directory is no module.
    assert_eq!(bench.sampan(&["run", "."]).code, 1);
}

#[test]
fn an_unreadable_directory_is_one_line() {
    let bench = Bench::new();
    bench.file("ok.wat", r#"(module (func (export "_start")))"#);
    for dir in ["none", "ok.wat", "none::/data"] {
        let run = bench.sampan(&["run", "--dir", dir, "ok.wat"]);
        assert_eq!(run.code, 1);
        assert_eq!(run.stderr.lines().count(), 1);
        let name = dir.split("::").next().unwrap();
        let start = format!("sampan: cannot open directory {name}: ");
        assert!(run.stderr.starts_with(&start), "{}", run.stderr);
    }
    bench.sampan(&["run", "--dir", ".::/data", "ok.wat"]).prints("");
}

#[test]
fn wrong_usage_exits_with_2() {
    let bench = Bench::new();
    bench.file("ok.wat", r#"(module (func (export "_start")))"#);
    for args in [
        &[][..],
        &["run"],
        &["fly", "ok.wat"],
        &["run", "--mode", "aot", "ok.wat"],
        &["run", "--fuel", "-1", "ok.wat"],
        &["run", "--timeout", "soon", "ok.wat"],
        &["run", "--max-memory", "much", "ok.wat"],
        &["run", "--env", "novalue", "ok.wat"],
        &["run", "--dir", "::x", "ok.wat"],
        &["validate", "--enable", "magic", "ok.wat"],
    ] {
        let run = bench.sampan(args);
        assert_eq!(run.code, 2, "{args:?}: {}", run.stderr);
    }
}

#[test]
fn a_module_with_nothing_to_run_says_so() {
    let bench = Bench::new();
    bench.file("lib.wat", r#"(module (func (export "a")) (func (export "b") (param i32)))"#);
    bench.sampan(&["run", "lib.wat"]).fails(
        1,
        &["sampan: lib.wat: the module exports no function _start; name another with \
           --invoke EXPORT"],
    );
    bench
        .sampan(&["run", "--invoke", "c", "lib.wat"])
        .fails(1, &["sampan: lib.wat: no function is exported as \"c\"; exported functions: a, b"]);
    bench.sampan(&["run", "--invoke", "b", "lib.wat"]).fails(
        1,
        &["sampan: lib.wat: the function is of type [i32] -> [] and takes 1 arguments, \
           but 0 were given"],
    );
    bench
        .sampan(&["run", "--invoke", "b", "lib.wat", "x"])
        .fails(1, &["sampan: lib.wat: argument \"x\" is no i32"]);
}
