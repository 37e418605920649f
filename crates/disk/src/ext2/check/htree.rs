//! Trees of names (`dir_index`): which block of a directory has names of which hashes. Here only
//! their form is checked, and that each block of names is in the tree once.

use super::super::Ino;
use super::super::bytes::{get16, get32};
use super::{Check, Place};
use crate::{Device, Result};
use alloc::vec;
use alloc::vec::Vec;

/// Where the root has its information, behind `.` and `..`.
const INFO: usize = 24;
/// Where entries are in the root, and in other tables.
const IN_ROOT: usize = 32;
const IN_TABLE: usize = 8;
/// Hashes: legacy, half MD4, TEA.
const HASHES: u8 = 3;
/// Tables below the root.
const LEVELS: u8 = 1;

impl<D: Device> Check<'_, D> {
    pub(super) fn tree_of_names(&mut self, ino: Ino, blocks: &[(u64, u32)]) -> Result<()> {
        let Some(what) = self.fault_of_tree(blocks)? else { return Ok(()) };
        self.report(Place::Inode(ino), what);
        Ok(())
    }

    /// What is wrong with a tree.
    fn fault_of_tree(&mut self, blocks: &[(u64, u32)]) -> Result<Option<&'static str>> {
        let Some(&(0, root)) = blocks.first() else {
            return Ok(Some("a tree of names without a root"));
        };
        let root = self.cache.get(root)?.to_vec();
        let levels = root[INFO + 6];
        let sound = get32(&root, INFO) == 0
            && root[INFO + 4] < HASHES
            && root[INFO + 5] == 8
            && levels <= LEVELS;
        if !sound {
            return Ok(Some("a tree of names with a damaged root"));
        }
        let mut used = vec![false; blocks.len()];
        used[0] = true;
        let Some(mut open) = children(&root, IN_ROOT, &mut used) else {
            return Ok(Some("a tree of names with a damaged root"));
        };
        for _ in 0..levels {
            let mut next = Vec::new();
            for number in open {
                let table = self.cache.get(blocks[number].1)?.to_vec();
                let whole = get32(&table, 0) == 0 && usize::from(get16(&table, 4)) == table.len();
                match children(&table, IN_TABLE, &mut used).filter(|_| whole) {
                    Some(list) => next.extend(list),
                    None => return Ok(Some("a tree of names with a damaged table")),
                }
            }
            open = next;
        }
        if used.contains(&false) {
            return Ok(Some("a tree of names that leaves blocks out"));
        }
        Ok(None)
    }
}

/// Blocks that a table leads to; none if it is not sound, or leads to one a second time.
fn children(table: &[u8], at: usize, used: &mut [bool]) -> Option<Vec<usize>> {
    let most = (table.len() - at) / 8;
    let (limit, count) = (usize::from(get16(table, at)), usize::from(get16(table, at + 2)));
    if limit != most || count == 0 || count > limit {
        return None;
    }
    let mut list = Vec::new();
    let mut last = 0;
    for index in 0..count {
        let place = at + index * 8;
        // The first has no hash: there the numbers are.
        let hash = if index == 0 { 0 } else { get32(table, place) };
        let number = (get32(table, place + 4) & 0x0fff_ffff) as usize;
        let is_used = used.get_mut(number)?;
        if hash < last || core::mem::replace(is_used, true) {
            return None;
        }
        last = hash;
        list.push(number);
    }
    Some(list)
}
