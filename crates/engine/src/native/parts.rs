//! What the engine's own types carry for machine code. Where it is not built in, `absent.rs`
//! has them without content.

use super::{Code, Compiler, Reservations, Runtime};
use crate::module::ModuleData;
use crate::stable::Stable;
use crate::sync::Arc;
use crate::{Config, Module, exec, once::Once};
use alloc::boxed::Box;
use core::ptr::{null, null_mut};
use core::sync::atomic::AtomicBool;
use sampan_wasm as wasm;

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
}

/// Of a module: its code, once it is made.
#[derive(Default)]
pub(crate) struct ModulePart(Once<Arc<dyn Code>>);

impl ModulePart {
    pub fn code(&self) -> Option<&Arc<dyn Code>> {
        self.0.get()
    }
}

/// Of a machine: what its contexts share.
pub(crate) struct MachinePart(pub Stable<Runtime>);

impl MachinePart {
    pub fn new(interrupt: &AtomicBool, config: &Config) -> MachinePart {
        MachinePart(Stable::new(Runtime::new(&raw const *interrupt, config.stack_bytes)))
    }
}

/// Of a function. Compiled code reads the first fields.
#[repr(C)]
pub(crate) struct FuncPart {
    /// Its machine code; null if it has none.
    pub entry: *const u8,
    /// What the machine code, or what stands for it, gets as its context.
    pub context: *mut u64,
    /// The context of a function without code.
    pub header: Option<Stable<[u64; 3]>>,
}

impl Default for FuncPart {
    fn default() -> FuncPart {
        FuncPart { entry: null(), context: null_mut(), header: None }
    }
}

/// Of an instance: what compiled code reaches; empty without code.
#[derive(Default)]
pub(crate) struct InstancePart {
    pub context: Box<[u64]>,
}

/// Makes the code of a module.
pub(crate) fn compile(module: &Module) -> wasm::Result<()> {
    let engine = module.engine();
    let error = |text| wasm::Error::new(wasm::ErrorKind::Other(text), 0);
    let Some(compiler) = &engine.native().0 else {
        return Err(error("this engine has no compiler".into()));
    };
    let code = compiler.compile(module, engine.config());
    module.data().native.0.set(code.map_err(|trap| error(alloc::format!("{trap}")))?);
    Ok(())
}

/// What stands for the interpreter's code of a body that has machine code.
pub(crate) fn stub(module: &ModuleData, body: u32) -> Option<exec::fast::Code> {
    let code = module.native.code()?;
    (!code.entry(body).is_null()).then(|| exec::fast::stub(body))
}
