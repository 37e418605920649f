//! Runs what the x86 translator writes on our own engine.
//!
//! [`Native`] is the translator's host outside browsers: a machine whose only memory is the
//! address space of the guest, and a table into which each compiled module puts its function.
//! Modules are compiled on one thread for all processes, in the order in which they come, and
//! what one process has had compiled is there for all ([`worker`]).

mod room;
mod worker;

use room::Rooms;
use sampan_compile::Jit;
use sampan_engine::wasm::{AddrType, GlobalType, Limits, MemoryType, RefType, TableType, ValType};
use sampan_engine::{
    Config, Engine, Extern, FuncId, InstanceId, Machine, MemoryId, Mode, Module, TableId,
};
use sampan_x86::translate::{Host, Readiness};
use sampan_x86::{AddressSpace, Reservation};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use worker::Order;

/// Functions that one table can hold.
const SLOTS: u64 = 1 << 13;
/// Pages of 64 KiB that are mapped whatever the guest does: what lies before its memory.
const CORE_PAGES: u64 = 32;

/// The translator's host over the engine's compiler.
pub struct Native {
    engine: Engine,
    reservation: Arc<Reservation>,
    machine: Machine,
    memory: MemoryId,
    table: TableId,
    dispatcher: Option<FuncId>,
    dispatcher_bytes: Vec<u8>,
    jobs: BTreeMap<u32, Arc<Order>>,
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Native").field("jobs", &self.jobs.len()).finish_non_exhaustive()
    }
}

impl Native {
    /// A host for the code of an address space, if this machine can have one.
    pub fn create(space: &AddressSpace) -> Option<Box<dyn Host>> {
        Some(Box::new(Native::new(space).ok()?))
    }

    /// A host for the code of an address space.
    ///
    /// # Errors
    /// What this host lacks to run compiled code.
    pub fn new(space: &AddressSpace) -> Result<Native, String> {
        let reservation = space.reservation().ok_or("the memory is not laid out for it")?.clone();
        let engine = engine()?;
        let (machine, memory, table) = machine(&engine, &reservation)?;
        Ok(Native {
            engine,
            reservation,
            machine,
            memory,
            table,
            dispatcher: None,
            dispatcher_bytes: Vec::new(),
            jobs: BTreeMap::new(),
        })
    }

    /// Links a compiled module, which puts its function into the table.
    fn link(&mut self, module: &Module, slot: u32) -> Option<InstanceId> {
        let ty = GlobalType { content: ValType::I32, mutable: false };
        let slot = self.machine.new_global(ty, [slot.into(), 0]).ok()?;
        let imports =
            [Extern::Memory(self.memory), Extern::Table(self.table), Extern::Global(slot)];
        self.machine.instantiate(&mut (), module, &imports).ok()
    }

    fn start(&mut self) {
        let Some(module) = worker::now(&self.engine, &self.dispatcher_bytes) else { return };
        let Some(instance) = self.link(&module, 0) else { return };
        if let Some(Extern::Func(run)) = self.machine.export(instance, "run") {
            self.dispatcher = Some(run);
        }
    }
}

impl Host for Native {
    fn submit(&mut self, slot: u32, module: Vec<u8>) {
        if slot == 0 {
            self.dispatcher_bytes = module;
            return self.start();
        }
        self.jobs.insert(slot, worker::compile(self.engine.clone(), module));
    }

    fn poll(&mut self, slot: u32) -> Readiness {
        let Some(job) = self.jobs.get(&slot) else { return Readiness::Failed };
        let Some(result) = job.take() else { return Readiness::Pending };
        self.jobs.remove(&slot);
        match result.and_then(|module| self.link(&module, slot)) {
            Some(_) => Readiness::Ready,
            None => Readiness::Failed,
        }
    }

    fn enter(&mut self) -> bool {
        let Some(dispatcher) = self.dispatcher else { return false };
        self.machine.call(&mut (), dispatcher, &mut [0; 2]).is_ok()
    }

    fn reset(&mut self) {
        self.jobs.clear();
        if let Ok((machine, memory, table)) = machine(&self.engine, &self.reservation) {
            (self.machine, self.memory, self.table) = (machine, memory, table);
            self.dispatcher = None;
            self.start();
        }
    }
}

/// The one engine, so that processes could share modules.
fn engine() -> Result<Engine, String> {
    static ENGINE: OnceLock<Result<Engine, String>> = OnceLock::new();
    let make = || {
        let config = Config { mode: Mode::Jit, ..Config::default() };
        let compiler = Jit::new(&config)?.reservations(Arc::new(Rooms::default()));
        Ok(Engine::with_compiler(config, Arc::new(compiler)))
    };
    ENGINE.get_or_init(make).clone()
}

/// A machine with the guest's address space as its memory.
fn machine(
    engine: &Engine,
    reservation: &Arc<Reservation>,
) -> Result<(Machine, MemoryId, TableId), String> {
    let mut machine = Machine::new(engine);
    let limits = Limits { min: CORE_PAGES, max: None };
    let ty = MemoryType { limits, addr: AddrType::I32, shared: false, page_log2: 16 };
    let memory = room::with(reservation, || machine.new_memory(ty)).ok_or("no memory")?;
    let limits = Limits { min: SLOTS, max: None };
    let ty = TableType { element: RefType::FUNCREF, limits, addr: AddrType::I32 };
    let table = machine.new_table(ty, sampan_engine::RawRef::NULL).ok_or("no table")?;
    Ok((machine, memory, table))
}
