//! Two modules, of which one uses what the other exports.
//!
//! `cargo run --example linking`

use sampan::{Engine, Linker, Module, Store};

fn main() -> sampan::Result<()> {
    let engine = Engine::default();
    let counter = Module::new(
        &engine,
        r#"(module
            (memory (export "memory") 1)
            (func (export "increment") (result i32)
                (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
                (i32.load (i32.const 0))))"#,
    )?;
    let main = Module::new(
        &engine,
        r#"(module
            (import "counter" "increment" (func $increment (result i32)))
            (import "counter" "memory" (memory 1))
            (func (export "run") (result i32)
                (drop (call $increment))
                (drop (call $increment))
                (i32.load (i32.const 0))))"#,
    )?;

    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    // Instantiates the first and defines its exports for the second.
    linker.module(&mut store, "counter", &counter)?;
    let instance = linker.instantiate(&mut store, &main)?;
    let run = instance.get_typed_func::<(), i32>(&store, "run")?;
    println!("counted to {}", run.call(&mut store, ())?);
    Ok(())
}
