//! Where objects lie: one growing array of bytes, in which nothing moves.
//!
//! Objects follow each other without a hole that has no header, so the array can be walked.
//! Allocation takes the next bytes of a gap. When that is full, sweeping goes on from where
//! it stopped to the next gap that is large enough, and joins dead neighbours on its way; so
//! its work is spread over allocations. Behind the last object there is unused room.
//!
//! Everything is checked by the array's bounds: whatever went wrong elsewhere, a reference
//! leads nowhere but into the guests' own objects.

use crate::Limits;
use sampan_wasm::List;

/// Bytes of a header: what the object is, and its length.
pub(crate) const HEADER: u32 = 8;

/// Set while a collection goes on, and until the object is swept: it is alive.
pub(super) const MARK: u32 = 1 << 31;
/// Set when what it refers to is marked, too.
pub(super) const TRACED: u32 = 1 << 30;
/// Where the logarithm of an element's size is, in three bits.
const SHIFT: u32 = 27;
/// The bits that are the kind.
const KIND: u32 = (1 << SHIFT) - 1;

/// The kind of what is no object.
pub(super) const FREE: u32 = KIND;
/// Gaps from this size on are kept when an allocation needs more.
const WORTH_KEEPING: u32 = 256;
/// How many of them.
const MAX_KEPT: usize = 256;
/// A gap is not made longer than this unless the object is: sweeping is spread evenly.
const LONG_GAP: u32 = 32 << 10;
/// Where the first object is: no reference is zero.
const START: u32 = 8;
/// Bytes by which the space grows at least.
const MIN_GROWTH: u32 = if cfg!(target_pointer_width = "64") { 64 << 10 } else { 1 << 10 };

/// The first two words of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    word: u32,
    /// An array's elements; else bytes of the content.
    pub len: u32,
}

impl Header {
    /// An object of `kind` with `len` elements of 2 to the power `log2` bytes.
    pub(crate) fn new(kind: u32, log2: u32, len: u32) -> Header {
        debug_assert!(kind <= KIND && log2 < 8);
        Header { word: kind | log2 << SHIFT, len }
    }

    pub(crate) fn kind(self) -> u32 {
        self.word & KIND
    }

    pub(super) fn has(self, bits: u32) -> bool {
        self.word & bits != 0
    }

    /// Bytes of the whole object; `None` if that is more than a space can have.
    pub(crate) fn size(self) -> Option<u32> {
        let content = u64::from(self.len) << (self.word >> SHIFT & 7);
        u32::try_from(content.next_multiple_of(8) + u64::from(HEADER)).ok()
    }
}

/// The space. Places in it are offsets in bytes, all multiples of eight.
#[derive(Default)]
pub(super) struct Space {
    bytes: List<u8>,
    /// The end of what was ever used.
    top: u32,
    /// Where the next object goes, and the end of that gap.
    gap: (u32, u32),
    /// What is to be swept.
    sweep: (u32, u32),
    /// Gaps that were too small for what was wanted.
    kept: List<(u32, u32)>,
}

impl Space {
    /// The bytes, for accesses to what objects hold.
    #[inline(always)]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline(always)]
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Bytes that it takes from the host.
    pub(super) fn capacity(&self) -> u32 {
        self.bytes.len() as u32
    }

    #[inline]
    pub(super) fn header(&self, at: u32) -> Header {
        Header { word: self.word(at), len: self.word(at + 4) }
    }

    #[inline]
    fn set_header(&mut self, at: u32, header: Header) {
        let at = at as usize;
        self.bytes[at..at + 4].copy_from_slice(&header.word.to_le_bytes());
        self.bytes[at + 4..at + 8].copy_from_slice(&header.len.to_le_bytes());
    }

    /// Sets bits of an object's header.
    #[inline]
    pub(super) fn set(&mut self, at: u32, header: Header, bits: u32) {
        self.set_header(at, Header { word: header.word | bits, ..header });
    }

    /// A new object; its content is whatever was there. `None` if there is no room without
    /// growing.
    #[inline]
    pub(super) fn take(&mut self, header: Header, size: u32) -> Option<u32> {
        if self.gap.1 - self.gap.0 < size && !self.find_gap(size) {
            return None;
        }
        let at = self.gap.0;
        self.gap.0 += size;
        self.set_header(at, header);
        Some(at)
    }

    /// Makes the current gap one that holds `size` bytes.
    #[cold]
    fn find_gap(&mut self, size: u32) -> bool {
        self.retire();
        if let Some(&(start, end)) = self.kept.last()
            && end - start >= size
        {
            self.kept.pop();
            self.gap = (start, end);
            return true;
        }
        while let Some((start, end)) = self.sweep_run(size.max(LONG_GAP)) {
            if end == self.top {
                self.top = start;
                break;
            }
            self.gap = (start, end);
            if end - start >= size {
                return true;
            }
            self.retire();
        }
        // What lies behind the last object is a gap as well, of no more than is wanted: what
        // is behind it needs no header then.
        if self.capacity() - self.top < size {
            return false;
        }
        let end = self.top + size.max(LONG_GAP).min(self.capacity() - self.top) / 8 * 8;
        self.gap = (self.top, end);
        self.top = end;
        true
    }

    /// Gives the current gap up: it gets a header, and is kept if it is large.
    fn retire(&mut self) {
        let (start, end) = core::mem::take(&mut self.gap);
        if start == end {
            return;
        }
        if end == self.top && self.sweep.0 == self.sweep.1 {
            self.top = start;
            return;
        }
        self.set_header(start, Header::new(FREE, 0, end - start - HEADER));
        if end - start >= WORTH_KEEPING && self.kept.len() < MAX_KEPT {
            // What is not kept is found by the next collection.
            let _ = self.kept.put((start, end));
        }
    }

    /// The next run of dead objects, of about `enough` bytes at most; `None` at the end.
    fn sweep_run(&mut self, enough: u32) -> Option<(u32, u32)> {
        let (mut at, end) = self.sweep;
        let mut start = at;
        while at < end && at - start < enough {
            let header = self.header(at);
            let next = at + header.size().expect("an object in the space");
            if header.has(MARK) {
                let word = header.word & !(MARK | TRACED);
                self.set_header(at, Header { word, ..header });
                if start < at {
                    self.sweep.0 = next;
                    return Some((start, at));
                }
                start = next;
            }
            at = next;
        }
        self.sweep.0 = at;
        (start < at).then_some((start, at))
    }

    /// Before marking: no mark is left, and everything has a header.
    pub(super) fn finish(&mut self) {
        self.retire();
        self.kept.clear();
        while let Some(gap) = self.sweep_run(u32::MAX) {
            self.gap = gap;
            self.retire();
        }
        self.kept.clear();
    }

    /// After marking: what has no mark is to be swept.
    pub(super) fn restart(&mut self) {
        self.sweep = (START, self.top.max(START));
    }

    /// The four bytes at a place.
    #[inline]
    pub(super) fn word(&self, at: u32) -> u32 {
        let at = at as usize;
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().expect("four bytes"))
    }

    /// The byte at a place.
    pub(super) fn byte(&self, at: u32) -> u8 {
        self.bytes[at as usize]
    }

    /// Every place with a header, in order, after [`Space::finish`].
    pub(super) fn next(&self, at: Option<u32>) -> Option<u32> {
        let at = match at {
            None => START,
            Some(at) => at + self.header(at).size().expect("an object in the space"),
        };
        (at < self.top).then_some(at)
    }

    /// Gets room for an object of `size` bytes from the host, and more for those after it.
    /// Whether there is.
    pub(super) fn grow(&mut self, size: u32, limits: &mut Limits) -> bool {
        let old = self.capacity();
        let used = self.top.max(START);
        let Some(least) = used.checked_add(size).filter(|&least| least <= MAX_BYTES) else {
            return false;
        };
        let wanted = old.saturating_add((old / 2).max(MIN_GROWTH)).max(least).min(MAX_BYTES);
        for new in [wanted, least] {
            let new = new.next_multiple_of(8);
            if !limits.take_memory(old.into(), new.into()) {
                continue;
            }
            let more = (new - old) as usize;
            let reserved = self.bytes.make_room_exactly(more).is_ok();
            if !reserved || self.bytes.put_times(0, more).is_err() {
                limits.take_memory(new.into(), old.into());
                continue;
            }
            self.top = used;
            return true;
        }
        false
    }
}

/// What 32 bits can number, without the last few.
const MAX_BYTES: u32 = u32::MAX - 0xffff;
