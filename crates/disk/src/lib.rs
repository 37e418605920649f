//! Block devices, and ext2 on top of them.
//!
//! Nothing here waits. A device may answer [`Error::NotReady`]: its data is still
//! on the way. The file-system call that met it has then changed nothing, and is
//! made again when the device has news. So the same code serves a file of the
//! host, and a browser's event loop with an image behind HTTP.
//!
//! - [`Device`] is what a file system stands on: [`Memory`],
//!   `FileDevice`, [`Overlay`] over another, or what an embedder writes.
//! - [`ext2::Ext2`] is the file system, in terms of inodes; paths and permissions are
//!   its user's.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod device;
mod error;
pub mod ext2;
#[cfg(feature = "std")]
mod file;
mod memory;
mod overlay;

pub use device::Device;
pub use error::{Error, Result};
#[cfg(feature = "std")]
pub use file::FileDevice;
pub use memory::Memory;
pub use overlay::Overlay;
