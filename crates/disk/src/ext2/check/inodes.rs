//! All inodes: whether each can be what it says, and the blocks that they have.

use super::super::bytes::{get16, get32};
use super::super::xattr::{self, HEADER};
use super::super::{Ino, Kind, ROOT};
use super::{Check, Directory, Place, Seen};
use crate::{Device, Result};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// Inodes with a purpose of their own.
const BAD_BLOCKS: Ino = 1;
const RESIZE: Ino = 7;

const COMPAT_DIR_INDEX: u32 = 0x20;
const COMPAT_RESIZE: u32 = 0x10;
const FLAG_INDEX: u32 = 0x1000;
/// Extents, and content in the inode: of ext4.
const FLAGS_UNSUPPORTED: u32 = 0x8_0000 | 0x1000_0000;

impl<D: Device> Check<'_, D> {
    pub(super) fn all_inodes(&mut self) -> Result<()> {
        let orphans = self.orphans()?;
        let size = self.sb.inode_size;
        let per_block = self.sb.block_size / size;
        for group in 0..self.sb.groups() {
            let table = self.groups[group as usize].inode_table;
            for number in 0..self.sb.table_blocks() {
                let block = self.cache.get(table + number)?;
                if block.iter().all(|&byte| byte == 0) {
                    continue;
                }
                let block = block.to_vec();
                for (slot, raw) in (0..).zip(block.chunks_exact(size)) {
                    let index = number * per_block as u32 + slot;
                    if index < self.sb.inodes_per_group {
                        let ino = group * self.sb.inodes_per_group + index + 1;
                        self.inode(ino, raw, orphans.contains(&ino))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The list of inodes that were removed while they were in use.
    fn orphans(&mut self) -> Result<BTreeSet<Ino>> {
        let mut list = BTreeSet::new();
        let mut ino = self.sb.last_orphan;
        while ino != 0 {
            if ino < self.sb.first_inode || ino > self.sb.inodes || !list.insert(ino) {
                self.report(Place::Superblock, "the list of removed files in use is damaged");
                break;
            }
            let index = (ino - 1) % self.sb.inodes_per_group;
            let at = index as usize * self.sb.inode_size;
            let table = self.groups[self.sb.group_of_inode(ino) as usize].inode_table;
            let block = table + (at / self.sb.block_size) as u32;
            ino = get32(&self.cache.get(block)?[at % self.sb.block_size..], 20);
        }
        Ok(list)
    }

    fn inode(&mut self, ino: Ino, raw: &[u8], is_orphan: bool) -> Result<()> {
        let place = || Place::Inode(ino);
        let (mode, links) = (get16(raw, 0), u32::from(get16(raw, 26)));
        let is_reserved = ino < self.sb.first_inode && ino != ROOT;
        if ino == RESIZE && self.sb.compat & COMPAT_RESIZE != 0 {
            return self.room_for_groups(raw);
        }
        if ino == BAD_BLOCKS {
            return self.bad_blocks(raw);
        }
        let deleted = get32(raw, 20);
        if is_orphan {
            if links != 0 {
                self.report(place(), "is on the list of removed files, but has names");
            } else {
                self.report(place(), "was removed while it was in use; the next mount frees it");
            }
        } else if links == 0 {
            if mode != 0 && deleted == 0 && !is_reserved {
                self.report(place(), "is free, but was not deleted at any time");
            }
            if !is_reserved || mode == 0 {
                return Ok(());
            }
        } else if deleted != 0 {
            self.report(place(), "is in use, but was deleted");
        }
        let Some(kind) = Kind::from_mode(mode) else {
            self.report(place(), format!("has a mode that no file has: {mode:#o}"));
            return Ok(());
        };
        if is_reserved && kind != Kind::File {
            self.report(place(), "is for the file system itself, but no regular file");
        }
        let is_nameless = is_reserved || is_orphan && links == 0;
        self.inodes.insert(ino, Seen { kind, links, names: 0, is_nameless });
        let flags = get32(raw, 32);
        if flags & FLAGS_UNSUPPORTED != 0 {
            self.report(place(), "has content in a form of ext4");
            return Ok(());
        }
        // An address of a fragment, and what extends numbers of blocks to more than 32 bits.
        if get32(raw, 112) != 0 || get32(raw, 116) != 0 {
            self.report(place(), "uses what files of this image do not have");
        }
        let sectors = self.attributes_of(ino, raw)?;
        let has_blocks = match kind {
            Kind::File | Kind::Directory => true,
            Kind::Symlink => u64::from(get32(raw, 28)) > sectors,
            _ => false,
        };
        if has_blocks {
            self.with_blocks(ino, kind, raw, sectors)
        } else {
            self.without_blocks(ino, kind, raw, sectors);
            Ok(())
        }
    }

    fn with_blocks(&mut self, ino: Ino, kind: Kind, raw: &[u8], attributes: u64) -> Result<()> {
        let place = || Place::Inode(ino);
        let size = self.sb.block_size as u64;
        let listed = match kind {
            Kind::Directory => usize::MAX,
            Kind::Symlink => 1,
            _ => 0,
        };
        let claimed = self.claim(ino, &raw[40..100], listed)?;
        let low = u64::from(get32(raw, 4));
        let high = if kind == Kind::File { u64::from(get32(raw, 108)) } else { 0 };
        let bytes = low | high << 32;
        let (sectors, counted) =
            (u64::from(get32(raw, 28)), (claimed.count * (size / 512)).saturating_add(attributes));
        if sectors != counted {
            self.report(place(), format!("has {counted} sectors, but says {sectors}"));
        }
        let end = claimed.end * size;
        match kind {
            Kind::Directory => {
                if bytes != end || end == 0 {
                    let what = format!("a directory with blocks for {end} bytes says {bytes}");
                    self.report(place(), what);
                }
                let is_indexed = get32(raw, 32) & FLAG_INDEX != 0;
                if is_indexed && self.sb.compat & COMPAT_DIR_INDEX == 0 {
                    self.report(place(), "has a tree of names, which the image is not to have");
                }
                let blocks = claimed.blocks;
                let directory = Directory { blocks, is_indexed, parent: None, up: None };
                self.directories.insert(ino, directory);
            }
            Kind::Symlink => {
                let block =
                    claimed.blocks.first().filter(|first| first.0 == 0).map(|first| first.1);
                let text = match block {
                    Some(block) => self.cache.get(block)?,
                    None => &[],
                };
                let len = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
                if claimed.count != 1 || bytes == 0 || len as u64 != bytes || bytes >= size {
                    self.report(place(), "a symbolic link of another length than it says");
                }
            }
            _ => {
                if bytes > self.largest() {
                    self.report(place(), format!("a size that no file can have: {bytes}"));
                } else if end > bytes.next_multiple_of(size) {
                    self.report(place(), format!("has blocks behind its end, {bytes} bytes"));
                }
                if bytes >= 1 << 31 && self.sb.ro_compat & super::super::layout::RO_LARGE_FILE == 0
                {
                    self.report(place(), "is larger than files of this image may be");
                }
            }
        }
        Ok(())
    }

    /// The largest file that trees of pointers can have.
    fn largest(&self) -> u64 {
        let pointers = self.sb.pointers();
        let blocks = 12 + pointers + pointers.pow(2) + pointers.pow(3);
        blocks * self.sb.block_size as u64
    }

    fn without_blocks(&mut self, ino: Ino, kind: Kind, raw: &[u8], attributes: u64) {
        let place = || Place::Inode(ino);
        let bytes = get32(raw, 4) as usize;
        if u64::from(get32(raw, 28)) != attributes {
            self.report(place(), "says that it has blocks");
        }
        if kind == Kind::Symlink {
            let len = raw[40..100].iter().position(|&byte| byte == 0);
            if bytes == 0 || len != Some(bytes) {
                self.report(place(), "a symbolic link of another length than it says");
            }
            return;
        }
        // What is in place of the pointers means nothing; drivers leave old ones there.
        if bytes != 0 {
            self.report(place(), "a special file with a size");
        }
    }

    /// Attributes of an inode; the sectors that they take.
    fn attributes_of(&mut self, ino: Ino, raw: &[u8]) -> Result<u64> {
        let place = || Place::Inode(ino);
        if raw.len() > 128 {
            let extra = usize::from(get16(raw, 128));
            if extra != 0 && (extra < 4 || extra % 4 != 0 || extra > raw.len() - 128) {
                self.report(place(), format!("its larger part has {extra} bytes in use"));
            }
        }
        if let Some(range) = xattr::body(raw)
            && get32(raw, range.start) == xattr::MAGIC
        {
            let sound = xattr::parse(&raw[range], 4, 4)
                .is_some_and(|list| list.iter().all(xattr::Entry::has_sound_hash));
            if !sound {
                self.report(place(), "its attributes are damaged");
            }
        }
        let block = get32(raw, 104);
        if block == 0 {
            return Ok(0);
        }
        if !self.is_data(block) {
            self.report(
                place(),
                format!("has its attributes in block {block}, which is no file's"),
            );
            return Ok(0);
        }
        let sectors = self.sb.block_size as u64 / 512;
        if let Some(users) = self.attributes.get_mut(&block) {
            *users += 1;
            return Ok(sectors);
        }
        self.attributes.insert(block, 1);
        if !self.blocks.insert(block) {
            self.report(place(), format!("block {block} of its attributes belongs to another too"));
            return Ok(sectors);
        }
        let bytes = self.cache.get(block)?;
        let sound = get32(bytes, 0) == xattr::MAGIC
            && get32(bytes, 8) == 1
            && xattr::parse(bytes, HEADER, 0)
                .is_some_and(|list| list.iter().all(xattr::Entry::has_sound_hash));
        if !sound {
            self.report(place(), format!("its attributes are damaged, in block {block}"));
        }
        Ok(sectors)
    }

    /// The inode that has blocks which cannot be used. These may be any.
    fn bad_blocks(&mut self, raw: &[u8]) -> Result<()> {
        let has_any = raw[40..100].iter().any(|&byte| byte != 0);
        if has_any {
            self.claim(BAD_BLOCKS, &raw[40..100], 0)?;
        }
        Ok(())
    }

    /// The inode that has the blocks which are kept for descriptors of more groups: in a tree
    /// of two levels, whose lower tables are those of the first group, each with its copies.
    fn room_for_groups(&mut self, raw: &[u8]) -> Result<()> {
        let place = || Place::Inode(RESIZE);
        let table = get32(raw, 40 + 13 * 4);
        let others = (0..15).filter(|&index| index != 13);
        if !self.is_data(table) || others.into_iter().any(|index| get32(raw, 40 + index * 4) != 0) {
            self.report(place(), "the room for more groups is not where it belongs");
            return Ok(());
        }
        if !self.blocks.insert(table) {
            self.report(place(), format!("block {table} belongs to another file too"));
        }
        let copies: Vec<u32> = (1..self.sb.groups()).filter(|&g| self.sb.has_super(g)).collect();
        let copies_count = copies.len() as u64;
        let pointers = self.sb.pointers() as u32;
        let first = self.sb.first_block + 1;
        let used = self.sb.descriptor_blocks();
        let mut expected = 1;
        let size = u64::from(get32(raw, 4)) | u64::from(get32(raw, 108)) << 32;
        let mut sound = size <= self.largest();
        let mut tables = vec![0; pointers as usize];
        for number in used..used + self.sb.reserved_descriptor_blocks {
            let block = first + number;
            tables[(number % pointers) as usize] = block;
            let list = self.cache.get(block)?;
            let copies = copies.iter().map(|group| block + group * self.sb.blocks_per_group);
            let places = copies.chain(core::iter::repeat(0)).zip(list.chunks_exact(4));
            sound &= places.into_iter().all(|(expected, place)| get32(place, 0) == expected);
            expected += 1 + copies_count;
        }
        let bytes = self.cache.get(table)?.chunks_exact(4);
        sound &= tables.iter().zip(bytes).all(|(&expected, place)| get32(place, 0) == expected);
        let sectors = expected * (self.sb.block_size as u64 / 512);
        if !sound || u64::from(get32(raw, 28)) != sectors {
            self.report(place(), "the room for more groups is not what it should be");
        }
        self.inodes
            .insert(RESIZE, Seen { kind: Kind::File, links: 1, names: 0, is_nameless: true });
        Ok(())
    }
}
