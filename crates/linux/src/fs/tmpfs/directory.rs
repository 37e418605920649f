//! Entries of a directory, in the order in which they came; the key is the cookie.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;
use alloc::vec::Vec;

use super::Node;
use crate::fs::{FileType, InodeRef};

/// What an entry leads to.
pub enum Slot {
    /// A file of this file system.
    Node(Rc<Node>),
    /// A file of the one below that nobody has asked for yet.
    Lower {
        /// The number that it will have.
        ino: u64,
        /// Its type, if the lower directory told.
        kind: Option<FileType>,
    },
}

/// The directory below this one.
pub struct LowerDirectory {
    /// The directory.
    pub inode: InodeRef,
    /// All its entries have a slot.
    pub listed: bool,
    /// Names that were taken away here before they had a slot.
    gone: BTreeSet<Vec<u8>>,
}

/// A directory's entries.
pub struct Directory {
    entries: BTreeMap<u64, (Vec<u8>, Slot)>,
    names: BTreeMap<Vec<u8>, u64>,
    next: u64,
    /// What is below, if anything.
    pub lower: Option<LowerDirectory>,
}

impl Default for Directory {
    fn default() -> Directory {
        Directory { entries: BTreeMap::new(), names: BTreeMap::new(), next: 2, lower: None }
    }
}

impl Directory {
    /// An empty one over another.
    pub fn over(inode: InodeRef) -> Directory {
        let lower = LowerDirectory { inode, listed: false, gone: BTreeSet::new() };
        Directory { lower: Some(lower), ..Directory::default() }
    }

    /// The file of a name, once it was uncovered.
    pub fn get(&self, name: &[u8]) -> Option<&Rc<Node>> {
        match self.slot(name)? {
            Slot::Node(node) => Some(node),
            Slot::Lower { .. } => None,
        }
    }

    /// The slot of a name.
    pub fn slot(&self, name: &[u8]) -> Option<&Slot> {
        Some(&self.entries.get(self.names.get(name)?)?.1)
    }

    /// The lower directory to ask about a name that has no slot here.
    pub fn below(&self, name: &[u8]) -> Option<InodeRef> {
        let lower = self.lower.as_ref()?;
        let asks = match self.slot(name) {
            Some(Slot::Node(_)) => false,
            Some(Slot::Lower { .. }) => true,
            None => !lower.listed && !lower.gone.contains(name),
        };
        asks.then(|| lower.inode.clone())
    }

    /// Adds a file, or puts it into the slot that its name has.
    pub fn insert(&mut self, name: &[u8], node: Rc<Node>) {
        self.put(name, Slot::Node(node));
    }

    /// As [`Directory::insert`], for any slot.
    pub fn put(&mut self, name: &[u8], slot: Slot) {
        if let Some(key) = self.names.get(name) {
            self.entries.insert(*key, (name.to_vec(), slot));
            return;
        }
        self.entries.insert(self.next, (name.to_vec(), slot));
        self.names.insert(name.to_vec(), self.next);
        self.next += 1;
    }

    /// Takes a name away.
    pub fn remove(&mut self, name: &[u8]) -> Option<Rc<Node>> {
        if let Some(lower) = &mut self.lower
            && !lower.listed
        {
            lower.gone.insert(name.to_vec());
        }
        let key = self.names.remove(name)?;
        match self.entries.remove(&key)?.1 {
            Slot::Node(node) => Some(node),
            Slot::Lower { .. } => None,
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Entries from a cookie on.
    pub fn range(&self, from: u64) -> impl Iterator<Item = (u64, &[u8], &Slot)> {
        self.entries.range(from..).map(|(&cookie, (name, slot))| (cookie, &name[..], slot))
    }

    /// Takes all files out, so that they can be dropped one after the other.
    pub fn take_nodes(&mut self) -> impl Iterator<Item = Rc<Node>> {
        core::mem::take(&mut self.entries).into_values().filter_map(|entry| match entry.1 {
            Slot::Node(node) => Some(node),
            Slot::Lower { .. } => None,
        })
    }
}
