//! What of the host's streams depends on the system: asking whether they are
//! ready, and waiting for that.

#[cfg(not(unix))]
#[path = "other.rs"]
mod system;
#[cfg(unix)]
#[path = "unix.rs"]
mod system;

pub use system::{bytes, is_ready, read, wait, write};

use std::sync::LazyLock;
use std::time::Instant;

/// When the kernel's clocks start.
pub static START: LazyLock<Instant> = LazyLock::new(Instant::now);
