//! What differs between systems and processors.

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
))]
#[path = "linux/mod.rs"]
mod host;
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
)))]
#[path = "unsupported.rs"]
mod host;

pub(crate) use host::{CodeMemory, Space, enter, install, private_folder, stack_limit};
pub use host::{map_copy, map_file, page_size};
