//! Programs that use the built-in C library.

use super::{Run, enter, limits, prepare};
use crate::report::Exit;
use sampan::libc::{self, System};
use sampan::wasi::{self, WasiCtx};
use sampan::{Engine, Error, I32Exit, Linker, Module, Result, Store};
use std::io::Write;
use std::time::{Instant, SystemTime};

/// What the program has: output and clocks, and WASI if `--libc` gives it both.
struct State {
    console: Console,
    wasi: WasiCtx,
}

struct Console {
    started: Instant,
}

impl System for Console {
    fn write(&mut self, text: &[u8]) {
        // A program that prints to a closed pipe goes on, as it has no way to learn of it.
        let _ = std::io::stdout().write_all(text);
    }

    fn clock(&mut self, id: u32) -> Option<u64> {
        let time = match id {
            0 => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?,
            1 => self.started.elapsed(),
            _ => return None,
        };
        u64::try_from(time.as_nanos()).ok()
    }
}

/// Runs a program with the library; its `main` where it has no `_start`.
pub fn run(engine: &Engine, wasi: WasiCtx, module: &Module, args: &Run) -> Result<Exit> {
    let console = Console { started: Instant::now() };
    let mut store = Store::new(engine, State { console, wasi });
    store.limiter(limits(args));
    let _watchdog = prepare(&mut store, args)?;
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker, |state: &mut State| &mut state.wasi)?;
    libc::add_to_linker(&mut linker, module, |state: &mut State| &mut state.console)?;
    let instance = linker.instantiate(&mut store, module)?;
    let result = if args.invoke.is_some() || instance.get_func(&store, "_start").is_some() {
        enter(&mut store, instance, args)
    } else {
        let name = args.file().as_os_str().as_encoded_bytes();
        let others = args.args().iter().map(|arg| arg.as_encoded_bytes());
        let arguments: Vec<&[u8]> = [name].into_iter().chain(others).collect();
        match libc::call_main(&mut store, instance, &arguments, |state| &mut state.console) {
            Ok(0) => Ok(()),
            Ok(status) => Err(Error::host(I32Exit(status))),
            Err(error) => Err(error),
        }
    };
    let _ = std::io::stdout().flush();
    result.map(|()| Exit::Success)
}
