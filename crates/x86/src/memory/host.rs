//! Memory from the host's virtual memory, where that is Linux: reservations that take
//! nothing until they are written, and objects that several of them map.
//!
//! Elsewhere an ordinary allocation (`portable.rs`) does.

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[path = "linux.rs"]
mod imp;
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
#[path = "portable.rs"]
mod imp;

pub use imp::Reservation;
pub(super) use imp::{Memory, Pages, Shared};
