//! Runs a kernel in wasmi, or loads a module and says how long that took.

use std::{process::ExitCode, time::Instant};

use peer_host::{Host, IMPORTS, MODULE, Outcome, command, embedding, measure_embedded};
use wasmi::{
    Caller, CompilationMode, Config, Engine, Error, Extern, FuncType, Linker, Module, Store,
    TypedFunc, Val, ValType,
};

fn main() -> ExitCode {
    let Some(command) = command() else {
        eprintln!("usage: peer-wasmi (run|load|embed) FILE ARGS...");
        return ExitCode::from(2);
    };
    let wasm = std::fs::read(&command.file).expect("the module can be read");
    let mut config = Config::default();
    if command.verb == "load" {
        config.compilation_mode(CompilationMode::Eager);
    }
    let engine = Engine::new(&config);
    if command.verb == "embed" {
        embed(engine, &wasm, &command.args[1]);
        return ExitCode::SUCCESS;
    }
    let start = Instant::now();
    let module = Module::new(&engine, &wasm[..]).expect("the module is valid");
    if command.verb == "load" {
        println!("{}", start.elapsed().as_secs_f64());
        return ExitCode::SUCCESS;
    }
    match run(&engine, &module, command.args) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(134)
        }
    }
}

/// Says what instances and calls cost.
fn embed(engine: Engine, small: &[u8], large: &str) {
    let large = std::fs::read(large).expect("the module can be read");
    let module = |wasm: &[u8]| Module::new(&engine, wasm).expect("the module is valid");
    let (small, large) = (module(small), module(&large));
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "next", |value: i32| value + 1).expect("a new name");
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate_and_start(&mut store, &small).expect("it needs `next` only");
    let func = |name| instance.get_typed_func(&store, name).expect("the module has it");
    let (same, calls) = (func("same"), func("calls"));
    measure_embedded(Embedding { engine, small, large, linker, store, same, calls });
}

embedding!(instantiate_and_start);

fn run(engine: &Engine, module: &Module, args: Vec<String>) -> Result<i32, Error> {
    let mut store = Store::new(engine, Host::new(args));
    let mut linker = Linker::new(engine);
    for (index, import) in IMPORTS.iter().enumerate() {
        let params = import.params.as_bytes().iter().map(|kind| match kind {
            b'I' => ValType::I64,
            _ => ValType::I32,
        });
        let results: &[ValType] = if import.returns { &[ValType::I32] } else { &[] };
        let ty = FuncType::new(params, results.iter().copied());
        linker.func_new(MODULE, import.name, ty, move |caller, params, results| {
            call(caller, index, params, results)
        })?;
    }
    let instance = linker.instantiate_and_start(&mut store, module)?;
    let start = instance.get_typed_func::<(), ()>(&store, "_start")?;
    match start.call(&mut store, ()) {
        Ok(()) => Ok(0),
        Err(error) => error.i32_exit_status().ok_or(error),
    }
}

fn call(
    mut caller: Caller<'_, Host>,
    index: usize,
    params: &[Val],
    results: &mut [Val],
) -> Result<(), Error> {
    let mut raw = [0; 6];
    for (slot, param) in raw.iter_mut().zip(params) {
        *slot = match param {
            Val::I64(value) => *value as u64,
            Val::I32(value) => *value as u32 as u64,
            _ => 0,
        };
    }
    let memory = caller
        .get_export("memory")
        .and_then(Extern::into_memory)
        .expect("a command exports its memory");
    let (bytes, host) = memory.data_and_store_mut(&mut caller);
    match host.call(index, &raw[..params.len()], bytes) {
        Outcome::Errno(errno) => results[0] = Val::I32(errno as i32),
        Outcome::Exit(code) => return Err(Error::i32_exit(code)),
    }
    Ok(())
}
