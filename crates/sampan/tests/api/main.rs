//! The public API in both interpreters.

mod calls;
mod errors;
mod identity;
mod limits;
mod linking;
mod values;
#[cfg(feature = "wasi")]
mod wasi;

use sampan::{Config, Engine, Instance, Linker, Mode, Module, Store};

/// Does the same in both interpreters.
fn both(test: impl Fn(Engine)) {
    for mode in [Mode::Classic, Mode::Fast] {
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
