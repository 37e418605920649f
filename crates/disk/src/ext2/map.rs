//! From a block's number in a file to its place on the device, and new places for holes.

use super::bytes::{get32, put32};
use super::cache::Role;
use super::inode::Inode;
use super::{Ext2, layout};
use crate::{Device, Error, Result};

impl<D: Device> Ext2<D> {
    /// The place of block `number` of a file, 0 for a hole, and how many blocks from there
    /// on (at most `max`) follow each other on the device, or are a hole.
    pub(super) fn run(&mut self, inode: &Inode, number: u64, max: u64) -> Result<(u32, u64)> {
        let per_block = self.sb.pointers();
        if number < 12 {
            let list = &inode.pointers[number as usize * 4..48];
            return self.count(inode, list.chunks_exact(4).map(|p| get32(p, 0)), max);
        }
        // Which tree, and where in it.
        let (mut at, mut depth, mut span) = (number - 12, 1, 1);
        while at >= span * per_block {
            at -= span * per_block;
            (depth, span) = (depth + 1, span * per_block);
            if depth > 3 {
                return Err(Error::FileTooLarge);
            }
        }
        let mut block = inode.pointer(11 + depth);
        loop {
            if block == 0 {
                return Ok((0, (span * per_block - at).min(max)));
            }
            self.check(inode, block)?;
            let index = (at / span) as usize;
            if span == 1 {
                let mut list = [0; 256];
                let pointers = &self.cache.get(block)?[index * 4..];
                let count = (pointers.len() / 4).min(list.len());
                for (place, pointer) in list[..count].iter_mut().zip(pointers.chunks_exact(4)) {
                    *place = get32(pointer, 0);
                }
                return self.count(inode, list[..count].iter().copied(), max);
            }
            block = get32(self.cache.get(block)?, index * 4);
            at %= span;
            span /= per_block;
        }
    }

    /// The place of block `number` of a file; one near `goal` is taken if it was a hole. The
    /// flag says so: what is in it is then not the file's.
    pub(super) fn map(&mut self, inode: &mut Inode, number: u64, goal: u32) -> Result<(u32, bool)> {
        let per_block = self.sb.pointers();
        if number < 12 {
            let block = inode.pointer(number as usize);
            if block != 0 {
                return self.check(inode, block).map(|()| (block, false));
            }
            let block = self.take(inode, goal)?;
            inode.set_pointer(number as usize, block);
            return Ok((block, true));
        }
        let (mut at, mut depth, mut span) = (number - 12, 1, 1);
        while at >= span * per_block {
            at -= span * per_block;
            (depth, span) = (depth + 1, span * per_block);
            if depth > 3 {
                return Err(Error::FileTooLarge);
            }
        }
        let mut table = inode.pointer(11 + depth);
        if table == 0 {
            table = self.take(inode, goal)?;
            self.cache.fresh(table, Role::Data);
            inode.set_pointer(11 + depth, table);
        }
        loop {
            self.check(inode, table)?;
            let index = (at / span) as usize * 4;
            let mut block = get32(self.cache.get(table)?, index);
            let is_hole = block == 0;
            if is_hole {
                block = self.take(inode, goal.max(table))?;
                if span > 1 {
                    self.cache.fresh(block, Role::Data);
                }
                put32(self.cache.modify(table, Role::Pointers)?, index, block);
            }
            if span == 1 {
                return self.check(inode, block).map(|()| (block, is_hole));
            }
            table = block;
            at %= span;
            span /= per_block;
        }
    }

    fn take(&mut self, inode: &mut Inode, goal: u32) -> Result<u32> {
        let block = self.allocate_block(goal)?;
        inode.attr.blocks += self.sb.block_size as u64 / 512;
        Ok(block)
    }

    fn count(
        &self,
        inode: &Inode,
        mut list: impl Iterator<Item = u32>,
        max: u64,
    ) -> Result<(u32, u64)> {
        let first = list.next().unwrap_or(0);
        if first != 0 {
            self.check(inode, first)?;
        }
        let mut count = 1;
        for next in list.take(max.saturating_sub(1) as usize) {
            let expected = if first == 0 { Some(0) } else { first.checked_add(count) };
            if Some(next) != expected || next != 0 && self.check(inode, next).is_err() {
                break;
            }
            count += 1;
        }
        Ok((first, count.into()))
    }

    /// A file's block is a block, and not one that holds tables.
    pub(super) fn check(&self, inode: &Inode, block: u32) -> Result<()> {
        if block <= self.sb.first_block
            || block >= self.sb.blocks
            || layout::is_metadata(&self.sb, &self.groups, block)
        {
            return Err(Error::Corrupt {
                what: "pointer to a block in inode",
                at: inode.attr.ino.into(),
            });
        }
        Ok(())
    }
}
