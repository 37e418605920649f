//! Closures as host functions.

use crate::wasm_ty::{WasmParams, WasmRet, WasmTy, for_each_tuple, private::Raw};
use crate::{AsContextMut, Caller, Func, FuncType, Result, StoreContextMut, Val, func::store_all};
use core::any::Any;
use core::marker::PhantomData;
use sampan_engine::sync::Arc;
use sampan_engine::wasm::List;
use sampan_engine::{HostFn, InstanceId, Machine};

/// A closure that can be a host function: up to 16 [`WasmTy`] parameters, perhaps after a
/// [`Caller`], and a [`WasmRet`] as its result.
pub trait IntoFunc<T: 'static, Params, Results>: Send + Sync + 'static {
    #[doc(hidden)]
    fn into_func(self) -> Result<(FuncType, Arc<HostFn>)>;
}

/// A host function that is not in a store yet.
pub(crate) struct HostFunc<T> {
    pub(crate) ty: FuncType,
    call: Arc<HostFn>,
    data: PhantomData<fn(T)>,
}

impl<T> Clone for HostFunc<T> {
    fn clone(&self) -> HostFunc<T> {
        HostFunc { ty: self.ty.clone(), call: self.call.clone(), data: PhantomData }
    }
}

impl<T: 'static> HostFunc<T> {
    pub(crate) fn raw(ty: FuncType, call: Arc<HostFn>) -> HostFunc<T> {
        HostFunc { ty, call, data: PhantomData }
    }

    pub(crate) fn wrap<P, R>(call: impl IntoFunc<T, P, R>) -> Result<HostFunc<T>> {
        let (ty, call) = call.into_func()?;
        Ok(HostFunc::raw(ty, call))
    }

    pub(crate) fn dynamic(
        ty: FuncType,
        call: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<HostFunc<T>> {
        let signature = ty.try_clone()?;
        let call = move |machine: &mut Machine,
                         data: &mut dyn Any,
                         instance: Option<InstanceId>,
                         slots: &mut [u64]| {
            // What comes to the host is given up when it returns.
            let scope = Scope::open(machine);
            let machine = &mut *scope.machine;
            let store = StoreContextMut::<T>::of_host(machine, data);
            let id = store.inner.id;
            let mut at = 0;
            let mut values = List::with_room(ty.params().len() + ty.results().len())?;
            for &param in ty.params() {
                let (value, count) = Val::from_slots(store.machine, id, param, &slots[at..]);
                values.put(value)?;
                at += count;
            }
            // A reference that can't be null begins as null of another type, which is
            // refused below unless the function sets it.
            let zero = |&ty| Val::default_for_ty(ty).unwrap_or(Val::I32(0));
            ty.results().iter().map(zero).try_for_each(|value| values.put(value))?;
            let (params, results) = values.split_at_mut(ty.params().len());
            call(Caller { store, instance }, params, results).map_err(crate::Error::into_trap)?;
            let store = StoreContextMut::<T>::of_host(scope.machine, data);
            store_all(&store, ty.results(), results, slots).map_err(crate::Error::into_trap)
        };
        Ok(HostFunc::raw(signature, Arc::host(call)?))
    }

    /// Puts it into a store.
    /// The function in a store.
    pub(crate) fn define(&self, mut store: impl AsContextMut<Data = T>) -> Result<Func> {
        let ctx = store.as_context_mut();
        let raw = ctx.machine.new_host_func(&self.ty, self.call.clone())?;
        Ok(Func { store: ctx.inner.id, raw })
    }
}

/// References that come to the host during its function are given up when it ends, be it
/// by a panic.
pub(crate) struct Scope<'a> {
    pub(crate) machine: &'a mut Machine,
    scope: usize,
}

impl<'a> Scope<'a> {
    pub(crate) fn open(machine: &'a mut Machine) -> Scope<'a> {
        let scope = machine.open_scope();
        Scope { machine, scope }
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        self.machine.close_scope(self.scope);
    }
}

macro_rules! into_func {
    ($($name:ident)*) => {
        #[allow(non_snake_case)]
        impl<T: 'static, Fun, $($name,)* Ret> IntoFunc<T, ($($name,)*), Ret> for Fun
        where
            Fun: Fn($($name),*) -> Ret + Send + Sync + 'static,
            $($name: WasmTy,)*
            Ret: WasmRet,
        {
            fn into_func(self) -> Result<(FuncType, Arc<HostFn>)> {
                let call = move |_: Caller<'_, T>, $($name: $name),*| self($($name),*);
                IntoFunc::<T, (Caller<'_, T>, $($name,)*), Ret>::into_func(call)
            }
        }

        #[allow(non_snake_case)]
        impl<T: 'static, Fun, $($name,)* Ret> IntoFunc<T, (Caller<'_, T>, $($name,)*), Ret> for Fun
        where
            Fun: Fn(Caller<'_, T>, $($name),*) -> Ret + Send + Sync + 'static,
            $($name: WasmTy,)*
            Ret: WasmRet,
        {
            fn into_func(self) -> Result<(FuncType, Arc<HostFn>)> {
                let params = <($($name,)*) as WasmParams>::types();
                let ty = FuncType::try_new(params, Ret::Results::types())?;
                let call = move |machine: &mut Machine,
                                 data: &mut dyn Any,
                                 instance: Option<InstanceId>,
                                 slots: &mut [u64]| {
                    let scope = Scope::open(machine);
                    let store = StoreContextMut::<T>::of_host(&mut *scope.machine, data);
                    let id = store.inner.id;
                    let raw = &mut Raw { machine: &mut *store.machine, id };
                    let ($($name,)*) = <($($name,)*) as WasmParams>::load(raw, slots);
                    let result = self(Caller { store, instance }, $($name),*).into_result();
                    let results = result.map_err(crate::Error::into_trap)?;
                    let raw = &mut Raw { machine: &mut *scope.machine, id };
                    results.store(raw, slots).map_err(crate::Error::into_trap)
                };
                Ok((ty, Arc::host(call)?))
            }
        }
    };
}
for_each_tuple!(into_func);
