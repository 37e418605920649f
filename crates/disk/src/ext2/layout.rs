//! The superblock and the group descriptors: where everything is, and the counters.
//!
//! Source: the on-disk structures as e2fsprogs' `ext2_fs.h` numbers them.

use super::bytes::{get16, get32, put16, put32};
use crate::{Error, Result};
use alloc::vec::Vec;

/// Where the superblock is, and its length.
pub(super) const SUPERBLOCK: u64 = 1024;
pub(super) const SUPERBLOCK_LEN: usize = 1024;
pub(super) const MAGIC: u16 = 0xef53;
/// Bytes of a group descriptor.
pub(super) const DESCRIPTOR: usize = 32;

/// The image is consistent, as far as its last user knew.
pub(super) const STATE_CLEAN: u16 = 1;

pub(super) const INCOMPAT_FILETYPE: u32 = 0x2;
pub(super) const RO_SPARSE_SUPER: u32 = 0x1;
pub(super) const RO_LARGE_FILE: u32 = 0x2;

/// Features without which nothing can be read, that are not supported.
const INCOMPAT: [(u32, &str); 14] = [
    (0x1, "compression"),
    (0x4, "a journal that must be replayed first (needs_recovery)"),
    (0x8, "a journal device"),
    (0x10, "meta_bg"),
    (0x40, "extents (an image of ext4)"),
    (0x80, "64bit"),
    (0x100, "mmp"),
    (0x200, "flex_bg"),
    (0x400, "ea_inode"),
    (0x1000, "dirdata"),
    (0x2000, "metadata_csum_seed"),
    (0x4000, "large_dir"),
    (0x8000, "inline_data"),
    (0x10000, "encrypt"),
];

/// Features without which nothing may be written, that are not supported.
const RO_COMPAT: [(u32, &str); 9] = [
    (0x8, "writing with huge_file"),
    (0x10, "writing with uninit_bg"),
    (0x20, "writing with dir_nlink"),
    (0x80, "writing with snapshots"),
    (0x100, "writing with quota"),
    (0x200, "writing with bigalloc"),
    (0x400, "writing with metadata_csum"),
    (0x1000, "writing to an image that is marked read-only"),
    (0x2000, "writing with project quota"),
];
const RO_COMPAT_SUPPORTED: u32 = RO_SPARSE_SUPER | RO_LARGE_FILE | 0x4 | 0x40;

/// What the superblock says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Super {
    pub inodes: u32,
    pub blocks: u32,
    pub reserved_blocks: u32,
    pub free_blocks: u32,
    pub free_inodes: u32,
    pub first_block: u32,
    pub block_size: usize,
    pub blocks_per_group: u32,
    pub inodes_per_group: u32,
    pub inode_size: usize,
    pub first_inode: u32,
    pub compat: u32,
    pub incompat: u32,
    pub ro_compat: u32,
    pub state: u16,
    pub mount_count: u16,
    pub revision: u32,
    pub mount_time: u32,
    pub write_time: u32,
    pub last_orphan: u32,
    pub reserved_descriptor_blocks: u32,
    pub want_extra: u16,
    pub fsid: u64,
}

impl Super {
    /// Reads a superblock and checks that what it says can be.
    pub fn read(raw: &[u8], device_size: u64, read_only: bool) -> Result<Super> {
        if get16(raw, 56) != MAGIC {
            return Err(Error::Unsupported("an image without an ext2 superblock"));
        }
        let revision = get32(raw, 76);
        let shift = get32(raw, 24);
        if shift > 5 {
            return Err(Error::Unsupported("blocks of more than 32 KiB"));
        }
        if revision > 1 {
            return Err(Error::Unsupported("a revision after 1"));
        }
        let sb = Super {
            inodes: get32(raw, 0),
            blocks: get32(raw, 4),
            reserved_blocks: get32(raw, 8),
            free_blocks: get32(raw, 12),
            free_inodes: get32(raw, 16),
            first_block: get32(raw, 20),
            block_size: 1024 << shift,
            blocks_per_group: get32(raw, 32),
            inodes_per_group: get32(raw, 40),
            inode_size: if revision == 0 { 128 } else { get16(raw, 88).into() },
            first_inode: if revision == 0 { 11 } else { get32(raw, 84) },
            compat: if revision == 0 { 0 } else { get32(raw, 92) },
            incompat: if revision == 0 { 0 } else { get32(raw, 96) },
            ro_compat: if revision == 0 { 0 } else { get32(raw, 100) },
            state: get16(raw, 58),
            mount_count: get16(raw, 52),
            revision,
            mount_time: get32(raw, 44),
            write_time: get32(raw, 48),
            last_orphan: get32(raw, 232),
            reserved_descriptor_blocks: get16(raw, 206).into(),
            want_extra: get16(raw, 350),
            fsid: u64::from(get32(raw, 104) ^ get32(raw, 112)) << 32
                | u64::from(get32(raw, 108) ^ get32(raw, 116)),
        };
        sb.check_features(read_only)?;
        sb.check_geometry(device_size)?;
        Ok(sb)
    }

    fn check_features(&self, read_only: bool) -> Result<()> {
        if let Some(row) = INCOMPAT.iter().find(|row| self.incompat & row.0 != 0) {
            return Err(Error::Unsupported(row.1));
        }
        if self.incompat & !INCOMPAT_FILETYPE != 0 {
            return Err(Error::Unsupported("an unknown incompatible feature"));
        }
        if !read_only {
            if let Some(row) = RO_COMPAT.iter().find(|row| self.ro_compat & row.0 != 0) {
                return Err(Error::Unsupported(row.1));
            }
            if self.ro_compat & !RO_COMPAT_SUPPORTED != 0 {
                return Err(Error::Unsupported("writing with an unknown feature"));
            }
        }
        Ok(())
    }

    fn check_geometry(&self, device_size: u64) -> Result<()> {
        let bits = self.block_size as u32 * 8;
        let bad = |what| Err(Error::Corrupt { what, at: 0 });
        if self.first_block != u32::from(self.block_size == 1024)
            || self.blocks <= self.first_block + 8
            || u64::from(self.blocks) * self.block_size as u64 > device_size
        {
            return bad("superblock: number of blocks (is the image cut off?)");
        }
        if self.blocks_per_group == 0
            || self.blocks_per_group > bits
            || !self.blocks_per_group.is_multiple_of(8)
        {
            return bad("superblock: blocks in a group");
        }
        if !self.inode_size.is_power_of_two()
            || self.inode_size < 128
            || self.inode_size > self.block_size
        {
            return bad("superblock: size of inodes");
        }
        if self.inodes_per_group == 0
            || self.inodes_per_group > bits
            || !self.inodes_per_group.is_multiple_of(8)
            || u64::from(self.inodes_per_group) * u64::from(self.groups()) != u64::from(self.inodes)
            || self.first_inode < 11
            || self.first_inode > self.inodes
        {
            return bad("superblock: number of inodes");
        }
        if self.overhead(0) + 3 + self.table_blocks() >= self.group_len(0) {
            return bad("superblock: room in groups");
        }
        Ok(())
    }

    /// Writes what can change into a superblock.
    pub fn write(&self, raw: &mut [u8]) {
        put32(raw, 12, self.free_blocks);
        put32(raw, 16, self.free_inodes);
        put32(raw, 44, self.mount_time);
        put32(raw, 48, self.write_time);
        put16(raw, 52, self.mount_count);
        put16(raw, 58, self.state);
        put32(raw, 92, self.compat);
        put32(raw, 100, self.ro_compat);
        put32(raw, 232, self.last_orphan);
    }

    pub fn groups(&self) -> u32 {
        (self.blocks - self.first_block).div_ceil(self.blocks_per_group)
    }

    /// The first block of a group.
    pub fn group_start(&self, group: u32) -> u32 {
        self.first_block + group * self.blocks_per_group
    }

    /// Blocks of a group; the last may be shorter.
    pub fn group_len(&self, group: u32) -> u32 {
        (self.blocks - self.group_start(group)).min(self.blocks_per_group)
    }

    pub fn group_of_block(&self, block: u32) -> u32 {
        (block - self.first_block) / self.blocks_per_group
    }

    pub fn group_of_inode(&self, ino: u32) -> u32 {
        (ino - 1) / self.inodes_per_group
    }

    /// Blocks of a group's inode table.
    pub fn table_blocks(&self) -> u32 {
        (self.inodes_per_group as usize * self.inode_size).div_ceil(self.block_size) as u32
    }

    /// Blocks of the group descriptors.
    pub fn descriptor_blocks(&self) -> u32 {
        (self.groups() as usize * DESCRIPTOR).div_ceil(self.block_size) as u32
    }

    /// Whether a group has a copy of the superblock: with `sparse_super` only 0, 1 and
    /// powers of 3, 5 and 7.
    pub fn has_super(&self, group: u32) -> bool {
        let power = |base: u32| {
            let mut at = u64::from(base);
            while at < u64::from(group) {
                at *= u64::from(base);
            }
            at == u64::from(group)
        };
        group <= 1 || self.ro_compat & RO_SPARSE_SUPER == 0 || power(3) || power(5) || power(7)
    }

    /// Blocks of a group that copies of superblock and descriptors take.
    pub fn overhead(&self, group: u32) -> u32 {
        if self.has_super(group) {
            1 + self.descriptor_blocks() + self.reserved_descriptor_blocks
        } else {
            0
        }
    }

    /// Numbers in a block of pointers.
    pub fn pointers(&self) -> u64 {
        self.block_size as u64 / 4
    }

    /// The largest file: by the tree of blocks, by the inode's counter of sectors, and so
    /// that the blocks' numbers in a file have 32 bits.
    pub fn max_size(&self) -> u64 {
        let p = self.pointers();
        let tree = 12 + p + p * p + p * p * p;
        let counted = (u64::from(u32::MAX) * 512 / self.block_size as u64) / (p + 2) * (p - 1);
        tree.min(counted).min(u64::from(u32::MAX)) * self.block_size as u64
    }

    pub fn has_kinds(&self) -> bool {
        self.incompat & INCOMPAT_FILETYPE != 0
    }
}

/// A group: where its tables are, and its counters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub block_bitmap: u32,
    pub inode_bitmap: u32,
    pub inode_table: u32,
    pub free_blocks: u16,
    pub free_inodes: u16,
    pub directories: u16,
}

impl Group {
    pub fn read(raw: &[u8]) -> Group {
        Group {
            block_bitmap: get32(raw, 0),
            inode_bitmap: get32(raw, 4),
            inode_table: get32(raw, 8),
            free_blocks: get16(raw, 12),
            free_inodes: get16(raw, 14),
            directories: get16(raw, 16),
        }
    }

    pub fn write(&self, raw: &mut [u8]) {
        put32(raw, 0, self.block_bitmap);
        put32(raw, 4, self.inode_bitmap);
        put32(raw, 8, self.inode_table);
        put16(raw, 12, self.free_blocks);
        put16(raw, 14, self.free_inodes);
        put16(raw, 16, self.directories);
    }

    /// Whether its tables are inside the group, apart from each other and from the
    /// descriptors.
    pub fn fits(&self, sb: &Super, group: u32) -> bool {
        let start = sb.group_start(group) + sb.overhead(group);
        let end = u64::from(sb.group_start(group)) + u64::from(sb.group_len(group));
        let inside =
            |block: u32, len: u32| block >= start && u64::from(block) + u64::from(len) <= end;
        let table = self.inode_table..self.inode_table.saturating_add(sb.table_blocks());
        inside(self.block_bitmap, 1)
            && inside(self.inode_bitmap, 1)
            && inside(self.inode_table, sb.table_blocks())
            && self.block_bitmap != self.inode_bitmap
            && !table.contains(&self.block_bitmap)
            && !table.contains(&self.inode_bitmap)
    }
}

/// Reads the descriptors of all groups.
pub(super) fn read_groups(sb: &Super, raw: &[u8]) -> Result<Vec<Group>> {
    let mut groups = Vec::with_capacity(sb.groups() as usize);
    for number in 0..sb.groups() {
        let group = Group::read(&raw[number as usize * DESCRIPTOR..]);
        if !group.fits(sb, number) {
            return Err(Error::Corrupt { what: "descriptor of group", at: number.into() });
        }
        groups.push(group);
    }
    Ok(groups)
}

/// Whether a block holds tables: no file can have it.
pub(super) fn is_metadata(sb: &Super, groups: &[Group], block: u32) -> bool {
    let number = sb.group_of_block(block);
    let group = &groups[number as usize];
    block < sb.group_start(number) + sb.overhead(number)
        || block == group.block_bitmap
        || block == group.inode_bitmap
        || (group.inode_table..group.inode_table + sb.table_blocks()).contains(&block)
}
