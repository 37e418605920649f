//! `inspect` and `validate`.

use crate::Bench;

const MODULE: &str = r#"(module $named
    (type (func (param i32 i64) (result f32)))
    (import "env" "f" (func $f (type 0)))
    (memory (export "memory") 1 2)
    (global (mut i32) (i32.const 7))
    (func $work (export "work") (drop (call $f (i32.const 1) (i64.const 2))))
    (data (i32.const 0) "hello"))"#;

#[test]
fn inspect_shows_what_a_module_declares() {
    let bench = Bench::new();
    bench.file("m.wat", MODULE);
    let run = bench.sampan(&["inspect", "m.wat"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    for line in [
        ", module \"named\"",
        "sections:",
        "custom \"name\"",
        "func [i32 i64] -> [f32]",
        "\"env\" \"f\": func [i32 i64] -> [f32]",
        "functions: 1 with ",
        "memory 1..2",
        "global mut i32",
        "data segments: 1 with 5 bytes",
        "\"work\": func [] -> [], function 1 <work>",
    ] {
        assert!(run.stdout.contains(line), "{line:?} in {}", run.stdout);
    }
    assert!(!run.stdout.contains("i64.const 2"));
}

#[test]
fn inspect_code_disassembles() {
    let bench = Bench::new();
    bench.file("m.wat", MODULE);
    let run = bench.sampan(&["inspect", "--code", "m.wat"]);
    assert_eq!(run.code, 0);
    for line in ["function 1 <work>: [] -> []", "i64.const 2", "call 0", "drop"] {
        assert!(run.stdout.contains(line), "{line:?} in {}", run.stdout);
    }
}

#[test]
fn validate_prints_a_line_for_each_problem() {
    let bench = Bench::new();
    bench.file("good.wat", MODULE);
    bench.file("bad.wat", "(module (func drop) (func) (func (local.get 3) drop))");
    bench.sampan(&["validate", "good.wat"]).prints("");
    let run = bench.sampan(&["validate", "good.wat", "bad.wat", "none.wat"]);
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", run.stdout);
    assert!(lines[0].starts_with("bad.wat: ") && lines[0].contains("function 0"));
    assert!(lines[1].starts_with("bad.wat: unknown local 3 (function 2"));
    assert!(lines[2].starts_with("none.wat: "));
}

#[test]
fn validate_knows_newer_proposals() {
    let bench = Bench::new();
    bench.file("gc.wat", "(module (type (struct (field i32))) (tag) (memory i64 1))");
    bench.file("page.wat", "(module (memory 1 (pagesize 1)))");
    bench.sampan(&["validate", "gc.wat"]).prints("");
    assert_eq!(bench.sampan(&["validate", "page.wat"]).code, 1);
    bench.sampan(&["validate", "--enable", "custom-page-sizes", "page.wat"]).prints("");
}
