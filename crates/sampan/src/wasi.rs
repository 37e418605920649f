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

pub use sampan_wasi::{
    Abi, ClockId, Clocks, DirPerms, Errno, Error as BuildError, OutputPipe, PreopenedSocket,
    WasiCtx, WasiCtxBuilder,
};

use crate::into_func::HostFunc;
use crate::{FuncType, I32Exit, Linker, Result, StoreContextMut, ValType};
use core::any::Any;
use core::fmt;
use sampan_engine::{self as engine, InstanceId, Machine};
use sampan_wasi::{Function, GuestMemory, Halt};
use std::sync::Arc;

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
    for abi in Abi::ALL {
        for function in sampan_wasi::functions(abi) {
            linker.define_host(abi.module_name(), function.name, bind(function, get))?;
        }
    }
    Ok(())
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

fn bind<T: 'static>(
    function: &'static Function,
    get: impl Fn(&mut T) -> &mut WasiCtx + Send + Sync + 'static,
) -> HostFunc<T> {
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
        let mut memory = GuestMemory::new(store.machine.memory_mut(memory).data_mut());
        let args = &slots[..function.params.len()];
        match (function.call)(get(&mut store.inner.data), &mut memory, args) {
            Ok(errno) => {
                slots[0] = u64::from(errno as u16);
                Ok(())
            }
            Err(Halt::Exit(code)) => Err(engine::Trap::host(I32Exit(code as i32))),
            Err(Halt::Raise(signal)) => Err(engine::Trap::host(RaisedSignal(signal))),
        }
    };
    HostFunc::raw(ty, Arc::new(call))
}
