//! Tables of references.

use crate::store::StoreId;
use crate::{AsContext, AsContextMut, Error, Ref, Result, TableType, Trap};
use sampan_engine::TableId;

/// A table of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    pub(crate) store: StoreId,
    pub(crate) raw: TableId,
}

impl Table {
    /// A table whose elements are `init`.
    ///
    /// # Errors
    /// `init` is not of the elements' type; the store's limits or the host's memory do not
    /// allow it.
    pub fn new(mut store: impl AsContextMut, ty: TableType, init: Ref) -> Result<Table> {
        let ctx = store.as_context_mut();
        let limits = ty.0.limits;
        if limits.max.is_some_and(|max| max < limits.min) {
            return Err(Error::new("size minimum must not be greater than maximum"));
        }
        let init = init.to_raw(&ctx, ty.element())?;
        let raw = ctx.machine.new_table(ty.0, init);
        let raw = raw.ok_or_else(|| Error::new("no room for a table: a limit is reached"))?;
        Ok(Table { store: ctx.inner.id, raw })
    }

    /// The type, with the current size as its minimum.
    ///
    /// # Panics
    /// It is of another store, here and in all further methods.
    pub fn ty(&self, store: impl AsContext) -> TableType {
        TableType(store.as_context().machine(self.store).table(self.raw).ty())
    }

    /// The number of elements.
    pub fn size(&self, store: impl AsContext) -> u64 {
        store.as_context().machine(self.store).table(self.raw).size()
    }

    /// The element at `index`; `None` beyond the end.
    pub fn get(&self, mut store: impl AsContextMut, index: u64) -> Option<Ref> {
        let machine = store.as_context_mut().machine(self.store);
        let table = machine.table(self.raw);
        let (ty, element) = (table.ty().element, table.get(index).ok()?);
        Some(Ref::from_raw(machine, self.store, ty, element))
    }

    /// Writes the element at `index`.
    ///
    /// # Errors
    /// `value` is not of the elements' type; `index` is beyond the end.
    pub fn set(&self, mut store: impl AsContextMut, index: u64, value: Ref) -> Result<()> {
        let ctx = store.as_context_mut();
        let value = value.to_raw(&ctx, self.ty(&ctx).element())?;
        let table = ctx.machine(self.store).table_mut(self.raw);
        table.set(index, value).map_err(|_| Trap::TableOutOfBounds.into())
    }

    /// Adds `delta` elements that are `init` and gives the old size.
    ///
    /// # Errors
    /// `init` is not of the elements' type; the type's maximum, the store's limits or the
    /// host's memory do not allow it.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64, init: Ref) -> Result<u64> {
        let ctx = store.as_context_mut();
        let init = init.to_raw(&ctx, self.ty(&ctx).element())?;
        let old = ctx.machine(self.store).table_grow(self.raw, delta, init);
        old.ok_or_else(|| Error::new("the table cannot grow: a limit is reached"))
    }
}
