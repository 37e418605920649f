//! What of the host's streams depends on the system: asking whether they are ready,
//! waiting for that, and the terminal.

#[cfg(not(unix))]
#[path = "other.rs"]
mod system;
#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(unix)]
#[path = "terminal.rs"]
mod terminal;

#[cfg(not(unix))]
pub use system::Session;
pub use system::{bytes, console_write, is_ready, log, read, terminals, window_size, write};
#[cfg(unix)]
pub use terminal::Session;

use std::sync::LazyLock;
use std::time::Instant;

/// When the kernel's clocks start.
pub static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What happened on the host that the guest must hear of.
pub enum News {
    /// Somebody typed.
    Input(Vec<u8>),
    /// The window has so many rows and columns.
    Resized(u16, u16),
    /// The terminal is gone.
    HungUp,
}
