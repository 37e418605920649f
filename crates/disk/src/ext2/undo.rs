//! Operations as transactions: what one changed is taken back if it fails, `NotReady`
//! included. Blocks are the cache's business; here is what is beside them.

use super::layout::{Group, Super};
use super::{Ext2, Ino};
use crate::{Device, Error, Result};

/// A change to take back.
#[derive(Debug)]
pub(super) enum Undo {
    /// A group was this.
    Group(u32, Group),
    /// An inode came on the list of those that are held without a name, or left it.
    Orphan(Ino, bool),
    /// An inode's old slot was kept.
    Retained(Ino),
    /// An inode was made.
    New(Ino),
    /// An inode got another name.
    Relinked(Ino),
    /// How a block of a directory waits for others was this.
    Edge(u32, Option<Edge>),
}

/// Which names of older files a block of a directory lost to another, or gained from one,
/// since the last sync. It is never both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Gained,
    Lost,
}

/// Lengths of lists, and the counters, when the operation began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    pub sb: Super,
    pub blocks: usize,
    pub inodes: usize,
    pub attributes: usize,
}

impl<D: Device> Ext2<D> {
    /// Runs `work` so that it happens as a whole or not at all.
    pub(super) fn operation<R>(
        &mut self,
        mut work: impl FnMut(&mut Ext2<D>) -> Result<R>,
    ) -> Result<R> {
        if self.read_only {
            return Err(Error::ReadOnly);
        }
        self.make_room()?;
        match self.attempt(&mut work) {
            // What waits to become free may be enough; and an order of writes that cannot be
            // kept can after a sync.
            Err(Error::NoSpace) if self.has_pending() => {}
            Err(Error::Busy) if core::mem::take(&mut self.conflict) => {}
            result => return result,
        }
        self.sync()?;
        self.attempt(&mut work)
    }

    /// As `operation`, without preparations.
    pub(super) fn attempt<R>(
        &mut self,
        work: &mut dyn FnMut(&mut Ext2<D>) -> Result<R>,
    ) -> Result<R> {
        self.marks = Marks {
            sb: self.sb,
            blocks: self.pending_blocks.len(),
            inodes: self.pending_inodes.len(),
            attributes: self.pending_attributes.len(),
        };
        let result = work(self);
        match result {
            Ok(_) => {
                self.cache.commit();
                self.undo.clear();
            }
            Err(_) => self.roll_back(),
        }
        result
    }

    fn roll_back(&mut self) {
        self.cache.roll_back();
        self.indexes.clear();
        self.sb = self.marks.sb;
        self.pending_blocks.truncate(self.marks.blocks);
        self.pending_inodes.truncate(self.marks.inodes);
        self.pending_attributes.truncate(self.marks.attributes);
        while let Some(change) = self.undo.pop() {
            match change {
                Undo::Group(group, old) => self.groups[group as usize] = old,
                Undo::Orphan(ino, true) => drop(self.orphans.insert(ino)),
                Undo::Orphan(ino, false) => drop(self.orphans.remove(&ino)),
                Undo::Retained(ino) => drop(self.retained.remove(&ino)),
                Undo::New(ino) => drop(self.new_inodes.remove(&ino)),
                Undo::Relinked(ino) => drop(self.relinked.remove(&ino)),
                Undo::Edge(block, Some(edge)) => drop(self.edges.insert(block, edge)),
                Undo::Edge(block, None) => drop(self.edges.remove(&block)),
            }
        }
    }
}
