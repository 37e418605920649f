//! Which blocks a file has. Each belongs to one file.

use super::super::Ino;
use super::super::bytes::get32;
use super::{Check, Place};
use crate::{Device, Result};
use alloc::format;
use alloc::vec::Vec;

/// The blocks of a file.
#[derive(Default)]
pub(super) struct Claimed {
    /// The first of those with content, by number in the file; only ones that nobody else has.
    pub blocks: Vec<(u64, u32)>,
    /// How many there are, blocks of pointers among them.
    pub count: u64,
    /// One more than the number of the last one.
    pub end: u64,
    /// How many shall be in `blocks`.
    listed: usize,
    outside: Wrong,
    shared: Wrong,
}

/// Pointers that are wrong in the same way.
#[derive(Default)]
struct Wrong {
    first: u32,
    count: u64,
}

impl Wrong {
    fn note(&mut self, block: u32) {
        if self.count == 0 {
            self.first = block;
        }
        self.count += 1;
    }
}

impl<D: Device> Check<'_, D> {
    /// Takes all blocks that pointers lead to, and lists so many.
    pub(super) fn claim(&mut self, ino: Ino, pointers: &[u8], listed: usize) -> Result<Claimed> {
        let mut claimed = Claimed { listed, ..Claimed::default() };
        for index in 0..12 {
            self.leaf(&mut claimed, index, get32(pointers, index as usize * 4));
        }
        let mut base = 12;
        for depth in 1..=3 {
            self.tree(&mut claimed, get32(pointers, (11 + depth) * 4), depth, base)?;
            base += self.sb.pointers().pow(depth as u32);
        }
        let Claimed { outside, shared, .. } = &claimed;
        if outside.count != 0 {
            let (count, first) = (outside.count, outside.first);
            let what = format!("{count} pointers lead to blocks that are no file's, first {first}");
            self.report(Place::Inode(ino), what);
        }
        if shared.count != 0 {
            let (count, first) = (shared.count, shared.first);
            let what = format!("{count} blocks belong to another file too, first {first}");
            self.report(Place::Inode(ino), what);
        }
        Ok(claimed)
    }

    fn leaf(&mut self, claimed: &mut Claimed, number: u64, block: u32) {
        if block == 0 {
            return;
        }
        if !self.is_data(block) {
            claimed.outside.note(block);
            return;
        }
        claimed.count += 1;
        claimed.end = claimed.end.max(number + 1);
        if !self.blocks.insert(block) {
            claimed.shared.note(block);
        } else if claimed.blocks.len() < claimed.listed {
            claimed.blocks.push((number, block));
        }
    }

    /// A tree of `depth` levels, whose first block is the file's block `base`. The recursion is
    /// three deep.
    fn tree(&mut self, claimed: &mut Claimed, table: u32, depth: usize, base: u64) -> Result<()> {
        if table == 0 {
            return Ok(());
        }
        if !self.is_data(table) {
            claimed.outside.note(table);
            return Ok(());
        }
        claimed.count += 1;
        if !self.blocks.insert(table) {
            // Whoever had it first has what is below, too.
            claimed.shared.note(table);
            return Ok(());
        }
        let bytes = self.cache.get(table)?.to_vec();
        let span = self.sb.pointers().pow(depth as u32 - 1);
        for (pointer, number) in bytes.chunks_exact(4).zip((base..).step_by(span as usize)) {
            let block = get32(pointer, 0);
            if depth == 1 {
                self.leaf(claimed, number, block);
            } else {
                self.tree(claimed, block, depth - 1, number)?;
            }
        }
        Ok(())
    }
}
