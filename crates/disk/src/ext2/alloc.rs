//! Blocks and inodes: which are free, taking and giving them.
//!
//! What is given back stays taken in the bitmaps until a sync has written that nothing uses
//! it any more; so at any time the bitmaps on the device say "taken" of all that is in use.

use super::undo::Undo;
use super::{Ext2, Ino, cache::Role, layout};
use crate::{Device, Error, Result};

/// Most runs of blocks that wait to be free; a sync makes room.
pub(super) const PENDING_MAX: usize = 1 << 20;

/// The first clear bit in `from..to`.
fn clear_bit(bytes: &[u8], from: u32, to: u32) -> Option<u32> {
    let mut bit = from;
    while bit < to {
        let byte = *bytes.get(bit as usize / 8)?;
        if byte == 0xff {
            bit = (bit / 8 + 1) * 8;
        } else if byte >> (bit % 8) & 1 == 0 {
            return Some(bit);
        } else {
            bit += 1;
        }
    }
    None
}

impl<D: Device> Ext2<D> {
    /// Takes a block, at `goal` or after it if possible. Errors: `NoSpace`.
    pub(super) fn allocate_block(&mut self, goal: u32) -> Result<u32> {
        if self.cache.device.is_full() {
            return Err(Error::NoSpace);
        }
        let sb = self.sb;
        let goal = if (sb.first_block..sb.blocks).contains(&goal) { goal } else { sb.first_block };
        let first = sb.group_of_block(goal);
        // The goal's group comes twice: from the goal on, and as a whole at the end.
        for step in 0..=sb.groups() {
            let group = (first + step) % sb.groups();
            let info = self.groups[group as usize];
            if info.free_blocks == 0 {
                continue;
            }
            let from = if step == 0 { goal - sb.group_start(group) } else { 0 };
            let bitmap = self.cache.get(info.block_bitmap)?;
            let Some(bit) = clear_bit(bitmap, from, sb.group_len(group)) else { continue };
            let block = sb.group_start(group) + bit;
            if layout::is_metadata(&sb, &self.groups, block) {
                return Err(Error::Corrupt { what: "bitmap of blocks of group", at: group.into() });
            }
            let bitmap = self.cache.modify(info.block_bitmap, Role::Bitmap)?;
            bitmap[bit as usize / 8] |= 1 << (bit % 8);
            self.undo.push(Undo::Group(group, info));
            self.groups[group as usize].free_blocks -= 1;
            self.sb.free_blocks = self.sb.free_blocks.saturating_sub(1);
            return Ok(block);
        }
        Err(Error::NoSpace)
    }

    /// Gives a block back; it can be taken again after the next sync.
    pub(super) fn free_block(&mut self, block: u32) {
        self.cache.forget(block);
        // A run of before this operation stays as it is, for a rollback.
        let own = self.pending_blocks.len() > self.marks.blocks;
        match self.pending_blocks.last_mut().filter(|_| own) {
            Some((start, len)) if *start + *len == block => *len += 1,
            Some((start, len)) if block + 1 == *start => (*start, *len) = (block, *len + 1),
            _ => self.pending_blocks.push((block, 1)),
        }
    }

    /// Takes an inode, in the group of `near` if possible; directories are spread.
    pub(super) fn allocate_inode(&mut self, near: Ino, directory: bool) -> Result<Ino> {
        let sb = self.sb;
        let mut first = sb.group_of_inode(near.clamp(1, sb.inodes));
        if directory {
            let groups = &self.groups;
            let most = (0..sb.groups()).max_by_key(|&group| {
                let info = &groups[group as usize];
                let has_inodes = u32::from(info.free_inodes) * sb.groups() >= sb.free_inodes;
                (has_inodes, info.free_blocks, group == first)
            });
            first = most.unwrap_or(first);
        }
        for step in 0..sb.groups() {
            let group = (first + step) % sb.groups();
            let info = self.groups[group as usize];
            if info.free_inodes == 0 {
                continue;
            }
            let from = if group == 0 { sb.first_inode - 1 } else { 0 };
            let bitmap = self.cache.get(info.inode_bitmap)?;
            let Some(bit) = clear_bit(bitmap, from, sb.inodes_per_group) else { continue };
            let bitmap = self.cache.modify(info.inode_bitmap, Role::Bitmap)?;
            bitmap[bit as usize / 8] |= 1 << (bit % 8);
            self.undo.push(Undo::Group(group, info));
            let info = &mut self.groups[group as usize];
            info.free_inodes -= 1;
            info.directories = info.directories.saturating_add(directory.into());
            self.sb.free_inodes = self.sb.free_inodes.saturating_sub(1);
            let ino = group * sb.inodes_per_group + bit + 1;
            if self.new_inodes.insert(ino) {
                self.undo.push(Undo::New(ino));
            }
            return Ok(ino);
        }
        Err(Error::NoSpace)
    }

    /// Gives an inode back; it can be taken again after the next sync.
    pub(super) fn free_inode(&mut self, ino: Ino, directory: bool) {
        self.pending_inodes.push((ino, directory));
    }

    /// Whether something waits to become free.
    pub(super) fn has_pending(&self) -> bool {
        !self.pending_blocks.is_empty()
            || !self.pending_inodes.is_empty()
            || !self.pending_attributes.is_empty()
    }

    /// Marks as free what waited, after a sync. A part of a transaction.
    pub(super) fn free_pending(&mut self) -> Result<()> {
        let sb = self.sb;
        for (start, len) in self.pending_blocks.clone() {
            for block in start..start + len {
                self.clear_block(block)?;
            }
        }
        for block in self.pending_attributes.clone() {
            if self.count_down(block)? {
                self.cache.forget(block);
                self.clear_block(block)?;
            }
        }
        for (ino, directory) in self.pending_inodes.clone() {
            let group = sb.group_of_inode(ino);
            let bit = (ino - 1) % sb.inodes_per_group;
            let at = self.groups[group as usize].inode_bitmap;
            if self.clear(at, bit)? {
                self.undo.push(Undo::Group(group, self.groups[group as usize]));
                let info = &mut self.groups[group as usize];
                info.free_inodes = info.free_inodes.saturating_add(1);
                info.directories = info.directories.saturating_sub(directory.into());
                self.sb.free_inodes = self.sb.free_inodes.saturating_add(1);
            }
        }
        Ok(())
    }

    /// Marks a block as free.
    fn clear_block(&mut self, block: u32) -> Result<()> {
        let group = self.sb.group_of_block(block);
        let bit = block - self.sb.group_start(group);
        let at = self.groups[group as usize].block_bitmap;
        if self.clear(at, bit)? {
            self.undo.push(Undo::Group(group, self.groups[group as usize]));
            let info = &mut self.groups[group as usize];
            info.free_blocks = info.free_blocks.saturating_add(1);
            self.sb.free_blocks = self.sb.free_blocks.saturating_add(1);
        }
        Ok(())
    }

    /// Clears a bit; whether it was set.
    fn clear(&mut self, bitmap: u32, bit: u32) -> Result<bool> {
        let bytes = self.cache.modify(bitmap, Role::Bitmap)?;
        let (at, mask) = (bit as usize / 8, 1 << (bit % 8));
        let was = bytes[at] & mask != 0;
        bytes[at] &= !mask;
        Ok(was)
    }
}
