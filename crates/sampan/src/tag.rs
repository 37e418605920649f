//! Exception tags.

use crate::store::StoreId;
use crate::{AsContext, AsContextMut, Error, FuncType, Result};
use sampan_engine::TagId;

/// A tag of a store: what tells kinds of exceptions apart, and the types of what they carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    pub(crate) store: StoreId,
    pub(crate) raw: TagId,
}

impl Tag {
    /// A new tag, that no other is equal to. Exceptions carry the parameters of `ty`.
    ///
    /// # Errors
    /// The type has results.
    pub fn new(mut store: impl AsContextMut, ty: FuncType) -> Result<Tag> {
        if !ty.results().is_empty() {
            return Err(Error::new("a tag's type has no results"));
        }
        let ctx = store.as_context_mut();
        Ok(Tag { store: ctx.inner.id, raw: ctx.machine.new_tag(&ty)? })
    }

    /// The type: what exceptions carry are its parameters.
    ///
    /// # Panics
    /// It is of another store.
    pub fn ty(&self, store: impl AsContext) -> FuncType {
        store.as_context().machine(self.store).tag_type(self.raw).clone()
    }
}
