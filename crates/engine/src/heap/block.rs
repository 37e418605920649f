//! Where objects lie: blocks of equal cells, and large ones each for itself.

use super::{HEADER, Header, MARK};
use crate::Limits;
use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use alloc::vec::Vec;
use core::ptr::{NonNull, null_mut};

/// Bytes of a block.
const BLOCK: usize = if cfg!(target_pointer_width = "64") { 32 << 10 } else { 2 << 10 };
/// Bytes of each class' cells.
const SIZES: [usize; CLASSES] = [
    16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024,
];
/// How many classes there are.
pub(super) const CLASSES: usize = 20;

/// The class of each size, in steps of 16 bytes.
const CLASS_OF: [u8; 65] = {
    let mut table = [0; 65];
    let mut class = 0;
    let mut step = 0;
    while step < 65 {
        while SIZES[class] < step * 16 {
            class += 1;
        }
        table[step] = class as u8;
        step += 1;
    }
    table
};

/// The class for so many bytes; `None` if they are too many.
#[inline]
pub(super) fn class_of(size: usize) -> Option<usize> {
    CLASS_OF.get(size.div_ceil(16)).map(|&class| class.into())
}

/// The blocks of a class.
#[derive(Default)]
pub(super) struct Blocks {
    free: Option<NonNull<Free>>,
    blocks: Vec<NonNull<u8>>,
    /// The blocks from here on are to be swept.
    unswept: usize,
}

/// A cell without an object.
struct Free {
    header: Header,
    next: Option<NonNull<Free>>,
}

fn layout() -> Layout {
    Layout::from_size_align(BLOCK, 16).expect("a small power of two")
}

impl Blocks {
    /// A cell; `None` if a limit is reached.
    #[inline]
    pub(super) fn take(&mut self, class: usize, limits: &mut Limits) -> Option<*mut Header> {
        loop {
            if let Some(cell) = self.free {
                // SAFETY: free cells are the class' own.
                self.free = unsafe { (*cell.as_ptr()).next };
                return Some(cell.as_ptr().cast());
            }
            self.refill(class, limits)?;
        }
    }

    #[cold]
    fn refill(&mut self, class: usize, limits: &mut Limits) -> Option<()> {
        while self.unswept < self.blocks.len() {
            self.sweep(class);
            if self.free.is_some() {
                return Some(());
            }
        }
        if !limits.take_memory(0, BLOCK as u64) {
            return None;
        }
        // SAFETY: the size is not zero.
        let Some(block) = NonNull::new(unsafe { alloc_zeroed(layout()) }) else {
            limits.take_memory(BLOCK as u64, 0);
            return None;
        };
        self.blocks.push(block);
        self.sweep(class);
        Some(())
    }

    /// Makes a list of the cells of the next unswept block that hold no live object.
    fn sweep(&mut self, class: usize) {
        let block = self.blocks[self.unswept];
        self.unswept += 1;
        let size = SIZES[class];
        for index in (0..BLOCK / size).rev() {
            // SAFETY: the block has that many cells, each with a header, or zeroes.
            unsafe {
                let cell = block.add(index * size);
                let header = cell.cast::<Header>().as_ptr();
                if (*header).kind & MARK != 0 {
                    (*header).kind &= !MARK;
                    continue;
                }
                let free = Free { header: Header { kind: 0, len: 0 }, next: self.free };
                cell.cast::<Free>().write(free);
                self.free = Some(cell.cast());
            }
        }
    }

    /// Before a collection: no mark is left of the last one.
    pub(super) fn finish(&mut self, class: usize) {
        while self.unswept < self.blocks.len() {
            self.sweep(class);
        }
    }

    /// After marking: all is to be swept. Blocks without a live object go back to the host.
    pub(super) fn restart(&mut self, class: usize, limits: &mut Limits) {
        self.free = None;
        self.unswept = 0;
        let size = SIZES[class];
        self.blocks.retain(|&block| {
            // SAFETY: as above.
            let marked = |index| unsafe {
                (*block.add(index * size).cast::<Header>().as_ptr()).kind & MARK != 0
            };
            if (0..BLOCK / size).any(marked) {
                return true;
            }
            // SAFETY: allocated with this layout, and nothing in it is alive.
            unsafe { dealloc(block.as_ptr(), layout()) };
            limits.take_memory(BLOCK as u64, 0);
            false
        });
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        for block in &self.blocks {
            // SAFETY: allocated with this layout, released once.
            unsafe { dealloc(block.as_ptr(), layout()) };
        }
    }
}

/// An object that fits no class.
pub(super) struct Large {
    object: *mut Header,
    layout: Layout,
}

impl Large {
    pub(super) fn new(size: usize, limits: &mut Limits) -> Option<Large> {
        let layout = Layout::from_size_align(size.max(HEADER), 16).ok()?;
        if !limits.take_memory(0, layout.size() as u64) {
            return None;
        }
        // SAFETY: the size is not zero.
        let object: *mut Header = unsafe { alloc_zeroed(layout) }.cast();
        if object == null_mut() {
            limits.take_memory(layout.size() as u64, 0);
            return None;
        }
        Some(Large { object, layout })
    }

    pub(super) fn object(&self) -> *mut Header {
        self.object
    }

    /// Whether the last collection found it alive; takes the mark away.
    pub(super) fn survives(&mut self, limits: &mut Limits) -> bool {
        // SAFETY: it owns its object.
        unsafe {
            let marked = (*self.object).kind & MARK != 0;
            (*self.object).kind &= !MARK;
            if !marked {
                limits.take_memory(self.layout.size() as u64, 0);
            }
            marked
        }
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, released once.
        unsafe { dealloc(self.object.cast(), self.layout) };
    }
}
