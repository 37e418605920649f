//! Compiled modules as bytes, for embedders that compile once and run elsewhere or later.
//!
//! The bytes: [`MAGIC`], the length of a text and the text, the length of the module and the
//! module, the length of its code and the code. Lengths have 64 bits, the lowest byte first. The
//! text says what the code depends on: versions, processor, choices.
//!
//! Unsafe because code is executed that nothing but the embedder's word vouches for.

use crate::{Engine, Error, ErrorKind, Module, Result};
use alloc::{format, string::String, vec::Vec};
use sampan_engine as engine;

/// Changes with the format.
const MAGIC: [u8; 16] = *b"sampan code 1\r\n\0";

impl Module {
    /// The module with its compiled code, for [`Module::deserialize`].
    ///
    /// # Errors
    /// There is no code: the engine's mode is another than [`Mode::Jit`](crate::Mode::Jit), or
    /// the module has types of structs or arrays, which are interpreted.
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let code = self.raw().code_bytes().ok_or_else(|| {
            Error::new("only a module that was compiled in mode `jit` has code to keep")
        })?;
        let text = describe(self.raw().engine())?;
        let parts = [text.as_bytes(), self.bytes(), &code];
        let size = parts.iter().map(|part| 8 + part.len()).sum::<usize>();
        let mut bytes = Vec::with_capacity(MAGIC.len() + size);
        bytes.extend(MAGIC);
        for part in parts {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part);
        }
        Ok(bytes)
    }

    /// The module whose compiled code [`Module::serialize`] gave. Nothing is compiled, and its
    /// functions are not validated again.
    ///
    /// # Errors
    /// The bytes are none that `serialize` gives, or their code is for another version of this
    /// crate, another processor, or an engine with other choices: what differs is named.
    ///
    /// # Safety
    /// The bytes must be what `serialize` gave, in this or another process: code in them is
    /// executed. What was stored where others can write needs a signature of your own.
    pub unsafe fn deserialize(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module> {
        let ours = describe(&engine.raw)?;
        let damaged = || Error::new("this is no compiled module, or a damaged one");
        let mut rest = bytes.as_ref().strip_prefix(&MAGIC).ok_or_else(damaged)?;
        let mut part = || {
            let (len, after) = rest.split_first_chunk::<8>()?;
            let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
            let (part, after) = after.split_at_checked(len)?;
            rest = after;
            Some(part)
        };
        let theirs = part().ok_or_else(damaged)?;
        if theirs != ours.as_bytes() {
            return Err(differs(&String::from_utf8_lossy(theirs), &ours));
        }
        let (module, code) = part().zip(part()).ok_or_else(damaged)?;
        if !rest.is_empty() {
            return Err(damaged());
        }
        // SAFETY: the caller's promise; the engine describes itself as that one did.
        let module = unsafe { engine::Module::with_code(&engine.raw, module, code) };
        Ok(Module::from_raw(&module.map_err(|error| Error::of(ErrorKind::Module(error)))?))
    }

    /// [`Module::deserialize`] of a file's content.
    ///
    /// # Errors
    /// The file cannot be read, or as there.
    ///
    /// # Safety
    /// As there.
    pub unsafe fn deserialize_file(
        engine: &Engine,
        path: impl AsRef<std::path::Path>,
    ) -> Result<Module> {
        let bytes = std::fs::read(path).map_err(Error::host)?;
        // SAFETY: the caller's promise.
        unsafe { Module::deserialize(engine, bytes) }
    }
}

/// What the code of an engine's modules depends on.
fn describe(engine: &engine::Engine) -> Result<String> {
    match engine.describe_code() {
        Some(text) => text.map_err(|trap| Error::new(format!("{trap}"))),
        None => Err(Error::new("compiled modules need an engine whose mode is `jit`")),
    }
}

/// The error that names what is in one text only.
fn differs(theirs: &str, ours: &str) -> Error {
    let only = |one: &str, other: &str| {
        let words = one.split(' ').filter(|word| !other.split(' ').any(|known| known == *word));
        words.collect::<Vec<_>>().join(" ")
    };
    let (theirs, ours) = (only(theirs, ours), only(ours, theirs));
    Error::new(format!(
        "this module was compiled for another engine: for `{theirs}`, where this one has `{ours}`"
    ))
}
