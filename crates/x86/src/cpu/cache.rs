//! Decoded blocks.
//!
//! A block that becomes invalid stays in memory, for others may be linked to it and it may
//! be running; all its ops become [`stale`](super::ops::branch::stale), which looks up what
//! is there now. So links need not be undone, and a store into the instructions that follow
//! it takes effect at once. Memory is given back only between runs of handlers.

use super::context::Context;
use super::lower;
use super::op::{Handler, Op};
use super::ops::branch::{jmp, stale, translated};
use crate::exit::{Access, Exit, Fault};
use crate::memory::PAGE_SIZE;
use crate::translate::Seen;
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
pub(crate) struct AddressHasher(u64);

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

pub(crate) type Map<V> = HashMap<u32, V, BuildHasherDefault<AddressHasher>>;

/// What is decoded of an address space.
pub(super) struct Cache {
    blocks: Vec<Block>,
    by_rip: Map<u32>,
    /// The live blocks with bytes on a page.
    pages: Map<Vec<u32>>,
    /// The latest targets of indirect jumps, by a few bits of their address.
    jumps: Box<[(u64, *const Op); JUMPS]>,
    ops: usize,
    /// Blocks at addresses where translated code is entered otherwise.
    plain: Map<u32>,
    /// Blocks of one instruction that translated code leaves to the interpreter.
    single: Map<u32>,
    /// Translated regions whose code has changed.
    stale_regions: Vec<u32>,
    /// How often everything was dropped.
    flushes: u64,
    /// By the address of a jump that computes it: where it has led, as far as that was not in
    /// `jumps`.
    targets: Map<Vec<u32>>,
}

/// Targets that are remembered of a jump.
const MAX_TARGETS: usize = 64;

/// Decoded code without a branch into it.
struct Block {
    range: Range<u64>,
    ops: *mut [Op],
    live: bool,
    /// The translated region that this is a part of; it has no ops then.
    region: Option<u32>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            blocks: Vec::new(),
            by_rip: Map::default(),
            pages: Map::default(),
            jumps: Box::new([(u64::MAX, null()); JUMPS]),
            ops: 0,
            plain: Map::default(),
            single: Map::default(),
            stale_regions: Vec::new(),
            flushes: 0,
            targets: Map::default(),
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
        let mut maps = [&mut self.by_rip, &mut self.plain, &mut self.single];
        let regions = &mut self.stale_regions;
        list.retain(|&index| {
            let block = &mut blocks[index as usize];
            if block.live && block.range.start < range.end && range.start < block.range.end {
                block.live = false;
                regions.extend(block.region);
                for map in maps.iter_mut() {
                    if map.get(&(block.range.start as u32)) == Some(&index) {
                        map.remove(&(block.range.start as u32));
                    }
                }
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
        if self.is_full() {
            self.drop_all(space);
        }
    }

    /// Drops everything; no op may be running.
    pub fn drop_all(&mut self, space: &mut AddressSpace) {
        for &page in self.pages.keys() {
            space.unmark_code(page as usize);
        }
        let flushes = self.flushes + 1;
        *self = Self::default();
        self.flushes = flushes;
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
        let index = self.decode(mode, at, space)?;
        self.by_rip.insert(at, index);
        Ok(self.blocks[index as usize].ops.cast())
    }

    /// The block at an address, even if translated code is entered there.
    pub fn plain_block(
        &mut self,
        mode: Mode,
        rip: u64,
        space: &mut AddressSpace,
    ) -> Result<*const Op, Exit> {
        let Ok(at) = u32::try_from(rip) else { return Err(fetch_fault(space, rip)) };
        let is_entry = self.by_rip.get(&at).is_some_and(|&index| self.is_entry(index));
        if !is_entry {
            return self.block(mode, rip, space);
        }
        let index = match self.plain.get(&at) {
            Some(&index) => index,
            None => {
                let index = self.decode(mode, at, space)?;
                self.plain.insert(at, index);
                index
            }
        };
        Ok(self.blocks[index as usize].ops.cast())
    }

    /// The one instruction at an address, behind which it is asked for translated code.
    pub fn single(
        &mut self,
        mode: Mode,
        rip: u64,
        space: &mut AddressSpace,
    ) -> Result<*const Op, Exit> {
        let Ok(at) = u32::try_from(rip) else { return Err(fetch_fault(space, rip)) };
        let index = match self.single.get(&at) {
            Some(&index) => index,
            None => {
                let (mut ops, end) = lower::block(mode, at, space, 1)?;
                // Where it falls through is behind all that it is made of.
                if let [.., _, last] = &mut *ops
                    && core::ptr::fn_addr_eq(last.run, jmp as Handler)
                    && u64::from(last.rip) == end
                {
                    last.run = translated;
                }
                let index = self.add(rip..end.max(rip + 1), ops, None, space);
                self.single.insert(at, index);
                index
            }
        };
        Ok(self.blocks[index as usize].ops.cast())
    }

    fn decode(&mut self, mode: Mode, at: u32, space: &mut AddressSpace) -> Result<u32, Exit> {
        let (ops, end) = lower::block(mode, at, space, MAX_BLOCK as usize)?;
        let rip = u64::from(at);
        Ok(self.add(rip..end.max(rip + 1), ops, None, space))
    }

    fn add(
        &mut self,
        range: Range<u64>,
        ops: Box<[Op]>,
        region: Option<u32>,
        space: &mut AddressSpace,
    ) -> u32 {
        self.ops += ops.len();
        let index = self.blocks.len() as u32;
        for page in range.start / PAGE_SIZE..=(range.end - 1) / PAGE_SIZE {
            // The last instruction of the first 4 GiB may end at their end.
            if let Ok(page) = u32::try_from(page) {
                space.mark_code(page as usize);
                self.pages.entry(page).or_default().push(index);
            }
        }
        self.blocks.push(Block { range, ops: Box::into_raw(ops), live: true, region });
        index
    }

    /// Notes where a jump led that computed its target.
    pub fn note_target(&mut self, jump: u32, target: u64) {
        let Ok(target) = u32::try_from(target) else { return };
        if self.targets.len() > 1 << 14 {
            self.targets.clear();
        }
        let list = self.targets.entry(jump).or_default();
        if list.len() < MAX_TARGETS && !list.contains(&target) {
            list.push(target);
        }
    }

    /// From now on the pages of a region are watched.
    pub fn watch(&mut self, slot: u32, spans: &[(u32, u32)], space: &mut AddressSpace) {
        for &(first, last) in spans {
            let range = u64::from(first)..u64::from(last) + 1;
            self.add(range, Box::default(), Some(slot), space);
        }
    }

    /// From now on whoever comes to an address enters translated code.
    pub fn set_entry(&mut self, at: u32, space: &mut AddressSpace) {
        self.retire(at);
        let rip = u64::from(at);
        let op = Op { run: translated, rip: at, ..lower::EMPTY };
        let index = self.add(rip..rip + 1, Box::new([op]), None, space);
        self.by_rip.insert(at, index);
    }

    /// Undoes that.
    pub fn clear_entry(&mut self, at: u32) {
        if self.by_rip.get(&at).is_some_and(|&index| self.is_entry(index)) {
            self.retire(at);
        }
    }

    fn is_entry(&self, index: u32) -> bool {
        // SAFETY: the box lives, and no op is running.
        let ops = unsafe { &*self.blocks[index as usize].ops };
        matches!(ops, [op] if core::ptr::fn_addr_eq(op.run, translated as Handler))
    }

    /// Whoever comes to the block at an address looks up what is there now.
    fn retire(&mut self, at: u32) {
        let Some(index) = self.by_rip.remove(&at) else { return };
        let block = &mut self.blocks[index as usize];
        block.live = false;
        // SAFETY: the box lives, and no op is running.
        for op in unsafe { &mut *block.ops } {
            op.run = stale;
        }
    }

    /// Regions whose code has changed since the last call.
    pub fn take_stale_regions(&mut self) -> Vec<u32> {
        core::mem::take(&mut self.stale_regions)
    }

    /// How often everything was dropped.
    pub fn flushes(&self) -> u64 {
        self.flushes
    }
}

impl Seen for Cache {
    fn knows(&self, at: u32) -> bool {
        self.by_rip.contains_key(&at)
    }

    fn targets(&self, jump: u32) -> &[u32] {
        self.targets.get(&jump).map_or(&[], Vec::as_slice)
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
