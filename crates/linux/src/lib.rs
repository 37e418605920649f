//! A Linux kernel for one sandbox: i386 and x86-64 programs run unmodified on it.
//!
//! [`Kernel`] is a state machine that never blocks its host. It reaches the host
//! through [`Host`] and a process through [`machine::Machine`], and knows neither
//! terminals nor files of the host. `fs` says how to add a kind of file, `syscall`
//! how to add a call.
//!
//! One host thread runs a kernel; that is why it is full of `Rc` and `Cell`. The
//! rule that keeps them from being borrowed twice: no borrow is held over a call
//! to a [`fs::File`], a [`fs::Inode`] or the machine's `run`.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod dev;
mod errno;
pub mod event;
pub mod fs;
mod host;
pub mod ipc;
mod kernel;
pub mod machine;
pub mod mm;
pub mod net;
mod proc;
pub mod signal;
pub mod start;
pub mod syscall;
pub mod system;
pub mod task;
pub mod time;
pub mod tty;
pub mod wait;

pub use errno::{Errno, SysResult};
pub use host::{Host, Stream, StreamResult};
pub use kernel::{Config, Context, Kernel, NewMachine, Status, restart_syscall};
