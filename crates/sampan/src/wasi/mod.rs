//! WASI preview 1, and `wasi_unstable` before it, for guests of a [`Linker`].
//!
//! What a guest has of the outer world is a [`WasiCtx`], which the embedder keeps in the
//! store's data.
//!
//! ```
//! use sampan::wasi::{self, OutputPipe, WasiCtx};
//! use sampan::{Engine, Linker, Module, Store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::default();
//! let mut linker = Linker::new(&engine);
//! wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx)?;
//!
//! let module = Module::new(&engine, r#"(module
//!     (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
//!     (memory (export "memory") 1)
//!     (func (export "_start") (call $exit (i32.const 7))))"#)?;
//! let mut store = Store::new(&engine, WasiCtx::builder().arg("program").build()?);
//! let instance = linker.instantiate(&mut store, &module)?;
//! let start = instance.get_typed_func::<(), ()>(&store, "_start")?;
//! let error = start.call(&mut store, ()).unwrap_err();
//! assert_eq!(error.i32_exit_status(), Some(7));
//! # Ok(())
//! # }
//! ```

mod threads;

pub use sampan_wasi::{
    Abi, ClockId, Clocks, DirPerms, Errno, Error as BuildError, OutputPipe, PreopenedSocket,
    SharedWasiCtx, WasiCtx, WasiCtxBuilder,
};
pub use threads::{ThreadLimits, WasiThreads};

use crate::into_func::HostFunc;
use crate::{FuncType, I32Exit, InterruptHandle, Linker, Result, StoreContextMut, ValType};
use core::any::Any;
use core::fmt;
use sampan_engine::sync::Arc;
use sampan_engine::{self as engine, InstanceId, Machine};
use sampan_wasi::{Function, GuestMemory, Halt, SharedBytes};

/// Defines all functions of both snapshots. `get` finds the context in the store's data.
///
/// The functions reach the memory that the calling instance exports as `memory`. When the
/// guest ends itself, the error is an [`I32Exit`] or a [`RaisedSignal`].
///
/// # Errors
/// A name is defined already.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
) -> Result<()> {
    define(linker, move |data, function, memory, args, _| (function.call)(get(data), memory, args))
}

/// The same, for a context that the threads of a guest share; see [`WasiThreads`].
///
/// A guest that waits in one of the functions is interrupted as in its own code.
///
/// # Errors
/// A name is defined already.
pub fn add_to_linker_shared<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut SharedWasiCtx + Copy + Send + Sync + 'static,
) -> Result<()> {
    define(linker, move |data, function, memory, args, interrupt| {
        get(data).call(function, memory, args, || interrupt.take())
    })
}

/// Calls a function with the context that it finds in the store's data.
trait Invoke<T>:
    Fn(&mut T, &Function, &mut GuestMemory<'_>, &[u64], &InterruptHandle) -> Result<Errno, Halt>
    + Copy
    + Send
    + Sync
    + 'static
{
}
impl<T, F> Invoke<T> for F where
    F: Fn(&mut T, &Function, &mut GuestMemory<'_>, &[u64], &InterruptHandle) -> Result<Errno, Halt>
        + Copy
        + Send
        + Sync
        + 'static
{
}

fn define<T: 'static>(linker: &mut Linker<T>, invoke: impl Invoke<T>) -> Result<()> {
    for abi in Abi::ALL {
        for function in sampan_wasi::functions(abi) {
            linker.define_host(abi.module_name(), function.name, bind(function, invoke)?)?;
        }
    }
    Ok(())
}

/// The bytes of a memory that threads share, as WASI wants them.
struct Shared(engine::SharedMemory);

impl SharedBytes for Shared {
    fn size(&self) -> usize {
        self.0.len()
    }

    fn read(&self, at: usize, buffer: &mut [u8]) {
        self.0.read(at, buffer).expect("the caller checked the range, and no memory shrinks");
    }

    fn write(&self, at: usize, buffer: &[u8]) {
        self.0.write(at, buffer).expect("the caller checked the range, and no memory shrinks");
    }
}

/// A guest that ended itself by a signal (`proc_raise`), whose number this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RaisedSignal(pub u8);

impl fmt::Display for RaisedSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ended by signal {}", self.0)
    }
}

impl std::error::Error for RaisedSignal {}

fn bind<T: 'static>(function: &'static Function, invoke: impl Invoke<T>) -> Result<HostFunc<T>> {
    let params = function.params.iter().map(|param| match param {
        sampan_wasi::ValType::I32 => ValType::I32,
        sampan_wasi::ValType::I64 => ValType::I64,
    });
    let ty = FuncType::new(params, function.has_result.then_some(ValType::I32));
    let call = move |machine: &mut Machine,
                     data: &mut dyn Any,
                     instance: Option<InstanceId>,
                     slots: &mut [u64]| {
        let store = StoreContextMut::<T>::of_host(machine, data);
        let export = instance.and_then(|instance| store.machine.export(instance, "memory"));
        let Some(engine::Extern::Memory(memory)) = export else {
            return Err(engine::Trap::host(
                "the calling module exports no memory named \"memory\"",
            ));
        };
        let interrupt = store.machine.interrupt_handle();
        let shared = store.machine.memory(memory).shared().cloned().map(Shared);
        let mut memory = match &shared {
            Some(shared) => GuestMemory::shared(shared),
            None => GuestMemory::new(store.machine.memory_mut(memory).data_mut()),
        };
        let args = &slots[..function.params.len()];
        match invoke(&mut store.inner.data, function, &mut memory, args, &interrupt) {
            Ok(errno) => {
                slots[0] = u64::from(errno as u16);
                Ok(())
            }
            Err(Halt::Exit(code)) => Err(engine::Trap::host(I32Exit(code as i32))),
            Err(Halt::Stopped) => Err(engine::Trap::new(engine::TrapKind::Interrupted)),
            Err(Halt::Raise(signal)) => Err(engine::Trap::host(RaisedSignal(signal))),
        }
    };
    Ok(HostFunc::raw(ty, Arc::host(call)?))
}
