//! What an embedder chooses once for all modules of an engine.

use crate::native::EnginePart;
use crate::sync::Arc;
#[cfg(feature = "native")]
use crate::sync::StdArc;
use sampan_wasm::room::OutOfMemory;
use sampan_wasm::{Feature, Features};

/// What runs functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Runs the module's own bytes in place, with a small side table for branches.
    Classic,
    /// Translates to register-based internal code, which takes memory and runs faster.
    Fast,
    /// Compiles to machine code; needs an engine with a compiler. What the compiler does not
    /// know is interpreted as by [`Mode::Fast`].
    Jit,
    /// Begins as [`Mode::Fast`] and compiles functions and loops that run often in the
    /// background; without a compiler it stays there.
    Auto,
}

impl Mode {
    /// Whether this build has the mode; modules cannot be made for one that it lacks.
    pub const fn is_built_in(self) -> bool {
        match self {
            Mode::Classic => cfg!(feature = "classic"),
            Mode::Fast | Mode::Auto => cfg!(feature = "fast"),
            Mode::Jit => cfg!(feature = "native"),
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
    /// How many bytes behind `__heap_base` a memory ends, whatever its pages: see the `sampan`
    /// crate's `Config::shrink_memories`.
    #[cfg(feature = "shrunk-memories")]
    pub shrink_memories: Option<u32>,
    /// Whether every allocation in the collected heap collects first, which finds references
    /// that collections do not see. For tests.
    pub collect_always: bool,
    /// How often guest and host functions may call each other in turn.
    pub max_host_depth: u32,
    /// In [`Mode::Auto`]: after how many calls of a function and rounds of its loops it is
    /// compiled.
    pub tier_after: u32,
    /// In [`Mode::Auto`]: whether execution waits for code that it asked for, instead of going on
    /// in the interpreter. For tests.
    pub tier_waits: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            mode: Mode::default(),
            preparation: Preparation::default(),
            features: EXECUTABLE.without(Feature::LegacyExceptions),
            fuel: false,
            interruptible: false,
            canonical_nans: false,
            stack_bytes: 1 << 20,
            #[cfg(feature = "shrunk-memories")]
            shrink_memories: None,
            collect_always: false,
            max_host_depth: 128,
            tier_after: 3000,
            tier_waits: false,
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
    .with(Feature::FunctionReferences)
    .with(Feature::Gc)
    .with(Feature::Exceptions)
    .with(Feature::LegacyExceptions);

/// A configuration that modules and machines share.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: Config,
    /// What compiles modules.
    native: EnginePart,
}

impl Engine {
    /// An engine with the given choices.
    ///
    /// # Panics
    /// There is no memory left; see [`Engine::try_new`].
    pub fn new(config: Config) -> Engine {
        Engine::try_new(config).expect("there is memory for an engine")
    }

    /// An engine with the given choices.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn try_new(config: Config) -> Result<Engine, OutOfMemory> {
        Ok(Engine(Arc::try_new(Shared { config, native: EnginePart::default() })?))
    }

    /// An engine whose modules are compiled.
    #[cfg(feature = "native")]
    pub fn with_compiler(config: Config, compiler: StdArc<dyn crate::native::Compiler>) -> Engine {
        let shared = Arc::try_new(Shared { config, native: EnginePart::from(compiler) });
        Engine(shared.expect("there is memory for an engine"))
    }

    /// What the code of its modules depends on; `None` unless it compiles whole modules.
    ///
    /// # Errors
    /// See [`crate::native::Compiler::describe`].
    #[cfg(feature = "native")]
    pub fn describe_code(&self) -> Option<Result<alloc::string::String, crate::Trap>> {
        let compiler = self.0.native.0.as_ref().filter(|_| self.0.config.mode == Mode::Jit)?;
        Some(compiler.describe(&self.0.config))
    }

    /// Lets the compiler put what it made where a later start finds it, if it keeps anything.
    #[cfg(feature = "native")]
    pub fn settle(&self) {
        if let Some(compiler) = &self.0.native.0 {
            compiler.settle();
        }
    }

    pub(crate) fn native(&self) -> &EnginePart {
        &self.0.native
    }

    /// The choices.
    pub fn config(&self) -> &Config {
        &self.0.config
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
