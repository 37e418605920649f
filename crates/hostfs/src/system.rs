//! What of the host's files depends on its system.

#[cfg(not(unix))]
#[path = "other.rs"]
mod imp;
#[cfg(unix)]
#[path = "unix.rs"]
mod imp;

pub use imp::{
    Owner, bytes, change_owner, entry, errno, identity, is_private, name, options, permissions,
    read_at, stat, statfs, write_at,
};
