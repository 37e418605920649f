//! `sampan run`.

mod c;
mod invoke;
mod progress;
mod watchdog;

use crate::args::{ModeArg, Run};
use crate::report::{self, Exit};
use sampan::wasi::{self, DirPerms, SharedWasiCtx, ThreadLimits, WasiCtx, WasiThreads};
use sampan::{
    Config, Engine, Error, ErrorKind, Extern, Func, Instance, Linker, Module, Result, Store,
    StoreLimits, StoreLimitsBuilder, Trap,
};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;
use watchdog::Watchdog;

/// Runs a program.
pub fn run(args: Run) -> Exit {
    let engine = Engine::new(&config(&args));
    let module = match Module::from_file(&engine, args.file()) {
        Ok(module) => module,
        Err(error) => return unreadable(&args, &error),
    };
    let ctx = match context(&args) {
        Ok(ctx) => ctx,
        Err(error) => {
            report::message(error);
            return Exit::BadInput;
        }
    };
    if args.libc || sampan::libc::is_wanted_by(&module) {
        return match c::run(&engine, ctx, &module, &args) {
            Ok(exit) => exit,
            Err(error) => explain(&args, &error),
        };
    }
    let result = match WasiThreads::<SharedWasiCtx>::are_wanted_by(&module) {
        false => {
            let result = alone(&engine, ctx, &module, &args);
            engine.flush_code_cache();
            result
        }
        // Threads end each other by interruptions, whose looking costs time.
        true => {
            let engine = Engine::new(config(&args).interruptible(true));
            let module = Module::from_file(&engine, args.file());
            let result = module.and_then(|module| threaded(&engine, ctx, &module, &args));
            engine.flush_code_cache();
            result
        }
    };
    match result {
        Ok(()) => Exit::Success,
        Err(error) => explain(&args, &error),
    }
}

/// Runs a program with one thread.
fn alone(engine: &Engine, ctx: WasiCtx, module: &Module, args: &Run) -> Result<()> {
    let mut store = Store::new(engine, ctx);
    store.limiter(limits(args));
    let _watchdog = prepare(&mut store, args)?;
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx)?;
    execute(&mut store, &linker, module, args)
}

/// Runs a program that may start threads.
fn threaded(engine: &Engine, ctx: WasiCtx, module: &Module, args: &Run) -> Result<()> {
    let mut store = Store::new(engine, SharedWasiCtx::new(ctx));
    store.limiter(limits(args));
    let _watchdog = prepare(&mut store, args)?;
    let mut linker = Linker::new(engine);
    wasi::add_to_linker_shared(&mut linker, |ctx: &mut SharedWasiCtx| ctx)?;
    let limits = ThreadLimits { threads: args.max_threads, store: limits(args) };
    let threads = WasiThreads::new(&mut linker, module, limits, SharedWasiCtx::clone)?;
    threads.run(&mut store, |store| execute(store, &linker, module, args))
}

fn limits(args: &Run) -> StoreLimits {
    match args.max_memory {
        Some(bytes) => StoreLimitsBuilder::new().memory_size(bytes).build(),
        None => StoreLimits::default(),
    }
}

fn config(args: &Run) -> Config {
    let mut config = Config::new();
    config.mode(args.mode.mode());
    // Programs that are in use were compiled for the older exceptions.
    config.wasm_legacy_exceptions(true);
    config.consume_fuel(args.fuel.is_some());
    config.interruptible(args.timeout.is_some());
    config.guarded_memories(!args.checked_memory);
    config.spectre_mitigations(!args.no_spectre_mitigations);
    if let Some(folder) = args.cache.clone().or_else(cache_folder) {
        config.code_cache(folder);
    }
    if args.mode == ModeArg::Jit && std::io::stderr().is_terminal() {
        progress::show(&mut config);
    }
    config
}

/// Where compiled code is kept unless `--cache` says so.
fn cache_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let folder = variable("XDG_CACHE_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")))?;
    // A relative one would depend on where we are.
    folder.is_absolute().then(|| folder.join("sampan-code"))
}

fn context(args: &Run) -> Result<WasiCtx, wasi::BuildError> {
    let mut builder = WasiCtx::builder();
    builder.inherit_stdio();
    builder.arg(args.file().as_os_str().as_encoded_bytes());
    if args.invoke.is_none() {
        builder.args(args.args().iter().map(|arg| arg.as_encoded_bytes()));
    }
    for (name, value) in &args.env {
        builder.env(name.as_str(), value.as_str());
    }
    for (host, guest) in &args.dirs {
        builder.preopened_dir(host, guest.as_str(), DirPerms::ReadWrite);
    }
    builder.build()
}

fn prepare<T: 'static>(store: &mut Store<T>, args: &Run) -> Result<Option<Watchdog>> {
    if let Some(fuel) = args.fuel {
        store.set_fuel(fuel)?;
    }
    match args.timeout {
        Some(timeout) => Ok(Some(Watchdog::start(timeout, store.interrupt_handle()?))),
        None => Ok(None),
    }
}

fn execute<T: 'static>(
    store: &mut Store<T>,
    linker: &Linker<T>,
    module: &Module,
    args: &Run,
) -> Result<()> {
    let instance = linker.instantiate(&mut *store, module)?;
    enter(store, instance, args)
}

/// Calls what the module starts with, or what the options name.
fn enter<T: 'static>(store: &mut Store<T>, instance: Instance, args: &Run) -> Result<()> {
    let start = instance.get_func(&*store, "_start");
    if start.is_none()
        && let Some(initialize) = instance.get_func(&*store, "_initialize")
    {
        call(store, initialize)?;
    }
    match (&args.invoke, start) {
        (Some(name), _) => invoke::invoke(store, find(store, instance, name)?, args.args()),
        (None, Some(start)) => call(store, start),
        (None, None) => Err(Error::new(
            "the module exports no function _start; name another with --invoke EXPORT",
        )),
    }
}

fn call<T: 'static>(store: &mut Store<T>, func: Func) -> Result<()> {
    func.typed::<(), ()>(&*store)?.call(store, ())
}

/// The function that `--invoke` means.
fn find<T: 'static>(store: &Store<T>, instance: Instance, name: &str) -> Result<Func> {
    instance.get_func(store, name).ok_or_else(|| {
        let funcs = instance.exports(store).filter(|(_, it)| matches!(it, Extern::Func(_)));
        let names: Vec<&str> = funcs.map(|(name, _)| name).collect();
        let list = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Error::new(format!("no function is exported as {name:?}; exported functions: {list}"))
    })
}

fn unreadable(args: &Run, error: &Error) -> Exit {
    match error.kind() {
        ErrorKind::Host(reason) => report::bad_file(args.file(), reason),
        _ => report::error(args.file(), error),
    }
}

/// Says which option stopped the program, where one did.
fn explain(args: &Run, error: &Error) -> Exit {
    match (error.trap(), args.fuel, args.timeout) {
        (Some(Trap::Interrupt), _, Some(timeout)) => {
            report::message(timed_out(timeout));
            report::error(args.file(), error);
            return Exit::Timeout;
        }
        (Some(Trap::OutOfFuel), Some(fuel), _) => {
            report::message(format_args!("the fuel of --fuel {fuel} is used up"));
        }
        _ => {}
    }
    let exit = report::error(args.file(), error);
    if let ErrorKind::Other(text) = error.kind()
        && text.contains("a memory")
    {
        if let Some(bytes) = args.max_memory {
            report::message(format_args!("--max-memory allows {bytes} bytes"));
        } else if !args.checked_memory {
            report::message("where address space is limited, --checked-memory needs less of it");
        }
    }
    exit
}

fn timed_out(timeout: Duration) -> String {
    format!("stopped: the time of --timeout {} is over", timeout.as_secs_f64())
}
