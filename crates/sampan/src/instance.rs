//! Instances and what they export.

use crate::error::message;
use crate::store::StoreId;
use crate::wasm_ty::{WasmParams, WasmResults};
use crate::{
    AsContext, AsContextMut, Error, ErrorKind, ExternType, Func, Global, Memory, Module, Result,
    StoreContext, Table, Tag, TypedFunc,
};
use alloc::vec::Vec;
use sampan_engine::{self as engine, InstanceId};

/// Something of a store that can be imported and exported.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A global.
    Global(Global),
    /// An exception tag.
    Tag(Tag),
}

impl Extern {
    pub(crate) fn from_raw(store: StoreId, raw: engine::Extern) -> Extern {
        match raw {
            engine::Extern::Func(raw) => Extern::Func(Func { store, raw }),
            engine::Extern::Table(raw) => Extern::Table(Table { store, raw }),
            engine::Extern::Memory(raw) => Extern::Memory(Memory { store, raw }),
            engine::Extern::Global(raw) => Extern::Global(Global { store, raw }),
            engine::Extern::Tag(raw) => Extern::Tag(Tag { store, raw }),
        }
    }

    /// What it is for the machine of store `id`, of which it must be.
    #[track_caller]
    pub(crate) fn to_raw(self, id: StoreId) -> engine::Extern {
        let (store, raw) = match self {
            Extern::Func(it) => (it.store, engine::Extern::Func(it.raw)),
            Extern::Table(it) => (it.store, engine::Extern::Table(it.raw)),
            Extern::Memory(it) => (it.store, engine::Extern::Memory(it.raw)),
            Extern::Global(it) => (it.store, engine::Extern::Global(it.raw)),
            Extern::Tag(it) => (it.store, engine::Extern::Tag(it.raw)),
        };
        id.check(store);
        raw
    }

    /// The type.
    ///
    /// # Panics
    /// It is of another store.
    pub fn ty(&self, store: impl AsContext) -> ExternType {
        match self {
            Extern::Func(it) => ExternType::Func(it.ty(store)),
            Extern::Table(it) => ExternType::Table(it.ty(store)),
            Extern::Memory(it) => ExternType::Memory(it.ty(store)),
            Extern::Global(it) => ExternType::Global(it.ty(store)),
            Extern::Tag(it) => ExternType::Tag(it.ty(store)),
        }
    }

    /// The function, if it is one.
    pub fn into_func(self) -> Option<Func> {
        if let Extern::Func(it) = self { Some(it) } else { None }
    }

    /// The table, if it is one.
    pub fn into_table(self) -> Option<Table> {
        if let Extern::Table(it) = self { Some(it) } else { None }
    }

    /// The memory, if it is one.
    pub fn into_memory(self) -> Option<Memory> {
        if let Extern::Memory(it) = self { Some(it) } else { None }
    }

    /// The global, if it is one.
    pub fn into_global(self) -> Option<Global> {
        if let Extern::Global(it) = self { Some(it) } else { None }
    }

    /// The tag, if it is one.
    pub fn into_tag(self) -> Option<Tag> {
        if let Extern::Tag(it) = self { Some(it) } else { None }
    }
}

macro_rules! from {
    ($($name:ident)*) => {$(
        impl From<$name> for Extern {
            fn from(it: $name) -> Extern {
                Extern::$name(it)
            }
        }
    )*};
}
from!(Func Table Memory Global Tag);

/// An instance of a module in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance {
    pub(crate) store: StoreId,
    pub(crate) raw: InstanceId,
}

impl Instance {
    /// Makes an instance with imports in the module's order, and runs its start function.
    /// [`Linker`](crate::Linker) finds imports by name.
    ///
    /// # Errors
    /// Imports that do not fit, a limit of the store, or a trap.
    ///
    /// # Panics
    /// An import is of another store.
    pub fn new(
        mut store: impl AsContextMut,
        module: &Module,
        imports: &[Extern],
    ) -> Result<Instance> {
        let ctx = store.as_context_mut();
        let id = ctx.inner.id;
        let imports: Vec<engine::Extern> = imports.iter().map(|it| it.to_raw(id)).collect();
        if !ctx.machine.engine().same(module.raw().engine()) {
            return Err(Error::new("the module belongs to another engine"));
        }
        let wanted = module.raw().decl().imports.len();
        // Without messages, the first that `instantiate` finds will do.
        if imports.len() == wanted && cfg!(feature = "messages") {
            let errors = ctx.machine.link_errors(module.raw(), &|index| Some(imports[index]));
            if !errors.is_empty() {
                return Err(Error::of(ErrorKind::Link(errors)));
            }
        }
        match ctx.machine.instantiate(&mut *ctx.inner, module.raw(), &imports) {
            Ok(raw) => Ok(Instance { store: id, raw }),
            Err(error) => Err(Error::from_instantiate(ctx.machine, error)),
        }
    }

    /// The module that it is an instance of.
    ///
    /// # Panics
    /// It is of another store, here and in all further methods.
    pub fn module(&self, store: impl AsContext) -> Module {
        Module::from_raw(store.as_context().machine(self.store).instance(self.raw).module())
    }

    /// The exports with their names, in order.
    pub fn exports<'a, T: 'static>(
        &self,
        store: impl Into<StoreContext<'a, T>>,
    ) -> impl Iterator<Item = (&'a str, Extern)> {
        let id = self.store;
        let exports = store.into().machine(id).instance(self.raw).exports();
        exports.map(move |(name, raw)| (name, Extern::from_raw(id, raw)))
    }

    /// The export with a name.
    pub fn get_export(&self, store: impl AsContext, name: &str) -> Option<Extern> {
        let raw = store.as_context().machine(self.store).export(self.raw, name)?;
        Some(Extern::from_raw(self.store, raw))
    }

    /// The exported function with a name.
    pub fn get_func(&self, store: impl AsContext, name: &str) -> Option<Func> {
        self.get_export(store, name)?.into_func()
    }

    /// The exported function with a name and types.
    ///
    /// # Errors
    /// There is none, or it has other types.
    pub fn get_typed_func<P: WasmParams, R: WasmResults>(
        &self,
        store: impl AsContext,
        name: &str,
    ) -> Result<TypedFunc<P, R>> {
        let func = self.get_func(&store, name);
        let func = func.ok_or_else(|| {
            Error::new(message!("no such function": "no function is exported as {name:?}"))
        })?;
        func.typed(store)
    }

    /// The exported memory with a name.
    pub fn get_memory(&self, store: impl AsContext, name: &str) -> Option<Memory> {
        self.get_export(store, name)?.into_memory()
    }

    /// The exported table with a name.
    pub fn get_table(&self, store: impl AsContext, name: &str) -> Option<Table> {
        self.get_export(store, name)?.into_table()
    }

    /// The exported tag with a name.
    pub fn get_tag(&self, store: impl AsContext, name: &str) -> Option<Tag> {
        self.get_export(store, name)?.into_tag()
    }

    /// The exported global with a name.
    pub fn get_global(&self, store: impl AsContext, name: &str) -> Option<Global> {
        self.get_export(store, name)?.into_global()
    }
}
