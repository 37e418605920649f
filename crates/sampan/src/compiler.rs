//! Engines whose modules are compiled, where feature `jit` is on.

use crate::Config;
use sampan_engine::{self as engine, Engine};

#[cfg(feature = "jit")]
pub(crate) fn engine(raw: engine::Config, _: &Config) -> Engine {
    if raw.mode != engine::Mode::Jit {
        return Engine::new(raw);
    }
    match sampan_compile::Jit::new(&raw) {
        Ok(jit) => Engine::with_compiler(raw, alloc::sync::Arc::new(jit)),
        // Making a module says that there is no compiler.
        Err(_) => Engine::new(raw),
    }
}

#[cfg(not(feature = "jit"))]
pub(crate) fn engine(raw: engine::Config, _: &Config) -> Engine {
    Engine::new(raw)
}
