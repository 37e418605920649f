//! What was found, compared with what the image says of it: names of inodes, users of attributes,
//! bitmaps, and the counters of what is free.

use super::super::bytes::get32;
use super::super::{Kind, layout};
use super::{Check, Place, Summary, ranges};
use crate::{Device, Result};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// Most numbers that are remembered for a message.
const NUMBERS: usize = 1000;

/// Numbers that are marked as in use or free, and are the other.
#[derive(Default)]
struct Differences {
    marked_free: Vec<u32>,
    marked_used: Vec<u32>,
}

impl Differences {
    fn compare(&mut self, number: u32, is_used: bool, is_marked: bool) {
        let list = match (is_used, is_marked) {
            (true, false) => &mut self.marked_free,
            (false, true) => &mut self.marked_used,
            _ => return,
        };
        if list.len() < NUMBERS {
            list.push(number);
        }
    }

    /// Sentences about them.
    fn texts(&self, things: &str) -> impl Iterator<Item = String> {
        let text = |list: &[u32], how: &str| {
            (!list.is_empty()).then(|| format!("{things} {how}: {}", ranges(list)))
        };
        let free = text(&self.marked_free, "are marked as free, but in use");
        free.into_iter().chain(text(&self.marked_used, "are marked as in use, but free"))
    }
}

impl<D: Device> Check<'_, D> {
    pub(super) fn all_counts(&mut self) -> Result<Summary> {
        self.links();
        self.users_of_attributes()?;
        let mut directories = vec![0_u32; self.groups.len()];
        for (&ino, seen) in &self.inodes {
            if seen.kind == Kind::Directory {
                directories[self.sb.group_of_inode(ino) as usize] += 1;
            }
        }
        let (mut free_blocks, mut free_inodes) = (0, 0);
        for number in 0..self.sb.groups() {
            let group = self.groups[number as usize];
            let blocks = self.blocks_of(number)?;
            let inodes = self.inodes_of(number)?;
            free_blocks += blocks;
            free_inodes += inodes;
            for (what, says, counted) in [
                ("free blocks", u32::from(group.free_blocks), blocks),
                ("free inodes", u32::from(group.free_inodes), inodes),
                ("directories", u32::from(group.directories), directories[number as usize]),
            ] {
                if says != counted {
                    let what = format!("has {counted} {what}, but says {says}");
                    self.report(Place::Group(number), what);
                }
            }
        }
        for (what, says, counted) in [
            ("free blocks", self.sb.free_blocks, free_blocks),
            ("free inodes", self.sb.free_inodes, free_inodes),
        ] {
            if says != counted {
                let what = format!("there are {counted} {what}, but it says {says}");
                self.report(Place::Superblock, what);
            }
        }
        Ok(Summary {
            findings: self.findings,
            inodes_used: self.sb.inodes - free_inodes,
            inodes: self.sb.inodes,
            blocks_used: self.sb.blocks - free_blocks,
            blocks: self.sb.blocks,
        })
    }

    fn links(&mut self) {
        let mut wrong = Vec::new();
        for (&ino, seen) in self.inodes.iter().filter(|(_, seen)| !seen.is_nameless) {
            if seen.names == 0 {
                wrong.push((ino, "is in use, but has no name".into()));
            } else if seen.names != seen.links {
                let what = format!("has {} names, but says {}", seen.names, seen.links);
                wrong.push((ino, what));
            }
        }
        for (ino, what) in wrong {
            self.report(Place::Inode(ino), what);
        }
    }

    fn users_of_attributes(&mut self) -> Result<()> {
        for (block, users) in core::mem::take(&mut self.attributes) {
            let says = get32(self.cache.get(block)?, 4);
            if says != users {
                let what =
                    format!("attributes in block {block} have {users} users, but say {says}");
                self.report(Place::Superblock, what);
            }
        }
        Ok(())
    }

    /// Compares a group's bitmap of blocks; how many are free.
    fn blocks_of(&mut self, group: u32) -> Result<u32> {
        let (start, len) = (self.sb.group_start(group), self.sb.group_len(group));
        let bitmap = self.cache.get(self.groups[group as usize].block_bitmap)?.to_vec();
        let (mut differences, mut free) = (Differences::default(), 0);
        for bit in 0..len {
            let block = start + bit;
            let is_used =
                self.blocks.contains(block) || layout::is_metadata(&self.sb, &self.groups, block);
            free += u32::from(!is_used);
            differences.compare(block, is_used, is_set(&bitmap, bit));
        }
        self.tell(group, &differences, "blocks", &bitmap, len);
        Ok(free)
    }

    /// Compares a group's bitmap of inodes; how many are free.
    fn inodes_of(&mut self, group: u32) -> Result<u32> {
        let (first, len) = (group * self.sb.inodes_per_group + 1, self.sb.inodes_per_group);
        let bitmap = self.cache.get(self.groups[group as usize].inode_bitmap)?.to_vec();
        let (mut differences, mut free) = (Differences::default(), 0);
        for bit in 0..len {
            let ino = first + bit;
            let is_used = ino < self.sb.first_inode || self.inodes.contains_key(&ino);
            free += u32::from(!is_used);
            differences.compare(ino, is_used, is_set(&bitmap, bit));
        }
        self.tell(group, &differences, "inodes", &bitmap, len);
        Ok(free)
    }

    fn tell(
        &mut self,
        group: u32,
        differences: &Differences,
        things: &str,
        bitmap: &[u8],
        len: u32,
    ) {
        for text in differences.texts(things) {
            self.report(Place::Group(group), text);
        }
        // What is behind the end must never be taken.
        if (len..bitmap.len() as u32 * 8).any(|bit| !is_set(bitmap, bit)) {
            let what = format!("the bitmap of {things} goes on behind its end");
            self.report(Place::Group(group), what);
        }
    }
}

fn is_set(bitmap: &[u8], bit: u32) -> bool {
    bitmap[bit as usize / 8] >> (bit % 8) & 1 != 0
}
