//! Programs that start threads.

use crate::{Bench, MODES};

/// Starts three threads, of which the last does something else than wait, and waits.
fn program(last: &str) -> String {
    format!(
        r#"(module
            (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (import "env" "memory" (memory 1 1 shared))
            (export "memory" (memory 0))
            (func $wait
                (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))
            (func (export "wasi_thread_start") (param i32 i32)
                (if (local.get 1) (then {last}))
                (call $wait))
            (func (export "_start")
                (drop (call $spawn (i32.const 0)))
                (drop (call $spawn (i32.const 0)))
                (if (i32.lt_s (call $spawn (i32.const 1)) (i32.const 0))
                    (then (call $exit (i32.const 9))))
                (call $wait)))"#
    )
}

#[test]
fn one_thread_ends_all() {
    let bench = Bench::new();
    bench.file("exit.wat", program("(call $exit (i32.const 7))"));
    bench.file("trap.wat", program("(unreachable)"));
    for mode in MODES {
        bench.sampan(&["run", "--mode", mode, "exit.wat"]).fails(7, &[]);
        let run = bench.sampan(&["run", "--mode", mode, "trap.wat"]);
        assert_eq!(run.code, 134);
        assert_eq!(run.stderr.lines().next(), Some("sampan: trap: unreachable"));
    }
}

#[test]
fn a_pthread_program_runs() {
    let bench = Bench::new();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bench/kernels/primes.wasm");
    for mode in MODES {
        for threads in ["1", "2", "7"] {
            let run = bench.sampan(&["run", "--mode", mode, program, threads, "20000", "50"]);
            run.prints("2262 primes below 20000\n");
        }
    }
}

#[test]
fn threads_have_a_limit_and_a_timeout() {
    let bench = Bench::new();
    bench.file("wait.wat", program("(nop)"));
    for mode in MODES {
        bench.sampan(&["run", "--mode", mode, "--max-threads", "2", "wait.wat"]).fails(9, &[]);
        let run = bench.sampan(&["run", "--mode", mode, "--timeout", "0.2", "wait.wat"]);
        assert_eq!(run.code, 124, "{}", run.stderr);
    }
}
