//! The table of file descriptors, which threads share (`CLONE_FILES`).

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::OpenFile;
use crate::errno::{Errno, SysResult};

/// A descriptor.
#[derive(Clone)]
struct Entry {
    open: Rc<OpenFile>,
    cloexec: bool,
}

/// Descriptors of a process.
#[derive(Clone, Default)]
pub struct FdTable {
    entries: Vec<Option<Entry>>,
}

impl FdTable {
    /// The file behind a descriptor; `EBADF` if it is closed.
    pub fn get(&self, fd: i32) -> SysResult<&Rc<OpenFile>> {
        self.entry(fd).map(|entry| &entry.open).ok_or(Errno::EBADF)
    }

    /// Whether the descriptor is closed by `execve`.
    pub fn cloexec(&self, fd: i32) -> SysResult<bool> {
        self.entry(fd).map(|entry| entry.cloexec).ok_or(Errno::EBADF)
    }

    /// Sets whether the descriptor is closed by `execve`.
    pub fn set_cloexec(&mut self, fd: i32, cloexec: bool) -> SysResult<()> {
        let index = usize::try_from(fd).map_err(|_| Errno::EBADF)?;
        let entry = self.entries.get_mut(index).and_then(Option::as_mut).ok_or(Errno::EBADF)?;
        entry.cloexec = cloexec;
        Ok(())
    }

    /// Takes the lowest free descriptor from `from` on; `EMFILE` at `limit`.
    pub fn insert(
        &mut self,
        open: Rc<OpenFile>,
        cloexec: bool,
        from: usize,
        limit: u64,
    ) -> SysResult<i32> {
        let free = (from..self.entries.len()).find(|&index| self.entries[index].is_none());
        let index = free.unwrap_or(self.entries.len().max(from));
        if index as u64 >= limit || index >= i32::MAX as usize {
            return Err(Errno::EMFILE);
        }
        self.put(index, open, cloexec);
        Ok(index as i32)
    }

    /// Makes `fd` this file, and returns what it was before.
    pub fn replace(
        &mut self,
        fd: usize,
        open: Rc<OpenFile>,
        cloexec: bool,
    ) -> Option<Rc<OpenFile>> {
        let old = self.entries.get_mut(fd).and_then(Option::take);
        self.put(fd, open, cloexec);
        old.map(|entry| entry.open)
    }

    /// Closes a descriptor.
    pub fn remove(&mut self, fd: i32) -> SysResult<Rc<OpenFile>> {
        let index = usize::try_from(fd).map_err(|_| Errno::EBADF)?;
        let entry = self.entries.get_mut(index).and_then(Option::take).ok_or(Errno::EBADF)?;
        while self.entries.last().is_some_and(Option::is_none) {
            self.entries.pop();
        }
        Ok(entry.open)
    }

    /// Takes all descriptors out that `execve` closes.
    pub fn take_cloexec(&mut self) -> Vec<Rc<OpenFile>> {
        let marked = |entry: &mut Option<Entry>| entry.as_ref().is_some_and(|entry| entry.cloexec);
        self.entries
            .iter_mut()
            .filter_map(|slot| if marked(slot) { slot.take() } else { None })
            .map(|entry| entry.open)
            .collect()
    }

    /// The open descriptors, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = (i32, &Rc<OpenFile>)> {
        let open = |(fd, entry): (usize, &'_ Option<Entry>)| entry.as_ref().map(|_| fd as i32);
        self.entries
            .iter()
            .enumerate()
            .filter_map(open)
            .filter_map(|fd| self.entry(fd).map(|entry| (fd, &entry.open)))
    }

    /// One more than the highest open descriptor.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no descriptor is open.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn entry(&self, fd: i32) -> Option<&Entry> {
        self.entries.get(usize::try_from(fd).ok()?)?.as_ref()
    }

    fn put(&mut self, index: usize, open: Rc<OpenFile>, cloexec: bool) {
        if index >= self.entries.len() {
            self.entries.resize(index + 1, None);
        }
        self.entries[index] = Some(Entry { open, cloexec });
    }
}
