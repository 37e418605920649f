//! Programs in C with the built-in C library, in each interpreter.
//!
//! `c/NAME.wasm` is `c/NAME.c`, and `c/NAME.txt` what the host's C library prints for the same
//! source in a program of 32 bits, so that `long` is as wide. Both are made anew by
//! `UPDATE_EXPECT=1 cargo test -p sampan --test libc`, with Debian's clang-19, lld-19 and
//! gcc-multilib.

mod hostile;

use sampan::libc::{self, Stop, System};
use sampan::{Config, Engine, Instance, Linker, Mode, Module, Result, Store, StoreLimitsBuilder};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What programs printed.
#[derive(Default)]
pub(crate) struct Console(Vec<u8>);

impl System for Console {
    fn write(&mut self, text: &[u8]) {
        self.0.extend_from_slice(text);
    }

    fn clock(&mut self, id: u32) -> Option<u64> {
        (id < 2).then_some(1_700_000_000_123_456_789 + u64::from(id))
    }
}

pub(crate) fn both(mut test: impl FnMut(&Engine)) {
    for mode in [Mode::Classic, Mode::Fast] {
        let mut config = Config::new();
        test(&Engine::new(config.mode(mode)));
    }
}

pub(crate) fn start(engine: &Engine, module: &[u8]) -> (Store<Console>, Instance) {
    let module = Module::new(engine, module).unwrap();
    assert!(libc::is_wanted_by(&module));
    let mut linker = Linker::new(engine);
    libc::add_to_linker(&mut linker, &module, |console: &mut Console| console).unwrap();
    let mut store = Store::new(engine, Console::default());
    store.limiter(StoreLimitsBuilder::new().memory_size(4 << 20).build());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    (store, instance)
}

/// The result of a program's `main`, and what it printed.
fn run(engine: &Engine, name: &str, arguments: &[&str]) -> (Result<i32>, Vec<u8>) {
    let module = std::fs::read(folder().join(name).with_extension("wasm")).unwrap();
    let (mut store, instance) = start(engine, &module);
    let arguments: Vec<&[u8]> = arguments.iter().map(|it| it.as_bytes()).collect();
    let result = libc::call_main(&mut store, instance, &arguments, |console| console);
    let printed = std::mem::take(&mut store.data_mut().0);
    (result, printed)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/libc/c")
}

fn same_as_host(name: &str) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        build(name);
        let native = tempfile::tempdir().unwrap();
        let program = native.path().join(name);
        let mut cc = Command::new("cc");
        cc.args(["-m32", "-w", "-O1", "-fno-builtin"]).arg(folder().join(name).with_extension("c"));
        assert!(cc.arg("-o").arg(&program).status().unwrap().success());
        let output = Command::new(program).output().unwrap();
        std::fs::write(folder().join(name).with_extension("txt"), output.stdout).unwrap();
    }
    let expected = std::fs::read(folder().join(name).with_extension("txt")).unwrap();
    both(|engine| {
        let (result, printed) = run(engine, name, &[]);
        for (found, wanted) in printed.split(|&b| b == b'\n').zip(expected.split(|&b| b == b'\n')) {
            assert_eq!(String::from_utf8_lossy(found), String::from_utf8_lossy(wanted));
        }
        assert_eq!(printed.len(), expected.len());
        assert_eq!(result.unwrap(), 0);
    });
}

fn build(name: &str) {
    let mut clang = Command::new("clang-19");
    clang.args(["--target=wasm32", "-Os", "-w", "-fno-builtin", "-nostdlib"]);
    // Without reference types calls through tables are as WebAssembly 1.0 has them.
    clang.args(["-mno-reference-types", "-Wl,--no-entry,--allow-undefined,--strip-debug"]);
    clang.arg("-Wl,--export=__heap_base,-z,stack-size=4096");
    clang.arg("-Wl,--export-if-defined=main,--export-if-defined=__main_argc_argv");
    clang.arg(folder().join(name).with_extension("c"));
    clang.arg("-o").arg(folder().join(name).with_extension("wasm"));
    assert!(clang.status().unwrap().success());
}

#[test]
fn formatted_output_is_that_of_the_host() {
    same_as_host("format");
}

#[test]
fn strings_and_conversions_are_those_of_the_host() {
    same_as_host("strings");
}

#[test]
fn the_heap_keeps_blocks_apart() {
    same_as_host("heap");
}

#[test]
fn arguments_arrive_and_programs_end_as_they_say() {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        build("arguments");
    }
    both(|engine| {
        let (result, printed) = run(engine, "arguments", &["name", "exit", "7"]);
        assert_eq!(String::from_utf8_lossy(&printed), "0 name\n1 exit\n2 7\n1\n");
        assert_eq!(result.unwrap(), 7);
        let (result, printed) = run(engine, "arguments", &[]);
        assert_eq!((result.unwrap(), &*printed), (0, &b"1\n"[..]));
        for (argument, stop) in [("abort", Stop::Abort), ("twice", Stop::BadFree)] {
            let error = run(engine, "arguments", &["name", argument]).0.unwrap_err();
            assert_eq!(error.downcast_ref::<Stop>(), Some(&stop), "{error}");
        }
    });
}
