//! A module that is ready to be instantiated, in any number of machines and threads.

use crate::native::{self, ModulePart};
use crate::sync::{Arc, StdArc};
use crate::{Engine, Mode, Preparation, exec, once::Once};
use alloc::{boxed::Box, vec::Vec};
use core::fmt;
use sampan_wasm::room::{OutOfMemory, collected};
use sampan_wasm::{self as wasm, Span};

/// A validated module. Clones share it.
#[derive(Clone)]
pub struct Module(Arc<ModuleData>);

pub(crate) struct ModuleData {
    pub(crate) engine: Engine,
    pub(crate) bytes: Bytes,
    pub(crate) decl: wasm::Module,
    pub(crate) code: CodeSlots,
    #[cfg_attr(not(feature = "native"), allow(dead_code))]
    pub(crate) native: ModulePart,
}

/// The prepared form of each function that is not imported.
pub(crate) enum CodeSlots {
    Classic(Box<[Once<exec::classic::Code>]>),
    Fast(Box<[Once<exec::fast::Code>]>),
}

/// A module's bytes, owned or in flash.
#[derive(Clone, Debug)]
pub enum Bytes {
    /// Bytes that outlive everything: nothing is copied.
    Static(&'static [u8]),
    /// Shared ownership.
    Shared(StdArc<[u8]>),
    /// A copy of ours.
    Owned(Arc<Box<[u8]>>),
    /// Bytes that something else keeps, such as a file that is mapped.
    #[cfg(feature = "native")]
    Lent(native::Lent),
}

impl Bytes {
    /// A copy of bytes.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn copied(bytes: &[u8]) -> Result<Bytes, OutOfMemory> {
        Ok(Bytes::Owned(Arc::try_new(collected(bytes.iter().copied())?)?))
    }
}

impl core::ops::Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Static(bytes) => bytes,
            Bytes::Shared(bytes) => bytes,
            Bytes::Owned(bytes) => bytes,
            #[cfg(feature = "native")]
            Bytes::Lent(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes::Shared(bytes.into())
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Bytes {
        Bytes::Shared(bytes.into())
    }
}

impl Module {
    /// Decodes and validates `bytes`; with [`Preparation::Eager`] also translates.
    ///
    /// # Errors
    /// What is wrong with the module.
    pub fn new(engine: &Engine, bytes: impl Into<Bytes>) -> Result<Module, wasm::Error> {
        let config = engine.config();
        let module = Module::decode(engine, bytes.into())?;
        match config.preparation {
            // A compiler validates once more anyway, and does not need the interpreter's code.
            _ if config.mode == Mode::Jit => module.validate()?,
            Preparation::Lazy => module.validate()?,
            Preparation::Eager => {
                for index in 0..module.decl().bodies.len() as u32 {
                    module.0.prepare(index)?;
                }
            }
        }
        if config.mode == Mode::Jit && !makes_objects(module.decl()) {
            native::compile(&module)?;
        }
        Ok(module)
    }

    /// The code of the module, if it was compiled as a whole: what [`Module::with_code`] takes.
    #[cfg(feature = "native")]
    pub fn code_bytes(&self) -> Option<Vec<u8>> {
        self.0.native.code_bytes()
    }

    /// A module with the code that was made of it before. Its functions are not validated again.
    ///
    /// # Errors
    /// What is wrong with the module's declarations, or with the code, as far as that is seen.
    ///
    /// # Safety
    /// These are what [`Module::bytes`], the bodies of [`Module::decl`] and [`Module::code_bytes`]
    /// of one module gave, and the compiler of that module's engine described itself as this
    /// engine's does.
    #[cfg(feature = "native")]
    pub unsafe fn with_code(
        engine: &Engine,
        bytes: native::Lent,
        bodies: Vec<Span>,
        code: native::Lent,
    ) -> Result<Module, wasm::Error> {
        let decl = wasm::decode_with_bodies(&bytes, engine.config().features, bodies.into())?;
        let module = Module::declared(engine, Bytes::Lent(bytes), decl)?;
        // SAFETY: the caller's promise.
        unsafe { native::load(&module, code)? };
        Ok(module)
    }

    fn decode(engine: &Engine, bytes: Bytes) -> Result<Module, wasm::Error> {
        let config = engine.config();
        if !config.mode.is_built_in() {
            return Err(not_built_in());
        }
        let decl = wasm::decode(&bytes, config.features)?;
        Module::declared(engine, bytes, decl)
    }

    fn declared(engine: &Engine, bytes: Bytes, decl: wasm::Module) -> Result<Module, wasm::Error> {
        let code = CodeSlots::new(engine.config().mode, decl.bodies.len())?;
        let native = ModulePart::new(engine, &decl);
        let engine = engine.clone();
        Ok(Module(Arc::try_new(ModuleData { engine, bytes, decl, code, native })?))
    }

    fn validate(&self) -> Result<(), wasm::Error> {
        let ModuleData { bytes, decl, engine, .. } = &*self.0;
        // The same code that prepares functions, once more for nothing but its errors.
        #[cfg(sampan_small)]
        for body in 0..decl.bodies.len() as u32 {
            exec::validate(&self.0, body)?;
        }
        #[cfg(sampan_small)]
        let _ = (bytes, engine);
        #[cfg(not(sampan_small))]
        {
            let mut scratch = wasm::Scratch::default();
            for index in decl.imported_funcs..decl.funcs.len() as u32 {
                let features = engine.config().features;
                wasm::validate_body(bytes, features, decl, index, &mut scratch, &mut ())?;
            }
        }
        Ok(())
    }

    /// The declarations.
    pub fn decl(&self) -> &wasm::Module {
        &self.0.decl
    }

    /// The bytes that it was made from.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The engine that it was made for.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// The text that a name of this module stands for.
    pub fn text(&self, name: &Span) -> &str {
        wasm::text(&self.0.bytes, name)
    }

    pub(crate) fn data(&self) -> &ModuleData {
        &self.0
    }
}

/// Whether a module has types of structs or arrays. Frames of compiled code do not say yet where
/// they hold references, so that nothing is collected under them; what allocates is interpreted.
pub(crate) fn makes_objects(module: &wasm::Module) -> bool {
    (0..module.types.len()).any(|ty| module.types.func(ty).is_none())
}

impl ModuleData {
    /// Prepares the body with an index (imports not counted), unless it is prepared.
    pub(crate) fn prepare(&self, body: u32) -> Result<(), wasm::Error> {
        match &self.code {
            CodeSlots::Classic(slots) => {
                if slots[body as usize].get().is_none() {
                    slots[body as usize].set(exec::classic::prepare(self, body)?)?;
                }
            }
            CodeSlots::Fast(slots) => {
                if slots[body as usize].get().is_none() {
                    slots[body as usize].set(match native::stub(self, body) {
                        Some(stub) => stub,
                        None => exec::fast::prepare(self, body)?,
                    })?;
                }
            }
        }
        Ok(())
    }
}

impl CodeSlots {
    fn new(mode: Mode, count: usize) -> Result<CodeSlots, OutOfMemory> {
        Ok(match mode {
            // Whoever makes a module has seen that its mode is built in.
            Mode::Classic if cfg!(feature = "classic") => {
                CodeSlots::Classic(collected((0..count).map(|_| Once::new()))?)
            }
            _ if cfg!(feature = "fast") => {
                CodeSlots::Fast(collected((0..count).map(|_| Once::new()))?)
            }
            _ => CodeSlots::Classic(Box::default()),
        })
    }
}

/// "The interpreter is not there."
#[cold]
pub(crate) fn not_built_in() -> wasm::Error {
    wasm::Error::invalid("the engine's mode is an interpreter that is not built in", 0)
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Module({} bytes, {} functions)", self.0.bytes.len(), self.0.decl.funcs.len())
    }
}
