//! Host functions that read the guest's memory and change the embedder's data.
//!
//! `cargo run --example host_state`

use sampan::{Caller, Engine, Error, Linker, Module, Result, Store};

/// What the embedder keeps in the store.
#[derive(Default)]
struct Log {
    lines: Vec<String>,
}

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module
            (import "host" "log" (func $log (param i32 i32)))
            (memory (export "memory") 1)
            (data (i32.const 16) "hello from the guest")
            (func (export "run") (call $log (i32.const 16) (i32.const 20))))"#,
    )?;

    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "log", log)?;

    let mut store = Store::new(&engine, Log::default());
    let instance = linker.instantiate(&mut store, &module)?;
    instance.get_typed_func::<(), ()>(&store, "run")?.call(&mut store, ())?;
    println!("{:?}", store.data().lines);
    Ok(())
}

/// Takes the address and the length of a text.
fn log(mut caller: Caller<'_, Log>, address: u32, len: u32) -> Result<()> {
    let memory = caller.get_export("memory").and_then(|it| it.into_memory());
    let memory = memory.ok_or_else(|| Error::new("the guest exports no memory"))?;
    // The guest's memory and the embedder's data at once.
    let (data, log) = memory.data_and_store_mut(&mut caller);
    let bytes = data.get(address as usize..).and_then(|rest| rest.get(..len as usize));
    let bytes = bytes.ok_or_else(|| Error::new("the text is not in the memory"))?;
    log.lines.push(String::from_utf8_lossy(bytes).into_owned());
    Ok(())
}
