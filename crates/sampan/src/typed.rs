//! Functions whose types Rust knows.

use crate::wasm_ty::{WasmParams, WasmResults, private::Raw};
use crate::{AsContextMut, Func, Result};
use core::{fmt, marker::PhantomData};
use sampan_engine::wasm::List;

/// A function with parameters `P` and results `R`; see [`Func::typed`].
///
/// A call does not allocate if arguments and results take at most 16 slots of 64 bits each.
pub struct TypedFunc<P, R> {
    func: Func,
    types: PhantomData<fn(P) -> R>,
}

impl<P: WasmParams, R: WasmResults> TypedFunc<P, R> {
    /// `func`, whose type was checked.
    pub(crate) fn new(func: Func) -> TypedFunc<P, R> {
        TypedFunc { func, types: PhantomData }
    }

    /// The function without its types.
    pub fn func(&self) -> &Func {
        &self.func
    }

    /// Calls it.
    ///
    /// # Errors
    /// A reference of another store as an argument; the trap that ended the call.
    ///
    /// # Panics
    /// It is of another store.
    pub fn call(&self, mut store: impl AsContextMut, params: P) -> Result<R> {
        let mut ctx = store.as_context_mut();
        ctx.inner.id.check(self.func.store);
        let count = const { if P::SLOTS > R::SLOTS { P::SLOTS } else { R::SLOTS } };
        let (mut few, mut many);
        let slots: &mut [u64] = if count <= INLINE_SLOTS {
            few = [0; INLINE_SLOTS];
            &mut few
        } else {
            many = List::new();
            many.put_times(0, count)?;
            &mut many
        };
        let id = ctx.inner.id;
        params.store(&mut Raw { machine: ctx.machine, id }, slots)?;
        ctx.call(self.func.raw, slots)?;
        Ok(R::load(&mut Raw { machine: ctx.machine, id }, slots))
    }
}

const INLINE_SLOTS: usize = 16;

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, R> Copy for TypedFunc<P, R> {}

impl<P, R> fmt::Debug for TypedFunc<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.func.fmt(f)
    }
}
