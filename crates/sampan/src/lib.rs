//! One small sandbox for programs: runs WebAssembly modules.
//!
//! The names are those that users of wasmtime and wasmi know.
//!
//! ```
//! use sampan::{Caller, Engine, Linker, Module, Store};
//!
//! # fn main() -> sampan::Result<()> {
//! // What all modules and stores share.
//! let engine = Engine::default();
//! let module = Module::new(&engine, r#"(module
//!     (import "host" "add" (func $add (param i32)))
//!     (func (export "run") (param i32) (call $add (local.get 0))))"#)?;
//!
//! // What modules may import: here a function that reaches the store's data.
//! let mut linker = Linker::new(&engine);
//! linker.func_wrap("host", "add", |mut caller: Caller<'_, i32>, n: i32| {
//!     *caller.data_mut() += n;
//! })?;
//!
//! // A store owns what exists at run time.
//! let mut store = Store::new(&engine, 40);
//! let instance = linker.instantiate(&mut store, &module)?;
//! let run = instance.get_typed_func::<i32, ()>(&store, "run")?;
//! run.call(&mut store, 2)?;
//! assert_eq!(*store.data(), 42);
//! # Ok(())
//! # }
//! ```
//!
//! A guest reaches nothing but what it imports. It is stopped when it recurses too deep;
//! [`Config::consume_fuel`] and [`Config::interruptible`] bound its time and
//! [`Store::limiter`] its memory. With feature `wasi`, [`wasi`] gives it files, clocks and
//! more.
//!
//! Without its default features the crate needs an allocator and nothing else.

#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "gc")]
mod aggregate;
mod backtrace;
mod compiler;
mod config;
mod context;
mod error;
#[cfg(feature = "exceptions")]
mod exception;
mod func;
mod gc;
mod global;
mod instance;
mod into_func;
#[cfg(feature = "libc")]
pub mod libc;
mod linker;
mod memory;
mod module;
mod native;
mod rooted;
#[cfg(feature = "jit")]
#[allow(unsafe_code)] // To load code is a promise of the embedder.
mod serialized;
mod shared_memory;
mod store;
mod table;
mod tag;
mod typed;
mod types;
mod val;
#[cfg(feature = "wasi")]
pub mod wasi;
mod wasm_ty;

#[cfg(feature = "gc")]
pub use aggregate::{ArrayType, FieldType, StorageType, StructType};
pub use backtrace::{FrameInfo, WasmBacktrace};
pub use config::{Config, EXECUTABLE, Engine, Mode, Preparation};
pub use context::{AsContext, AsContextMut, Caller, StoreContext, StoreContextMut};
pub use error::{Error, ErrorKind, HostError, I32Exit, LinkError, Result, Trap};
pub use func::Func;
pub use gc::{AnyRef, ArrayRef, EqRef, Exception, ExternRef, I31, StructRef};
pub use global::Global;
pub use instance::{Extern, Instance};
pub use into_func::IntoFunc;
pub use linker::Linker;
pub use memory::{Memory, MemoryAccessError};
pub use module::Module;
#[cfg(feature = "wat")]
pub use module::wat_to_wasm;
pub use native::{ArgumentError, BadArgument, NativeCall};
pub use rooted::{GcRef, OwnedRooted, RootScope};
pub use sampan_engine::wasm::{self, Feature, Features};
pub use shared_memory::{SharedMemory, WaitResult};
pub use store::{InterruptHandle, Store, StoreLimits, StoreLimitsBuilder};
pub use table::Table;
pub use tag::Tag;
pub use typed::TypedFunc;
pub use types::{
    ExportType, ExternType, FuncType, GlobalType, HeapType, ImportType, MemoryType, Mutability,
    RefType, TableType, ValType,
};
pub use val::{Ref, V128, Val};
pub use wasm_ty::{WasmParams, WasmResults, WasmRet, WasmTy};
