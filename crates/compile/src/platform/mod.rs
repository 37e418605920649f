//! What differs between systems and processors.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[path = "x86_64.rs"]
mod processor;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod signals;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod space;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod stack;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) use {
    processor::enter, signals::install, space::CodeMemory, space::Space, stack::stack_limit,
};

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod unsupported;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub(crate) use unsupported::{CodeMemory, Space, enter, install, stack_limit};
