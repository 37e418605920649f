//! Instances and what they export.

use crate::error::message;
use crate::store::StoreId;
use crate::wasm_ty::{WasmParams, WasmResults};
use crate::{
    AsContext, AsContextMut, Error, ErrorKind, ExternType, Func, Global, Memory, Module, Result,
    SharedMemory, StoreContext, StoreContextMut, Table, Tag, TypedFunc,
};
use sampan_engine::wasm::List;
use sampan_engine::{self as engine, InstanceId, Machine};

/// Something that can be imported and exported. All but a shared memory belong to a store.
#[derive(Clone, Debug)]
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
    /// A memory that threads share.
    SharedMemory(SharedMemory),
}

impl Extern {
    pub(crate) fn from_raw(machine: &Machine, store: StoreId, raw: engine::Extern) -> Extern {
        match raw {
            engine::Extern::Func(raw) => Extern::Func(Func { store, raw }),
            engine::Extern::Table(raw) => Extern::Table(Table { store, raw }),
            engine::Extern::Memory(raw) => match machine.memory(raw).shared() {
                Some(shared) => {
                    Extern::SharedMemory(SharedMemory::from_raw(machine.engine(), shared))
                }
                None => Extern::Memory(Memory { store, raw }),
            },
            engine::Extern::Global(raw) => Extern::Global(Global { store, raw }),
            engine::Extern::Tag(raw) => Extern::Tag(Tag { store, raw }),
        }
    }

    /// Panics unless store `id` can have it.
    #[track_caller]
    pub(crate) fn check(&self, id: StoreId) {
        match self {
            Extern::Func(it) => id.check(it.store),
            Extern::Table(it) => id.check(it.store),
            Extern::Memory(it) => id.check(it.store),
            Extern::Global(it) => id.check(it.store),
            Extern::Tag(it) => id.check(it.store),
            Extern::SharedMemory(_) => {}
        }
    }

    /// What it is for the machine of a store, of which it must be. A shared memory becomes one
    /// of the store's.
    #[track_caller]
    pub(crate) fn to_raw<T>(&self, ctx: &mut StoreContextMut<'_, T>) -> Result<engine::Extern> {
        self.check(ctx.inner.id);
        Ok(match self {
            Extern::Func(it) => engine::Extern::Func(it.raw),
            Extern::Table(it) => engine::Extern::Table(it.raw),
            Extern::Memory(it) => engine::Extern::Memory(it.raw),
            Extern::Global(it) => engine::Extern::Global(it.raw),
            Extern::Tag(it) => engine::Extern::Tag(it.raw),
            Extern::SharedMemory(it) => {
                if !it.engine().same(ctx.machine.engine()) {
                    return Err(Error::new("the shared memory belongs to another engine"));
                }
                let raw = ctx.machine.share_memory(it.raw());
                engine::Extern::Memory(
                    raw.ok_or_else(|| Error::new("no room for a memory: a limit is reached"))?,
                )
            }
        })
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
            Extern::SharedMemory(it) => ExternType::Memory(it.ty()),
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

    /// The memory, if it is one that is not shared.
    pub fn into_memory(self) -> Option<Memory> {
        if let Extern::Memory(it) = self { Some(it) } else { None }
    }

    /// The shared memory, if it is one.
    pub fn into_shared_memory(self) -> Option<SharedMemory> {
        if let Extern::SharedMemory(it) = self { Some(it) } else { None }
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
from!(Func Table Memory Global Tag SharedMemory);

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
        let mut ctx = store.as_context_mut();
        let mut raw = List::with_room(imports.len())?;
        for import in imports {
            raw.put(import.to_raw(&mut ctx)?)?;
        }
        Instance::link(ctx, module, raw.into_iter())
    }

    /// Makes an instance with imports that are of the store.
    pub(crate) fn link<T>(
        ctx: StoreContextMut<'_, T>,
        module: &Module,
        given: impl Iterator<Item = engine::Extern>,
    ) -> Result<Instance> {
        let id = ctx.inner.id;
        let mut imports = List::new();
        for import in given {
            imports.put(import)?;
        }
        if !ctx.machine.engine().same(module.raw().engine()) {
            return Err(Error::new("the module belongs to another engine"));
        }
        let wanted = module.raw().decl().imports.len();
        // Without messages, the first that `instantiate` finds will do.
        if imports.len() == wanted && cfg!(feature = "messages") {
            let errors = ctx.machine.link_errors(module.raw(), &|index| Some(imports[index]))?;
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
        let machine = store.into().machine(id);
        let exports = machine.instance(self.raw).exports();
        exports.map(move |(name, raw)| (name, Extern::from_raw(machine, id, raw)))
    }

    /// The export with a name.
    pub fn get_export(&self, store: impl AsContext, name: &str) -> Option<Extern> {
        let ctx = store.as_context();
        let machine = ctx.machine(self.store);
        Some(Extern::from_raw(machine, self.store, machine.export(self.raw, name)?))
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

    /// The exported memory with a name, unless it is shared.
    pub fn get_memory(&self, store: impl AsContext, name: &str) -> Option<Memory> {
        self.get_export(store, name)?.into_memory()
    }

    /// The exported shared memory with a name.
    pub fn get_shared_memory(&self, store: impl AsContext, name: &str) -> Option<SharedMemory> {
        self.get_export(store, name)?.into_shared_memory()
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
