//! Memories that threads share.

use crate::{Engine, Error, MemoryAccessError, MemoryType, Result};
use core::sync::atomic::AtomicU8;
pub use sampan_engine::WaitResult;
use sampan_engine::{self as engine};

/// A linear memory that the guests of several stores, on several threads, have at once. Clones
/// are the same memory.
///
/// It belongs to no store. [`Linker::define`](crate::Linker::define) it, or pass it to
/// [`Instance::new`](crate::Instance::new), with as many stores of its engine as are wanted.
/// Guests that run on other threads can change it at any time, so its bytes are never borrowed:
/// the host copies, or reaches them as atomics.
///
/// # Memory model
/// Guests' atomic instructions are sequentially consistent. Their plain accesses, and the
/// copies of [`read`](SharedMemory::read) and [`write`](SharedMemory::write), are relaxed
/// atomic accesses: a race gives some value that was there, never undefined behaviour. An
/// aligned access of up to 64 bits does not tear; others, vectors and bulk instructions may,
/// byte by byte. `memory.atomic.notify` happens before the return of the waits that it ends.
///
/// # Limits
/// It never grows beyond its type's maximum. Room for that is reserved at once (address space,
/// not memory; less if the host refuses, and growing then fails earlier). Its size counts in
/// the [limits](crate::Store::limiter) of every store that has it, when the store gets it and
/// when a guest of the store makes it grow.
///
/// ```
/// use sampan::{Engine, Instance, MemoryType, Module, SharedMemory, Store};
///
/// # fn main() -> sampan::Result<()> {
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (import "" "memory" (memory 1 1 shared))
///     (func (export "count") (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))))"#)?;
/// let memory = SharedMemory::new(&engine, MemoryType::shared(1, 1))?;
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| -> sampan::Result<()> {
///             let mut store = Store::new(&engine, ());
///             let it = Instance::new(&mut store, &module, &[memory.clone().into()])?;
///             it.get_typed_func::<(), ()>(&store, "count")?.call(&mut store, ())
///         });
///     }
/// });
/// let mut count = [0; 4];
/// memory.read(0, &mut count)?;
/// assert_eq!(u32::from_le_bytes(count), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SharedMemory {
    raw: engine::SharedMemory,
    engine: engine::Engine,
}

impl SharedMemory {
    /// A memory of zeroes.
    ///
    /// # Errors
    /// The type is not a [shared](MemoryType::shared) one; the host has no room; this build or
    /// target has no threads.
    pub fn new(engine: &Engine, ty: MemoryType) -> Result<SharedMemory> {
        if !ty.is_shared() {
            return Err(Error::new("the memory's type is not a shared one"));
        }
        if ty.maximum().is_none_or(|max| max < ty.minimum()) {
            return Err(Error::new("size minimum must not be greater than maximum"));
        }
        let raw = engine::SharedMemory::new(ty.0, u64::MAX);
        let raw = raw.ok_or_else(|| Error::new("no room for a shared memory"))?;
        Ok(SharedMemory { raw, engine: engine.raw.clone() })
    }

    #[allow(unused_variables)] // Where nothing is of the type.
    pub(crate) fn from_raw(engine: &engine::Engine, raw: &engine::SharedMemory) -> SharedMemory {
        SharedMemory { raw: raw.clone(), engine: engine.clone() }
    }

    pub(crate) fn raw(&self) -> &engine::SharedMemory {
        &self.raw
    }

    pub(crate) fn engine(&self) -> &engine::Engine {
        &self.engine
    }

    /// The type, with the current size as its minimum.
    pub fn ty(&self) -> MemoryType {
        MemoryType(self.raw.ty())
    }

    /// The size in pages.
    pub fn size(&self) -> u64 {
        self.raw.ty().limits.min
    }

    /// The size in bytes. It never shrinks.
    pub fn data_size(&self) -> usize {
        self.raw.len()
    }

    /// Whether both are the same memory.
    pub fn same(&self, other: &SharedMemory) -> bool {
        self.raw.same(&other.raw)
    }

    /// The bytes that there are now, as atomics.
    pub fn data(&self) -> &[AtomicU8] {
        self.raw.bytes()
    }

    /// Fills `buffer` with copies of the bytes at `offset`, each as it was at some time during
    /// the call.
    ///
    /// # Errors
    /// They are not all inside the memory; nothing is read.
    pub fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<(), MemoryAccessError> {
        self.raw.read(offset, buffer).ok_or(MemoryAccessError)
    }

    /// Copies `buffer` to `offset`.
    ///
    /// # Errors
    /// There is not enough room in the memory; nothing is written.
    pub fn write(&self, offset: usize, buffer: &[u8]) -> Result<(), MemoryAccessError> {
        self.raw.write(offset, buffer).ok_or(MemoryAccessError)
    }

    /// Adds `delta` pages and gives the old size in pages. The limits of stores do not count
    /// here.
    ///
    /// # Errors
    /// The type's maximum or the host's memory do not allow it.
    pub fn grow(&self, delta: u64) -> Result<u64> {
        let old = self.raw.grow(delta);
        old.ok_or_else(|| Error::new("the memory cannot grow: a limit is reached"))
    }
}
