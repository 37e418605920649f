//! Imports by name.

#[cfg(feature = "wasi")]
use crate::SharedMemory;
use crate::error::message;
use crate::into_func::{HostFunc, IntoFunc};
use crate::{
    AsContext, AsContextMut, Caller, Engine, Error, ErrorKind, Extern, FuncType, Instance, Module,
    NativeCall, Result, Val, WasmResults,
};
use alloc::{string::String, vec::Vec};
use sampan_engine::wasm::List;
use sampan_engine::wasm::room::owned;

/// Defines what modules may import, and instantiates them with it.
///
/// Host functions and shared memories are defined once for all stores; everything else belongs to the store that
/// it was defined with.
pub struct Linker<T: 'static> {
    engine: Engine,
    /// In the order of their names.
    items: List<Item<T>>,
    allow_shadowing: bool,
}

struct Item<T: 'static> {
    module: String,
    name: String,
    definition: Definition<T>,
}

impl<T: 'static> Clone for Item<T> {
    fn clone(&self) -> Item<T> {
        let (module, name) = (self.module.clone(), self.name.clone());
        Item { module, name, definition: self.definition.clone() }
    }
}

enum Definition<T: 'static> {
    Extern(Extern),
    Host(HostFunc<T>),
}

impl<T: 'static> Clone for Definition<T> {
    fn clone(&self) -> Self {
        match self {
            Definition::Extern(value) => Definition::Extern(value.clone()),
            Definition::Host(func) => Definition::Host(func.clone()),
        }
    }
}

impl<T: 'static> Clone for Linker<T> {
    fn clone(&self) -> Linker<T> {
        let (engine, items) = (self.engine.clone(), self.items.clone());
        Linker { engine, items, allow_shadowing: self.allow_shadowing }
    }
}

impl<T: 'static> Linker<T> {
    /// A linker that defines nothing.
    pub fn new(engine: &Engine) -> Linker<T> {
        Linker { engine: engine.clone(), items: List::new(), allow_shadowing: false }
    }

    /// The engine that it was made for.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether a name may be defined again; otherwise that is an error.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.allow_shadowing = allow;
        self
    }

    /// Defines something of a store. A [`SharedMemory`](crate::SharedMemory) is defined for all
    /// stores.
    ///
    /// # Errors
    /// The name is defined already.
    ///
    /// # Panics
    /// `item` is of another store than `store`.
    pub fn define(
        &mut self,
        store: impl AsContext<Data = T>,
        module: &str,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Self> {
        let item = item.into();
        item.check(store.as_context().inner.id);
        self.insert(module, name, Definition::Extern(item))
    }

    /// Defines a host function from a closure; see [`Func::wrap`](crate::Func::wrap).
    ///
    /// # Errors
    /// The name is defined already.
    pub fn func_wrap<Params, Results>(
        &mut self,
        module: &str,
        name: &str,
        call: impl IntoFunc<T, Params, Results>,
    ) -> Result<&mut Self> {
        self.insert(module, name, Definition::Host(HostFunc::wrap(call)?))
    }

    /// Defines a host function of a type that is known at run time; see
    /// [`Func::new`](crate::Func::new).
    ///
    /// # Errors
    /// The name is defined already.
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        call: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<&mut Self> {
        self.insert(module, name, Definition::Host(HostFunc::dynamic(ty, call)?))
    }

    /// Defines a shared memory, for all stores.
    #[cfg(feature = "wasi")]
    pub(crate) fn define_shared(
        &mut self,
        module: &str,
        name: &str,
        memory: SharedMemory,
    ) -> Result<&mut Self> {
        self.insert(module, name, Definition::Extern(memory.into()))
    }

    /// Whether a name is defined.
    #[cfg(feature = "wasi")]
    pub(crate) fn is_defined(&self, module: &str, name: &str) -> bool {
        self.place(module, name).is_ok()
    }

    /// The names of what belongs to one store.
    #[cfg(feature = "wasi")]
    pub(crate) fn of_stores(&self) -> impl Iterator<Item = (&str, &str)> {
        let one = |item: &&Item<T>| match item.definition {
            Definition::Extern(Extern::SharedMemory(_)) | Definition::Host(_) => false,
            Definition::Extern(_) => true,
        };
        self.items.iter().filter(one).map(|item| (&*item.module, &*item.name))
    }

    /// Defines a host function that gets pointers and lengths checked, by a signature such as
    /// `"(i*~$)i"`: the parameters' letters in parentheses, then the result's.
    ///
    /// | letter | type | the argument |
    /// |---|---|---|
    /// | `i` `I` `f` `F` | i32, i64, f32, f64 | a number |
    /// | `r` | externref | a reference of the host |
    /// | `*` | i32 | the address of as many bytes as the `~` behind it says, else of 1 |
    /// | `~` | i32 | the length of what the `*` before it points to |
    /// | `$` | i32 | the address of a string that a NUL ends |
    ///
    /// Addresses are in the first memory of the instance that calls. Where one does not fit,
    /// `call` is not called and the guest is stopped with an
    /// [`ArgumentError`](crate::ArgumentError).
    ///
    /// ```
    /// # use sampan::{Engine, Linker, NativeCall};
    /// # fn main() -> sampan::Result<()> {
    /// let mut linker = Linker::<Vec<u8>>::new(&Engine::default());
    /// linker.func_native("env", "send", "(*~)i", |native: &mut NativeCall<'_, Vec<u8>>| {
    ///     let range = native.range(0);
    ///     let (memory, data) = native.memory_and_data_mut();
    ///     data.extend_from_slice(&memory[range]);
    ///     Ok(native.i32(1))
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The name is defined already; the signature is malformed, has more than 16 parameters,
    /// or another result than `call`.
    pub fn func_native<R: WasmResults>(
        &mut self,
        module: &str,
        name: &str,
        signature: &str,
        call: impl Fn(&mut NativeCall<'_, T>) -> Result<R> + Send + Sync + 'static,
    ) -> Result<&mut Self> {
        self.insert(module, name, Definition::Host(crate::native::native(signature, call)?))
    }

    #[cfg(feature = "libc")]
    pub(crate) fn defines(&self, module: &str, name: &str) -> bool {
        self.place(module, name).is_ok()
    }

    #[cfg(any(feature = "wasi", feature = "libc"))]
    pub(crate) fn define_host(
        &mut self,
        module: &str,
        name: &str,
        func: HostFunc<T>,
    ) -> Result<&mut Self> {
        self.insert(module, name, Definition::Host(func))
    }

    /// Defines all exports of an instance under `module`.
    ///
    /// # Errors
    /// A name is defined already.
    pub fn instance(
        &mut self,
        store: impl AsContext<Data = T>,
        module: &str,
        instance: Instance,
    ) -> Result<&mut Self> {
        let ctx = store.as_context();
        for (name, item) in instance.exports(ctx) {
            self.insert(module, name, Definition::Extern(item))?;
        }
        Ok(self)
    }

    /// Instantiates `source` and defines all its exports under `module`.
    ///
    /// # Errors
    /// As for [`Linker::instantiate`], or a name is defined already.
    pub fn module(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module: &str,
        source: &Module,
    ) -> Result<&mut Self> {
        let instance = self.instantiate(&mut store, source)?;
        self.instance(&store, module, instance)
    }

    /// Defines all that `module` has under `as_module` too.
    ///
    /// # Errors
    /// A name is defined already.
    pub fn alias_module(&mut self, module: &str, as_module: &str) -> Result<&mut Self> {
        let of_module = |item: &&Item<T>| item.module == module;
        let items: Vec<Item<T>> = self.items.iter().filter(of_module).cloned().collect();
        for item in items {
            self.insert(as_module, &item.name, item.definition)?;
        }
        Ok(self)
    }

    /// What is defined under a name. A host function is put into the store. `None` too if there is
    /// no memory left for that.
    ///
    /// # Panics
    /// It is of another store.
    pub fn get(
        &self,
        mut store: impl AsContextMut<Data = T>,
        module: &str,
        name: &str,
    ) -> Option<Extern> {
        self.resolve(&mut store, module, name).ok().flatten()
    }

    fn resolve(
        &self,
        mut store: impl AsContextMut<Data = T>,
        module: &str,
        name: &str,
    ) -> Result<Option<Extern>> {
        let Ok(place) = self.place(module, name) else { return Ok(None) };
        Ok(Some(match &self.items[place].definition {
            Definition::Extern(item) => {
                item.check(store.as_context().inner.id);
                item.clone()
            }
            Definition::Host(func) => func.define(&mut store)?.into(),
        }))
    }

    /// Makes an instance of `module` and runs its start function.
    ///
    /// # Errors
    /// All imports that are not defined or do not fit; a limit of the store; a trap of the
    /// start function or of a segment.
    ///
    /// # Panics
    /// An import is of another store.
    pub fn instantiate(
        &self,
        mut store: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<Instance> {
        let mut ctx = store.as_context_mut();
        let wanted = &module.raw().decl().imports;
        let mut imports = List::with_room(wanted.len())?;
        let mut all = true;
        for import in wanted {
            let (from, name) = (module.raw().text(&import.module), module.raw().text(&import.name));
            let item = self.resolve(&mut ctx, from, name)?;
            all &= item.is_some();
            imports.put(item.map(|it| it.to_raw(&mut ctx)).transpose()?)?;
        }
        if all {
            return Instance::link(ctx, module, imports.into_iter().flatten());
        }
        Err(Error::of(ErrorKind::Link(ctx.machine.link_errors(module.raw(), &|i| imports[i])?)))
    }

    /// Where a name is, or where it would be.
    fn place(&self, module: &str, name: &str) -> Result<usize, usize> {
        self.items.binary_search_by(|item| (&*item.module, &*item.name).cmp(&(module, name)))
    }

    fn insert(&mut self, module: &str, name: &str, definition: Definition<T>) -> Result<&mut Self> {
        match self.place(module, name) {
            Ok(_) if !self.allow_shadowing => {
                let text = message!("defined twice": "{module:?} {name:?} is defined twice");
                return Err(Error::new(text));
            }
            Ok(place) => self.items[place].definition = definition,
            Err(place) => {
                let item = Item { module: owned(module)?, name: owned(name)?, definition };
                self.items.put_at(place, item)?;
            }
        }
        Ok(self)
    }
}

impl<T: 'static> core::fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let names = self.items.iter().map(|item| (&item.module, &item.name));
        f.debug_set().entries(names).finish()
    }
}
