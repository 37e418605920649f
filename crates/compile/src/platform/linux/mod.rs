//! Hosts on which compiled code runs.

#[cfg(target_arch = "aarch64")]
#[path = "aarch64.rs"]
mod processor;
#[cfg(target_arch = "riscv64")]
#[path = "riscv64.rs"]
mod processor;
#[cfg(target_arch = "x86_64")]
#[path = "x86_64.rs"]
mod processor;

mod code;
mod folder;
mod signals;
mod space;
mod stack;

use crate::activation::Activation;

pub(crate) use code::CodeMemory;
pub use code::{map_copy, map_file, page_size};
pub(crate) use folder::private_folder;
pub(crate) use signals::install;
pub(crate) use space::Space;
pub(crate) use stack::stack_limit;

/// Calls `entry(context, slots, code)`. Returns whether it ended in a trap.
///
/// # Safety
/// The entry and the code fit each other, the context and the slots.
pub(crate) unsafe fn enter(
    context: *mut u64,
    slots: *mut u64,
    code: *const u8,
    entry: *const u8,
    activation: *mut Activation,
) -> bool {
    // SAFETY: the caller's promise.
    unsafe { processor::call_entry(context, slots, code, entry, activation) != 0 }
}
