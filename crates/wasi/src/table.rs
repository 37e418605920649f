//! The descriptors of a guest, by number.

use crate::Errno;
use crate::descriptor::Entry;

/// A table whose free numbers are given out lowest first, as POSIX has it.
pub(crate) struct FdTable {
    entries: Vec<Option<Entry>>,
    limit: usize,
}

impl FdTable {
    pub fn new(limit: usize) -> FdTable {
        FdTable {
            entries: Vec::new(),
            // Numbers are 31 bits wide: C callers take negative ones as errors.
            limit: limit.min(i32::MAX as usize),
        }
    }

    pub fn get(&self, fd: u32) -> Result<&Entry, Errno> {
        let slot = self.entries.get(fd as usize);
        slot.and_then(Option::as_ref).ok_or(Errno::Badf)
    }

    pub fn get_mut(&mut self, fd: u32) -> Result<&mut Entry, Errno> {
        let slot = self.entries.get_mut(fd as usize);
        slot.and_then(Option::as_mut).ok_or(Errno::Badf)
    }

    /// Refuses when the table is full, before a call has other effects.
    pub fn check_room(&self) -> Result<(), Errno> {
        if self.lowest_free() < self.limit { Ok(()) } else { Err(Errno::Mfile) }
    }

    pub fn insert(&mut self, entry: Entry) -> Result<u32, Errno> {
        let slot = self.lowest_free();
        if slot >= self.limit {
            return Err(Errno::Mfile);
        }
        if slot == self.entries.len() {
            self.entries.push(None);
        }
        self.entries[slot] = Some(entry);
        u32::try_from(slot).map_err(|_| Errno::Mfile)
    }

    pub fn remove(&mut self, fd: u32) -> Result<Entry, Errno> {
        let slot = self.entries.get_mut(fd as usize);
        slot.and_then(Option::take).ok_or(Errno::Badf)
    }

    /// Moves `from` over `to`, closing what was there. Both must be open.
    pub fn renumber(&mut self, from: u32, to: u32) -> Result<(), Errno> {
        self.get(from)?;
        self.get(to)?;
        if from != to {
            let entry = self.remove(from)?;
            self.entries[to as usize] = Some(entry);
        }
        Ok(())
    }

    /// All open descriptors.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().flatten()
    }

    fn lowest_free(&self) -> usize {
        let free = self.entries.iter().position(Option::is_none);
        free.unwrap_or(self.entries.len())
    }
}
