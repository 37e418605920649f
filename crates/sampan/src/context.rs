//! Access to a store from wherever it can be had: a store, a reference to one, or the
//! [`Caller`] that host functions get.

use crate::store::{Inner, StoreId};
use crate::{Engine, Error, Extern, Result, Store};
use core::any::Any;
use sampan_engine::{InstanceId, Machine};

/// Shared access to a store.
pub struct StoreContext<'a, T: 'static> {
    pub(crate) machine: &'a Machine,
    pub(crate) inner: &'a Inner<T>,
}

/// Exclusive access to a store.
pub struct StoreContextMut<'a, T: 'static> {
    pub(crate) machine: &'a mut Machine,
    pub(crate) inner: &'a mut Inner<T>,
}

/// Whatever gives shared access to a store.
pub trait AsContext {
    /// The embedder's data in the store.
    type Data: 'static;

    /// The access.
    fn as_context(&self) -> StoreContext<'_, Self::Data>;
}

/// Whatever gives exclusive access to a store.
pub trait AsContextMut: AsContext {
    /// The access.
    fn as_context_mut(&mut self) -> StoreContextMut<'_, Self::Data>;
}

impl<'a, T: 'static> StoreContext<'a, T> {
    /// The engine of the store.
    pub fn engine(&self) -> &'a Engine {
        &self.inner.engine
    }

    /// The embedder's data.
    pub fn data(&self) -> &'a T {
        &self.inner.data
    }

    /// See [`Store::get_fuel`].
    ///
    /// # Errors
    /// Fuel is off.
    pub fn get_fuel(&self) -> Result<u64> {
        check_fuel(self.machine)?;
        Ok(self.machine.fuel())
    }

    /// The machine, for a handle of the store `id`.
    #[inline]
    #[track_caller]
    pub(crate) fn machine(&self, id: StoreId) -> &'a Machine {
        self.inner.id.check(id);
        self.machine
    }
}

impl<'a, T: 'static> StoreContextMut<'a, T> {
    /// The engine of the store.
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

    /// See [`Store::get_fuel`].
    ///
    /// # Errors
    /// Fuel is off.
    pub fn get_fuel(&self) -> Result<u64> {
        self.as_context().get_fuel()
    }

    /// See [`Store::set_fuel`].
    ///
    /// # Errors
    /// Fuel is off.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<()> {
        check_fuel(self.machine)?;
        self.machine.set_fuel(fuel);
        Ok(())
    }

    /// See [`Store::gc`].
    pub fn gc(&mut self) {
        self.machine.collect();
    }

    /// The machine, for a handle of the store `id`.
    #[inline]
    #[track_caller]
    pub(crate) fn machine(self, id: StoreId) -> &'a mut Machine {
        self.inner.id.check(id);
        self.machine
    }

    /// The access that a host function's arguments stand for.
    #[inline]
    pub(crate) fn of_host(machine: &'a mut Machine, data: &'a mut dyn Any) -> Self {
        let inner = data.downcast_mut().expect("a store passes its own data");
        StoreContextMut { machine, inner }
    }

    /// Calls a function of this store.
    pub(crate) fn call(&mut self, func: sampan_engine::FuncId, slots: &mut [u64]) -> Result<()> {
        let result = self.machine.call(&mut *self.inner, func, slots);
        result.map_err(|trap| Error::from_trap(self.machine, trap))
    }
}

fn check_fuel(machine: &Machine) -> Result<()> {
    if !machine.engine().config().fuel {
        return Err(Error::new("fuel is not configured in this engine"));
    }
    Ok(())
}

/// The store as a host function sees it, and the instance that called.
pub struct Caller<'a, T: 'static> {
    pub(crate) store: StoreContextMut<'a, T>,
    pub(crate) instance: Option<InstanceId>,
}

impl<T: 'static> Caller<'_, T> {
    /// The embedder's data.
    pub fn data(&self) -> &T {
        self.store.data()
    }

    /// The embedder's data, to be changed.
    pub fn data_mut(&mut self) -> &mut T {
        self.store.data_mut()
    }

    /// The engine of the store.
    pub fn engine(&self) -> &Engine {
        self.store.engine()
    }

    /// See [`Store::gc`].
    pub fn gc(&mut self) {
        self.store.gc();
    }

    /// What the calling instance exports under a name; `None` too if the host itself called.
    pub fn get_export(&self, name: &str) -> Option<Extern> {
        let value = self.store.machine.export(self.instance?, name)?;
        Some(Extern::from_raw(self.store.machine, self.store.inner.id, value))
    }

    /// See [`Store::get_fuel`].
    ///
    /// # Errors
    /// Fuel is off.
    pub fn get_fuel(&self) -> Result<u64> {
        self.store.get_fuel()
    }

    /// See [`Store::set_fuel`].
    ///
    /// # Errors
    /// Fuel is off.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<()> {
        self.store.set_fuel(fuel)
    }
}

impl<T: 'static> AsContext for Caller<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        self.store.as_context()
    }
}

impl<T: 'static> AsContextMut for Caller<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        self.store.as_context_mut()
    }
}

impl<T: 'static> AsContext for StoreContext<'_, T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext { machine: self.machine, inner: self.inner }
    }
}

impl<T: 'static> AsContext for StoreContextMut<'_, T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext { machine: self.machine, inner: self.inner }
    }
}

impl<T: 'static> AsContextMut for StoreContextMut<'_, T> {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut { machine: self.machine, inner: self.inner }
    }
}

impl<C: AsContext> AsContext for &C {
    type Data = C::Data;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContext> AsContext for &mut C {
    type Data = C::Data;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContextMut> AsContextMut for &mut C {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        C::as_context_mut(self)
    }
}

macro_rules! from {
    ($($holder:ty)*) => {$(
        impl<'a, 'b, T: 'static> From<&'a $holder> for StoreContext<'a, T> {
            fn from(holder: &'a $holder) -> StoreContext<'a, T> {
                holder.as_context()
            }
        }

        impl<'a, 'b, T: 'static> From<&'a mut $holder> for StoreContext<'a, T> {
            fn from(holder: &'a mut $holder) -> StoreContext<'a, T> {
                <$holder as AsContext>::as_context(holder)
            }
        }

        impl<'a, 'b, T: 'static> From<&'a mut $holder> for StoreContextMut<'a, T> {
            fn from(holder: &'a mut $holder) -> StoreContextMut<'a, T> {
                holder.as_context_mut()
            }
        }
    )*};
}
from!(Store<T> Caller<'b, T> StoreContextMut<'b, T>);
