//! The public API in every mode.

mod calls;
mod errors;
mod exceptions;
#[cfg(feature = "gc")]
mod gc;
mod identity;
mod limits;
mod linking;
#[cfg(all(feature = "jit", feature = "exceptions"))]
mod native_stack;
mod natives;
mod shrink;
#[cfg(feature = "threads")]
mod threads;
mod values;
#[cfg(feature = "wasi")]
mod wasi;
#[cfg(all(feature = "wasi", feature = "threads"))]
mod wasi_threads;

use sampan::{Config, Engine, Instance, Linker, Mode, Module, Store};

/// All that is built in.
const MODES: &[Mode] = &[
    Mode::Classic,
    Mode::Fast,
    #[cfg(feature = "jit")]
    Mode::Jit,
];

/// Does the same in every mode.
fn both(test: impl Fn(Engine)) {
    for &mode in MODES {
        test(Engine::new(Config::new().mode(mode)));
    }
}

/// An instance of a module in text that imports nothing but what the linker defines.
fn instance<T: 'static>(store: &mut Store<T>, linker: &Linker<T>, text: &str) -> Instance {
    let module = Module::new(linker.engine(), text).unwrap();
    linker.instantiate(store, &module).unwrap()
}

/// A store and an instance of a module in text that imports nothing.
fn alone(engine: &Engine, text: &str) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let instance = instance(&mut store, &Linker::new(engine), text);
    (store, instance)
}
