//! Runs modules on a Cortex-M board without an operating system, and prints what happened
//! through the debugger's console (semihosting). `cargo xtask firmware` compares the output
//! with `expected.txt`.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprint, hprintln};
use sampan::libc::{self, System};
use sampan::{
    Caller, Config, Engine, Feature, Instance, Linker, Module, NativeCall, Result, Store,
};
use sampan_arena::Arena;

// SAFETY: there is one thread, and interrupts do not allocate.
#[global_allocator]
static ARENA: Arena<{ 32 * 1024 }> = unsafe { Arena::new() };

macro_rules! module {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".wasm"))
    };
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    hprintln!("panicked");
    debug::exit(debug::EXIT_FAILURE);
    loop {}
}

#[entry]
fn main() -> ! {
    let mut config = Config::new();
    config.max_stack_bytes(2048).consume_fuel(true).feature(Feature::CustomPageSizes, true);
    let Ok(engine) = Engine::try_new(&config) else { panic!("no memory") };

    report("primes below 2000", run(&engine, module!("sieve"), "primes", 2000));
    report("division by zero", run(&engine, module!("trap"), "run", 1));
    report("more memory than there is", run(&engine, module!("hungry"), "run", 1));
    report("an endless loop", run(&engine, module!("endless"), "run", 1));
    report("bytes that are no module", run(&engine, b"\0asm\x02\0\0\0", "run", 1));
    report("an import that is missing", run(&engine, module!("lacking"), "run", 1));
    report("endless recursion", run(&engine, module!("recursion"), "run", 1));
    report("a string for the host", run(&engine, module!("speaker"), "run", 1));
    report("a string beyond the memory", run(&engine, module!("speaker"), "run", 33));
    report("hello in C", run(&engine, module!("hello"), "run", 3));
    report("two at once", two_at_once(&engine));

    // Whatever was loaded, and however it ended, nothing stays behind.
    let used = ARENA.used();
    let mut same = true;
    for _ in 0..LOADS {
        let _ = run(&engine, module!("adder"), "run", 3);
        let _ = run(&engine, module!("trap"), "run", 1);
        let _ = run(&engine, module!("lacking"), "run", 1);
        let _ = run(&engine, module!("recursion"), "run", 1);
        same &= ARENA.used() == used;
    }
    hprintln!("memory after {} loads: {}", 4 * LOADS, if same { "as before" } else { "less" });
    debug::exit(debug::EXIT_SUCCESS);
    loop {}
}

const LOADS: u32 = 2_500;

fn load(store: &mut Store<Printed>, bytes: &'static [u8]) -> Result<Instance> {
    let engine = store.engine().clone();
    let module = Module::from_static(&engine, bytes)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "print", |mut caller: Caller<'_, Printed>, value: i32| {
        caller.data_mut().0 = value;
    })?;
    linker.func_native("host", "say", "($)i", |native: &mut NativeCall<'_, Printed>| {
        let text = native.str(0)?;
        hprintln!("{}", text);
        Ok(text.len() as i32)
    })?;
    libc::add_to_linker(&mut linker, &module, |printed: &mut Printed| printed)?;
    linker.instantiate(store, &module)
}

/// What a module last printed.
struct Printed(i32);

impl System for Printed {
    fn write(&mut self, text: &[u8]) {
        hprint!("{}", core::str::from_utf8(text).unwrap_or("?"));
    }
}

fn run(engine: &Engine, bytes: &'static [u8], name: &str, argument: i32) -> Result<i32> {
    let mut store = Store::try_new(engine, Printed(0))?;
    store.set_fuel(5_000_000)?;
    let instance = load(&mut store, bytes)?;
    instance.get_typed_func::<i32, i32>(&store, name)?.call(&mut store, argument)
}

/// Two instances take turns, each with a state of its own.
fn two_at_once(engine: &Engine) -> Result<i32> {
    let mut store = Store::try_new(engine, Printed(0))?;
    store.set_fuel(10_000)?;
    let instances = [load(&mut store, module!("adder"))?, load(&mut store, module!("adder"))?];
    let mut last = 0;
    for turn in 0..6 {
        let run = instances[turn % 2].get_typed_func::<i32, i32>(&store, "run")?;
        last = run.call(&mut store, turn as i32)?;
    }
    Ok(100 * store.data().0 + last)
}

fn report(what: &str, result: Result<i32>) {
    match result {
        Ok(value) => hprintln!("{}: {}", what, value),
        Err(error) => hprintln!("{}: {}", what, error),
    }
}
