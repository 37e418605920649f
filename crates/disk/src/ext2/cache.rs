//! Blocks in memory: those that were read lately, and those that were changed and wait
//! for a sync. During an operation the first change of a block saves what it was, so that
//! an operation that fails, `NotReady` included, leaves nothing behind.

use crate::{Device, Error, Result};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hasher};
use hashbrown::HashMap;

/// What a changed block is: a sync writes in this order (see `sync.rs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Content of files, attributes, and blocks that are new in a directory.
    Data,
    /// Pointers to blocks.
    Pointers,
    /// A part of an inode table.
    Inodes,
    /// A block of a directory that was there at the last sync.
    Directory,
    /// Which blocks or inodes are free.
    Bitmap,
}

/// The blocks.
#[derive(Debug)]
pub(super) struct Cache<D> {
    pub device: D,
    block_size: usize,
    slots: HashMap<u32, Slot, Numbers>,
    /// Numbers for the clock that chooses what goes; stale ones are swept out in passing.
    ring: Vec<u32>,
    hand: usize,
    capacity: usize,
    dirty: usize,
    operation: u64,
    saved: Vec<(u32, Option<Before>)>,
    /// Something was written that no flush has followed.
    pub unflushed: bool,
    /// Something was written that neither a barrier nor a flush has followed.
    pub unordered: bool,
}

/// What a block was before the operation: its content, and how it waited.
type Before = (Box<[u8]>, Option<Role>);

#[derive(Debug)]
struct Slot {
    data: Box<[u8]>,
    dirty: Option<Role>,
    used: bool,
    saved_in: u64,
}

/// Most bytes of one write.
const RUN: usize = 1 << 18;

impl<D: Device> Cache<D> {
    pub fn new(device: D, block_size: usize, bytes: usize) -> Cache<D> {
        Cache {
            device,
            block_size,
            slots: HashMap::with_hasher(Numbers),
            ring: Vec::new(),
            hand: 0,
            capacity: (bytes / block_size).max(64),
            dirty: 0,
            operation: 1,
            saved: Vec::new(),
            unflushed: false,
            unordered: false,
        }
    }

    /// Bytes of blocks that wait for a sync.
    pub fn dirty_bytes(&self) -> usize {
        self.dirty * self.block_size
    }

    /// A block that waits for a sync: the device has something else.
    pub fn changed(&self, block: u32) -> Option<&[u8]> {
        let slot = self.slots.get(&block)?;
        slot.dirty.map(|_| &*slot.data)
    }

    /// Whether nothing waits for a sync.
    pub fn is_clean(&self) -> bool {
        self.dirty == 0 && !self.unflushed
    }

    /// Whether a block waits to be written.
    pub fn has_dirty(&self) -> bool {
        self.dirty != 0
    }

    /// A block.
    pub fn get(&mut self, block: u32) -> Result<&[u8]> {
        Ok(&*self.slot(block)?.data)
    }

    /// A block, to be changed.
    pub fn modify(&mut self, block: u32, role: Role) -> Result<&mut [u8]> {
        let operation = self.operation;
        let slot = self.slot(block)?;
        let before = (slot.saved_in != operation).then(|| (slot.data.clone(), slot.dirty));
        slot.saved_in = operation;
        let was_clean = slot.dirty.is_none();
        // What is new stays new: it is not in its place on the device yet.
        slot.dirty = slot.dirty.or(Some(role));
        if let Some(before) = before {
            self.saved.push((block, Some(before)));
        }
        self.dirty += usize::from(was_clean);
        Ok(&mut self.slots.get_mut(&block).expect("it was just found").data)
    }

    /// A block whose old content does not matter: all zero.
    pub fn fresh(&mut self, block: u32, role: Role) -> &mut [u8] {
        self.replace(block, role, vec![0; self.block_size].into())
    }

    /// A block with all of its content.
    pub fn replace(&mut self, block: u32, role: Role, data: Box<[u8]>) -> &mut [u8] {
        let new = Slot { data, dirty: Some(role), used: true, saved_in: self.operation };
        let before = match self.slots.insert(block, new) {
            Some(old) => {
                self.dirty += usize::from(old.dirty.is_none());
                (old.saved_in != self.operation).then_some(Some((old.data, old.dirty)))
            }
            None => {
                self.ring.push(block);
                self.dirty += 1;
                Some(None)
            }
        };
        if let Some(before) = before {
            self.saved.push((block, before));
        }
        &mut self.slots.get_mut(&block).expect("it was just inserted").data
    }

    /// What is in a block does not matter any more.
    pub fn forget(&mut self, block: u32) {
        let Some(slot) = self.slots.remove(&block) else { return };
        self.dirty -= usize::from(slot.dirty.is_some());
        if slot.saved_in != self.operation {
            self.saved.push((block, Some((slot.data, slot.dirty))));
        }
    }

    /// Whether the block is new since the last sync.
    pub fn is_new(&self, block: u32) -> bool {
        self.slots.get(&block).is_some_and(|slot| slot.dirty == Some(Role::Data))
    }

    /// Ends an operation well.
    pub fn commit(&mut self) {
        self.saved.clear();
        self.operation += 1;
        self.shrink();
    }

    /// Takes all back that the operation changed.
    pub fn roll_back(&mut self) {
        while let Some((block, before)) = self.saved.pop() {
            if let Some(slot) = self.slots.remove(&block) {
                self.dirty -= usize::from(slot.dirty.is_some());
            }
            if let Some((data, dirty)) = before {
                self.dirty += usize::from(dirty.is_some());
                self.ring.push(block);
                self.slots.insert(block, Slot { data, dirty, used: true, saved_in: 0 });
            }
        }
        self.operation += 1;
        self.shrink();
    }

    /// The changed blocks of a role, in order.
    pub fn dirty_blocks(&self, role: Role) -> Vec<u32> {
        if self.dirty == 0 {
            return Vec::new();
        }
        let waits = |entry: (&u32, &Slot)| (entry.1.dirty == Some(role)).then_some(*entry.0);
        let mut list: Vec<u32> = self.slots.iter().filter_map(waits).collect();
        list.sort_unstable();
        list
    }

    /// Writes blocks, neighbours together. They are then like on the device.
    pub fn write(&mut self, blocks: &[u32]) -> Result<()> {
        let mut run = Vec::new();
        let mut at = 0;
        while at < blocks.len() {
            run.clear();
            let first = blocks[at];
            let mut count = 0;
            while let Some(&block) = blocks.get(at + count)
                && block - first == count as u32
                && run.len() < RUN
            {
                run.extend_from_slice(self.get(block)?);
                count += 1;
            }
            self.device.write_at(u64::from(first) * self.block_size as u64, &run)?;
            self.has_written();
            for block in &blocks[at..at + count] {
                if let Some(slot) = self.slots.get_mut(block) {
                    self.dirty -= usize::from(slot.dirty.take().is_some());
                }
            }
            at += count;
        }
        Ok(())
    }

    /// Writes other bytes in place of a block's, which stays changed.
    pub fn write_instead(&mut self, block: u32, bytes: &[u8]) -> Result<()> {
        self.device.write_at(u64::from(block) * self.block_size as u64, bytes)?;
        self.has_written();
        Ok(())
    }

    /// Notes that the device has something new.
    pub fn has_written(&mut self) {
        (self.unflushed, self.unordered) = (true, true);
    }

    /// Puts what was written before what will be.
    pub fn barrier(&mut self) -> Result<()> {
        if self.unordered {
            self.device.barrier()?;
            self.unordered = false;
        }
        Ok(())
    }

    /// Makes what was written safe.
    pub fn flush(&mut self) -> Result<()> {
        if self.unflushed {
            self.device.flush()?;
            (self.unflushed, self.unordered) = (false, false);
        }
        Ok(())
    }

    fn slot(&mut self, block: u32) -> Result<&mut Slot> {
        if !self.slots.contains_key(&block) {
            let mut data = vec![0; self.block_size].into_boxed_slice();
            self.device.read_at(u64::from(block) * self.block_size as u64, &mut data)?;
            self.shrink();
            self.ring.push(block);
            self.slots.insert(block, Slot { data, dirty: None, used: true, saved_in: 0 });
        }
        let slot = self.slots.get_mut(&block).ok_or(Error::Io)?;
        slot.used = true;
        Ok(slot)
    }

    /// Lets blocks go until there is room for one more. Changed ones stay, so there may
    /// be more for a while; how many is bounded by who changes them.
    fn shrink(&mut self) {
        let mut tries = self.ring.len().min(256) * 2;
        while self.slots.len() >= self.capacity.max(self.dirty + 64) && tries > 0 {
            tries -= 1;
            self.hand = if self.hand + 1 < self.ring.len() { self.hand + 1 } else { 0 };
            let Some(&block) = self.ring.get(self.hand) else { return };
            match self.slots.get_mut(&block) {
                Some(slot) if slot.dirty.is_some() => continue,
                Some(slot) if slot.used => {
                    slot.used = false;
                    continue;
                }
                Some(_) => drop(self.slots.remove(&block)),
                None => {}
            }
            self.ring.swap_remove(self.hand);
        }
        if self.ring.len() > 2 * self.slots.len() + 1024 {
            self.ring = self.slots.keys().copied().collect();
        }
    }
}

/// A hash for numbers of blocks and hashes of names: they are spread already, and an image
/// that makes some collide slows only itself down.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Numbers;

pub(super) struct NumberHasher(u64);

impl BuildHasher for Numbers {
    type Hasher = NumberHasher;

    fn build_hasher(&self) -> NumberHasher {
        NumberHasher(0)
    }
}

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }
}
