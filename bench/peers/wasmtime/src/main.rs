//! Runs a kernel in wasmtime, or loads a module and says how long that took.

use std::{process::ExitCode, time::Instant};

use peer_host::{Host, IMPORTS, MODULE, Outcome, command, embedding, measure_embedded};
use wasmtime::{
    Caller, Config, Engine, Extern, FuncType, Linker, Module, Result, Store, Strategy, TypedFunc,
    Val, ValType,
};

fn main() -> Result<ExitCode> {
    let Some(command) = command() else {
        eprintln!(
            "usage: peer-wasmtime (run|load|embed) [--compiler cranelift|winch|pulley] FILE ARGS..."
        );
        return Ok(ExitCode::from(2));
    };
    let mut config = Config::new();
    config.wasm_gc(true).wasm_function_references(true);
    match command.compiler.as_deref() {
        None | Some("cranelift") => {}
        Some("winch") => {
            config.strategy(Strategy::Winch);
        }
        Some("pulley") => {
            config.target("pulley64")?;
        }
        Some(other) => {
            eprintln!("unknown compiler {other}");
            return Ok(ExitCode::from(2));
        }
    }
    let engine = Engine::new(&config)?;
    if command.verb == "embed" {
        return embed(engine, &command.file, &command.args[1]);
    }
    let wasm = std::fs::read(&command.file)?;
    let start = Instant::now();
    let module = Module::new(&engine, &wasm)?;
    if command.verb == "load" {
        println!("{}", start.elapsed().as_secs_f64());
        return Ok(ExitCode::SUCCESS);
    }
    run(&engine, &module, command.args)
}

/// Says what instances and calls cost.
fn embed(engine: Engine, small: &str, large: &str) -> Result<ExitCode> {
    let small = Module::from_file(&engine, small)?;
    let large = Module::from_file(&engine, large)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "next", |value: i32| value + 1)?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &small)?;
    let same = instance.get_typed_func(&mut store, "same")?;
    let calls = instance.get_typed_func(&mut store, "calls")?;
    measure_embedded(Embedding { engine, small, large, linker, store, same, calls });
    Ok(ExitCode::SUCCESS)
}

embedding!(instantiate);

/// How `proc_exit` leaves the guest.
#[derive(Debug)]
struct Exit(i32);

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit with {}", self.0)
    }
}

impl std::error::Error for Exit {}

fn run(engine: &Engine, module: &Module, args: Vec<String>) -> Result<ExitCode> {
    let mut store = Store::new(engine, Host::new(args));
    let mut linker = Linker::new(engine);
    for (index, import) in IMPORTS.iter().enumerate() {
        let params = import.params.bytes().map(|kind| match kind {
            b'I' => ValType::I64,
            _ => ValType::I32,
        });
        let results: &[ValType] = if import.returns { &[ValType::I32] } else { &[] };
        let ty = FuncType::new(engine, params, results.iter().cloned());
        linker.func_new(MODULE, import.name, ty, move |caller, params, results| {
            call(caller, index, params, results)
        })?;
    }
    let instance = linker.instantiate(&mut store, module)?;
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
    match start.call(&mut store, ()) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => match error.downcast_ref::<Exit>() {
            Some(Exit(code)) => Ok(ExitCode::from(*code as u8)),
            None => Err(error),
        },
    }
}

fn call(
    mut caller: Caller<'_, Host>,
    index: usize,
    params: &[Val],
    results: &mut [Val],
) -> Result<()> {
    let mut raw = [0; 6];
    for (slot, param) in raw.iter_mut().zip(params) {
        *slot = match param {
            Val::I64(value) => *value as u64,
            Val::I32(value) => *value as u32 as u64,
            _ => 0,
        };
    }
    let memory = match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => memory,
        _ => return Err(wasmtime::Error::msg("a command exports its memory")),
    };
    let (bytes, host) = memory.data_and_store_mut(&mut caller);
    match host.call(index, &raw[..params.len()], bytes) {
        Outcome::Errno(errno) => results[0] = Val::I32(errno as i32),
        Outcome::Exit(code) => return Err(wasmtime::Error::new(Exit(code))),
    }
    Ok(())
}
