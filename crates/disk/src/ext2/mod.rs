//! ext2, revision 0 and 1, as `mke2fs -t ext2` makes it.
//!
//! Calls are in terms of inodes, for the virtual file system above: paths and permissions
//! is its business. A call that ends in `NotReady` is simply made again. What the image
//! says is checked where it is used; damage is [`Error::Corrupt`](crate::Error::Corrupt).

mod alloc;
mod bytes;
mod cache;
pub mod check;
mod copy;
mod directory;
mod file;
mod format;
mod index;
mod inode;
mod layout;
mod map;
mod names;
mod shrink;
mod sync;
mod types;
mod undo;
mod xattr;

pub use copy::copy;
pub use format::{Format, format};
pub use types::*;
pub use xattr::{Attribute, AttributeMode};

use crate::{Device, Error, Result};
use ::alloc::collections::{BTreeMap, BTreeSet};
use ::alloc::vec;
use ::alloc::vec::Vec;
use layout::{DESCRIPTOR, Group, SUPERBLOCK, SUPERBLOCK_LEN, Super};

/// A mounted file system.
#[derive(Debug)]
pub struct Ext2<D> {
    cache: cache::Cache<D>,
    sb: Super,
    groups: Vec<Group>,
    raw_super: [u8; SUPERBLOCK_LEN],
    read_only: bool,
    is_marked_clean: bool,
    /// The image was in use when its last user stopped; it stays marked so for `e2fsck`.
    interrupted: bool,
    dirty_bytes: usize,
    now: Timestamp,
    /// Inodes in use by the caller, and how often.
    held: BTreeMap<Ino, u32>,
    /// Inodes without a name that are held.
    orphans: BTreeSet<Ino>,
    /// What is free after the next sync: runs of blocks; inodes, and whether of directories;
    /// blocks of attributes, unless others use them.
    pending_blocks: Vec<(u32, u32)>,
    pending_inodes: Vec<(Ino, bool)>,
    pending_attributes: Vec<u32>,
    /// Since the last sync: inodes that were made, those that got another name, slots of those
    /// that lost one, and blocks of directories between which names moved.
    new_inodes: BTreeSet<Ino>,
    relinked: BTreeSet<Ino>,
    retained: BTreeMap<Ino, Vec<u8>>,
    edges: BTreeMap<u32, undo::Edge>,
    /// An operation failed because a sync must come first.
    conflict: bool,
    undo: Vec<undo::Undo>,
    marks: undo::Marks,
    indexes: index::Indexes,
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
        let read_only = options.read_only || device.is_read_only();
        let (sb, groups, raw_super) = match read_tables(&mut device, read_only) {
            Ok(tables) => tables,
            Err(error) => return Err(MountError { error, device }),
        };
        let marks = undo::Marks { sb, blocks: 0, inodes: 0, attributes: 0 };
        let mut fs = Ext2 {
            cache: cache::Cache::new(device, sb.block_size, options.cache_bytes),
            sb,
            groups,
            raw_super,
            read_only,
            is_marked_clean: sb.state & layout::STATE_CLEAN != 0,
            interrupted: sb.state & layout::STATE_CLEAN == 0,
            dirty_bytes: options.dirty_bytes,
            now: Timestamp::default(),
            held: BTreeMap::new(),
            orphans: BTreeSet::new(),
            pending_blocks: Vec::new(),
            pending_inodes: Vec::new(),
            pending_attributes: Vec::new(),
            new_inodes: BTreeSet::new(),
            relinked: BTreeSet::new(),
            retained: BTreeMap::new(),
            edges: BTreeMap::new(),
            conflict: false,
            undo: Vec::new(),
            marks,
            indexes: index::Indexes::default(),
        };
        let prepared = if read_only { Ok(()) } else { fs.find_orphans() };
        match prepared {
            Ok(()) => Ok(fs),
            Err(error) => Err(MountError { error, device: fs.cache.device }),
        }
    }

    /// The device, to wake or look at it.
    pub fn device_mut(&mut self) -> &mut D {
        &mut self.cache.device
    }

    /// The time that the following calls put into inodes.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Whether the image was in use when its last user stopped: then blocks may be marked as
    /// taken that nobody uses, and `e2fsck` would find them.
    pub fn was_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Says that an inode is in use: it stays when its last name goes.
    pub fn hold(&mut self, ino: Ino) {
        *self.held.entry(ino).or_insert(0) += 1;
    }

    /// Takes back one `hold`.
    pub fn release(&mut self, ino: Ino) {
        if let Some(count) = self.held.get_mut(&ino) {
            *count -= 1;
            if *count == 0 {
                self.held.remove(&ino);
            }
        }
    }

    /// Room and inodes.
    pub fn statfs(&self) -> StatFs {
        let sb = &self.sb;
        let pending: u64 = self.pending_blocks.iter().map(|run| u64::from(run.1)).sum();
        let free = u64::from(sb.free_blocks) + pending;
        let tables = 2 + sb.table_blocks();
        let overhead: u64 = (0..sb.groups()).map(|g| u64::from(sb.overhead(g) + tables)).sum();
        StatFs {
            block_size: sb.block_size as u32,
            blocks: u64::from(sb.blocks - sb.first_block).saturating_sub(overhead),
            free_blocks: free,
            available_blocks: free.saturating_sub(sb.reserved_blocks.into()),
            inodes: sb.inodes.into(),
            free_inodes: u64::from(sb.free_inodes) + self.pending_inodes.len() as u64,
            fsid: sb.fsid,
        }
    }

    /// What is known of an inode. Errors: `Stale` if it is not in use.
    pub fn getattr(&mut self, ino: Ino) -> Result<Attr> {
        self.inode(ino).map(|inode| inode.attr)
    }
}

type Tables = (Super, Vec<Group>, [u8; SUPERBLOCK_LEN]);

fn read_tables<D: Device>(device: &mut D, read_only: bool) -> Result<Tables> {
    if device.size() < SUPERBLOCK + SUPERBLOCK_LEN as u64 {
        return Err(Error::Unsupported("an image without an ext2 superblock"));
    }
    let mut raw_super = [0; SUPERBLOCK_LEN];
    device.read_at(SUPERBLOCK, &mut raw_super)?;
    let sb = Super::read(&raw_super, device.size(), read_only)?;
    let mut raw = vec![0; sb.groups() as usize * DESCRIPTOR];
    device.read_at(u64::from(sb.first_block + 1) * sb.block_size as u64, &mut raw)?;
    let groups = layout::read_groups(&sb, &raw)?;
    Ok((sb, groups, raw_super))
}
