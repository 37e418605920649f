//! WASI preview 1, both snapshots, for any engine.
//!
//! The crate knows no engine. [`functions`] is a table of all host functions
//! with their signatures; an engine binds each under the module name of its
//! [`Abi`] and calls it with the guest's memory as a slice of bytes and the
//! arguments as integers. What a guest has of the outer world is a
//! [`WasiCtx`], put together by a [`WasiCtxBuilder`].
//!
//! Files are sandboxed by `cap-std`: paths are resolved below the preopened
//! directory by the kernel where it can (`openat2`), otherwise one component
//! at a time, so neither `..`, absolute paths, symbolic links nor races with
//! renames lead out.
//!
//! A call waits as long as the host does: for input, for a connection, for the
//! other end of a named pipe, or for the time that `poll_oneoff` is given. An
//! engine can interrupt the guest only before and after, unless threads share the context
//! ([`SharedWasiCtx`]).
//!
//! Source: <https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview1/docs.md>
//! and the `witx` files beside it.
#![forbid(unsafe_code)]

mod builder;
mod calls;
mod clocks;
mod context;
mod descriptor;
mod errno;
mod filestat;
mod functions;
mod listing;
mod memory;
mod pipe;
mod shared;
mod sys;
mod table;
mod types;

pub use builder::{DirPerms, Error, PreopenedSocket, WasiCtxBuilder};
pub use clocks::{ClockId, Clocks};
pub use context::WasiCtx;
pub use errno::Errno;
pub use functions::{Abi, Function, Halt, ValType, functions};
pub use memory::{GuestMemory, SharedBytes};
pub use pipe::OutputPipe;
pub use shared::SharedWasiCtx;
pub use types::rights;
