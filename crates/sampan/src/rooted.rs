//! References to the collected heap as hosts hold them.
//!
//! A reference such as [`AnyRef`](crate::AnyRef) is a small value that is copied freely. What
//! it refers to is alive until the scope in which the reference came to the host ends: that
//! of the host function that got or made it, a [`RootScope`], or else the store's whole life.
//! One that shall live longer, or exactly as long as something of the host's, is made an
//! [`OwnedRooted`].

use crate::store::StoreId;
use crate::{AsContext, AsContextMut, Error, Result, StoreContext, StoreContextMut};
use core::marker::PhantomData;
use sampan_engine::{Handle, Machine, OwnedRef, RawRef};

/// A reference that is not null.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rooted {
    pub(crate) store: StoreId,
    raw: RawRef,
    handle: Handle,
}

/// Whether both are the same reference; for as long as both are alive.
impl PartialEq for Rooted {
    fn eq(&self, other: &Rooted) -> bool {
        self.store == other.store && self.raw == other.raw
    }
}

impl Eq for Rooted {}

impl Rooted {
    pub(crate) fn new(machine: &mut Machine, store: StoreId, raw: RawRef) -> Rooted {
        Rooted { store, raw, handle: machine.handle(raw) }
    }

    /// The reference, if it is of the store and its scope has not ended.
    pub(crate) fn raw(&self, machine: &Machine, store: StoreId) -> Result<RawRef> {
        if self.store != store {
            return Err(Error::new("a reference of another store"));
        }
        match machine.resolve(self.handle) {
            Some(raw) if raw == self.raw => Ok(raw),
            _ => Err(Error::new(
                "a reference whose scope has ended, or for which there was no memory",
            )),
        }
    }

    /// The same in a context.
    pub(crate) fn get(&self, store: &impl AsContext) -> Result<RawRef> {
        let ctx = store.as_context();
        self.raw(ctx.machine, ctx.inner.id)
    }
}

/// Every kind of reference to the collected heap.
pub trait GcRef: Copy + private::Sealed {}

pub(crate) mod private {
    use super::Rooted;

    pub trait Sealed {
        #[doc(hidden)]
        #[allow(private_interfaces)]
        fn rooted(self) -> Rooted;
        #[doc(hidden)]
        #[allow(private_interfaces)]
        fn from_rooted(rooted: Rooted) -> Self;
    }
}

/// A reference that lives until the last clone of this is dropped.
#[derive(Clone, Debug)]
pub struct OwnedRooted<R> {
    store: StoreId,
    owned: OwnedRef,
    kind: PhantomData<fn() -> R>,
}

impl<R: GcRef> OwnedRooted<R> {
    /// Keeps what a reference refers to.
    ///
    /// # Errors
    /// The reference is of another store, or its scope has ended; there is no memory left.
    pub fn new(mut store: impl AsContextMut, reference: R) -> Result<OwnedRooted<R>> {
        let raw = reference.rooted().get(&store)?;
        let ctx = store.as_context_mut();
        let owned = ctx.machine.own(raw)?;
        Ok(OwnedRooted { store: ctx.inner.id, owned, kind: PhantomData })
    }

    /// A reference to the same, alive until the current scope ends.
    ///
    /// # Panics
    /// It is of another store.
    pub fn to_rooted(&self, mut store: impl AsContextMut) -> R {
        let machine = store.as_context_mut().machine(self.store);
        R::from_rooted(Rooted::new(machine, self.store, self.owned.raw()))
    }
}

/// Access to a store; references that come to the host by way of it are alive until it is
/// dropped.
pub struct RootScope<C: AsContextMut> {
    store: C,
    scope: usize,
}

impl<C: AsContextMut> RootScope<C> {
    /// Opens a scope.
    pub fn new(mut store: C) -> RootScope<C> {
        let scope = store.as_context_mut().machine.open_scope();
        RootScope { store, scope }
    }
}

impl<C: AsContextMut> Drop for RootScope<C> {
    fn drop(&mut self) {
        self.store.as_context_mut().machine.close_scope(self.scope);
    }
}

impl<C: AsContextMut> AsContext for RootScope<C> {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        self.store.as_context()
    }
}

impl<C: AsContextMut> AsContextMut for RootScope<C> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        self.store.as_context_mut()
    }
}
