//! The machine that runs WebAssembly modules: instances, memories, tables, linking,
//! traps, fuel, and two interpreters.
//!
//! A [`Module`] is validated code that any number of machines may share; a [`Machine`]
//! owns everything that exists at run time. Both are untyped: the `sampan` crate puts
//! the API on top that embedders use.
//!
//! What is absent: WASI, the operating system, and what makes machine code: [`native`] is where
//! that plugs in. With feature `std`, threads wait for each other by the standard library's
//! parking.
//!
//! Unsafe code is confined to the files that `tidy.toml` lists; each says why it is sound.

#![no_std]
// Without compiled code, what instances keep of it is nothing.
#![cfg_attr(not(feature = "native"), allow(clippy::default_constructed_unit_structs))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod config;
mod const_expr;
mod entity;
mod exec;
#[cfg_attr(not(feature = "gc"), allow(dead_code))] // Only host objects are in it then.
#[cfg_attr(not(feature = "reference-types"), path = "heap_absent.rs")]
mod heap;
mod instantiate;
mod interrupt;
mod limits;
mod link_error;
mod machine;
mod memory;
mod module;
#[cfg(feature = "native")]
pub mod native;
#[cfg(not(feature = "native"))]
#[path = "native/absent.rs"]
mod native;
mod once;
#[cfg(any(feature = "memory64", feature = "multi-memory", feature = "threads", feature = "fast"))]
mod relaxed;
#[cfg_attr(not(all(feature = "threads", target_has_atomic = "64")), path = "shared_absent.rs")]
mod shared;
#[cfg(feature = "shrunk-memories")]
mod shrink;
mod stable;
mod stack;
pub mod sync;
mod table;
mod trap;
mod value;
#[cfg_attr(not(all(feature = "std", feature = "threads")), path = "wait_absent.rs")]
mod wait;

pub use config::{Config, EXECUTABLE, Engine, Mode, Preparation};
pub use entity::{HostFn, InstanceData};
pub use heap::{Handle, OwnedRef};
pub use interrupt::InterruptHandle;
pub use limits::Limits;
pub use link_error::{InstantiateError, LinkError};
pub use machine::{Extern, FuncId, GlobalId, InstanceId, Machine, MemoryId, TableId, TagId};
pub use memory::MemoryEntity;
pub use module::{Bytes, Module};
pub use sampan_wasm as wasm;
pub use shared::SharedMemory;
pub use table::TableEntity;
pub use trap::{HostError, MAX_FRAMES, Trap, TrapFrame, TrapKind};
pub use value::{RawRef, slots_of, slots_of_all};
pub use wait::WaitResult;
