//! ext2, revision 0 and 1, as `mke2fs -t ext2` makes it. For now it only reads.
//!
//! Calls are in terms of inodes, for the virtual file system above: paths and permissions
//! are its business. A call that ends in `NotReady` is simply made again. What the image
//! says is checked where it is used; damage is [`Error::Corrupt`](crate::Error::Corrupt).

mod bytes;
mod cache;
mod directory;
mod file;
mod inode;
mod layout;
mod map;
mod types;

pub use types::*;

use crate::{Device, Error, Result};
use alloc::vec;
use alloc::vec::Vec;
use layout::{DESCRIPTOR, Group, SUPERBLOCK, SUPERBLOCK_LEN, Super};

/// A mounted file system.
#[derive(Debug)]
pub struct Ext2<D> {
    cache: cache::Cache<D>,
    sb: Super,
    groups: Vec<Group>,
}

/// A mount that did not succeed, with the device to try again.
#[derive(Debug)]
pub struct MountError<D> {
    /// Why.
    pub error: Error,
    /// The device that was given.
    pub device: D,
}

impl<D: Device> Ext2<D> {
    /// Mounts what is on the device. Errors: `NotReady`, `Unsupported`, which names the
    /// feature, and `Corrupt`.
    pub fn mount(mut device: D, options: Options) -> core::result::Result<Ext2<D>, MountError<D>> {
        match read_tables(&mut device) {
            Ok((sb, groups)) => {
                let cache = cache::Cache::new(device, sb.block_size, options.cache_bytes);
                Ok(Ext2 { cache, sb, groups })
            }
            Err(error) => Err(MountError { error, device }),
        }
    }

    /// Gives the device back.
    pub fn unmount(self) -> D {
        self.cache.device
    }

    /// The device, to wake or look at it.
    pub fn device_mut(&mut self) -> &mut D {
        &mut self.cache.device
    }

    /// Room and inodes.
    pub fn statfs(&self) -> StatFs {
        let sb = &self.sb;
        let tables = 2 + sb.table_blocks();
        let overhead: u64 = (0..sb.groups()).map(|g| u64::from(sb.overhead(g) + tables)).sum();
        StatFs {
            block_size: sb.block_size as u32,
            blocks: u64::from(sb.blocks - sb.first_block).saturating_sub(overhead),
            free_blocks: sb.free_blocks.into(),
            available_blocks: sb.free_blocks.saturating_sub(sb.reserved_blocks).into(),
            inodes: sb.inodes.into(),
            free_inodes: sb.free_inodes.into(),
            fsid: sb.fsid,
        }
    }

    /// What is known of an inode. Errors: `Stale` if it is not in use.
    pub fn getattr(&mut self, ino: Ino) -> Result<Attr> {
        self.inode(ino).map(|inode| inode.attr)
    }
}

fn read_tables<D: Device>(device: &mut D) -> Result<(Super, Vec<Group>)> {
    if device.size() < SUPERBLOCK + SUPERBLOCK_LEN as u64 {
        return Err(Error::Unsupported("an image without an ext2 superblock"));
    }
    let mut raw = [0; SUPERBLOCK_LEN];
    device.read_at(SUPERBLOCK, &mut raw)?;
    let sb = Super::read(&raw, device.size())?;
    let mut raw = vec![0; sb.groups() as usize * DESCRIPTOR];
    device.read_at(u64::from(sb.first_block + 1) * sb.block_size as u64, &mut raw)?;
    let groups = layout::read_groups(&sb, &raw)?;
    Ok((sb, groups))
}
