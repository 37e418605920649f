//! Linked code, and what is known about it, which is read where it is: a file's tables are not
//! taken apart when it is mapped.
//!
//! As bytes an image is its code, zeros up to a multiple of eight, the tables one after the other
//! in the order of [`TABLES`], and a word for each table that says how many rows it has, with the
//! number of bytes of the code before them. All are words of 32 bits, the lowest byte first.

use sampan_engine::native::{Lent, Place};
use std::collections::BTreeMap;

/// A module's code, or that of places in it, which may stand at any page.
#[derive(Debug)]
pub(crate) struct Image {
    pub code: Lent,
    pub tables: Tables,
}

/// What is known about code.
#[derive(Debug)]
pub(crate) struct Tables {
    /// The tables, and what follows them.
    bytes: Lent,
    /// Of each table: its first byte, and the number of its rows.
    parts: [(usize, usize); TABLES.len()],
}

/// The same before it is bytes.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Where each body begins; `u32::MAX` if it has no code.
    pub bodies: Vec<u32>,
    /// Where the entry for functions of each type begins.
    pub entries: BTreeMap<u32, u32>,
    /// Places with their code, and the entry for it.
    pub places: Vec<(Place, u32, u32)>,
    /// From where on which body, in order; `u32::MAX` is none.
    pub ranges: Vec<(u32, u32)>,
    /// Where what traps, in order.
    pub traps: Vec<(u32, u32)>,
    /// From where on which offset of the module, in order.
    pub offsets: Vec<(u32, u32)>,
}

/// The words of a row of each table.
const TABLES: [usize; 6] = [1, 2, 5, 2, 2, 2];
const BODIES: usize = 0;
const ENTRIES: usize = 1;
const PLACES: usize = 2;
const RANGES: usize = 3;
const TRAPS: usize = 4;
const OFFSETS: usize = 5;
/// The bytes after the tables.
const END: usize = 4 * (TABLES.len() + 1);

/// What begins code that is put behind other code. Some processors' instructions reckon with the
/// distance of pages.
const ALIGN: usize = if cfg!(target_arch = "aarch64") { 4096 } else { 64 };

impl Lists {
    pub fn tables(&self, code_len: u32) -> Tables {
        let mut words = self.bodies.clone();
        words.extend(self.entries.iter().flat_map(|(&ty, &at)| [ty, at]));
        let places = self.places.iter();
        words.extend(places.flat_map(|&(place, code, through)| {
            [place.body, place.at, place.stack, code, through]
        }));
        for pairs in [&self.ranges, &self.traps, &self.offsets] {
            words.extend(pairs.iter().flat_map(|&(a, b)| [a, b]));
        }
        words.push(code_len);
        let counts = [
            self.bodies.len(),
            self.entries.len(),
            self.places.len(),
            self.ranges.len(),
            self.traps.len(),
            self.offsets.len(),
        ];
        words.extend(counts.map(|count| count as u32));
        let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        let (code, parts) = split(&bytes).expect("the counts are those of the tables");
        debug_assert_eq!(code, code_len as usize);
        Tables { bytes: bytes.into(), parts }
    }
}

impl Image {
    /// The image with these bytes; `None` if they are not those of one, as far as their length
    /// and where things begin show.
    pub fn from_bytes(bytes: &Lent) -> Option<Image> {
        let (code_len, parts) = split(bytes)?;
        let start = code_len.next_multiple_of(8);
        let total = parts[OFFSETS].0 + parts[OFFSETS].1 * 8 + END;
        if start.checked_add(total)? != bytes.len() {
            return None;
        }
        let code = bytes.part(0..code_len)?;
        let tables = Tables { bytes: bytes.part(start..bytes.len())?, parts };
        let inside = |at: u32| (at as usize) < code_len;
        let sound = tables.rows::<1>(BODIES).all(|[at]| at == u32::MAX || inside(at))
            && tables.rows::<2>(ENTRIES).all(|[_, at]| inside(at))
            && tables.places().all(|(_, code, through)| inside(code) && inside(through));
        sound.then_some(Image { code, tables })
    }
}

/// Several images in one: the code of all places.
pub(crate) fn merge<'i>(images: impl Iterator<Item = (&'i [u8], &'i Tables)>) -> Image {
    let (mut all, mut lists) = (Vec::<u8>::new(), Lists::default());
    for (code, tables) in images {
        let at = all.len().next_multiple_of(ALIGN);
        // Numbers have 32 bits, and jumps reach 2 GiB; so much is never hot.
        if at + code.len() > i32::MAX as usize {
            break;
        }
        all.resize(at, 0);
        all.extend(code);
        let at = at as u32;
        let places = tables.places();
        lists.places.extend(places.map(|(place, code, entry)| (place, at + code, at + entry)));
        let moved = |table| tables.rows::<2>(table).map(move |[a, b]| (at + a, b));
        lists.ranges.extend(moved(RANGES));
        lists.traps.extend(moved(TRAPS));
        lists.offsets.extend(moved(OFFSETS));
    }
    let tables = lists.tables(all.len() as u32);
    Image { code: all.into(), tables }
}

impl Tables {
    /// An image with these tables and this code, as bytes: first the code.
    pub fn image_bytes(&self, code: &[u8]) -> Vec<u8> {
        let start = code.len().next_multiple_of(8);
        let mut out = Vec::with_capacity(start + self.bytes.len());
        out.extend(code);
        out.resize(start, 0);
        out.extend(&*self.bytes);
        out
    }

    /// Where each body begins; `u32::MAX` if it has no code.
    pub fn bodies(&self) -> impl ExactSizeIterator<Item = u32> {
        self.rows::<1>(BODIES).map(|[at]| at)
    }

    /// Where a body begins, if it has code.
    pub fn body(&self, body: u32) -> Option<u32> {
        let [at] = self.row(BODIES, body as usize)?;
        (at != u32::MAX).then_some(at)
    }

    /// Types, and where the entry for functions of each begins.
    pub fn entries(&self) -> impl Iterator<Item = (u32, u32)> {
        self.rows::<2>(ENTRIES).map(|[ty, at]| (ty, at))
    }

    /// Places, their code, and the entry for it.
    pub fn places(&self) -> impl Iterator<Item = (Place, u32, u32)> {
        self.rows::<5>(PLACES)
            .map(|[body, at, stack, code, through]| (Place { body, at, stack }, code, through))
    }

    /// The body at an offset of the code.
    pub fn body_at(&self, at: u32) -> Option<u32> {
        let [_, body] = self.last_until(RANGES, at)?;
        (body != u32::MAX).then_some(body)
    }

    /// The trap at exactly an offset of the code.
    pub fn trap_at(&self, at: u32) -> Option<u8> {
        let [found, code] = self.last_until(TRAPS, at)?;
        (found == at).then_some(code as u8)
    }

    /// The module's offset for the instruction at an offset of the code.
    pub fn offset_at(&self, at: u32) -> u32 {
        self.last_until(OFFSETS, at).map_or(0, |[_, offset]| offset)
    }

    /// The last row of an ordered table whose first word is not above `at`.
    fn last_until(&self, table: usize, at: u32) -> Option<[u32; 2]> {
        let (mut low, mut high) = (0, self.parts[table].1);
        while low < high {
            let middle = low.midpoint(high);
            match self.row::<2>(table, middle)? {
                [first, _] if first <= at => low = middle + 1,
                _ => high = middle,
            }
        }
        self.row(table, low.checked_sub(1)?)
    }

    fn row<const N: usize>(&self, table: usize, index: usize) -> Option<[u32; N]> {
        let (start, count) = self.parts[table];
        let row = (index < count).then(|| self.bytes.get(start + index * 4 * N..))??;
        Some(words(row))
    }

    fn rows<const N: usize>(&self, table: usize) -> impl ExactSizeIterator<Item = [u32; N]> {
        let (start, count) = self.parts[table];
        self.bytes[start..start + count * 4 * N].chunks_exact(4 * N).map(words)
    }
}

/// The first words of some bytes, as many of which are there.
fn words<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let word = |i| bytes.get(4 * i..)?.first_chunk().map(|word| u32::from_le_bytes(*word));
    core::array::from_fn(|i| word(i).unwrap_or(u32::MAX))
}

/// From the end of an image's bytes: how long its code is, and where its tables are, from the
/// first on, with their rows.
fn split(bytes: &[u8]) -> Option<(usize, [(usize, usize); TABLES.len()])> {
    let (rest, end) = bytes.split_at_checked(bytes.len().checked_sub(END)?)?;
    let [code_len, counts @ ..] = words::<{ TABLES.len() + 1 }>(end);
    let mut at = 0usize;
    let mut parts = [(0, 0); TABLES.len()];
    for ((part, words), count) in parts.iter_mut().zip(TABLES).zip(counts) {
        *part = (at, count as usize);
        at = at.checked_add((count as usize).checked_mul(4 * words)?)?;
    }
    (at <= rest.len()).then_some((code_len as usize, parts))
}
