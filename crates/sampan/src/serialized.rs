//! Compiled modules as bytes, for embedders that compile once and run elsewhere or later.
//!
//! The bytes: [`MAGIC`]; five numbers of 64 bits: the length of a text, of the module and of a
//! table, where the code is and how long that is; the text, the module, the table, zeros, and at a
//! multiple of a page the code, so that it can be executed where a file is mapped. The text says
//! what the code depends on: versions, processor, choices. The table says where each function's
//! body begins and ends in the module, in two numbers of 32 bits, so that loading a large module
//! does not touch all of it. Numbers have the lowest byte first.
//!
//! Unsafe because code is executed that nothing but the embedder's word vouches for.

use crate::{Engine, Error, ErrorKind, Module, Result};
use alloc::{format, string::String, vec::Vec};
use core::ops::Range;
use sampan_engine as engine;
use sampan_engine::native::Lent;

/// Changes with the format.
const MAGIC: [u8; 16] = *b"sampan code 2\r\n\0";
/// The bytes before the text.
const HEADER: usize = MAGIC.len() + 5 * 8;

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
        let module = HEADER + text.len()..HEADER + text.len() + self.bytes().len();
        let bodies = &self.raw().decl().bodies;
        let table = module.end..module.end + bodies.len() * 8;
        let start = table.end.next_multiple_of(sampan_compile::page_size());
        let mut bytes = Vec::with_capacity(start + code.len());
        bytes.extend(MAGIC);
        for number in [text.len(), module.len(), table.len(), start, code.len()] {
            bytes.extend((number as u64).to_le_bytes());
        }
        bytes.extend(text.as_bytes());
        bytes.extend(self.bytes());
        let ends = bodies.iter().flat_map(|body| [body.start, body.end]);
        bytes.extend(ends.flat_map(u32::to_le_bytes));
        bytes.resize(start, 0);
        bytes.extend(code);
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
        let bytes = sampan_compile::map_copy(bytes.as_ref()).map_err(Error::host)?;
        // SAFETY: the caller's promise.
        unsafe { load(engine, &bytes) }
    }

    /// [`Module::deserialize`] of a file's content, which is mapped where the system can do that:
    /// only what is used of it is read, and code is executed where it is.
    ///
    /// # Errors
    /// The file cannot be read, or as there.
    ///
    /// # Safety
    /// As there; and nobody may change the file, or make it shorter, as long as the module, or
    /// anything made of it, exists. Replacing it by another of the same name, as `rename` does,
    /// changes nothing.
    pub unsafe fn deserialize_file(
        engine: &Engine,
        path: impl AsRef<std::path::Path>,
    ) -> Result<Module> {
        // SAFETY: the caller's promise.
        let bytes = unsafe { sampan_compile::map_file(path.as_ref()) }.map_err(Error::host)?;
        // SAFETY: as above.
        unsafe { load(engine, &bytes) }
    }
}

/// See [`Module::deserialize`].
unsafe fn load(engine: &Engine, bytes: &Lent) -> Result<Module> {
    let ours = describe(&engine.raw)?;
    let damaged = || Error::new("this is no compiled module, or a damaged one");
    let [text, module, table, code] = parts(bytes).ok_or_else(damaged)?;
    let theirs = &bytes[text];
    if theirs != ours.as_bytes() {
        return Err(differs(&String::from_utf8_lossy(theirs), &ours));
    }
    let (module, code) = bytes.part(module).zip(bytes.part(code)).ok_or_else(damaged)?;
    let (table, _) = bytes[table].as_chunks::<8>();
    let bodies = table.iter().map(|&[a, b, c, d, e, f, g, h]| {
        u32::from_le_bytes([a, b, c, d])..u32::from_le_bytes([e, f, g, h])
    });
    // SAFETY: the caller's promise; the engine describes itself as that one did.
    let module = unsafe { engine::Module::with_code(&engine.raw, module, bodies.collect(), code) };
    Ok(Module::from_raw(&module.map_err(|error| Error::of(ErrorKind::Module(error)))?))
}

/// Where the text, the module, the table and the code are.
fn parts(bytes: &[u8]) -> Option<[Range<usize>; 4]> {
    let numbers = bytes.strip_prefix(&MAGIC)?.get(..HEADER - MAGIC.len())?.chunks_exact(8);
    let mut numbers = numbers.map(|number| {
        let number = u64::from_le_bytes(number.try_into().expect("eight bytes"));
        usize::try_from(number).ok()
    });
    let mut next = || numbers.next()?;
    let text = HEADER..HEADER.checked_add(next()?)?;
    let module = text.end..text.end.checked_add(next()?)?;
    let table = module.end..module.end.checked_add(next()?)?;
    let start = next()?;
    let code = start..start.checked_add(next()?)?;
    let sound = table.len().is_multiple_of(8) && table.end <= code.start && code.end == bytes.len();
    sound.then_some([text, module, table, code])
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
