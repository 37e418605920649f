//! A consistency check that changes nothing: what `e2fsck -fn` looks for, on images that may be
//! damaged in any way.
//!
//! In order, as there: the superblock and the groups; all inodes with the blocks that they have
//! (`inodes.rs`, `blocks.rs`); names in directories (`names.rs`, `htree.rs`), and whether all
//! directories hang together; numbers of names, and bitmaps and counters (`counts.rs`). Not looked
//! at: copies of superblock and descriptors, and whether the hashes of a tree of names are those
//! of the names in its leaves.
//!
//! No step repeats itself on what an image says: a block that somebody has already is not entered
//! again, so time and memory are bounded by the image's size.

mod blocks;
mod counts;
mod htree;
mod inodes;
mod names;
mod set;

use super::cache::Cache;
use super::layout::{self, DESCRIPTOR, Group, SUPERBLOCK, SUPERBLOCK_LEN, Super};
use super::{Ino, Kind};
use crate::{Device, Error, Result};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use set::Set;

/// Bytes of blocks that are kept in memory.
const CACHE: usize = 8 << 20;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub what: String,
}

/// Where something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The superblock, or the whole.
    Superblock,
    /// A group of blocks, by number.
    Group(u32),
    /// An inode.
    Inode(Ino),
    /// A name in a directory.
    Name(Ino, Vec<u8>),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Superblock => write!(f, "superblock: {}", self.what),
            Place::Group(group) => write!(f, "group {group}: {}", self.what),
            Place::Inode(ino) => write!(f, "inode {ino}: {}", self.what),
            Place::Name(directory, name) => {
                let name = String::from_utf8_lossy(name);
                write!(f, "directory {directory}, name {name:?}: {}", self.what)
            }
        }
    }
}

/// What an image has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many things are wrong.
    pub findings: u64,
    /// Inodes that are in use, those for the file system's own purposes among them.
    pub inodes_used: u32,
    /// All inodes.
    pub inodes: u32,
    /// Blocks that are in use.
    pub blocks_used: u32,
    /// All blocks.
    pub blocks: u32,
}

/// Checks the image on a device, and calls `found` for each thing that is wrong.
///
/// # Errors
/// `Unsupported` for what is no ext2 or has unknown features, those of the device; after
/// `NotReady` the whole is done again.
pub fn check<D: Device>(mut device: D, found: &mut dyn FnMut(Finding)) -> Result<Summary> {
    if device.size() < SUPERBLOCK + SUPERBLOCK_LEN as u64 {
        return Err(Error::Unsupported("an image without an ext2 superblock"));
    }
    let mut raw = [0; SUPERBLOCK_LEN];
    device.read_at(SUPERBLOCK, &mut raw)?;
    let mut findings = 0;
    let mut report = |place, what| {
        findings += 1;
        found(Finding { place, what });
    };
    let sb = match Super::read(&raw, device.size(), false) {
        Ok(sb) => sb,
        // Nothing else means anything then.
        Err(Error::Corrupt { what, .. }) => {
            report(Place::Superblock, what.trim_start_matches("superblock: ").to_string());
            return Ok(Summary { findings, ..Summary::default() });
        }
        Err(error) => return Err(error),
    };
    let mut raw = vec![0; sb.groups() as usize * DESCRIPTOR];
    device.read_at(u64::from(sb.first_block + 1) * sb.block_size as u64, &mut raw)?;
    let groups: Vec<Group> = raw.chunks_exact(DESCRIPTOR).map(Group::read).collect();
    for (number, group) in (0..).zip(&groups) {
        if !group.fits(&sb, number) {
            let what = "the descriptor has tables outside the group, or one in another";
            report(Place::Group(number), what.to_string());
        }
    }
    if findings != 0 {
        return Ok(Summary { findings, ..Summary::default() });
    }
    let mut check = Check {
        cache: Cache::new(device, sb.block_size, CACHE),
        sb,
        groups,
        found,
        findings,
        blocks: Set::new(),
        inodes: BTreeMap::new(),
        directories: BTreeMap::new(),
        attributes: BTreeMap::new(),
    };
    check.all_inodes()?;
    check.all_names()?;
    check.all_counts()
}

struct Check<'a, D> {
    cache: Cache<D>,
    sb: Super,
    groups: Vec<Group>,
    found: &'a mut dyn FnMut(Finding),
    findings: u64,
    /// Blocks that somebody has, without the tables.
    blocks: Set,
    /// Inodes that are in use.
    inodes: BTreeMap<Ino, Seen>,
    directories: BTreeMap<Ino, Directory>,
    /// Blocks of attributes: how many inodes have each.
    attributes: BTreeMap<u32, u32>,
}

/// An inode that is in use.
struct Seen {
    kind: Kind,
    /// Names, as the inode says.
    links: u32,
    /// Names that were found.
    names: u32,
    /// It needs no name: one of the first inodes, or it was removed while it was in use.
    is_nameless: bool,
}

/// A directory.
struct Directory {
    /// Its blocks, by number in it.
    blocks: Vec<(u64, u32)>,
    is_indexed: bool,
    /// The directory that has its name, and the one that its `..` says.
    parent: Option<Ino>,
    up: Option<Ino>,
}

impl<D: Device> Check<'_, D> {
    fn report(&mut self, place: Place, what: impl Into<String>) {
        self.findings += 1;
        (self.found)(Finding { place, what: what.into() });
    }

    /// Whether a number is that of a block which is no table's.
    fn is_data(&self, block: u32) -> bool {
        block > self.sb.first_block
            && block < self.sb.blocks
            && !layout::is_metadata(&self.sb, &self.groups, block)
    }
}

/// Numbers in ranges, the first few.
fn ranges(numbers: &[u32]) -> String {
    let mut text = String::new();
    let mut rest = numbers;
    let mut shown = 0;
    while let Some(&first) = rest.first() {
        let count = rest.iter().zip(first..).take_while(|(a, b)| **a == *b).count();
        if !text.is_empty() {
            text.push_str(", ");
        }
        if shown == 4 {
            text.push('…');
            break;
        }
        shown += 1;
        let last = first + (count as u32 - 1);
        text.push_str(&match last == first {
            true => alloc::format!("{first}"),
            false => alloc::format!("{first}-{last}"),
        });
        rest = &rest[count..];
    }
    text
}
