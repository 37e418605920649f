//! `malloc` and its family, in the guest's own memory.
//!
//! The heap begins at `__heap_base` with a head of 16 bytes: a mark, the heap's end, and where
//! the last search ended. Blocks follow without gaps. A block's payload is aligned to 16; the
//! word before it is its size, payload and that word together, and bit 0 says that it is in use.
//! Blocks are joined by the search that passes them. All of this is the guest's, which may
//! write over it: each word is a claim that is checked, and a search ends at the heap's end.

use crate::guest::{set_word, word};
use crate::{Guest, Stop, string};

/// Says that the head has been written.
const MARK: u32 = 0x7061_6568;
const HEAD: u32 = 16;
const USED: u32 = 1;
const UNIT: u32 = 16;

/// What `malloc` does: the address of `size` bytes, or 0 if there is no room.
///
/// # Errors
/// The heap is damaged, or the guest's own `malloc` failed.
pub fn allocate<G: Guest>(guest: &mut G, size: u32) -> Result<u32, G::Error> {
    if let Some(pointer) = guest.own_malloc(size)? {
        return Ok(pointer);
    }
    Ok(allocate_here(guest, size)?)
}

pub(crate) fn free<G: Guest>(guest: &mut G, pointer: u32) -> Result<(), G::Error> {
    if pointer == 0 || guest.own_free(pointer)? {
        return Ok(());
    }
    let heap = Heap::of(guest);
    let memory = guest.parts().0;
    let size = heap.used_block(memory, pointer)?;
    Ok(set_word(memory, pointer - 4, size)?)
}

/// `realloc`: in place if what follows the block is free.
pub(crate) fn reallocate<G: Guest>(
    guest: &mut G,
    pointer: u32,
    size: u32,
) -> Result<u32, G::Error> {
    if pointer == 0 {
        return allocate(guest, size);
    }
    if size == 0 {
        free(guest, pointer)?;
        return Ok(0);
    }
    let Some(wanted) = block_size(size) else { return Ok(0) };
    let heap = Heap::of(guest);
    let memory = guest.parts().0;
    let own = heap.used_block(memory, pointer);
    if own.is_err() && guest.own_malloc(size)?.is_some() {
        return Err(Stop::ForeignRealloc.into());
    }
    let old = own?;
    let memory = guest.parts().0;
    let joined = heap.join(memory, pointer, old, heap.end(memory)?)?;
    // Nothing may point into what was joined.
    set_word(memory, heap.base + 8, heap.first())?;
    if joined >= wanted {
        heap.take(memory, pointer, joined, wanted)?;
        return Ok(pointer);
    }
    // What was joined is given back behind the block.
    heap.take(memory, pointer, joined, old)?;
    let new = allocate_here(guest, size)?;
    if new != 0 {
        string::copy(guest.parts().0, new, pointer, (old - 4).min(size))?;
        free(guest, pointer)?;
    }
    Ok(new)
}

fn allocate_here<G: Guest>(guest: &mut G, size: u32) -> Result<u32, Stop> {
    let Some(wanted) = block_size(size) else { return Ok(0) };
    let heap = Heap::of(guest);
    if !heap.is_begun(guest.parts().0) && !heap.begin(guest)? {
        return Ok(0);
    }
    let found = heap.search(guest.parts().0, wanted)?;
    if found != 0 || !heap.extend(guest, wanted)? {
        return Ok(found);
    }
    heap.search(guest.parts().0, wanted)
}

/// The size of a block for so many bytes; `None` where no memory could hold it.
fn block_size(size: u32) -> Option<u32> {
    Some(size.max(1).checked_add(4 + UNIT - 1)? & !(UNIT - 1))
}

/// Where the last payload in a memory of `len` bytes would end.
fn end_for(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX) & !(UNIT - 1)
}

struct Heap {
    /// The address of the head.
    base: u32,
}

impl Heap {
    fn of<G: Guest>(guest: &mut G) -> Heap {
        let base = guest.heap_base().min(u32::MAX - 4 * UNIT);
        Heap { base: (base + UNIT - 1) & !(UNIT - 1) }
    }

    /// The first payload; its size is the last word of the head.
    fn first(&self) -> u32 {
        self.base + HEAD
    }

    fn is_begun(&self, memory: &[u8]) -> bool {
        word(memory, self.base) == Ok(MARK)
    }

    fn end(&self, memory: &[u8]) -> Result<u32, Stop> {
        let end = word(memory, self.base + 4)?;
        let fits = end.is_multiple_of(UNIT) && end >= self.first() && end as usize <= memory.len();
        if fits { Ok(end) } else { Err(Stop::HeapDamaged) }
    }

    /// Makes one free block of all that is behind the base; false if there is no room.
    fn begin<G: Guest>(&self, guest: &mut G) -> Result<bool, Stop> {
        let least = (self.first() + UNIT) as usize;
        let len = guest.parts().0.len();
        if len < least && !guest.grow(least - len) {
            return Ok(false);
        }
        let memory = guest.parts().0;
        let end = end_for(memory.len());
        if end < self.first() + UNIT {
            return Ok(false);
        }
        set_word(memory, self.base, MARK)?;
        set_word(memory, self.base + 4, end)?;
        set_word(memory, self.base + 8, self.first())?;
        set_word(memory, self.first() - 4, end - self.first())?;
        Ok(true)
    }

    /// Adds a free block of at least `wanted` bytes in new memory. What the guest itself grew
    /// is the guest's, and ends the heap.
    fn extend<G: Guest>(&self, guest: &mut G, wanted: u32) -> Result<bool, Stop> {
        let memory = guest.parts().0;
        let end = self.end(memory)?;
        if end != end_for(memory.len()) || !guest.grow(wanted as usize) {
            return Ok(false);
        }
        let memory = guest.parts().0;
        let new_end = end_for(memory.len());
        if new_end <= end {
            return Ok(false);
        }
        set_word(memory, end - 4, new_end - end)?;
        set_word(memory, self.base + 4, new_end)?;
        set_word(memory, self.base + 8, self.first())?;
        Ok(true)
    }

    /// Takes the first free block that is large enough: from where the last search ended, then
    /// from the beginning.
    fn search(&self, memory: &mut [u8], wanted: u32) -> Result<u32, Stop> {
        let end = self.end(memory)?;
        let last = word(memory, self.base + 8)?;
        let last = if last.is_multiple_of(UNIT) { last.max(self.first()) } else { self.first() };
        for start in [last, self.first()] {
            let mut block = start;
            while block < end {
                let (mut size, used) = self.block(memory, block, end)?;
                if !used {
                    size = self.join(memory, block, size, end)?;
                    if size >= wanted {
                        self.take(memory, block, size, wanted)?;
                        set_word(memory, self.base + 8, block)?;
                        return Ok(block);
                    }
                    // So that nothing points into what was joined.
                    set_word(memory, block - 4, size)?;
                }
                block += size;
            }
        }
        set_word(memory, self.base + 8, self.first())?;
        Ok(0)
    }

    /// Size of the block and whether it is in use.
    fn block(&self, memory: &[u8], block: u32, end: u32) -> Result<(u32, bool), Stop> {
        let word = word(memory, block - 4)?;
        let size = word & !USED;
        if size == 0 || !size.is_multiple_of(UNIT) || size > end - block {
            return Err(Stop::HeapDamaged);
        }
        Ok((size, word & USED != 0))
    }

    /// The size of a block together with the free ones behind it.
    fn join(&self, memory: &[u8], block: u32, size: u32, end: u32) -> Result<u32, Stop> {
        let mut joined = size;
        while block + joined < end {
            match self.block(memory, block + joined, end)? {
                (_, true) => break,
                (more, false) => joined += more,
            }
        }
        Ok(joined)
    }

    /// Puts the first `wanted` bytes of a block in use, and makes a free one of the rest.
    fn take(&self, memory: &mut [u8], block: u32, size: u32, wanted: u32) -> Result<(), Stop> {
        if size > wanted {
            set_word(memory, block + wanted - 4, size - wanted)?;
        }
        set_word(memory, block - 4, wanted | USED)
    }

    /// The size of the block that `malloc` gave.
    fn used_block(&self, memory: &[u8], pointer: u32) -> Result<u32, Stop> {
        let is_here =
            self.is_begun(memory) && pointer.is_multiple_of(UNIT) && pointer >= self.first();
        if is_here {
            let end = self.end(memory)?;
            if pointer < end
                && let Ok((size, true)) = self.block(memory, pointer, end)
            {
                return Ok(size);
            }
        }
        Err(Stop::BadFree)
    }
}
