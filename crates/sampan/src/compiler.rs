//! Engines whose modules are compiled, where feature `jit` is on.

use crate::{Config, Result};
use sampan_engine::{self as engine, Engine};

#[cfg(feature = "jit")]
pub(crate) fn engine(raw: engine::Config, config: &Config) -> Result<Engine> {
    if !matches!(raw.mode, engine::Mode::Jit | engine::Mode::Auto) {
        return Ok(Engine::try_new(raw)?);
    }
    match sampan_compile::Jit::new(&raw) {
        Ok(mut jit) => {
            if let Some(folder) = &config.cache {
                jit = jit.cache(folder.clone());
            }
            if let Some(crate::config::Progress(told)) = config.progress.clone() {
                jit = jit.progress(alloc::boxed::Box::new(move |done, all| told(done, all)));
            }
            Ok(Engine::with_compiler(raw, alloc::sync::Arc::new(jit)))
        }
        // Making a module for `jit` says that there is no compiler; `auto` does without.
        Err(_) => Ok(Engine::try_new(raw)?),
    }
}

#[cfg(not(feature = "jit"))]
pub(crate) fn engine(raw: engine::Config, _: &Config) -> Result<Engine> {
    Ok(Engine::try_new(raw)?)
}
