//! Programs that run as they should, and those that trap.

use crate::{Bench, MODES};

#[test]
fn a_program_gets_arguments_variables_and_output() {
    let bench = Bench::new();
    // Writes its arguments, then its variables, as they lie in memory.
    bench.file(
        "echo.wat",
        r#"(module
            (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "environ_sizes_get" (func $env_sizes (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "environ_get" (func $env (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func $show
                (i32.store (i32.const 8) (i32.const 4096))
                (i32.store (i32.const 12) (i32.load (i32.const 4)))
                (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16))))
            (func (export "_start")
                (drop (call $args_sizes (i32.const 0) (i32.const 4)))
                (drop (call $args (i32.const 1024) (i32.const 4096)))
                (call $show)
                (drop (call $env_sizes (i32.const 0) (i32.const 4)))
                (drop (call $env (i32.const 1024) (i32.const 4096)))
                (call $show)))"#,
    );
    for mode in MODES {
        let args = ["run", "--mode", mode, "--env", "A=1", "echo.wat", "--fuel", "-x", "two words"];
        bench.sampan(&args).prints("echo.wat\0--fuel\0-x\0two words\0A=1\0");
    }
}

#[test]
fn an_uncaught_exception_names_its_tag() {
    let bench = Bench::new();
    bench.file(
        "throw.wat",
        "(module (tag $oops (param i32)) (func (export \"_start\") (throw $oops (i32.const 1))))",
    );
    for mode in MODES {
        let run = bench.sampan(&["run", "--mode", mode, "throw.wat"]);
        assert_eq!(run.code, 134);
        let first = run.stderr.lines().next();
        assert_eq!(first, Some("sampan: uncaught exception: tag \"oops\" [i32]"));
    }
}

#[test]
fn exit_codes_pass_through() {
    let bench = Bench::new();
    for code in [0, 1, 42, 255] {
        bench.file(
            "exit.wat",
            format!(
                r#"(module
                    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                    (memory (export "memory") 1)
                    (func (export "_start") (call $exit (i32.const {code}))))"#
            ),
        );
        for mode in MODES {
            bench.sampan(&["run", "--mode", mode, "exit.wat"]).fails(code, &[]);
        }
    }
}

#[test]
fn a_trap_prints_reason_and_backtrace() {
    let bench = Bench::new();
    bench.file(
        "trap.wat",
        r#"(module
            (memory 1)
            (func $deep (param i32) (drop (i32.load (local.get 0))))
            (func (call $deep (i32.const 65536)))
            (func (export "_start") (call 1)))"#,
    );
    for mode in MODES {
        let run = bench.sampan(&["run", "--mode", mode, "trap.wat"]);
        assert_eq!(run.code, 134);
        let lines: Vec<&str> = run.stderr.lines().collect();
        assert_eq!(lines[0], "sampan: trap: out of bounds memory access");
        let names = ["deep", "<function 1>", "_start"];
        assert_eq!(lines.len(), 1 + names.len());
        for (i, (line, name)) in lines[1..].iter().zip(names).enumerate() {
            assert!(line.starts_with(&format!("  {i}: 0x")), "{line}");
            assert!(line.ends_with(&format!(" - {name}")), "{line}");
        }
    }
}

#[test]
fn a_host_function_without_memory_is_explained() {
    let bench = Bench::new();
    bench.file(
        "memoryless.wat",
        r#"(module
            (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
            (func (export "_start") (drop (call $yield))))"#,
    );
    let run = bench.sampan(&["run", "memoryless.wat"]);
    assert_eq!(run.code, 134);
    let first = run.stderr.lines().next().unwrap();
    assert_eq!(
        first,
        "sampan: trap: a host function failed: the calling module exports no memory named \
         \"memory\""
    );
}

#[test]
fn invoke_parses_arguments_and_prints_results() {
    let bench = Bench::new();
    bench.file(
        "lib.wat",
        r#"(module
            (global $ready (mut i32) (i32.const 0))
            (func (export "_initialize") (global.set $ready (i32.const 1)))
            (func (export "ready") (result i32) (global.get $ready))
            (func (export "add") (param i32 i32) (result i32)
                (i32.add (local.get 0) (local.get 1)))
            (func (export "echo") (param i64 f32 f64 v128 externref)
                (result externref v128 f64 f32 i64)
                (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0))
            (func (export "null") (result funcref) (ref.null func)))"#,
    );
    for mode in MODES {
        let invoke = |args: &[&str]| {
            bench.sampan(
                &[&["run", "--mode", mode, "--invoke", args[0], "lib.wat"], &args[1..]].concat(),
            )
        };
        invoke(&["ready"]).prints("1\n");
        invoke(&["add", "40", "2"]).prints("42\n");
        invoke(&["add", "-1", "0xffffffff"]).prints("-2\n");
        invoke(&["echo", "-9223372036854775808", "1.5", "-inf", "0xff", "thing"])
            .prints("thing\n0x000000000000000000000000000000ff\n-inf\n1.5\n-9223372036854775808\n");
        invoke(&["null"]).prints("null\n");
    }
}

#[test]
fn help_and_completions_are_there() {
    let bench = Bench::new();
    let help = bench.sampan(&["run", "--help"]);
    assert_eq!(help.code, 0);
    for option in [
        "--mode",
        "--dir",
        "--env",
        "--invoke",
        "--fuel",
        "--timeout",
        "--max-memory",
        "Exit codes",
    ] {
        assert!(help.stdout.contains(option), "{option}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = bench.sampan(&["completions", shell]);
        assert_eq!(script.code, 0);
        assert!(script.stdout.contains("max-memory"), "{shell}");
    }
}

#[test]
fn compiled_code_is_kept_and_damage_is_no_harm() {
    let bench = Bench::new();
    bench.file(
        "add.wat",
        r#"(module (func (export "add") (param i32 i32) (result i32)
            (i32.add (local.get 0) (local.get 1))))"#,
    );
    let args = ["run", "--mode", "jit", "--cache", "kept/code", "--invoke", "add", "add.wat"];
    let args = [&args[..], &["40", "2"]].concat();
    bench.sampan(&args).prints("42\n");
    let entries = || {
        let files = std::fs::read_dir(bench.path().join("kept/code")).expect("it was made");
        files.map(|file| file.expect("it can be read").path()).collect::<Vec<_>>()
    };
    let [entry] = &entries()[..] else { panic!("one entry") };
    let good = std::fs::read(entry).expect("it can be read");
    bench.sampan(&args).prints("42\n");
    std::fs::write(entry, &good[..good.len() - 1]).expect("it can be written");
    bench.sampan(&args).prints("42\n");
    assert_eq!(std::fs::read(entry).expect("it is there"), good, "it was made anew");
}

#[test]
fn a_program_of_the_built_in_c_library_prints_and_gives_its_exit_code() {
    let bench = Bench::new();
    // `int main(int count, char **arguments)` of a program that nothing was linked to.
    bench.file(
        "hello.wat",
        r#"(module
            (import "env" "printf" (func $printf (param i32 i32) (result i32)))
            (import "env" "exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (global (export "__heap_base") i32 (i32.const 1024))
            (data (i32.const 64) "%d arguments, the last is %s\n\00")
            (func (export "__main_argc_argv") (param i32 i32) (result i32)
                (i32.store (i32.const 0) (local.get 0))
                (i32.store (i32.const 4) (i32.load (i32.add (local.get 1)
                    (i32.mul (i32.const 4) (i32.sub (local.get 0) (i32.const 1))))))
                (drop (call $printf (i32.const 64) (i32.const 0)))
                (if (i32.eq (local.get 0) (i32.const 3)) (then (call $exit (i32.const 7))))
                (i32.sub (local.get 0) (i32.const 1))))"#,
    );
    for mode in MODES {
        let run = bench.sampan(&["run", "--mode", mode, "hello.wat"]);
        assert_eq!((run.code, &*run.stdout), (0, "1 arguments, the last is hello.wat\n"));
        let run = bench.sampan(&["run", "--mode", mode, "hello.wat", "-x"]);
        assert_eq!((run.code, &*run.stdout), (1, "2 arguments, the last is -x\n"));
        let run = bench.sampan(&["run", "--mode", mode, "hello.wat", "a", "b"]);
        assert_eq!((run.code, &*run.stdout), (7, "3 arguments, the last is b\n"));
        assert_eq!(run.stderr, "");
    }
}
