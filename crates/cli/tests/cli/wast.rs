//! `wast`.

use crate::{Bench, MODES};

#[test]
fn scripts_are_counted() {
    let bench = Bench::new();
    bench.file(
        "good.wast",
        r#"(module (func (export "nan") (result f32) (f32.div (f32.const 0) (f32.const 0))))
           (assert_return (invoke "nan") (f32.const nan:canonical))
           (assert_invalid (module (func (result i32))) "type mismatch")
           (assert_trap (module (func $f unreachable) (start $f)) "unreachable")"#,
    );
    bench.file(
        "bad.wast",
        "(module (func (export \"one\") (result i32) (i32.const 1)))\n\
         (assert_return (invoke \"one\") (i32.const 2))\n\
         (assert_trap (invoke \"one\") \"unreachable\")\n",
    );
    for mode in MODES {
        bench.sampan(&["wast", "--mode", mode, "good.wast"]).prints("4 passed, 0 failed\n");
        let run = bench.sampan(&["wast", "--mode", mode, "good.wast", "bad.wast"]);
        assert_eq!(run.code, 1);
        let lines: Vec<&str> = run.stdout.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("bad.wast:2: expected I32(2), found I32(1)"));
        assert!(lines[1].starts_with("bad.wast:3: expected trap"));
        assert_eq!(lines[2], "5 passed, 2 failed");
    }
}

#[test]
fn scripts_that_do_not_parse_fail() {
    let bench = Bench::new();
    bench.file("bad.wast", "(module)\n(assert_nothing)");
    let run = bench.sampan(&["wast", "bad.wast"]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.starts_with("bad.wast:2: does not parse: "), "{}", run.stdout);
    assert!(run.stdout.ends_with("0 passed, 1 failed\n"));
}
