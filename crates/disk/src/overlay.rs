//! Changes beside a device that stays as it is.
//!
//! The second device has a header, a bit for each block of 4 KiB that was changed, and the
//! changed blocks, each where it would be in the first; so in a file of the host what was not
//! changed is a hole. A block is written before its bit, with a flush between: until then the
//! first device's shows, as a device may that was not flushed.

use crate::{Device, Error, Result};
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;

const BLOCK: u64 = 4096;
const MAGIC: &[u8; 16] = b"sampan overlay 1";

/// A device that shows another, and keeps changes of it in a third.
#[derive(Debug)]
pub struct Overlay<B, C> {
    base: B,
    changes: C,
    /// A bit for each block; a set one says that `changes` has it.
    present: Vec<u8>,
    /// Blocks of `present` that `changes` does not have yet.
    unsaved: BTreeSet<u64>,
}

impl<B: Device, C: Device> Overlay<B, C> {
    /// How large the device for changes must be.
    pub fn size_for(base: u64) -> u64 {
        data_start(base) + base.next_multiple_of(BLOCK)
    }

    /// Opens an overlay; one that is all zero becomes an empty one. The base must have been
    /// left alone since: its beginning, where file systems note changes, is compared.
    ///
    /// # Errors
    /// `Invalid` if the changes belong to something else, `NotReady` to try again.
    pub fn open(mut base: B, mut changes: C) -> core::result::Result<Overlay<B, C>, (Error, B, C)> {
        match prepare(&mut base, &mut changes) {
            Ok(present) => Ok(Overlay { base, changes, present, unsaved: BTreeSet::new() }),
            Err(error) => Err((error, base, changes)),
        }
    }

    /// Gives both devices back. What was not flushed may be lost.
    pub fn into_parts(self) -> (B, C) {
        (self.base, self.changes)
    }

    fn has(&self, block: u64) -> bool {
        self.present[block as usize / 8] >> (block % 8) & 1 != 0
    }

    fn place(&self, offset: u64) -> u64 {
        data_start(self.base.size()) + offset
    }

    fn check(&self, offset: u64, length: usize) -> Result<()> {
        match offset.checked_add(length as u64) {
            Some(end) if end <= self.base.size() => Ok(()),
            _ => Err(Error::Io),
        }
    }

    /// The length of what, from `offset` on, is all in one device; and whether in `changes`.
    fn run(&self, offset: u64, most: usize) -> (usize, bool) {
        let changed = self.has(offset / BLOCK);
        let mut end = (offset / BLOCK + 1) * BLOCK;
        while end - offset < most as u64 && self.has(end / BLOCK) == changed {
            end += BLOCK;
        }
        ((end - offset).min(most as u64) as usize, changed)
    }
}

fn bits_len(base: u64) -> u64 {
    base.div_ceil(BLOCK).div_ceil(8).next_multiple_of(BLOCK)
}

fn data_start(base: u64) -> u64 {
    BLOCK + bits_len(base)
}

/// Reads or writes the header; what it says is present.
fn prepare(base: &mut dyn Device, changes: &mut dyn Device) -> Result<Vec<u8>> {
    let size = base.size();
    if changes.size() < data_start(size) + size.next_multiple_of(BLOCK) {
        return Err(Error::Invalid);
    }
    let mut start = vec![0; size.min(BLOCK) as usize];
    base.read_at(0, &mut start)?;
    let sum = start.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let mut expected = [0; 32];
    expected[..16].copy_from_slice(MAGIC);
    expected[16..24].copy_from_slice(&size.to_le_bytes());
    expected[24..].copy_from_slice(&sum.to_le_bytes());
    let mut header = [0; 32];
    changes.read_at(0, &mut header)?;
    if header == [0; 32] {
        changes.write_at(0, &expected)?;
        changes.flush()?;
    } else if header != expected {
        return Err(Error::Invalid);
    }
    let mut present = vec![0; bits_len(size) as usize];
    changes.read_at(BLOCK, &mut present)?;
    Ok(present)
}

impl<B: Device, C: Device> Device for Overlay<B, C> {
    fn size(&self) -> u64 {
        self.base.size()
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.check(offset, buffer.len())?;
        let mut done = 0;
        while done < buffer.len() {
            let at = offset + done as u64;
            let (len, changed) = self.run(at, buffer.len() - done);
            let part = &mut buffer[done..done + len];
            match changed {
                true => self.changes.read_at(self.place(at), part)?,
                false => self.base.read_at(at, part)?,
            }
            done += len;
        }
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.check(offset, bytes.len())?;
        if bytes.is_empty() {
            return Ok(());
        }
        let end = offset + bytes.len() as u64;
        // What is changed in part is brought over as a whole; only the ends can be.
        let mut from = offset;
        let mut all = Vec::new();
        let (first, last) = (offset / BLOCK, (end - 1) / BLOCK);
        if !offset.is_multiple_of(BLOCK) && !self.has(first) {
            from = first * BLOCK;
            all.resize((offset - from) as usize, 0);
            self.base.read_at(from, &mut all)?;
        }
        all.extend_from_slice(bytes);
        let whole = ((last + 1) * BLOCK).min(self.base.size());
        if end < whole && !self.has(last) {
            let at = all.len();
            all.resize(at + (whole - end) as usize, 0);
            self.base.read_at(end, &mut all[at..])?;
        }
        self.changes.write_at(self.place(from), &all)?;
        for block in first..=last {
            if !self.has(block) {
                self.present[block as usize / 8] |= 1 << (block % 8);
                self.unsaved.insert(block / 8 / BLOCK);
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.changes.flush()?;
        if self.unsaved.is_empty() {
            return Ok(());
        }
        for &part in &self.unsaved {
            let at = (part * BLOCK) as usize;
            let bits = &self.present[at..at + BLOCK as usize];
            self.changes.write_at(BLOCK + part * BLOCK, bits)?;
        }
        self.changes.flush()?;
        self.unsaved.clear();
        Ok(())
    }

    fn prefetch(&mut self, offset: u64, length: u64) {
        self.base.prefetch(offset, length);
    }

    fn is_read_only(&self) -> bool {
        self.changes.is_read_only()
    }
}
