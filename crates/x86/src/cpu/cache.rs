//! Decoded blocks.
//!
//! A block that becomes invalid stays in memory, for others may be linked to it and it may
//! be running; all its ops become [`stale`](super::ops::branch::stale), which looks up what
//! is there now. So links need not be undone, and a store into the instructions that follow
//! it takes effect at once. Memory is given back only between runs of handlers.

use super::context::Context;
use super::lower;
use super::op::Op;
use super::ops::branch::stale;
use crate::exit::{Access, Exit, Fault};
use crate::memory::PAGE_SIZE;
use crate::{AddressSpace, Mode};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::{BuildHasherDefault, Hasher};
use core::ops::Range;
use core::ptr::null;
use hashbrown::HashMap;

/// The most instructions of a block.
pub(super) const MAX_BLOCK: i64 = 64;
/// Above so many ops everything is decoded anew (32 MiB).
const MAX_OPS: usize = 1 << 20;
const JUMPS: usize = 1 << 12;

/// Addresses are spread well enough by a multiplication.
#[derive(Default)]
pub(super) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are 32-bit numbers")
    }
    fn write_u32(&mut self, value: u32) {
        self.0 = u64::from(value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 32;
    }
}

type Map<V> = HashMap<u32, V, BuildHasherDefault<AddressHasher>>;

/// What is decoded of an address space.
pub(super) struct Cache {
    blocks: Vec<Block>,
    by_rip: Map<u32>,
    /// The live blocks with bytes on a page.
    pages: Map<Vec<u32>>,
    /// The latest targets of indirect jumps, by a few bits of their address.
    jumps: Box<[(u64, *const Op); JUMPS]>,
    ops: usize,
}

/// Decoded code without a branch into it.
struct Block {
    range: Range<u64>,
    ops: *mut [Op],
    live: bool,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            blocks: Vec::new(),
            by_rip: Map::default(),
            pages: Map::default(),
            jumps: Box::new([(u64::MAX, null()); JUMPS]),
            ops: 0,
        }
    }
}

// SAFETY: the pointers lead into boxes of the same value.
unsafe impl Send for Cache {}

impl Cache {
    /// The block at an address if it was jumped to lately, else null.
    #[inline(always)]
    pub fn jump(&self, rip: u64) -> *const Op {
        let (found, op) = self.jumps[jump_slot(rip)];
        if found == rip { op } else { null() }
    }

    /// Drops what the address space says has changed.
    pub fn take_invalidations(&mut self, space: &mut AddressSpace) {
        let invalid = space.invalidations();
        if invalid.everything {
            invalid.everything = false;
            invalid.ranges.clear();
            for page in self.pages.keys().copied().collect::<Vec<_>>() {
                let start = u64::from(page) * PAGE_SIZE;
                self.invalidate(start..start + PAGE_SIZE, space);
            }
            return;
        }
        while let Some(range) = space.invalidations().ranges.pop() {
            self.invalidate(range, space);
        }
    }

    fn invalidate(&mut self, range: Range<u64>, space: &mut AddressSpace) {
        let numbers = (range.start / PAGE_SIZE) as u32..((range.end - 1) / PAGE_SIZE) as u32 + 1;
        if numbers.len() > self.pages.len() {
            let pages: Vec<u32> = self.pages.keys().copied().collect();
            for page in pages.into_iter().filter(|page| numbers.contains(page)) {
                self.invalidate_page(page, &range, space);
            }
        } else {
            for page in numbers {
                self.invalidate_page(page, &range, space);
            }
        }
    }

    fn invalidate_page(&mut self, page: u32, range: &Range<u64>, space: &mut AddressSpace) {
        let Some(list) = self.pages.get_mut(&page) else { return };
        let blocks = &mut self.blocks;
        let by_rip = &mut self.by_rip;
        list.retain(|&index| {
            let block = &mut blocks[index as usize];
            if block.live && block.range.start < range.end && range.start < block.range.end {
                block.live = false;
                by_rip.remove(&(block.range.start as u32));
                // SAFETY: the box lives; a handler that runs it reads each op only once.
                for op in unsafe { &mut *block.ops } {
                    op.run = stale;
                }
            }
            block.live
        });
        if list.is_empty() {
            self.pages.remove(&page);
            space.unmark_code(page as usize);
        }
    }

    /// Gives memory back if there is much; no op may be running.
    pub fn trim(&mut self, space: &mut AddressSpace) {
        if self.ops > MAX_OPS {
            for &page in self.pages.keys() {
                space.unmark_code(page as usize);
            }
            *self = Self::default();
        }
    }

    fn is_full(&self) -> bool {
        self.ops > MAX_OPS
    }

    /// The block at an address, decoded if need be.
    pub fn block(
        &mut self,
        mode: Mode,
        rip: u64,
        space: &mut AddressSpace,
    ) -> Result<*const Op, Exit> {
        let Ok(at) = u32::try_from(rip) else { return Err(fetch_fault(space, rip)) };
        if let Some(&index) = self.by_rip.get(&at) {
            return Ok(self.blocks[index as usize].ops.cast());
        }
        let (ops, end) = lower::block(mode, at, space, MAX_BLOCK as usize)?;
        self.ops += ops.len();
        let range = rip..end.max(rip + 1);
        let index = self.blocks.len() as u32;
        for page in range.start / PAGE_SIZE..=(range.end - 1) / PAGE_SIZE {
            // The last instruction of the first 4 GiB may end at their end.
            if let Ok(page) = u32::try_from(page) {
                space.mark_code(page as usize);
                self.pages.entry(page).or_default().push(index);
            }
        }
        self.by_rip.insert(at, index);
        let ops = Box::into_raw(ops);
        self.blocks.push(Block { range, ops, live: true });
        Ok(ops.cast())
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        for block in &self.blocks {
            // SAFETY: made by Box::into_raw, and nothing refers to it any more.
            drop(unsafe { Box::from_raw(block.ops) });
        }
    }
}

fn jump_slot(rip: u64) -> usize {
    (rip ^ rip >> 12) as usize % JUMPS
}

/// The block at an address; null, with the exit noted, if there is none.
#[inline(never)]
pub(super) unsafe fn resolve(cx: *mut Context, rip: u64) -> *const Op {
    // SAFETY: the context's pointers are valid during a run.
    let (cx, cache, space) = unsafe { (&mut *cx, &mut *(*cx).cache, &mut *(*cx).space) };
    cx.rip = rip;
    if cache.is_full() {
        cx.resume = true;
        return null();
    }
    // SAFETY: as above.
    let mode = unsafe { (*cx.registers).mode };
    match cache.block(mode, rip, space) {
        Ok(op) => {
            cache.jumps[jump_slot(rip)] = (rip, op);
            op
        }
        Err(exit) => {
            cx.exit = exit;
            null()
        }
    }
}

/// The exit for an address from which nothing can be fetched.
pub(super) fn fetch_fault(space: &AddressSpace, addr: u64) -> Exit {
    match space.check(addr, 1, Access::Execute) {
        Err(fault) => Exit::Fault(fault),
        // It became executable since.
        Ok(()) => Exit::Fault(Fault { addr, access: Access::Execute, present: true }),
    }
}
