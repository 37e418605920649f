//! ext2, revision 1, as `mke2fs -t ext2` makes it.
//!
//! Calls are in terms of inodes, for the virtual file system above: paths, permissions,
//! umask and sticky bits are its business. Each call is a transaction over blocks in
//! memory: it succeeds as a whole or changes nothing, so after `NotReady` it is simply
//! made again. `read` and `write` may do a part and say how much.
//!
//! Changes reach the device with `sync`, or when too many wait.

mod types;

pub use types::*;

use crate::{Device, Error, Result};
use alloc::vec::Vec;

/// A mounted file system.
#[derive(Debug)]
pub struct Ext2<D> {
    device: D,
}

/// A mount that did not succeed, with the device to try again.
#[derive(Debug)]
pub struct MountError<D> {
    /// Why.
    pub error: Error,
    /// The device that was given.
    pub device: D,
}

const SOON: Error = Error::Unsupported("this call, in this version");

#[expect(unused_variables, reason = "the calls are filled in next")]
impl<D: Device> Ext2<D> {
    /// Mounts what is on the device.
    pub fn mount(device: D, options: Options) -> core::result::Result<Ext2<D>, MountError<D>> {
        Err(MountError { error: SOON, device })
    }
    /// Writes everything, marks the image clean and gives the device back.
    pub fn unmount(self) -> core::result::Result<D, (Error, Ext2<D>)> {
        Ok(self.device)
    }
    /// The device, to wake or look at it.
    pub fn device_mut(&mut self) -> &mut D {
        &mut self.device
    }
    /// The time that the following calls put into inodes.
    pub fn set_now(&mut self, now: Timestamp) {}
    /// Room and inodes.
    pub fn statfs(&self) -> StatFs {
        unreachable!("nothing mounts yet")
    }
    /// Says that an inode is in use (open, mapped, a working directory): it stays when its last name goes.
    pub fn hold(&mut self, ino: Ino) {}
    /// Takes back one `hold`.
    pub fn release(&mut self, ino: Ino) {}
    /// Makes all changes survive a crash.
    pub fn sync(&mut self) -> Result<()> {
        Err(SOON)
    }
    /// The inode behind a name. `.` and `..` are names too.
    pub fn lookup(&mut self, directory: Ino, name: &[u8]) -> Result<Ino> {
        Err(SOON)
    }
    /// What is known of an inode.
    pub fn getattr(&mut self, ino: Ino) -> Result<Attr> {
        Err(SOON)
    }
    /// Changes what is given.
    pub fn setattr(&mut self, ino: Ino, change: &SetAttr) -> Result<()> {
        Err(SOON)
    }
    /// A new regular file. `perm` is 07777 bits.
    pub fn create(&mut self, directory: Ino, name: &[u8], perm: u16, owner: Owner) -> Result<Ino> {
        Err(SOON)
    }
    /// A new regular file without a name (O_TMPFILE), which the caller holds once.
    pub fn tmpfile(&mut self, perm: u16, owner: Owner) -> Result<Ino> {
        Err(SOON)
    }
    /// A new directory.
    pub fn mkdir(&mut self, directory: Ino, name: &[u8], perm: u16, owner: Owner) -> Result<Ino> {
        Err(SOON)
    }
    /// A new device, pipe, socket or regular file, as `mode` says.
    pub fn mknod(
        &mut self,
        directory: Ino,
        name: &[u8],
        mode: u16,
        rdev: u32,
        owner: Owner,
    ) -> Result<Ino> {
        Err(SOON)
    }
    /// A new symbolic link.
    pub fn symlink(
        &mut self,
        directory: Ino,
        name: &[u8],
        target: &[u8],
        owner: Owner,
    ) -> Result<Ino> {
        Err(SOON)
    }
    /// Where a symbolic link leads.
    pub fn readlink(&mut self, ino: Ino) -> Result<Vec<u8>> {
        Err(SOON)
    }
    /// Another name for an inode that is no directory.
    pub fn link(&mut self, ino: Ino, directory: Ino, name: &[u8]) -> Result<()> {
        Err(SOON)
    }
    /// Removes a name that is no directory's.
    pub fn unlink(&mut self, directory: Ino, name: &[u8]) -> Result<()> {
        Err(SOON)
    }
    /// Removes an empty directory.
    pub fn rmdir(&mut self, directory: Ino, name: &[u8]) -> Result<()> {
        Err(SOON)
    }
    /// Gives an inode another name, also in another directory.
    pub fn rename(
        &mut self,
        from: Ino,
        name: &[u8],
        to: Ino,
        new_name: &[u8],
        mode: RenameMode,
    ) -> Result<()> {
        Err(SOON)
    }
    /// Shows entries from `cookie` on (0 is the start) until `show` says false or all are
    /// shown; returns where to continue.
    pub fn readdir(
        &mut self,
        directory: Ino,
        cookie: u64,
        show: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<u64> {
        Err(SOON)
    }
    /// Reads at an offset; 0 at the end of the file, else as much as is at hand, at least 1.
    pub fn read(&mut self, ino: Ino, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        Err(SOON)
    }
    /// Writes at an offset; the number of bytes written is at least 1 if any are given.
    pub fn write(&mut self, ino: Ino, offset: u64, bytes: &[u8]) -> Result<usize> {
        Err(SOON)
    }
    /// Sets a regular file's size.
    pub fn truncate(&mut self, ino: Ino, size: u64) -> Result<()> {
        Err(SOON)
    }
    /// The first place from `offset` on that has data (SEEK_DATA), if there is one.
    pub fn seek_data(&mut self, ino: Ino, offset: u64) -> Result<Option<u64>> {
        Err(SOON)
    }
    /// The first place from `offset` on that is a hole or the end (SEEK_HOLE).
    pub fn seek_hole(&mut self, ino: Ino, offset: u64) -> Result<u64> {
        Err(SOON)
    }
    /// An attribute's value. Names have their prefix: `user.mime_type`.
    pub fn getxattr(&mut self, ino: Ino, name: &[u8]) -> Result<Vec<u8>> {
        Err(SOON)
    }
    /// The attributes' names.
    pub fn listxattr(&mut self, ino: Ino) -> Result<Names> {
        Err(SOON)
    }
    /// Sets an attribute.
    pub fn setxattr(&mut self, ino: Ino, name: &[u8], value: &[u8], mode: XattrMode) -> Result<()> {
        Err(SOON)
    }
    /// Removes an attribute.
    pub fn removexattr(&mut self, ino: Ino, name: &[u8]) -> Result<()> {
        Err(SOON)
    }
}
