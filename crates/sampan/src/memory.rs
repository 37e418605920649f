//! Linear memories.

use crate::store::StoreId;
use crate::{AsContext, AsContextMut, Error, MemoryType, Result, StoreContext, StoreContextMut};
use core::fmt;
use sampan_engine::MemoryId;

/// A linear memory of a store, which it has alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    pub(crate) store: StoreId,
    pub(crate) raw: MemoryId,
}

/// A range that is not wholly inside a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryAccessError;

impl fmt::Display for MemoryAccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of bounds memory access by the host")
    }
}

impl core::error::Error for MemoryAccessError {}

impl From<MemoryAccessError> for Error {
    fn from(error: MemoryAccessError) -> Error {
        Error::try_host(error)
    }
}

impl Memory {
    /// A memory of zeroes.
    ///
    /// # Errors
    /// The type is a shared one, for which there is [`SharedMemory`](crate::SharedMemory); the
    /// store's limits or the host's memory do not allow it.
    pub fn new(mut store: impl AsContextMut, ty: MemoryType) -> Result<Memory> {
        let ctx = store.as_context_mut();
        let limits = ty.0.limits;
        if ty.is_shared() {
            return Err(Error::new("a shared memory is made by SharedMemory::new"));
        }
        if limits.max.is_some_and(|max| max < limits.min) {
            return Err(Error::new("size minimum must not be greater than maximum"));
        }
        let raw = ctx.machine.new_memory(ty.0);
        let raw = raw.ok_or_else(|| Error::new("no room for a memory: a limit is reached"))?;
        Ok(Memory { store: ctx.inner.id, raw })
    }

    /// The type, with the current size as its minimum.
    ///
    /// # Panics
    /// It is of another store, here and in all further methods.
    pub fn ty(&self, store: impl AsContext) -> MemoryType {
        MemoryType(store.as_context().machine(self.store).memory(self.raw).ty())
    }

    /// The size in pages.
    pub fn size(&self, store: impl AsContext) -> u64 {
        store.as_context().machine(self.store).memory(self.raw).pages()
    }

    /// The size in bytes.
    pub fn data_size(&self, store: impl AsContext) -> usize {
        store.as_context().machine(self.store).memory(self.raw).data().len()
    }

    /// The bytes.
    pub fn data<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a [u8] {
        store.into().machine(self.store).memory(self.raw).data()
    }

    /// The bytes, to be changed.
    pub fn data_mut<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> &'a mut [u8] {
        store.into().machine(self.store).memory_mut(self.raw).data_mut()
    }

    /// The bytes, to be changed, together with the embedder's data.
    pub fn data_and_store_mut<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> (&'a mut [u8], &'a mut T) {
        let ctx: StoreContextMut<'a, T> = store.into();
        ctx.inner.id.check(self.store);
        (ctx.machine.memory_mut(self.raw).data_mut(), &mut ctx.inner.data)
    }

    /// Fills `buffer` with the bytes at `offset`.
    ///
    /// # Errors
    /// They are not all inside the memory; nothing is read.
    pub fn read(
        &self,
        store: impl AsContext,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<(), MemoryAccessError> {
        let ctx = store.as_context();
        let data = ctx.machine(self.store).memory(self.raw).data();
        let bytes = offset.checked_add(buffer.len()).and_then(|end| data.get(offset..end));
        buffer.copy_from_slice(bytes.ok_or(MemoryAccessError)?);
        Ok(())
    }

    /// Copies `buffer` to `offset`.
    ///
    /// # Errors
    /// There is not enough room in the memory; nothing is written.
    pub fn write(
        &self,
        mut store: impl AsContextMut,
        offset: usize,
        buffer: &[u8],
    ) -> Result<(), MemoryAccessError> {
        let ctx = store.as_context_mut();
        let data = ctx.machine(self.store).memory_mut(self.raw).data_mut();
        let bytes = offset.checked_add(buffer.len()).and_then(|end| data.get_mut(offset..end));
        bytes.ok_or(MemoryAccessError)?.copy_from_slice(buffer);
        Ok(())
    }

    /// Adds `delta` pages and gives the old size in pages.
    ///
    /// # Errors
    /// The type's maximum, the store's limits or the host's memory do not allow it.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64) -> Result<u64> {
        let ctx = store.as_context_mut();
        let old = ctx.machine(self.store).memory_grow(self.raw, delta);
        old.ok_or_else(|| Error::new("the memory cannot grow: a limit is reached"))
    }
}
