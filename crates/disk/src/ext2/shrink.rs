//! Giving back the blocks of files that become shorter or go.

use super::alloc::PENDING_MAX;
use super::bytes::{get32, put32};
use super::cache::Role;
use super::inode::Inode;
use super::undo::Undo;
use super::{Ext2, Ino, Kind, layout};
use crate::{Device, Error, Result};
use alloc::vec::Vec;

/// What is left of a tree of pointers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Nothing: the block of pointers is free too.
    Nothing,
    /// What shall stay.
    Wanted,
    /// More, because too many blocks wait to become free; a sync must come first.
    TooMuch,
}

impl<D: Device> Ext2<D> {
    /// Sets a regular file's size. What lies behind is a hole.
    pub fn truncate(&mut self, ino: Ino, size: u64) -> Result<()> {
        loop {
            let done = self.operation(|fs| fs.resize(ino, size))?;
            if done {
                return Ok(());
            }
            self.sync()?;
        }
    }

    /// Whether the file has the size now.
    fn resize(&mut self, ino: Ino, size: u64) -> Result<bool> {
        let mut inode = self.inode(ino)?;
        match inode.attr.kind {
            Kind::File => {}
            Kind::Directory => return Err(Error::IsDirectory),
            _ => return Err(Error::Invalid),
        }
        self.check_size(size)?;
        let block_size = self.sb.block_size as u64;
        let mut done = true;
        if size < inode.attr.size {
            done = self.cut(&mut inode, size.div_ceil(block_size))?;
            let inside = (size % block_size) as usize;
            if inside != 0 {
                let (block, _) = self.run(&inode, size / block_size, 1)?;
                if block != 0 {
                    self.cache.modify(block, Role::Data)?[inside..].fill(0);
                }
            }
        }
        if done {
            inode.attr.size = size;
        }
        (inode.attr.mtime, inode.attr.ctime) = (self.now, self.now);
        self.write_inode(&inode)?;
        Ok(done)
    }

    /// Whether a file may have this size; notes the feature that large ones need.
    pub(super) fn check_size(&mut self, size: u64) -> Result<()> {
        if size > self.sb.max_size() {
            return Err(Error::FileTooLarge);
        }
        if size >= 1 << 31 {
            if self.sb.revision == 0 {
                return Err(Error::FileTooLarge);
            }
            self.sb.ro_compat |= layout::RO_LARGE_FILE;
        }
        Ok(())
    }

    /// Frees an inode and all that it has.
    pub(super) fn destroy(&mut self, inode: &mut Inode) -> Result<()> {
        let ino = inode.attr.ino;
        if inode.has_blocks(self.sb.block_size) && !self.cut(inode, 0)? {
            // The rest goes after the next sync.
            return self.write_inode(inode);
        }
        self.drop_attributes(inode)?;
        inode.pointers = [0; 60];
        (inode.attr.blocks, inode.attr.size, inode.attr.links) = (0, 0, 0);
        self.write_inode(inode)?;
        if self.orphans.remove(&ino) {
            self.undo.push(Undo::Orphan(ino, true));
        }
        self.free_inode(ino, inode.attr.kind == Kind::Directory);
        Ok(())
    }

    /// Frees what a file has from block `keep` on; whether all of it.
    fn cut(&mut self, inode: &mut Inode, keep: u64) -> Result<bool> {
        let per_block = self.sb.pointers();
        let sectors = self.sb.block_size as u64 / 512;
        let mut all = true;
        let (mut base, mut span) = (12, per_block);
        for depth in 1..=3 {
            let root = inode.pointer(11 + depth);
            if root != 0 && keep < base + span && self.check(inode, root).is_ok() {
                let mut freed = 0;
                let left =
                    self.cut_tree(inode, root, depth, keep.saturating_sub(base), &mut freed)?;
                inode.attr.blocks = inode.attr.blocks.saturating_sub(freed * sectors);
                if left == Left::Nothing {
                    inode.set_pointer(11 + depth, 0);
                }
                all &= left != Left::TooMuch;
            }
            (base, span) = (base + span, span * per_block);
        }
        for index in keep.min(12) as usize..12 {
            let block = inode.pointer(index);
            if block != 0 && self.check(inode, block).is_ok() {
                self.free_block(block);
                inode.attr.blocks = inode.attr.blocks.saturating_sub(sectors);
            }
            inode.set_pointer(index, 0);
        }
        Ok(all)
    }

    /// Frees a tree of `depth` levels from its block `keep` on. The recursion is three deep.
    /// Pointers that lead nowhere are passed over: the file goes all the same.
    fn cut_tree(
        &mut self,
        inode: &Inode,
        table: u32,
        depth: usize,
        keep: u64,
        freed: &mut u64,
    ) -> Result<Left> {
        if self.pending_blocks.len() > PENDING_MAX {
            return Ok(Left::TooMuch);
        }
        let bytes = self.cache.get(table)?.to_vec();
        let child = self.sb.pointers().pow(depth as u32 - 1);
        let first = keep / child;
        let mut gone = Vec::new();
        let mut left = if keep == 0 { Left::Nothing } else { Left::Wanted };
        for index in (first..self.sb.pointers()).rev() {
            let block = get32(&bytes, index as usize * 4);
            if block == 0 || self.check(inode, block).is_err() {
                continue;
            }
            let rest = if index == first { keep % child } else { 0 };
            let state = if depth == 1 {
                self.free_block(block);
                *freed += 1;
                Left::Nothing
            } else {
                self.cut_tree(inode, block, depth - 1, rest, freed)?
            };
            match state {
                Left::Nothing => gone.push(index as usize * 4),
                Left::Wanted => {}
                Left::TooMuch => {
                    left = Left::TooMuch;
                    break;
                }
            }
        }
        if left == Left::Nothing {
            self.free_block(table);
            *freed += 1;
        } else if !gone.is_empty() {
            let bytes = self.cache.modify(table, Role::Pointers)?;
            for at in gone {
                put32(bytes, at, 0);
            }
        }
        Ok(left)
    }
}
