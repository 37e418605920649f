//! A global allocator in an array of fixed size, for devices with one thread.
//!
//! Free memory is a list of blocks in the order of their addresses; the first that is large
//! enough is taken, and neighbours are joined when they become free. What is in use has no
//! header, as whoever frees it says how large it was. Time grows with the number of gaps.
//!
//! ```no_run
//! use sampan_arena::Arena;
//!
//! // SAFETY: there is one thread, and interrupts do not allocate.
//! #[global_allocator]
//! static ARENA: Arena<{ 24 * 1024 }> = unsafe { Arena::new() };
//! ```

#![no_std]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr::{NonNull, null_mut};

/// `SIZE` bytes to allocate from.
pub struct Arena<const SIZE: usize>(UnsafeCell<State<SIZE>>);

#[repr(C, align(16))]
struct State<const SIZE: usize> {
    bytes: [MaybeUninit<u8>; SIZE],
    first: Option<NonNull<Block>>,
    /// Whether `first` was set up.
    started: bool,
    used: usize,
    peak: usize,
}

/// A gap: it begins with this.
struct Block {
    size: usize,
    next: Option<NonNull<Block>>,
}

/// All sizes are multiples of this, so that a gap always has room for its description.
const GRANULE: usize = size_of::<Block>();

// SAFETY: whoever makes one promises that only one thread uses it.
unsafe impl<const SIZE: usize> Sync for Arena<SIZE> {}

impl<const SIZE: usize> Arena<SIZE> {
    /// An arena with nothing in use.
    ///
    /// # Safety
    /// Only one thread uses it, and no interrupt does so while it is in use.
    pub const unsafe fn new() -> Arena<SIZE> {
        Arena(UnsafeCell::new(State {
            bytes: [MaybeUninit::uninit(); SIZE],
            first: None,
            started: false,
            used: 0,
            peak: 0,
        }))
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        // SAFETY: one thread.
        unsafe { (*self.0.get()).used }
    }

    /// The most bytes that were in use at a time.
    pub fn peak(&self) -> usize {
        // SAFETY: one thread.
        unsafe { (*self.0.get()).peak }
    }

    /// The number of gaps between what is in use.
    pub fn gaps(&self) -> usize {
        let mut count = 0;
        // SAFETY: one thread; the list's blocks lie in the arena.
        unsafe {
            let mut block = (*self.0.get()).first;
            while let Some(at) = block {
                count += 1;
                block = (*at.as_ptr()).next;
            }
        }
        count
    }
}

impl<const SIZE: usize> State<SIZE> {
    /// Makes all of it one gap.
    fn start(&mut self) {
        self.started = true;
        let size = SIZE / GRANULE * GRANULE;
        if size > 0 {
            let block = self.bytes.as_mut_ptr().cast::<Block>();
            // SAFETY: it is the beginning of the arena, which is aligned and unused.
            unsafe { block.write(Block { size, next: None }) };
            self.first = NonNull::new(block);
        }
    }

    fn take(&mut self, size: usize, align: usize) -> *mut u8 {
        if !self.started {
            self.start();
        }
        let mut link: *mut Option<NonNull<Block>> = &raw mut self.first;
        // SAFETY: the list's blocks lie in the arena, do not overlap, and are as large as
        // they say; so what is cut from one lies in it.
        unsafe {
            while let Some(block) = *link {
                let block = block.as_ptr();
                let Block { size: have, next } = block.read();
                let gap = block.cast::<u8>().align_offset(align);
                if gap.checked_add(size).is_none_or(|needed| needed > have) {
                    link = &raw mut (*block).next;
                    continue;
                }
                let start = block.cast::<u8>().add(gap);
                let rest = have - gap - size;
                let after = if rest == 0 {
                    next
                } else {
                    let after = start.add(size).cast::<Block>();
                    after.write(Block { size: rest, next });
                    NonNull::new(after)
                };
                if gap == 0 {
                    *link = after;
                } else {
                    block.write(Block { size: gap, next: after });
                }
                self.used += size;
                self.peak = self.peak.max(self.used);
                return start;
            }
        }
        null_mut()
    }

    fn give_back(&mut self, at: *mut u8, size: usize) {
        self.used -= size;
        let new = at.cast::<Block>();
        let (mut before, mut next): (*mut Block, _) = (null_mut(), self.first);
        // SAFETY: as for `take`; what is given back was taken, and so lies between gaps.
        unsafe {
            while let Some(block) = next.filter(|block| block.as_ptr() < new) {
                before = block.as_ptr();
                next = (*before).next;
            }
            let (mut size, mut after) = (size, next);
            if let Some(next) = next
                && at.add(size) == next.as_ptr().cast()
            {
                size += (*next.as_ptr()).size;
                after = (*next.as_ptr()).next;
            }
            if !before.is_null() && before.cast::<u8>().add((*before).size) == at {
                (*before).size += size;
                (*before).next = after;
                return;
            }
            new.write(Block { size, next: after });
            match before.is_null() {
                true => self.first = NonNull::new(new),
                false => (*before).next = NonNull::new(new),
            }
        }
    }
}

fn rounded(size: usize) -> usize {
    size.max(1).saturating_add(GRANULE - 1) / GRANULE * GRANULE
}

// SAFETY: what it gives out lies in the arena, is large enough and aligned, and is in no gap
// until it is given back. It does not panic.
unsafe impl<const SIZE: usize> GlobalAlloc for Arena<SIZE> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread.
        let state = unsafe { &mut *self.0.get() };
        state.take(rounded(layout.size()), layout.align().max(GRANULE))
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: one thread.
        let state = unsafe { &mut *self.0.get() };
        state.give_back(at, rounded(layout.size()));
    }
}
