//! What the engine's own types carry for machine code. Where it is not built in, `absent.rs`
//! has them without content.

use super::{Code, CodeTrap, Compiler, Entry, Job, Lent, Reservations, Runtime, tier::Tier};
use crate::module::{ModuleData, makes_objects};
use crate::stable::Stable;
use crate::{Config, Engine, Mode, Module, Trap, exec, once::Once};
use alloc::sync::Arc;
use alloc::{boxed::Box, vec::Vec};
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use sampan_wasm as wasm;
use sampan_wasm::room::OutOfMemory;

/// Of an engine: what compiles its modules.
#[derive(Debug, Default)]
pub(crate) struct EnginePart(pub Option<Arc<dyn Compiler>>);

/// Where memories that never move are.
pub(crate) type Rooms = Arc<dyn Reservations>;

impl EnginePart {
    pub fn from(compiler: Arc<dyn Compiler>) -> EnginePart {
        EnginePart(Some(compiler))
    }

    /// Where memories are, if compiled code relies on it.
    pub fn rooms(&self) -> Option<Rooms> {
        self.0.as_ref().map(|compiler| compiler.reservations())
    }

    /// See [`Compiler::call`].
    ///
    /// # Safety
    /// As there.
    pub unsafe fn call(
        &self,
        entry: Entry,
        context: *mut u64,
        slots: *mut u64,
        runtime: *mut Runtime,
    ) -> Result<(), CodeTrap> {
        let compiler = self.0.as_ref().expect("code is made by the engine's compiler");
        // SAFETY: the caller's promise.
        unsafe { compiler.call(entry, context, slots, runtime) }
    }

    /// Asks the compiler for a place's code.
    pub fn begin(&self, job: Job) {
        match &self.0 {
            Some(compiler) => compiler.begin(job),
            None => job.finish(None),
        }
    }
}

/// Of a module: its code, once it is made, or what makes it bit by bit.
#[derive(Default)]
pub(crate) struct ModulePart {
    id: u64,
    code: Once<Arc<dyn Code>>,
    tier: Option<Box<Tier>>,
}

impl ModulePart {
    pub fn new(engine: &Engine, decl: &wasm::Module) -> ModulePart {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let config = engine.config();
        let tiers =
            config.mode == Mode::Auto && engine.native().0.is_some() && !makes_objects(decl);
        ModulePart {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            code: Once::new(),
            tier: tiers.then(|| Box::new(Tier::new(decl.bodies.len(), config))),
        }
    }

    /// A number that no other module of the process has.
    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn tier(&self) -> Option<&Tier> {
        self.tier.as_deref()
    }

    /// The address of a body's counter, if its rounds are counted.
    pub fn counter(&self, body: u32) -> Option<u64> {
        Some(self.tier()?.counter(body))
    }

    /// Whether functions have code, or may.
    pub fn has_code(&self) -> bool {
        self.code.get().is_some() || self.tier.is_some()
    }

    /// The code of the whole module, as bytes, if it is there.
    pub fn code_bytes(&self) -> Option<Vec<u8>> {
        Some(self.code.get()?.to_bytes())
    }

    /// The code of a body, if it is there.
    pub fn entry(&self, body: u32) -> Option<Entry> {
        match &self.tier {
            Some(tier) => tier.entry(body),
            None => self.code.get()?.entry(body),
        }
    }
}

/// Of a machine: what its contexts share.
pub(crate) struct MachinePart(pub Stable<Runtime>);

impl MachinePart {
    pub fn new(interrupt: &AtomicBool, config: &Config) -> Result<MachinePart, OutOfMemory> {
        let runtime = Runtime::new(&raw const *interrupt, config.stack_bytes);
        Ok(MachinePart(Stable::new(runtime)?))
    }

    /// Whether there are frames of compiled code.
    #[cfg_attr(not(feature = "reference-types"), allow(dead_code))]
    pub fn is_running(&self) -> bool {
        self.0.depth > 0
    }
}

/// Of a function. Compiled code reads the first fields.
#[repr(C)]
pub(crate) struct FuncPart {
    /// Its machine code; null if it has none.
    pub entry: *const u8,
    /// What the machine code, or what stands for it, gets as its context.
    pub context: *mut u64,
    /// The context of a host function.
    pub header: Option<Stable<[u64; 3]>>,
}

impl Default for FuncPart {
    fn default() -> FuncPart {
        FuncPart { entry: null(), context: null_mut(), header: None }
    }
}

/// Of an instance: what compiled code reaches.
#[derive(Default)]
pub(crate) struct InstancePart {
    /// Empty without code.
    pub context: Box<[u64]>,
    /// The contexts of functions without code.
    pub headers: Box<[[u64; 3]]>,
}

/// Makes the code of a module.
pub(crate) fn compile(module: &Module) -> wasm::Result<()> {
    give(module, |compiler| compiler.compile(module, module.engine().config()))
}

/// Gives a module the code that was made of it before.
///
/// # Safety
/// See [`Compiler::load`].
pub(crate) unsafe fn load(module: &Module, bytes: Lent) -> wasm::Result<()> {
    // SAFETY: the caller's promise.
    give(module, |compiler| unsafe { compiler.load(module, bytes) })
}

fn give(
    module: &Module,
    code: impl FnOnce(&dyn Compiler) -> Result<Arc<dyn Code>, Trap>,
) -> wasm::Result<()> {
    let error = |text| wasm::Error::new(wasm::ErrorKind::Other(text), 0);
    let Some(compiler) = &module.engine().native().0 else {
        return Err(error("this engine has no compiler".into()));
    };
    let code = code(&**compiler).map_err(|trap| error(alloc::format!("{trap}")))?;
    module.data().native.code.set(code)?;
    Ok(())
}

/// What stands for the interpreter's code of a body that has machine code.
pub(crate) fn stub(module: &ModuleData, body: u32) -> Option<exec::fast::Code> {
    module.native.entry(body).map(|_| exec::fast::stub(body))
}
