//! Bounds for a guest's time, memory and recursion.
//!
//! `cargo run --example limits`

use sampan::{Config, Engine, Instance, Module, Result, Store, StoreLimitsBuilder};
use std::thread;
use std::time::Duration;

const GUEST: &str = r#"(module
    (memory (export "memory") 1)
    (func $forever (export "forever") (loop (br 0)))
    (func $recurse (export "recurse") (call $recurse))
    (func (export "grow") (result i32) (memory.grow (i32.const 100))))"#;

fn main() -> Result<()> {
    fuel()?;
    interruption()?;
    memory()?;
    recursion()
}

/// Stops after a number of instructions: the same one in every run.
fn fuel() -> Result<()> {
    let (mut store, instance) = guest(Config::new().consume_fuel(true))?;
    store.set_fuel(10_000)?;
    let forever = instance.get_typed_func::<(), ()>(&store, "forever")?;
    println!("fuel: {}", forever.call(&mut store, ()).unwrap_err());
    Ok(())
}

/// Stops when another thread says so.
fn interruption() -> Result<()> {
    let (mut store, instance) = guest(Config::new().interruptible(true))?;
    let handle = store.interrupt_handle()?;
    let timer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        handle.interrupt();
    });
    let forever = instance.get_typed_func::<(), ()>(&store, "forever")?;
    println!("interruption: {}", forever.call(&mut store, ()).unwrap_err());
    timer.join().expect("the timer does not panic");
    Ok(())
}

/// Growing beyond the bound fails; the guest is told by -1.
fn memory() -> Result<()> {
    let (mut store, instance) = guest(&Config::new())?;
    store.limiter(StoreLimitsBuilder::new().memory_size(1 << 20).build());
    let grow = instance.get_typed_func::<(), i32>(&store, "grow")?;
    println!("memory: grow returns {}", grow.call(&mut store, ())?);
    Ok(())
}

/// Deep recursion is a trap, whatever stack the host has.
fn recursion() -> Result<()> {
    let (mut store, instance) = guest(Config::new().max_stack_bytes(64 << 10))?;
    let recurse = instance.get_typed_func::<(), ()>(&store, "recurse")?;
    let error = recurse.call(&mut store, ()).unwrap_err();
    println!("recursion: {} ({} calls shown)", error.kind(), error.backtrace().frames().len());
    Ok(())
}

fn guest(config: &Config) -> Result<(Store<()>, Instance)> {
    let engine = Engine::new(config);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &Module::new(&engine, GUEST)?, &[])?;
    Ok((store, instance))
}
