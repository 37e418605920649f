//! `sampan-load MODE FILE` prepares every function of a module, which the command line does
//! only for those that are called, and says how long that took. Mode `auto` does what the
//! command line does before the first instruction: it validates.
//!
//! `sampan-load compile FILE COMPILED` writes the module with its code, and
//! `sampan-load compiled COMPILED` says how long loading that and instantiating it took.
//!
//! `sampan-load embed MODE SMALL LARGE` says what instances and calls cost.

use std::{process::ExitCode, time::Instant};

use peer_host::{embedding, measure_embedded};
use sampan::wasi::{self, WasiCtx};
use sampan::{Config, Engine, Linker, Mode, Module, Preparation, Store, TypedFunc};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["compile", file, to] => {
            let module = load(Mode::Jit, Preparation::Eager, file);
            let bytes = module.serialize().expect("it was compiled");
            std::fs::write(to, bytes).expect("the file can be written");
        }
        ["compiled", file] => compiled(file),
        ["embed", "classic", small, large] => embed(Mode::Classic, small, large),
        ["embed", "fast", small, large] => embed(Mode::Fast, small, large),
        ["embed", "jit", small, large] => embed(Mode::Jit, small, large),
        ["embed", "auto", small, large] => embed(Mode::Auto, small, large),
        ["classic", file] => drop(load(Mode::Classic, Preparation::Eager, file)),
        ["fast", file] => drop(load(Mode::Fast, Preparation::Eager, file)),
        ["jit", file] => drop(load(Mode::Jit, Preparation::Eager, file)),
        ["auto", file] => drop(load(Mode::Auto, Preparation::Lazy, file)),
        _ => {
            eprintln!("usage: sampan-load (classic|fast|jit|auto|compiled) FILE");
            eprintln!("       sampan-load compile FILE COMPILED");
            eprintln!("       sampan-load embed (classic|fast|jit|auto) SMALL LARGE");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Says what instances and calls cost.
fn embed(mode: Mode, small: &str, large: &str) {
    let engine = engine(mode, Preparation::Eager);
    let module = |file| {
        let wasm = std::fs::read(file).expect("the module can be read");
        Module::new(&engine, wasm).expect("the module is valid")
    };
    let (small, large) = (module(small), module(large));
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "next", |value: i32| value + 1).expect("a new name");
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &small).expect("it needs `next` only");
    let func = |name| instance.get_typed_func(&store, name).expect("the module has it");
    let (same, calls) = (func("same"), func("calls"));
    measure_embedded(Embedding { engine, small, large, linker, store, same, calls });
}

embedding!(instantiate);

fn engine(mode: Mode, preparation: Preparation) -> Engine {
    let mut config = Config::new();
    config.mode(mode).preparation(preparation).wasm_legacy_exceptions(true);
    Engine::new(&config)
}

/// Loads a module and prints the seconds.
fn load(mode: Mode, preparation: Preparation, file: &str) -> Module {
    let wasm = std::fs::read(file).expect("the module can be read");
    let engine = engine(mode, preparation);
    let start = Instant::now();
    let module = Module::new(&engine, wasm).expect("the module is valid");
    println!("{}", start.elapsed().as_secs_f64());
    module
}

/// Loads compiled code and instantiates it; prints the seconds of both, then those of each.
fn compiled(file: &str) {
    let engine = engine(Mode::Jit, Preparation::Eager);
    let mut store = Store::new(&engine, WasiCtx::builder().build().expect("nothing can fail"));
    let mut linker = Linker::new(&engine);
    wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx).expect("new names");
    let start = Instant::now();
    // SAFETY: `compile` wrote it.
    let module = unsafe { Module::deserialize_file(&engine, file) }.expect("code for this engine");
    let loaded = start.elapsed().as_secs_f64();
    linker.instantiate(&mut store, &module).expect("it needs WASI only");
    let all = start.elapsed().as_secs_f64();
    println!("{all} {loaded} {}", all - loaded);
}
