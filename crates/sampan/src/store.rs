//! Stores: what exists at run time, and the embedder's data.

use crate::context::{AsContext, AsContextMut, StoreContext, StoreContextMut};
use crate::{Engine, Error, Result};
use core::fmt;
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicUsize, Ordering};
pub use sampan_engine::InterruptHandle;
use sampan_engine::Machine;

/// Owns instances, memories, tables, globals and functions, and data of type `T` that host
/// functions reach.
///
/// Nothing in it is freed before it is: a program that instantiates for ever needs new
/// stores. Handles such as [`Func`](crate::Func) and [`Memory`](crate::Memory) belong to one
/// store; using one with another panics.
pub struct Store<T: 'static> {
    machine: Machine,
    inner: Inner<T>,
}

/// What a store has beside its machine.
pub(crate) struct Inner<T> {
    pub(crate) id: StoreId,
    pub(crate) engine: Engine,
    pub(crate) data: T,
}

impl<T: 'static> Store<T> {
    /// A store in which nothing exists but `data`.
    ///
    /// # Panics
    /// There is no memory left; see [`Store::try_new`].
    pub fn new(engine: &Engine, data: T) -> Store<T> {
        Store::try_new(engine, data).expect("there is memory for a store")
    }

    /// A store in which nothing exists but `data`.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn try_new(engine: &Engine, data: T) -> Result<Store<T>> {
        let machine = Machine::try_new(&engine.raw)?;
        Ok(Store { machine, inner: Inner { id: StoreId::new(), engine: engine.clone(), data } })
    }

    /// The engine that it was made for.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// The embedder's data.
    pub fn data(&self) -> &T {
        &self.inner.data
    }

    /// The embedder's data, to be changed.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.inner.data
    }

    /// The embedder's data; all else is dropped.
    pub fn into_data(self) -> T {
        self.inner.data
    }

    /// The fuel that is left; about one unit for each instruction executed.
    ///
    /// # Errors
    /// [`Config::consume_fuel`](crate::Config::consume_fuel) is off.
    pub fn get_fuel(&self) -> Result<u64> {
        self.as_context().get_fuel()
    }

    /// Sets the fuel that is left. A store begins with none.
    ///
    /// # Errors
    /// [`Config::consume_fuel`](crate::Config::consume_fuel) is off.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<()> {
        self.as_context_mut().set_fuel(fuel)
    }

    /// Drops what nothing refers to any more in the collected heap: structs, arrays, and objects
    /// of the host that became an `externref`. Happens by itself as guests allocate.
    pub fn gc(&mut self) {
        self.machine.collect();
    }

    /// Sets the bounds for what guests may take from now on.
    pub fn limiter(&mut self, limits: StoreLimits) {
        self.machine.set_limits(limits.0);
    }

    /// A handle to stop the guest with, from any thread.
    ///
    /// The guest that runs then, or the next one, ends with
    /// [`Trap::Interrupt`](crate::Trap::Interrupt) at its next call or loop. A host function
    /// is not interrupted.
    ///
    /// # Errors
    /// [`Config::interruptible`](crate::Config::interruptible) is off.
    pub fn interrupt_handle(&self) -> Result<InterruptHandle> {
        if !self.machine.engine().config().interruptible {
            return Err(Error::new("the engine is not configured to be interruptible"));
        }
        Ok(self.machine.interrupt_handle())
    }
}

impl<T: 'static> AsContext for Store<T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext { machine: &self.machine, inner: &self.inner }
    }
}

impl<T: 'static> AsContextMut for Store<T> {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut { machine: &mut self.machine, inner: &mut self.inner }
    }
}

impl<T: Default + 'static> Default for Store<T> {
    fn default() -> Store<T> {
        Store::new(&Engine::default(), T::default())
    }
}

impl<T: fmt::Debug + 'static> fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("data", &self.inner.data).finish_non_exhaustive()
    }
}

/// Upper bounds for what the guests of one store hold together; see [`Store::limiter`].
#[derive(Clone, Debug, Default)]
pub struct StoreLimits(pub(crate) sampan_engine::Limits);

/// Puts [`StoreLimits`] together.
#[derive(Clone, Debug, Default)]
pub struct StoreLimitsBuilder(StoreLimits);

impl StoreLimitsBuilder {
    /// As much memory as the address space holds, ten million table elements, ten thousand
    /// instances.
    pub fn new() -> StoreLimitsBuilder {
        StoreLimitsBuilder::default()
    }

    /// Bounds the bytes of all linear memories together.
    #[must_use]
    pub fn memory_size(mut self, bytes: u64) -> StoreLimitsBuilder {
        self.0.0.memory_bytes = bytes;
        self
    }

    /// Bounds the elements of all tables together.
    #[must_use]
    pub fn table_elements(mut self, elements: u64) -> StoreLimitsBuilder {
        self.0.0.table_elements = elements;
        self
    }

    /// Bounds the number of instances.
    #[must_use]
    pub fn instances(mut self, count: u32) -> StoreLimitsBuilder {
        self.0.0.instances = count;
        self
    }

    /// The limits.
    pub fn build(self) -> StoreLimits {
        self.0
    }
}

/// What tells stores apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StoreId(NonZeroUsize);

impl StoreId {
    fn new() -> StoreId {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let next = |id: usize| id.checked_add(1);
        #[cfg(target_has_atomic = "ptr")]
        let id = NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok();
        // Engines, which stores are made for, stay in one thread there.
        #[cfg(not(target_has_atomic = "ptr"))]
        let id = {
            let id = NEXT.load(Ordering::Relaxed);
            next(id).map(|next| {
                NEXT.store(next, Ordering::Relaxed);
                id
            })
        };
        // Numbers that wrapped around would make handles of two stores look alike.
        StoreId(id.and_then(NonZeroUsize::new).expect("fewer stores than addresses"))
    }

    /// Panics unless `other` is the same store: handles are numbers that mean nothing, or
    /// something else, elsewhere.
    #[inline]
    #[track_caller]
    pub(crate) fn check(self, other: StoreId) {
        assert!(self == other, "object used with the wrong store");
    }
}
