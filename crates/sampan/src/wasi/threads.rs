//! `wasi-threads`: guests that start threads.
//!
//! Each thread is a thread of the host with a store of its own, in which the module is
//! instantiated again; what they have in common is the memory that the module imports, and
//! what the embedder makes them share.
//!
//! Lock order: `State` is the only lock, and no guest runs while it is held.
//!
//! Source: <https://github.com/WebAssembly/wasi-threads>.

use crate::store::StoreLimits;
use crate::{
    Caller, Error, ExternType, InterruptHandle, Linker, Module, Result, SharedMemory, Store,
};
use alloc::{boxed::Box, collections::BTreeMap, format};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::JoinHandle;

/// The threads of one guest program.
///
/// ```
/// use sampan::wasi::{self, SharedWasiCtx, ThreadLimits, WasiCtx, WasiThreads};
/// use sampan::{Config, Engine, Linker, Module, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let text = r#"(module
/// #     (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
/// #     (import "env" "memory" (memory 1 1 shared))
/// #     (export "memory" (memory 0))
/// #     (func (export "wasi_thread_start") (param i32 i32)
/// #         (i32.atomic.store (i32.const 0) (i32.const 1))
/// #         (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))
/// #     (func (export "_start")
/// #         (drop (call $spawn (i32.const 7)))
/// #         (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))"#;
/// let engine = Engine::new(Config::new().interruptible(true));
/// let module = Module::new(&engine, text)?;
/// let mut linker = Linker::new(&engine);
/// wasi::add_to_linker_shared(&mut linker, |ctx: &mut SharedWasiCtx| ctx)?;
/// let threads =
///     WasiThreads::new(&mut linker, &module, ThreadLimits::default(), SharedWasiCtx::clone)?;
///
/// let ctx = SharedWasiCtx::new(WasiCtx::builder().build()?);
/// let mut store = Store::new(&engine, ctx);
/// let instance = linker.instantiate(&mut store, &module)?;
/// let start = instance.get_typed_func::<(), ()>(&store, "_start")?;
/// threads.run(&mut store, |store| start.call(store, ()))?;
/// # Ok(())
/// # }
/// ```
pub struct WasiThreads<T: 'static>(Arc<Group<T>>);

/// How much the threads of a guest may take.
#[derive(Clone, Debug)]
pub struct ThreadLimits {
    /// How many may exist at a time beside the first. Each takes a thread of the host and the
    /// stack of [`Config::max_stack_bytes`](crate::Config::max_stack_bytes).
    pub threads: usize,
    /// The limits of each one's store. The shared memory counts in each.
    pub store: StoreLimits,
}

impl Default for ThreadLimits {
    /// 256 threads beside the first; stores as they are by default.
    fn default() -> ThreadLimits {
        ThreadLimits { threads: 256, store: StoreLimits::default() }
    }
}

struct Group<T: 'static> {
    module: Module,
    /// Set at the start of the first thread, when everything is defined.
    linker: OnceLock<Linker<T>>,
    limits: ThreadLimits,
    fork: Box<dyn Fn(&T) -> T + Send + Sync>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ended: bool,
    /// The first error that ended it, unless the first thread had it.
    error: Option<Error>,
    main: Option<InterruptHandle>,
    last: u32,
    threads: BTreeMap<u32, Thread>,
}

struct Thread {
    interrupt: InterruptHandle,
    join: Option<JoinHandle<()>>,
}

/// The number of a thread has 29 bits.
const MAX_NUMBER: u32 = (1 << 29) - 1;

/// What `thread-spawn` gives where no thread can be started: any negative number.
const REFUSED: i32 = -6;

impl<T: Send + 'static> WasiThreads<T> {
    /// Whether a module starts threads this way.
    pub fn are_wanted_by(module: &Module) -> bool {
        module.imports().any(|import| import.module() == "wasi" && import.name() == "thread-spawn")
    }

    /// Defines `thread-spawn`, and the shared memory that `module` imports unless it is
    /// defined, for the threads of one run of `module`. What else it imports must be defined
    /// already. `fork` makes the data of a new thread
    /// from those of the one that starts it.
    ///
    /// # Errors
    /// The engine is not [interruptible](crate::Config::interruptible), as it must be for one
    /// thread to end the others; the module imports no shared memory, or does not export
    /// `wasi_thread_start`; a name is defined already.
    pub fn new(
        linker: &mut Linker<T>,
        module: &Module,
        limits: ThreadLimits,
        fork: impl Fn(&T) -> T + Send + Sync + 'static,
    ) -> Result<WasiThreads<T>> {
        let engine = linker.engine().clone();
        if !engine.raw.config().interruptible {
            return Err(Error::new("threads need an engine that is interruptible"));
        }
        if !module.exports().any(|export| export.name() == "wasi_thread_start") {
            return Err(Error::new("a module that starts threads must export wasi_thread_start"));
        }
        let mut shared = false;
        for import in module.imports() {
            let ExternType::Memory(ty) = *import.ty() else { continue };
            shared |= ty.is_shared();
            if ty.is_shared() && !linker.is_defined(import.module(), import.name()) {
                let memory = SharedMemory::new(&engine, ty)?;
                linker.define_shared(import.module(), import.name(), memory)?;
            }
        }
        if !shared {
            return Err(Error::new("a module that starts threads must import a shared memory"));
        }
        let group = Arc::new(Group {
            module: module.clone(),
            linker: OnceLock::new(),
            limits,
            fork: Box::new(fork),
            state: Mutex::default(),
        });
        // Not a strong one: the linker, which the group has, has the function.
        let weak: Weak<Group<T>> = Arc::downgrade(&group);
        linker.func_wrap("wasi", "thread-spawn", move |mut caller: Caller<'_, T>, arg: i32| {
            weak.upgrade().map_or(REFUSED, |group| group.spawn(&mut caller, arg))
        })?;
        let _ = group.linker.set(linker.clone());
        Ok(WasiThreads(group))
    }

    /// Runs the first thread. When it ends, or when any thread traps or exits before, all are
    /// stopped and have ended when this returns.
    ///
    /// A thread that waits in a host function ends when that returns; WASI's own, from
    /// [`add_to_linker_shared`](super::add_to_linker_shared), are stopped.
    ///
    /// # Errors
    /// Of the thread that was the first to have one, its error.
    pub fn run<R>(
        &self,
        store: &mut Store<T>,
        first: impl FnOnce(&mut Store<T>) -> Result<R>,
    ) -> Result<R> {
        {
            let mut state = self.0.state();
            if state.ended {
                let error = state.error.take();
                return Err(error.unwrap_or_else(|| Error::new("the threads have ended already")));
            }
            state.main = Some(store.interrupt_handle()?);
        }
        let result = first(store);
        self.0.end(None);
        self.0.join();
        match self.0.state().error.take() {
            Some(error) => Err(error),
            None => result,
        }
    }
}

impl<T: 'static> Drop for WasiThreads<T> {
    fn drop(&mut self) {
        self.0.end(None);
        self.0.join();
    }
}

impl<T: 'static> Group<T> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all threads, with an error if a thread other than the first had one first.
    fn end(&self, error: Option<Error>) {
        let mut state = self.state();
        if state.ended {
            return;
        }
        state.ended = true;
        if error.is_some()
            && let Some(main) = &state.main
        {
            main.interrupt();
        }
        state.error = error;
        state.threads.values().for_each(|thread| thread.interrupt.interrupt());
    }

    /// Waits until all threads have ended.
    fn join(&self) {
        loop {
            let thread = self.state().threads.pop_first();
            let Some((_, thread)) = thread else { return };
            if let Some(join) = thread.join {
                // It catches its own panics.
                let _ = join.join();
            }
        }
    }
}

impl<T: Send + 'static> Group<T> {
    /// Starts a thread and gives its number, or a negative one.
    fn spawn(self: &Arc<Self>, caller: &mut Caller<'_, T>, arg: i32) -> i32 {
        let Some(linker) = self.linker.get() else { return REFUSED };
        let mut state = self.state();
        if state.ended || state.threads.len() >= self.limits.threads {
            return REFUSED;
        }
        let mut store = Store::new(linker.engine(), (self.fork)(caller.data()));
        store.limiter(self.limits.store.clone());
        let Ok(interrupt) = store.interrupt_handle() else { return REFUSED };
        // What the two may use together is what the one had.
        if let Ok(fuel) = caller.get_fuel() {
            let half = fuel / 2;
            let given = caller.set_fuel(fuel - half).and_then(|()| store.set_fuel(half));
            if given.is_err() {
                return REFUSED;
            }
        }
        let number = loop {
            state.last = state.last % MAX_NUMBER + 1;
            if !state.threads.contains_key(&state.last) {
                break state.last;
            }
        };
        let group = self.clone();
        let builder = std::thread::Builder::new().name(format!("guest thread {number}"));
        let spawned = builder.spawn(move || {
            // A panic of a host function must not leave the others waiting for this thread.
            let result = catch_unwind(AssertUnwindSafe(|| {
                let result = group.thread(&mut store, number, arg);
                drop(store);
                result
            }));
            match result {
                Ok(Ok(())) => {}
                Ok(Err(error)) => group.end(Some(error)),
                Err(_) => group.end(Some(Error::new("a host function panicked in a thread"))),
            }
            // Whoever ends the group has taken it out, and joins.
            group.state().threads.remove(&number);
        });
        match spawned {
            Ok(join) => {
                state.threads.insert(number, Thread { interrupt, join: Some(join) });
                number as i32
            }
            Err(_) => REFUSED,
        }
    }

    /// What a thread does.
    fn thread(&self, store: &mut Store<T>, number: u32, arg: i32) -> Result<()> {
        let linker = self.linker.get().expect("set before a thread is started");
        if let Some((module, name)) = linker.of_stores().find(|(module, name)| {
            self.module.imports().any(|it| it.module() == *module && it.name() == *name)
        }) {
            return Err(Error::new(format!(
                "{module:?} {name:?} belongs to one store; threads need host functions and \
                 shared memories"
            )));
        }
        let instance = linker.instantiate(&mut *store, &self.module)?;
        let start = instance.get_typed_func::<(i32, i32), ()>(&*store, "wasi_thread_start")?;
        start.call(&mut *store, (number as i32, arg))
    }
}

impl<T: 'static> core::fmt::Debug for WasiThreads<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WasiThreads").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}
