//! Functions.

use crate::error::message;
use crate::into_func::{HostFunc, IntoFunc};
use crate::store::StoreId;
use crate::wasm_ty::{WasmParams, WasmResults};
use crate::{AsContext, AsContextMut, Caller, Error, FuncType, Result, TypedFunc, Val, types};
use sampan_engine::FuncId;
use sampan_engine::wasm::List;

/// A function of a store: a guest's or the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Func {
    pub(crate) store: StoreId,
    pub(crate) raw: FuncId,
}

impl Func {
    /// A host function whose type is known at run time.
    ///
    /// `call` gets the arguments and results of the right number and types: results begin
    /// as zero and null. Setting one to a value of another type is an error to the guest.
    pub fn new<C: AsContextMut>(
        store: C,
        ty: FuncType,
        call: impl Fn(Caller<'_, C::Data>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Func {
        let func = HostFunc::dynamic(ty, call).and_then(|func| func.define(store));
        func.expect("there is memory for a function")
    }

    /// A host function from a closure whose parameters and results are WebAssembly types.
    ///
    /// The first parameter may be a [`Caller`]; the result may be a `Result`.
    pub fn wrap<C: AsContextMut, Params, Results>(
        store: C,
        call: impl IntoFunc<C::Data, Params, Results>,
    ) -> Func {
        let func = HostFunc::wrap(call).and_then(|func| func.define(store));
        func.expect("there is memory for a function")
    }

    /// The type. Type indices in its reference types are the store's.
    ///
    /// # Panics
    /// It is of another store.
    pub fn ty(&self, store: impl AsContext) -> FuncType {
        store.as_context().machine(self.store).func_type(self.raw).clone()
    }

    /// Calls it with arguments whose number and types are checked.
    ///
    /// # Errors
    /// Arguments or `results` that do not fit; the trap that ended the call.
    ///
    /// # Panics
    /// It is of another store.
    pub fn call(
        &self,
        mut store: impl AsContextMut,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<()> {
        let mut ctx = store.as_context_mut();
        ctx.inner.id.check(self.store);
        let ty = ctx.machine.func_type(self.raw).try_clone()?;
        check_count("arguments", ty.params().len(), params.len())?;
        check_count("results", ty.results().len(), results.len())?;
        let mut slots = List::new();
        slots.put_times(0, ctx.machine.call_slots(self.raw))?;
        store_all(&ctx, ty.params(), params, &mut slots)?;
        ctx.call(self.raw, &mut slots)?;
        let mut at = 0;
        for (result, &ty) in results.iter_mut().zip(ty.results()) {
            let (value, count) = Val::from_slots(ctx.machine, self.store, ty, &slots[at..]);
            *result = value;
            at += count;
        }
        Ok(())
    }

    /// The same function with Rust's types, which makes calls faster.
    ///
    /// # Errors
    /// The function has other types.
    ///
    /// # Panics
    /// It is of another store.
    pub fn typed<P: WasmParams, R: WasmResults>(
        &self,
        store: impl AsContext,
    ) -> Result<TypedFunc<P, R>> {
        let machine = store.as_context().machine(self.store);
        let ty = machine.func_type(self.raw);
        let registry = machine.registry();
        let fits = P::types().count() == ty.params().len()
            && R::types().count() == ty.results().len()
            && P::types().zip(ty.params()).all(|(p, &param)| registry.val_matches(p, param))
            && ty
                .results()
                .iter()
                .zip(R::types())
                .all(|(&result, r)| registry.val_matches(result, r));
        if !fits {
            let text = message!("type mismatch": "type mismatch: expected {} -> {}, found {ty}",
                types::describe(P::types()), types::describe(R::types()));
            return Err(Error::new(text));
        }
        Ok(TypedFunc::new(*self))
    }
}

fn check_count(what: &str, expected: usize, found: usize) -> Result<()> {
    if expected != found {
        return Err(Error::new(
            message!("wrong number of values": "expected {expected} {what}, found {found}"),
        ));
    }
    Ok(())
}

/// Writes values of the given types to their slots.
pub(crate) fn store_all(
    store: impl AsContext,
    types: &[crate::ValType],
    values: &[Val],
    slots: &mut [u64],
) -> Result<()> {
    let ctx = store.as_context();
    let mut at = 0;
    for (value, &ty) in values.iter().zip(types) {
        at += value.to_slots(ctx.machine, ctx.inner.id, ty, &mut slots[at..])?;
    }
    Ok(())
}
