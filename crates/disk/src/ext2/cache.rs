//! Blocks in memory that were read lately.

use crate::{Device, Error, Result};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hasher};
use hashbrown::HashMap;

/// The blocks.
#[derive(Debug)]
pub(super) struct Cache<D> {
    pub device: D,
    block_size: usize,
    slots: HashMap<u32, Slot, Numbers>,
    /// All numbers in `slots`, for the clock that chooses what goes.
    ring: Vec<u32>,
    hand: usize,
    capacity: usize,
}

#[derive(Debug)]
struct Slot {
    data: Box<[u8]>,
    used: bool,
}

impl<D: Device> Cache<D> {
    pub fn new(device: D, block_size: usize, bytes: usize) -> Cache<D> {
        Cache {
            device,
            block_size,
            slots: HashMap::with_hasher(Numbers),
            ring: Vec::new(),
            hand: 0,
            capacity: (bytes / block_size).max(64),
        }
    }

    /// A block.
    pub fn get(&mut self, block: u32) -> Result<&[u8]> {
        if !self.slots.contains_key(&block) {
            let mut data = vec![0; self.block_size].into_boxed_slice();
            self.device.read_at(u64::from(block) * self.block_size as u64, &mut data)?;
            self.shrink();
            self.ring.push(block);
            self.slots.insert(block, Slot { data, used: true });
        }
        let slot = self.slots.get_mut(&block).ok_or(Error::Io)?;
        slot.used = true;
        Ok(&slot.data)
    }

    /// Lets blocks go, those not used for the longest first, about.
    fn shrink(&mut self) {
        while self.ring.len() >= self.capacity {
            self.hand = if self.hand + 1 < self.ring.len() { self.hand + 1 } else { 0 };
            let block = self.ring[self.hand];
            match self.slots.get_mut(&block) {
                Some(slot) if slot.used => slot.used = false,
                _ => {
                    self.slots.remove(&block);
                    self.ring.swap_remove(self.hand);
                }
            }
        }
    }
}

/// A hash for numbers of blocks: they are spread already, and an image that makes some
/// collide slows only itself down.
#[derive(Clone, Copy, Debug, Default)]
struct Numbers;

struct NumberHasher(u64);

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
            self.write_u32(byte.into());
        }
    }

    fn write_u32(&mut self, number: u32) {
        let mixed = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }
}
