//! What an embedder chooses for all modules and stores of an engine.

use crate::Result;
use sampan_engine as engine;
use sampan_engine::wasm::{Feature, Features};
pub use sampan_engine::{EXECUTABLE, Mode, Preparation};

/// The choices of an [`Engine`].
///
/// ```
/// use sampan::{Config, Engine, Mode};
///
/// let mut config = Config::new();
/// config.mode(Mode::Classic).consume_fuel(true).wasm_simd(false);
/// let engine = Engine::new(&config);
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    engine: engine::Config,
    features: Features,
    #[cfg(feature = "jit")]
    pub(crate) cache: Option<std::path::PathBuf>,
    #[cfg(feature = "jit")]
    pub(crate) progress: Option<Progress>,
}

/// Whom to tell how far compilation is.
#[cfg(feature = "jit")]
#[derive(Clone)]
pub(crate) struct Progress(pub alloc::sync::Arc<sampan_compile::Progress>);

#[cfg(feature = "jit")]
impl core::fmt::Debug for Progress {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Progress")
    }
}

impl Default for Config {
    fn default() -> Config {
        Config::new()
    }
}

macro_rules! proposals {
    ($($(#[$doc:meta])* $name:ident = $feature:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self, enable: bool) -> &mut Config {
            self.feature(Feature::$feature, enable)
        }
    )*};
}

impl Config {
    /// All proposals that are executed, no fuel, no interruption. The mode is [`Mode::Auto`] with
    /// feature `jit`, else [`Mode::Fast`], or [`Mode::Classic`] without that feature.
    pub fn new() -> Config {
        let mut engine = engine::Config::default();
        if cfg!(feature = "jit") && Mode::Auto.is_built_in() {
            engine.mode = Mode::Auto;
        }
        Config {
            features: engine.features,
            engine,
            #[cfg(feature = "jit")]
            cache: None,
            #[cfg(feature = "jit")]
            progress: None,
        }
    }

    /// Chooses what runs functions. [`Mode::Jit`] needs feature `jit` and a host that it knows;
    /// elsewhere no [`Module`](crate::Module) can be made. [`Mode::Auto`] compiles where it can,
    /// and interprets elsewhere.
    pub fn mode(&mut self, mode: Mode) -> &mut Config {
        self.engine.mode = mode;
        self
    }

    /// Keeps compiled code in a folder, where the next start finds it; in [`Mode::Auto`] see
    /// [`Engine::flush_code_cache`]. An entry is used for the
    /// same module, choices, processor and program only, and if it is whole. The folder is made
    /// when needed, for this user only: whoever can write to it decides what is executed.
    #[cfg(feature = "jit")]
    pub fn code_cache(&mut self, folder: impl Into<std::path::PathBuf>) -> &mut Config {
        self.cache = Some(folder.into());
        self
    }

    /// Follows the compilation of a module in [`Mode::Jit`]: `told` gets the number of functions
    /// that are done and that of all, from several threads.
    #[cfg(feature = "jit")]
    pub fn compile_progress(
        &mut self,
        told: impl Fn(usize, usize) + Send + Sync + 'static,
    ) -> &mut Config {
        self.progress = Some(Progress(alloc::sync::Arc::new(told)));
        self
    }

    /// In [`Mode::Auto`], compiles a function after so many calls and rounds of its loops; 3,000
    /// unless chosen. With `wait`, execution goes on only when the code is there, so that what
    /// runs in which way does not depend on time.
    pub fn tier_up(&mut self, after: u32, wait: bool) -> &mut Config {
        (self.engine.tier_after, self.engine.tier_waits) = (after, wait);
        self
    }

    /// Chooses when functions are translated. Validation is always done when a module is made.
    pub fn preparation(&mut self, preparation: Preparation) -> &mut Config {
        self.engine.preparation = preparation;
        self
    }

    /// Whether guests consume fuel and trap with [`Trap::OutOfFuel`](crate::Trap::OutOfFuel)
    /// when there is none; see [`Store::set_fuel`](crate::Store::set_fuel). Off by default.
    pub fn consume_fuel(&mut self, enable: bool) -> &mut Config {
        self.engine.fuel = enable;
        self
    }

    /// Whether guests can be stopped from another thread; see
    /// [`Store::interrupt_handle`](crate::Store::interrupt_handle). Off by default.
    pub fn interruptible(&mut self, enable: bool) -> &mut Config {
        self.engine.interruptible = enable;
        self
    }

    /// Whether NaN results are made the canonical one, so that all hosts agree on their bits.
    /// Off by default.
    pub fn canonicalize_nans(&mut self, enable: bool) -> &mut Config {
        self.engine.canonical_nans = enable;
        self
    }

    /// Linear memories end `heap` bytes behind `__heap_base`, where a module exports that as a
    /// constant, instead of at the end of a page of 64 KiB. For small devices: the data and the
    /// stack of a program are often a few kilobytes. Such a memory has pages of one byte; it can
    /// grow by the host, as the built-in `malloc` does. What lies beyond its end is out of bounds.
    ///
    /// Modules keep their pages if they use `memory.size` or `memory.grow`, have no memory of
    /// their own or several, or if the engine makes machine code.
    #[cfg(feature = "shrunk-memories")]
    pub fn shrink_memories(&mut self, heap: u32) -> &mut Config {
        self.engine.shrink_memories = Some(heap);
        self
    }

    /// How many bytes the frames of guest functions may take; recursion beyond traps. One
    /// mebibyte by default.
    pub fn max_stack_bytes(&mut self, bytes: usize) -> &mut Config {
        self.engine.stack_bytes = bytes;
        self
    }

    /// How often guest and host functions may call each other in turn; each turn takes some of
    /// the host's own stack. 128 by default.
    pub fn max_host_depth(&mut self, depth: u32) -> &mut Config {
        self.engine.max_host_depth = depth;
        self
    }

    /// Whether every allocation in the collected heap collects first: slow, and for tests of
    /// what keeps references. Off by default.
    pub fn collect_always(&mut self, enable: bool) -> &mut Config {
        self.engine.collect_always = enable;
        self
    }

    /// Switches a proposal on or off.
    ///
    /// Those that are on by default are executed. The others only have an effect on
    /// [`Module::validate`](crate::Module::validate): a [`Module`](crate::Module) that needs
    /// one of them can't be made.
    pub fn feature(&mut self, feature: Feature, enable: bool) -> &mut Config {
        self.features = match enable {
            true => self.features.with(feature),
            false => self.features.without(feature),
        };
        self
    }

    proposals! {
        /// Switches imported and exported mutable globals. On by default.
        wasm_mutable_global = MutableGlobal;
        /// Switches saturating float-to-int conversions. On by default.
        wasm_saturating_float_to_int = SaturatingFloatToInt;
        /// Switches the sign extension operators. On by default.
        wasm_sign_extension = SignExtension;
        /// Switches several results and block parameters. On by default.
        wasm_multi_value = MultiValue;
        /// Switches bulk memory operations and passive segments. On by default.
        wasm_bulk_memory = BulkMemory;
        /// Switches references as values, and several tables. On by default.
        wasm_reference_types = ReferenceTypes;
        /// Switches 128-bit vectors. On by default.
        wasm_simd = Simd;
        /// Switches tail calls. On by default.
        wasm_tail_call = TailCall;
        /// Switches exceptions: `try_table`, `throw`, `throw_ref`. On by default.
        wasm_exceptions = Exceptions;
        /// Switches the older form of exceptions: `try`, `catch`, `delegate`, `rethrow`, which
        /// compilers still emit. Off by default.
        wasm_legacy_exceptions = LegacyExceptions;
        /// Switches shared memories and atomic instructions. On by default.
        wasm_threads = Threads;
        /// Switches arithmetic in constant expressions. On by default.
        wasm_extended_const = ExtendedConst;
    }
}

/// A configuration that modules, linkers and stores share. Clones are the same engine.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) raw: engine::Engine,
    /// What is validated, which may be more than what is executed.
    pub(crate) features: Features,
}

impl Engine {
    /// An engine with the given choices.
    ///
    /// # Panics
    /// There is no memory left; see [`Engine::try_new`].
    pub fn new(config: &Config) -> Engine {
        Engine::try_new(config).expect("there is memory for an engine")
    }

    /// An engine with the given choices.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn try_new(config: &Config) -> Result<Engine> {
        let mut raw = config.engine.clone();
        raw.features = executable(config.features);
        Ok(Engine { raw: crate::compiler::engine(raw, config)?, features: config.features })
    }

    /// The interpreter that it runs modules with.
    pub fn mode(&self) -> Mode {
        self.raw.config().mode
    }

    /// In [`Mode::Auto`], writes what was compiled so far to the folder of
    /// [`Config::code_cache`]. That also happens when there is nothing left to compile, but not
    /// when the process ends: a program that does not run long should call this at its end.
    #[cfg(feature = "jit")]
    pub fn flush_code_cache(&self) {
        self.raw.settle();
    }

    /// Whether both are clones of one engine.
    pub fn same(&self, other: &Engine) -> bool {
        self.raw.same(&other.raw)
    }
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new(&Config::new())
    }
}

fn executable(features: Features) -> Features {
    let off = Feature::ALL.iter().filter(|&&f| !engine::EXECUTABLE.has(f));
    off.fold(features, |features, &off| features.without(off))
}
