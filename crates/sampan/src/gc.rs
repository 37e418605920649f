//! References: `anyref` and its kinds, `externref` and `exnref`.

use crate::rooted::{GcRef, Rooted, private::Sealed};
use crate::{AsContext, AsContextMut, HeapType, RefType, Result, StoreContext};
use core::any::Any;
use sampan_engine::RawRef;
use sampan_engine::wasm::room::boxed;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub(crate) Rooted);

        impl GcRef for $name {}
        impl Sealed for $name {
            #[allow(private_interfaces)]
            fn rooted(self) -> Rooted {
                self.0
            }
            #[allow(private_interfaces)]
            fn from_rooted(rooted: Rooted) -> $name {
                $name(rooted)
            }
        }
    )*};
}

kinds! {
    /// A reference to a struct, an array, an `i31`, or a host object that guests made an
    /// `anyref`.
    AnyRef;
    /// A reference to a struct, an array or an `i31`: what `ref.eq` compares.
    EqRef;
    /// A reference to a struct.
    StructRef;
    /// A reference to an array.
    ArrayRef;
    /// A reference to an object of the host, which guests can pass on but not look into, or
    /// an object of a guest's that was made an `externref`.
    ///
    /// An object of the host is dropped when a collection finds that nothing refers to it.
    ExternRef;
    /// A reference to an exception: a tag, and what it carries. It is alive as other references
    /// that the host holds.
    Exception;
}

/// An integer of 31 bits, which is a reference without an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct I31(i32);

impl I31 {
    /// The number, if it has 31 bits with a sign.
    pub fn new_i32(value: i32) -> Option<I31> {
        (value << 1 >> 1 == value).then_some(I31(value))
    }

    /// The low 31 bits of a number.
    pub fn wrapping_u32(value: u32) -> I31 {
        I31((value << 1) as i32 >> 1)
    }

    /// The number, sign-extended.
    pub fn get_i32(self) -> i32 {
        self.0
    }

    /// The 31 bits as a number without sign.
    pub fn get_u32(self) -> u32 {
        self.0 as u32 & (u32::MAX >> 1)
    }
}

impl ExternRef {
    /// Gives `object` to the store and refers to it.
    ///
    /// # Errors
    /// The collected heap has no room.
    pub fn new(mut store: impl AsContextMut, object: impl Any + Send + Sync) -> Result<ExternRef> {
        let ctx = store.as_context_mut();
        let raw = ctx.machine.new_host_ref(boxed(object)?).map_err(crate::error::of_kind)?;
        Ok(ExternRef(Rooted::new(ctx.machine, ctx.inner.id, raw)))
    }

    /// The object of the host; `None` if it is a guest's.
    ///
    /// # Panics
    /// It is of another store, or its scope has ended.
    pub fn data<'a, T: 'static>(
        &self,
        store: impl Into<StoreContext<'a, T>>,
    ) -> Option<&'a (dyn Any + Send + Sync)> {
        let ctx = store.into();
        let raw = self.0.raw(ctx.machine, ctx.inner.id);
        ctx.machine.host_ref(raw.unwrap_or_else(|error| panic!("{error}")))
    }

    /// `extern.convert_any`
    pub fn convert_any(any: AnyRef) -> ExternRef {
        ExternRef(any.0)
    }
}

impl AnyRef {
    /// `any.convert_extern`
    pub fn convert_extern(object: ExternRef) -> AnyRef {
        AnyRef(object.0)
    }

    /// `ref.i31`
    pub fn from_i31(mut store: impl AsContextMut, value: I31) -> AnyRef {
        let ctx = store.as_context_mut();
        AnyRef(Rooted::new(ctx.machine, ctx.inner.id, RawRef::i31(value.get_u32())))
    }

    /// The number, if it is an `i31`.
    ///
    /// # Errors
    /// The reference is of another store, or its scope has ended.
    pub fn as_i31(&self, store: impl AsContext) -> Result<Option<I31>> {
        let raw = self.0.get(&store)?;
        Ok(raw.as_i31().map(|value| I31::wrapping_u32(value as u32)))
    }

    /// The same as a struct, if it is one.
    ///
    /// # Errors
    /// As [`AnyRef::as_i31`].
    pub fn as_struct(&self, store: impl AsContext) -> Result<Option<StructRef>> {
        Ok(self.is_of(store, HeapType::Struct)?.then_some(StructRef(self.0)))
    }

    /// The same as an array, if it is one.
    ///
    /// # Errors
    /// As [`AnyRef::as_i31`].
    pub fn as_array(&self, store: impl AsContext) -> Result<Option<ArrayRef>> {
        Ok(self.is_of(store, HeapType::Array)?.then_some(ArrayRef(self.0)))
    }

    /// The same as an `eqref`, if it is one.
    ///
    /// # Errors
    /// As [`AnyRef::as_i31`].
    pub fn as_eq(&self, store: impl AsContext) -> Result<Option<EqRef>> {
        Ok(self.is_of(store, HeapType::Eq)?.then_some(EqRef(self.0)))
    }

    /// Whether it is of a heap type, whose index, if it has one, is the store's.
    ///
    /// # Errors
    /// As [`AnyRef::as_i31`].
    pub fn is_of(&self, store: impl AsContext, ty: HeapType) -> Result<bool> {
        let raw = self.0.get(&store)?;
        Ok(store.as_context().machine.is_of(raw, RefType::new(false, ty)))
    }

    /// `ref.eq`
    ///
    /// # Errors
    /// One of them is of another store, or its scope has ended.
    pub fn ref_eq(store: impl AsContext, a: &AnyRef, b: &AnyRef) -> Result<bool> {
        Ok(a.0.get(&store)? == b.0.get(&store)?)
    }
}

macro_rules! up {
    ($($from:ident $to:ident)*) => {$(
        impl From<$from> for $to {
            fn from(reference: $from) -> $to {
                $to(reference.0)
            }
        }
    )*};
}
up! { EqRef AnyRef StructRef AnyRef ArrayRef AnyRef StructRef EqRef ArrayRef EqRef }
