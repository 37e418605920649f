//! Calls an exported function.
//!
//! `cargo run --example hello`

use sampan::{Engine, Instance, Module, Store};

fn main() -> sampan::Result<()> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module
            (func (export "add") (param i32 i32) (result i32)
                (i32.add (local.get 0) (local.get 1))))"#,
    )?;

    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let add = instance.get_typed_func::<(i32, i32), i32>(&store, "add")?;
    println!("40 + 2 = {}", add.call(&mut store, (40, 2))?);
    Ok(())
}
