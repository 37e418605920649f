//! What an embedder chooses once for all modules of an engine.

use crate::sync::Arc;
use sampan_wasm::{Feature, Features};

/// Which interpreter runs functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Runs the module's own bytes in place, with a small side table for branches.
    Classic,
    /// Translates to register-based internal code, which takes memory and runs faster.
    Fast,
}

impl Mode {
    /// Whether this build has the interpreter; modules cannot be made for one that it lacks.
    pub const fn is_built_in(self) -> bool {
        match self {
            Mode::Classic => cfg!(feature = "classic"),
            Mode::Fast => cfg!(feature = "fast"),
        }
    }
}

impl Default for Mode {
    /// Fast, or what else is built in.
    fn default() -> Mode {
        if Mode::Fast.is_built_in() { Mode::Fast } else { Mode::Classic }
    }
}

/// When a function is prepared for execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preparation {
    /// At its first call.
    #[default]
    Lazy,
    /// All functions when the module is made.
    Eager,
}

/// The choices of an [`Engine`].
#[derive(Clone, Debug)]
pub struct Config {
    /// The interpreter.
    pub mode: Mode,
    /// When functions are translated. Validation is always done when a module is made.
    pub preparation: Preparation,
    /// The proposals that modules may use.
    pub features: Features,
    /// Whether execution consumes fuel and stops when there is none.
    pub fuel: bool,
    /// Whether execution can be interrupted from another thread.
    pub interruptible: bool,
    /// Whether NaN results are made the canonical one, so that hosts agree on their bits.
    pub canonical_nans: bool,
    /// Bytes of the stack that holds the frames of guest functions; recursion beyond traps.
    pub stack_bytes: usize,
    /// How often guest and host functions may call each other in turn.
    pub max_host_depth: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            mode: Mode::default(),
            preparation: Preparation::default(),
            features: EXECUTABLE,
            fuel: false,
            interruptible: false,
            canonical_nans: false,
            stack_bytes: 1 << 20,
            max_host_depth: 128,
        }
    }
}

/// The proposals that both interpreters execute; the others are only validated.
pub const EXECUTABLE: Features = Features::WASM2
    .with(Feature::TailCall)
    .with(Feature::ExtendedConst)
    .with(Feature::RelaxedSimd)
    .with(Feature::MultiMemory)
    .with(Feature::Memory64)
    .with(Feature::CustomPageSizes)
    .with(Feature::WideArithmetic)
    .with(Feature::Threads)
    .with(Feature::FunctionReferences);

/// A configuration that modules and machines share.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Config>);

impl Engine {
    /// An engine with the given choices.
    pub fn new(config: Config) -> Engine {
        Engine(Arc::new(config))
    }

    /// The choices.
    pub fn config(&self) -> &Config {
        &self.0
    }

    /// Whether both are clones of one engine.
    pub fn same(&self, other: &Engine) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new(Config::default())
    }
}
