//! WebAssembly to machine code.
//!
//! - [`lower`]: what is WebAssembly, from the validator's pass to [`builder`], a small
//!   interface.
//! - `cranelift`: that interface over Cranelift.
//! - [`hints`]: which way branches usually go.
//! - `image`: the code of a module or of places in it, with tables of traps and offsets.
//! - `cache`: images on disk.
//! - `stock`: what the cache has of modules that tier up.
//! - `background`: compiling while the program runs.
//! - `registry`: which code an address of this process belongs to.
//! - `activation`: calls into code, and the way out when it traps.
//! - `platform`: address space, signals, and the few instructions that no compiler makes.
//!
//! What it needs of the engine is `sampan_engine::native`, and nothing else.

mod activation;
mod background;
pub mod builder;
mod cache;
mod cranelift;
pub mod hints;
mod image;
mod jit;
pub mod lower;
mod platform;
mod registry;
mod stock;

pub use jit::{Chosen, Jit, Progress};
pub use platform::{map_copy, map_file, page_size};
