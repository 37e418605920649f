//! Endless loops, recursion, memory.

use crate::{Bench, MODES};
use std::time::Instant;

const GUEST: &str = r#"(module
    (import "wasi_snapshot_preview1" "poll_oneoff"
        (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    ;; A subscription to the monotonic clock, one hour from now.
    (data (i32.const 16) "\01")
    (data (i32.const 24) "\00\a0\b8\30\46\03\00\00")
    (func (export "_start") (loop (br 0)))
    (func (export "sleep") (drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200))))
    (func $recurse (export "recurse") (param i64) (call $recurse (local.get 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;

#[test]
fn an_endless_loop_ends_with_its_time() {
    let bench = Bench::new();
    bench.file("guest.wat", GUEST);
    for mode in MODES {
        let start = Instant::now();
        let run = bench.sampan(&["run", "--mode", mode, "--timeout", "0.2", "guest.wat"]);
        assert_eq!(run.code, 124);
        let mut lines = run.stderr.lines();
        assert_eq!(lines.next(), Some("sampan: stopped: the time of --timeout 0.2 is over"));
        assert_eq!(lines.next(), Some("sampan: trap: interrupted"));
        assert!(lines.next().unwrap().ends_with(" - _start"));
        assert!(start.elapsed().as_secs() < 10);
    }
}

#[test]
fn a_guest_that_waits_in_a_host_function_ends_with_its_time() {
    let bench = Bench::new();
    bench.file("guest.wat", GUEST);
    let run = bench.sampan(&["run", "--timeout", "0.1", "--invoke", "sleep", "guest.wat"]);
    run.fails(
        124,
        &[
            "sampan: stopped: the time of --timeout 0.1 is over",
            "sampan: the program was waiting in a host function",
        ],
    );
}

#[test]
fn fuel_runs_out() {
    let bench = Bench::new();
    bench.file("guest.wat", GUEST);
    for mode in MODES {
        let run = bench.sampan(&["run", "--mode", mode, "--fuel", "10000", "guest.wat"]);
        assert_eq!(run.code, 134);
        let mut lines = run.stderr.lines();
        assert_eq!(lines.next(), Some("sampan: the fuel of --fuel 10000 is used up"));
        assert_eq!(lines.next(), Some("sampan: trap: all fuel consumed"));
        assert!(lines.next().unwrap().ends_with(" - _start"));
    }
}

#[test]
fn recursion_is_a_trap() {
    let bench = Bench::new();
    bench.file("guest.wat", GUEST);
    for mode in MODES {
        let args = ["run", "--mode", mode, "--invoke", "recurse", "guest.wat", "1"];
        let run = bench.sampan(&args);
        assert_eq!(run.code, 134);
        assert!(run.stderr.starts_with("sampan: trap: call stack exhausted\n  0: 0x"));
        assert!(run.stderr.lines().nth(1).unwrap().ends_with(" - recurse (and 99 times more)"));
    }
}

#[test]
fn memory_is_bounded() {
    let bench = Bench::new();
    bench.file("guest.wat", GUEST);
    bench.file("large.wat", r#"(module (memory 100) (func (export "_start")))"#);
    for mode in MODES {
        let grow = |pages| {
            let args =
                ["run", "--mode", mode, "--max-memory", "2M", "--invoke", "grow", "guest.wat"];
            bench.sampan(&[&args[..], &[pages]].concat())
        };
        grow("31").prints("1\n");
        grow("32").prints("-1\n");
        let args = ["run", "--mode", mode, "--max-memory", "131072", "large.wat"];
        bench.sampan(&args).fails(
            1,
            &[
                "sampan: large.wat: no room for a memory: a limit is reached",
                "sampan: --max-memory allows 131072 bytes",
            ],
        );
    }
}
