//! How changes reach the device. An interruption at any write leaves an image on which
//! nothing that was synced is lost, and that can be used as it is; `e2fsck` finds at most
//! blocks and inodes that nobody uses, counts of links that are too high, and files that lost
//! their old name before they got the new one on paper.
//!
//! The order, with a barrier after each, and a flush at the end:
//! 1. the superblock, not clean; bitmaps, in which nothing became free yet; content, blocks
//!    that are new in directories, new blocks of pointers: nothing on the device leads there;
//! 2. blocks of pointers;
//! 3. inodes, but those that lost a name as they were before;
//! 4. directories that gained names of older files, or have nothing to do with such moves;
//! 5. directories that lost names to others;
//! 6. inodes that lost names;
//! 7. bitmaps, with what became free; the superblock, clean.
//!
//! A block of a directory may not be in 4 and 5 at once; who would make it so syncs first.

use super::alloc::PENDING_MAX;
use super::bytes::put32;
use super::cache::Role;
use super::layout::{DESCRIPTOR, STATE_CLEAN, SUPERBLOCK};
use super::undo::{Edge, Undo};
use super::{Ext2, Ino};
use crate::{Device, Error, Result};
use alloc::boxed::Box;
use alloc::vec::Vec;

impl<D: Device> Ext2<D> {
    /// Makes all changes survive a crash. After an error, `NotReady` too, it may be called
    /// again and goes on.
    pub fn sync(&mut self) -> Result<()> {
        if self.read_only {
            return Ok(());
        }
        self.reap();
        if self.is_clean() {
            return Ok(());
        }
        if self.is_marked_clean && !self.cache.has_dirty() && !self.has_pending() {
            // All is written; the last flush was told to wait. To begin anew would never end.
            return self.cache.flush();
        }
        self.attempt(&mut |fs| fs.chain_orphans().and_then(|()| fs.store_groups()))?;
        if self.is_marked_clean {
            self.write_super(false)?;
            self.cache.barrier()?;
            self.is_marked_clean = false;
        }
        for role in [Role::Bitmap, Role::Data] {
            let blocks = self.cache.dirty_blocks(role);
            self.cache.write(&blocks)?;
        }
        self.cache.barrier()?;
        let blocks = self.cache.dirty_blocks(Role::Pointers);
        self.cache.write(&blocks)?;
        self.cache.barrier()?;
        self.write_inodes()?;
        self.cache.barrier()?;
        let blocks = self.cache.dirty_blocks(Role::Directory);
        let (late, early): (Vec<u32>, Vec<u32>) =
            blocks.iter().partition(|block| self.edges.get(block) == Some(&Edge::Lost));
        for blocks in [early, late] {
            self.cache.write(&blocks)?;
            self.cache.barrier()?;
        }
        let blocks = self.cache.dirty_blocks(Role::Inodes);
        self.cache.write(&blocks)?;
        self.cache.barrier()?;
        self.retained.clear();
        self.new_inodes.clear();
        self.relinked.clear();
        self.edges.clear();
        if self.has_pending() {
            self.attempt(&mut |fs| fs.free_pending().and_then(|()| fs.store_groups()))?;
            // No pointer on the device leads to these any more.
            let size = self.sb.block_size as u64;
            for (start, len) in self.pending_blocks.drain(..) {
                self.cache.device.discard(u64::from(start) * size, u64::from(len) * size);
            }
            self.pending_inodes.clear();
            self.pending_attributes.clear();
            let blocks = self.cache.dirty_blocks(Role::Bitmap);
            self.cache.write(&blocks)?;
        }
        self.write_super(!self.interrupted)?;
        self.is_marked_clean = !self.interrupted;
        self.cache.flush()
    }

    /// Whether nothing waits to be written.
    pub fn is_clean(&self) -> bool {
        self.read_only
            || self.cache.is_clean()
                && !self.has_pending()
                && (self.is_marked_clean || self.interrupted)
    }

    /// Writes everything, and gives the device back.
    pub fn unmount(mut self) -> core::result::Result<D, Box<(Error, Ext2<D>)>> {
        match self.finish() {
            Ok(()) => Ok(self.cache.device),
            Err(error) => Err(Box::new((error, self))),
        }
    }

    /// Writes everything for the last time: nothing is held any more.
    pub fn finish(&mut self) -> Result<()> {
        self.held.clear();
        self.sync()
    }

    /// Sees to it that not too much waits in memory.
    pub(super) fn make_room(&mut self) -> Result<()> {
        if self.pending_blocks.len() > PENDING_MAX {
            return self.sync();
        }
        if self.cache.dirty_bytes() > self.dirty_bytes {
            // Content may go at any time: no pointer on the device leads to what is new.
            let blocks = self.cache.dirty_blocks(Role::Data);
            self.cache.write(&blocks)?;
        }
        if self.cache.dirty_bytes() > self.dirty_bytes / 2 { self.sync() } else { Ok(()) }
    }

    /// Inodes as they may be while directories still have names that are gone.
    fn write_inodes(&mut self) -> Result<()> {
        let dirty = self.cache.dirty_blocks(Role::Inodes);
        let mut retained: Vec<(u32, usize, Ino)> = Vec::new();
        for &ino in self.retained.keys() {
            let (block, at) = self.inode_place(ino);
            retained.push((block, at, ino));
        }
        retained.sort_unstable();
        let mut plain = Vec::new();
        for block in dirty {
            let from = retained.partition_point(|row| row.0 < block);
            let here = retained[from..].iter().take_while(|row| row.0 == block);
            let mut bytes: Option<Vec<u8>> = None;
            for &(_, at, ino) in here {
                let bytes = match &mut bytes {
                    Some(bytes) => bytes,
                    none => none.insert(self.cache.get(block)?.to_vec()),
                };
                let old = &self.retained[&ino];
                bytes[at..at + old.len()].copy_from_slice(old);
            }
            match bytes {
                Some(bytes) => self.cache.write_instead(block, &bytes)?,
                None => plain.push(block),
            }
        }
        self.cache.write(&plain)
    }

    fn write_super(&mut self, clean: bool) -> Result<()> {
        self.sb.state =
            if clean { self.sb.state | STATE_CLEAN } else { self.sb.state & !STATE_CLEAN };
        self.sb.write_time = self.now.seconds as u32;
        self.sb.write(&mut self.raw_super);
        self.cache.device.write_at(SUPERBLOCK, &self.raw_super)?;
        self.cache.has_written();
        Ok(())
    }

    /// Puts the groups' counters into the blocks of descriptors.
    fn store_groups(&mut self) -> Result<()> {
        let per_block = self.sb.block_size / DESCRIPTOR;
        for number in 0..self.groups.len() {
            let block = self.sb.first_block + 1 + (number / per_block) as u32;
            let at = number % per_block * DESCRIPTOR;
            let mut raw = [0; DESCRIPTOR];
            raw.copy_from_slice(&self.cache.get(block)?[at..at + DESCRIPTOR]);
            let old = raw;
            self.groups[number].write(&mut raw);
            if raw != old {
                let bytes = self.cache.modify(block, Role::Bitmap)?;
                bytes[at..at + DESCRIPTOR].copy_from_slice(&raw);
            }
        }
        Ok(())
    }

    /// Links inodes that are held without a name, through their times of deletion.
    fn chain_orphans(&mut self) -> Result<()> {
        let list: Vec<Ino> = self.orphans.iter().copied().collect();
        let mut next = 0;
        for ino in list {
            let (block, at) = self.inode_place(ino);
            if super::bytes::get32(self.cache.get(block)?, at + 20) != next {
                put32(self.cache.modify(block, Role::Inodes)?, at + 20, next);
            }
            next = ino;
        }
        self.sb.last_orphan = next;
        Ok(())
    }

    /// Frees files that have neither a name nor a holder. What fails is tried again later.
    pub fn reap(&mut self) {
        if self.read_only {
            return;
        }
        let list: Vec<Ino> =
            self.orphans.iter().copied().filter(|ino| !self.held.contains_key(ino)).collect();
        for ino in list {
            let result = self.attempt(&mut |fs| {
                let mut inode = fs.inode(ino)?;
                fs.destroy(&mut inode)
            });
            // What is damaged is left to e2fsck; it must not be met at each call.
            if let Err(Error::Corrupt { .. }) = result {
                self.orphans.remove(&ino);
            }
        }
    }

    /// Takes over the list of orphans that the image has.
    pub(super) fn find_orphans(&mut self) -> Result<()> {
        let mut ino = self.sb.last_orphan;
        let mut found = alloc::collections::BTreeSet::new();
        while ino != 0 && ino <= self.sb.inodes && ino >= self.sb.first_inode {
            let (block, at) = self.inode_place(ino);
            let raw = &self.cache.get(block)?[at..];
            let (links, next) = (super::bytes::get16(raw, 26), super::bytes::get32(raw, 20));
            // A damaged list ends where it would repeat itself, or leads to a file.
            if links != 0 || !found.insert(ino) {
                break;
            }
            ino = next;
        }
        self.orphans = found;
        Ok(())
    }

    /// A name of a file that was there at the last sync comes into a block: all but those that
    /// are new since then.
    pub(super) fn name_gained(&mut self, ino: Ino, block: u32) -> Result<()> {
        if self.new_inodes.contains(&ino) {
            return Ok(());
        }
        if self.relinked.insert(ino) {
            self.undo.push(Undo::Relinked(ino));
        }
        if let Some(old) = self.retained.get_mut(&ino) {
            let links = super::bytes::get16(old, 26);
            super::bytes::put16(old, 26, links.saturating_add(1));
        }
        if self.cache.is_new(block) { Ok(()) } else { self.edge(block, Edge::Gained) }
    }

    /// A name of a file goes from a block, and the file has others.
    pub(super) fn name_lost(&mut self, ino: Ino, block: u32) -> Result<()> {
        let matters = self.relinked.contains(&ino) && !self.cache.is_new(block);
        if matters { self.edge(block, Edge::Lost) } else { Ok(()) }
    }

    fn edge(&mut self, block: u32, edge: Edge) -> Result<()> {
        let old = self.edges.get(&block).copied();
        if old.is_some_and(|old| old != edge) {
            self.conflict = true;
            return Err(Error::Busy);
        }
        self.edges.insert(block, edge);
        self.undo.push(Undo::Edge(block, old));
        Ok(())
    }

    /// Keeps the slot of an inode that is about to lose a name.
    pub(super) fn retain(&mut self, ino: Ino) -> Result<()> {
        if self.new_inodes.contains(&ino) || self.retained.contains_key(&ino) {
            return Ok(());
        }
        let (block, at) = self.inode_place(ino);
        let raw = self.cache.get(block)?[at..at + self.sb.inode_size].to_vec();
        self.retained.insert(ino, raw);
        self.undo.push(Undo::Retained(ino));
        Ok(())
    }
}
