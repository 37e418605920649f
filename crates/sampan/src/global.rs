//! Globals.

use crate::store::StoreId;
use crate::{AsContext, AsContextMut, Error, GlobalType, Mutability, Result, Val};
use sampan_engine::GlobalId;

/// A global of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Global {
    pub(crate) store: StoreId,
    pub(crate) raw: GlobalId,
}

impl Global {
    /// A global with a first value.
    ///
    /// # Errors
    /// The value is not of the type's content type.
    pub fn new(mut store: impl AsContextMut, ty: GlobalType, value: Val) -> Result<Global> {
        let ctx = store.as_context_mut();
        let mut slots = [0; 2];
        value.to_slots(ctx.machine, ctx.inner.id, ty.content(), &mut slots)?;
        Ok(Global { store: ctx.inner.id, raw: ctx.machine.new_global(ty.0, slots)? })
    }

    /// The type.
    ///
    /// # Panics
    /// It is of another store, here and in all further methods.
    pub fn ty(&self, store: impl AsContext) -> GlobalType {
        GlobalType(store.as_context().machine(self.store).global_type(self.raw))
    }

    /// The value.
    pub fn get(&self, mut store: impl AsContextMut) -> Val {
        let machine = store.as_context_mut().machine(self.store);
        let content = machine.global_type(self.raw).content;
        let slots = machine.global(self.raw);
        Val::from_slots(machine, self.store, content, &slots).0
    }

    /// Writes the value.
    ///
    /// # Errors
    /// The global is constant, or the value is not of its content type.
    pub fn set(&self, mut store: impl AsContextMut, value: Val) -> Result<()> {
        let ctx = store.as_context_mut();
        let ty = self.ty(&ctx);
        if ty.mutability() == Mutability::Const {
            return Err(Error::new("a constant global cannot be written"));
        }
        let mut slots = [0; 2];
        value.to_slots(ctx.machine, self.store, ty.content(), &mut slots)?;
        ctx.machine(self.store).set_global(self.raw, slots);
        Ok(())
    }
}
