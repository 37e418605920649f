//! `sampan-load MODE FILE` prepares every function of a module, which the command line does
//! only for those that are called, and says how long that took. Mode `auto` does what the
//! command line does before the first instruction: it validates.

use std::{process::ExitCode, time::Instant};

use sampan::{Config, Engine, Mode, Module, Preparation};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [mode, file] = words.as_slice() else {
        eprintln!("usage: sampan-load MODE FILE");
        return ExitCode::from(2);
    };
    let (mode, preparation) = match mode.as_str() {
        "classic" => (Mode::Classic, Preparation::Eager),
        "fast" => (Mode::Fast, Preparation::Eager),
        "auto" => (Mode::Auto, Preparation::Lazy),
        "jit" => (Mode::Jit, Preparation::Eager),
        _ => {
            eprintln!("sampan-load: unknown mode {mode}");
            return ExitCode::from(2);
        }
    };
    let wasm = std::fs::read(file).expect("the module can be read");
    let engine = Engine::new(Config::new().mode(mode).preparation(preparation));
    let start = Instant::now();
    let module = Module::new(&engine, wasm).expect("the module is valid");
    println!("{}", start.elapsed().as_secs_f64());
    drop(module);
    ExitCode::SUCCESS
}
