//! The machine: everything that exists at run time, owned in one place.

use crate::entity::{FuncEntity, FuncKind, GlobalEntity, HostFn, InstanceData, TagEntity};
use crate::interrupt::{Interrupt, InterruptHandle};
use crate::native::MachinePart;
use crate::{
    Engine, Limits, MemoryEntity, RawRef, SharedMemory, TableEntity, Trap, TrapKind, exec,
    slots_of_all, stable::Stable, stack::Stack, sync::Arc,
};
use core::any::Any;
use sampan_wasm::room::OutOfMemory;
use sampan_wasm::{FuncType, GlobalType, List, MemoryType, TableType, TypeRegistry};

/// Functions, memories, tables, globals and instances, and the stack that runs them.
///
/// It is untyped and indexed by numbers; the `sampan` crate gives it a typed face. Every
/// method panics if given a number that this machine did not hand out.
pub struct Machine {
    pub(crate) engine: Engine,
    pub(crate) registry: TypeRegistry,
    pub(crate) funcs: List<FuncEntity>,
    pub(crate) tables: List<Stable<TableEntity>>,
    pub(crate) memories: List<Stable<MemoryEntity>>,
    pub(crate) globals: List<Stable<GlobalEntity>>,
    pub(crate) instances: List<Stable<InstanceData>>,
    pub(crate) tags: List<TagEntity>,
    /// Where the code of functions that exceptions met is, in order: its end, and itself.
    #[cfg(all(feature = "exceptions", feature = "fast"))]
    pub(crate) codes: List<(usize, (usize, usize))>,
    /// What was thrown and is not caught yet; null if nothing is.
    #[cfg(feature = "exceptions")]
    pub(crate) exception: RawRef,
    /// What is known of each type of the registry.
    #[cfg(feature = "reference-types")]
    pub(crate) types: List<crate::heap::types::TypeInfo>,
    #[cfg(feature = "reference-types")]
    pub(crate) heap: crate::heap::Heap,
    /// The runs that go on, the innermost last.
    #[cfg(feature = "reference-types")]
    pub(crate) activations: List<crate::heap::Activation>,
    pub(crate) limits: Limits,
    pub(crate) stack: Stack,
    pub(crate) fuel: u64,
    pub(crate) interrupt: Arc<Interrupt>,
    pub(crate) host_depth: u32,
    #[cfg_attr(not(feature = "native"), allow(dead_code))]
    pub(crate) native: MachinePart,
}

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);
    )*};
}
id! {
    /// The number of a function in its machine.
    FuncId
    /// The number of a table in its machine.
    TableId
    /// The number of a memory in its machine.
    MemoryId
    /// The number of a global in its machine.
    GlobalId
    /// The number of an instance in its machine.
    InstanceId
    /// The number of a tag in its machine.
    TagId
}

/// Something that can be imported and exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are the specification's.
pub enum Extern {
    Func(FuncId),
    Table(TableId),
    Memory(MemoryId),
    Global(GlobalId),
    Tag(TagId),
}

impl Machine {
    /// A machine in which nothing exists.
    ///
    /// # Panics
    /// There is no memory left; see [`Machine::try_new`].
    pub fn new(engine: &Engine) -> Machine {
        Machine::try_new(engine).expect("there is memory for a machine")
    }

    /// A machine in which nothing exists.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn try_new(engine: &Engine) -> Result<Machine, OutOfMemory> {
        let interrupt = Arc::try_new(Interrupt::default())?;
        let native = MachinePart::new(&interrupt.flag, engine.config())?;
        Ok(Machine {
            engine: engine.clone(),
            registry: TypeRegistry::default(),
            funcs: List::new(),
            tables: List::new(),
            memories: List::new(),
            globals: List::new(),
            instances: List::new(),
            tags: List::new(),
            #[cfg(all(feature = "exceptions", feature = "fast"))]
            codes: Default::default(),
            #[cfg(feature = "exceptions")]
            exception: RawRef::NULL,
            #[cfg(feature = "reference-types")]
            types: List::new(),
            #[cfg(feature = "reference-types")]
            heap: Default::default(),
            #[cfg(feature = "reference-types")]
            activations: List::new(),
            limits: Limits::default(),
            stack: Stack::new(engine.config().stack_bytes / 8)?,
            fuel: 0,
            interrupt,
            host_depth: 0,
            native,
        })
    }

    /// The engine that it was made for.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Sets the bounds for what guests may take from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits.set_bounds(limits);
    }

    /// The fuel that is left.
    pub fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Sets the fuel that is left.
    pub fn set_fuel(&mut self, fuel: u64) {
        self.fuel = fuel;
    }

    /// A handle to stop execution with, if the engine was configured to be interruptible.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle(self.interrupt.clone())
    }

    /// The types of this machine; reference types in function types use its numbering.
    pub fn registry(&self) -> &TypeRegistry {
        &self.registry
    }

    /// A host function. `ty` may use abstract reference types and this machine's types.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn new_host_func(
        &mut self,
        ty: &FuncType,
        call: Arc<HostFn>,
    ) -> Result<FuncId, OutOfMemory> {
        let slots = slots_of_all(ty.params()).max(slots_of_all(ty.results()));
        let ty = self.registry.intern_func(ty)?;
        self.describe_types()?;
        self.push_func(FuncEntity::new(ty, slots, FuncKind::Host(call)))
    }

    #[cfg(feature = "gc")]
    /// The number of the final type without supertype that is `composite`. It may use this
    /// machine's types.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn intern_type(
        &mut self,
        composite: sampan_wasm::CompositeType,
    ) -> Result<u32, OutOfMemory> {
        let ty = self.registry.intern_type(composite)?;
        self.describe_types()?;
        Ok(ty)
    }

    pub(crate) fn push_func(&mut self, func: FuncEntity) -> Result<FuncId, OutOfMemory> {
        let number = self.funcs.len() as u32;
        self.funcs.put(func)?;
        crate::native::bind_function(self, FuncId(number));
        Ok(FuncId(number))
    }

    /// A table filled with `init`; `None` if a limit is passed or there is no memory left.
    pub fn new_table(&mut self, ty: TableType, init: RawRef) -> Option<TableId> {
        let id = self.tables.len() as u32;
        self.tables.make_room(1).ok()?;
        let entity = Stable::new(TableEntity::new(ty, init, &mut self.limits, id)?).ok()?;
        self.tables.put(entity).ok()?;
        Some(TableId(id))
    }

    /// A memory of zeroes; `None` if a limit is passed or there is no memory left.
    pub fn new_memory(&mut self, ty: MemoryType) -> Option<MemoryId> {
        let id = self.memories.len() as u32;
        let rooms = self.engine.native().rooms();
        let entity = MemoryEntity::new(ty, &mut self.limits, id, rooms)?;
        self.memories.put(Stable::new(entity).ok()?).ok()?;
        Some(MemoryId(id))
    }

    /// Takes part in a memory that other machines may have too; `None` if a limit is
    /// passed or there is no memory left. The same memory again has the same number.
    pub fn share_memory(&mut self, memory: &SharedMemory) -> Option<MemoryId> {
        let same =
            |entity: &Stable<MemoryEntity>| entity.shared().is_some_and(|other| other.same(memory));
        if let Some(id) = self.memories.iter().position(same) {
            return Some(MemoryId(id as u32));
        }
        let id = self.memories.len() as u32;
        let entity = MemoryEntity::share(memory, &mut self.limits, id)?;
        self.memories.put(Stable::new(entity).ok()?).ok()?;
        Some(MemoryId(id))
    }

    /// A global; `value` holds one slot, or two for a vector.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn new_global(&mut self, ty: GlobalType, value: [u64; 2]) -> Result<GlobalId, OutOfMemory> {
        let id = self.globals.len() as u32;
        self.globals.put(Stable::new(GlobalEntity { value, ty, id })?)?;
        Ok(GlobalId(id))
    }

    /// An exception tag. `ty` has no results.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn new_tag(&mut self, ty: &FuncType) -> Result<TagId, OutOfMemory> {
        let ty = self.registry.intern_func(ty)?;
        self.push_tag(ty)
    }

    pub(crate) fn push_tag(&mut self, ty: u32) -> Result<TagId, OutOfMemory> {
        self.tags.put(TagEntity { ty })?;
        Ok(TagId(self.tags.len() as u32 - 1))
    }

    /// What exceptions with a tag carry: the parameters of the type.
    pub fn tag_type(&self, tag: TagId) -> &FuncType {
        let ty = self.tags[tag.0 as usize].ty;
        self.registry.func(ty).expect("a tag's type is a function type")
    }

    /// The type of a function.
    pub fn func_type(&self, func: FuncId) -> &FuncType {
        let ty = self.funcs[func.0 as usize].ty;
        self.registry.func(ty).expect("a function's type is a function type")
    }

    /// The registry's number of a function's type.
    pub fn func_type_id(&self, func: FuncId) -> u32 {
        self.funcs[func.0 as usize].ty
    }

    /// The instance that a function is defined in, and its index in the instance's module;
    /// `None` for a host function.
    pub fn func_place(&self, func: FuncId) -> Option<(&InstanceData, u32)> {
        self.funcs[func.0 as usize].place()
    }

    /// A table.
    pub fn table(&self, id: TableId) -> &TableEntity {
        &self.tables[id.0 as usize]
    }

    /// A table, to be written. The caller sees to the elements' type.
    pub fn table_mut(&mut self, id: TableId) -> &mut TableEntity {
        &mut self.tables[id.0 as usize]
    }

    /// Grows a table and gives its old size; `None` changes nothing.
    pub fn table_grow(&mut self, id: TableId, delta: u64, value: RawRef) -> Option<u64> {
        self.tables[id.0 as usize].grow(delta, value, &mut self.limits)
    }

    /// A memory.
    pub fn memory(&self, id: MemoryId) -> &MemoryEntity {
        &self.memories[id.0 as usize]
    }

    /// A memory, to be written.
    pub fn memory_mut(&mut self, id: MemoryId) -> &mut MemoryEntity {
        &mut self.memories[id.0 as usize]
    }

    /// Grows a memory and gives its old size in pages; `None` changes nothing.
    pub fn memory_grow(&mut self, id: MemoryId, delta: u64) -> Option<u64> {
        self.memories[id.0 as usize].grow(delta, &mut self.limits)
    }

    /// The type of a global.
    pub fn global_type(&self, id: GlobalId) -> GlobalType {
        self.globals[id.0 as usize].ty
    }

    /// The value of a global.
    pub fn global(&self, id: GlobalId) -> [u64; 2] {
        self.globals[id.0 as usize].value
    }

    /// Writes a global. The caller sees to type and mutability.
    pub fn set_global(&mut self, id: GlobalId, value: [u64; 2]) {
        self.globals[id.0 as usize].value = value;
    }

    /// After types were added to the registry.
    #[cfg(not(feature = "reference-types"))]
    pub(crate) fn describe_types(&mut self) -> Result<(), OutOfMemory> {
        Ok(())
    }

    /// Collections are off until as many calls of [`Machine::resume_collections`].
    pub(crate) fn pause_collections(&mut self) {
        #[cfg(feature = "reference-types")]
        self.heap.pause();
    }

    pub(crate) fn resume_collections(&mut self) {
        #[cfg(feature = "reference-types")]
        self.heap.resume();
    }

    /// An instance.
    pub fn instance(&self, id: InstanceId) -> &InstanceData {
        &self.instances[id.0 as usize]
    }

    /// What an instance exports under a name.
    pub fn export(&self, instance: InstanceId, name: &str) -> Option<Extern> {
        self.instance(instance).export(name)
    }

    /// Calls a function. `slots` holds the arguments and then the results; its length is at
    /// least [`Machine::call_slots`]. `data` is what host functions get.
    ///
    /// # Errors
    /// The trap that ended the call.
    pub fn call(
        &mut self,
        data: &mut dyn Any,
        func: FuncId,
        slots: &mut [u64],
    ) -> Result<(), Trap> {
        let entity = &self.funcs[func.0 as usize];
        assert!(slots.len() >= entity.slots as usize, "too few slots for arguments and results");
        if self.host_depth >= self.engine.config().max_host_depth {
            return Err(Trap::new(TrapKind::StackOverflow));
        }
        match &entity.kind {
            FuncKind::Host(call) => {
                let call = call.clone();
                call(self, data, None, slots)
            }
            &FuncKind::Wasm { instance, body } => {
                self.host_depth += 1;
                let top = self.stack.top;
                let result = exec::run(self, data, instance, body, slots);
                self.stack.top = top;
                self.host_depth -= 1;
                result
            }
        }
    }

    /// How many slots the arguments or the results of a function take, whichever is more.
    pub fn call_slots(&self, func: FuncId) -> usize {
        self.funcs[func.0 as usize].slots as usize
    }
}
