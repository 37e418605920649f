//! Where names are in large directories, in memory: for each name the block that has it, and
//! for each block how much room it has. It is made by reading the directory once; small
//! directories are searched.

use super::cache::Numbers;
use super::directory::{hash, room, visit_block};
use super::inode::Inode;
use super::{Ext2, Ino};
use crate::{Device, Error, Result};
use alloc::vec::Vec;
use hashbrown::HashMap;

/// Directories of fewer blocks are searched.
const SMALLEST: u64 = 4;
/// Most names of all directories together.
const NAMES_MAX: usize = 1 << 20;
/// Most directories.
const LIST_MAX: usize = 32;
/// Several names have this hash.
pub(super) const SEVERAL: u32 = u32::MAX;

/// The directories that were used lately, the last one at the end.
#[derive(Debug, Default)]
pub(super) struct Indexes(Vec<Index>);

#[derive(Debug)]
pub(super) struct Index {
    directory: Ino,
    /// The block in the file by hash of the name.
    pub names: HashMap<u64, u32, Numbers>,
    /// The largest entry that fits, for each block.
    pub room: Vec<u16>,
}

impl Index {
    pub fn add(&mut self, name: &[u8], number: u32) {
        self.names
            .entry(hash(name))
            .and_modify(|place| *place = if *place == number { number } else { SEVERAL })
            .or_insert(number);
    }

    /// The block may have another name of this hash; then nothing is forgotten.
    pub fn remove(&mut self, name: &[u8], block: &[u8]) {
        let key = hash(name);
        let mut others = false;
        visit_block(block, &mut |entry| others |= entry.ino != 0 && hash(entry.name) == key);
        if !others && self.names.get(&key) != Some(&SEVERAL) {
            self.names.remove(&key);
        }
    }
}

impl Indexes {
    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn forget(&mut self, directory: Ino) {
        self.0.retain(|index| index.directory != directory);
    }

    /// The index of a directory, if there is one.
    pub fn get(&mut self, directory: Ino) -> Option<&mut Index> {
        let at = self.0.iter().rposition(|index| index.directory == directory)?;
        let last = self.0.len() - 1;
        self.0.swap(at, last);
        self.0.last_mut()
    }

    fn put(&mut self, index: Index) {
        self.0.push(index);
        let count = |list: &[Index]| list.iter().map(|index| index.names.len()).sum::<usize>();
        while self.0.len() > LIST_MAX || self.0.len() > 1 && count(&self.0) > NAMES_MAX {
            self.0.remove(0);
        }
    }
}

impl<D: Device> Ext2<D> {
    /// Makes the index of a directory, if it is large and there is none.
    pub(super) fn make_index(&mut self, inode: &Inode) -> Result<()> {
        let (ino, size) = (inode.attr.ino, self.sb.block_size as u64);
        let blocks = inode.attr.size / size;
        if blocks < SMALLEST || self.indexes.get(ino).is_some() {
            return Ok(());
        }
        let mut index =
            Index { directory: ino, names: HashMap::with_hasher(Numbers), room: Vec::new() };
        for number in 0..blocks {
            let block = self.directory_block(inode, number)?;
            let bytes = self.cache.get(block)?;
            let mut list = Vec::new();
            let sound = visit_block(bytes, &mut |entry| {
                if entry.ino != 0 {
                    list.push(hash(entry.name));
                }
            });
            if !sound {
                return Err(Error::Corrupt { what: "entries of directory", at: ino.into() });
            }
            index.room.push(room(bytes));
            if index.names.len() > NAMES_MAX {
                return Ok(());
            }
            for key in list {
                let number = number as u32;
                index
                    .names
                    .entry(key)
                    .and_modify(|place| *place = if *place == number { number } else { SEVERAL })
                    .or_insert(number);
            }
        }
        self.indexes.put(index);
        Ok(())
    }
}
