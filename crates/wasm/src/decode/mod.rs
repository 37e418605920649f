//! From bytes to [`Module`]: the sections, their order, and what must agree between them.
//!
//! A section is checked as it is read, against the sections before it: the format orders
//! them so that this is possible. Function bodies are only located here.
//!
//! Source: core specification 3.0, sections 3.4 "Modules" and 5.5 "Modules".

mod const_expr;
#[cfg(feature = "gc")]
mod const_gc;
mod declared;
mod extern_types;
mod sections;
mod segments;

use crate::{
    Custom, Error, ErrorKind, Feature, Features, List, Module, Reader, Result, Scratch, Span,
    Types, ValType, limits, validate_body,
};
use declared::Declared;

const MAGIC: [u8; 4] = *b"\0asm";
const VERSION: [u8; 4] = [1, 0, 0, 0];
/// Where a module has its version, a component has its own version and the layer 1.
const COMPONENT_LAYER: [u8; 2] = [1, 0];

/// Reads a module and checks everything but its functions' bodies.
///
/// # Errors
/// What is wrong, with its offset. The bodies' faults are found by [`validate_body`].
pub fn decode(bytes: &[u8], features: Features) -> Result<Module> {
    sections(bytes, features, Decoder::section)
}

/// [`decode`] of a module whose bodies were located before, so that it need not be looked through:
/// `bodies` is what [`Module::bodies`] was.
///
/// # Errors
/// As there, and bodies that are not one after the other in the code section, as many as it has.
pub fn decode_with_bodies(bytes: &[u8], features: Features, bodies: List<Span>) -> Result<Module> {
    let mut bodies = Some(bodies);
    sections(bytes, features, |decoder, id, section, at| match id {
        CODE => decoder.code_with(section, bodies.take().unwrap_or_default(), at),
        _ => decoder.section(id, section, at),
    })
}

fn sections(
    bytes: &[u8],
    features: Features,
    mut read: impl FnMut(&mut Decoder, u8, Reader<'_>, usize) -> Result<()>,
) -> Result<Module> {
    if bytes.len() > limits::MAX_MODULE as usize {
        let limit = limits::MAX_MODULE;
        return Err(Error::new(ErrorKind::Limit { what: "bytes in the module", limit }, 0));
    }
    let mut reader = Reader::new(bytes, 0..bytes.len(), features);
    header(&mut reader)?;
    let mut decoder = Decoder::default();
    while !reader.is_empty() {
        let at = reader.pos();
        let id = reader.u8()?;
        let len = reader.u32()?;
        let range = reader.range(len)?;
        let section = Reader::new(bytes, range.start as usize..range.end as usize, features);
        read(&mut decoder, id, section, at)?;
    }
    decoder.finish(bytes.len())
}

/// Reads a module and checks all of it.
///
/// # Errors
/// What is wrong, with its offset and, inside a body, the function.
pub fn validate(bytes: &[u8], features: Features) -> Result<Module> {
    let module = decode(bytes, features)?;
    let mut scratch = Scratch::default();
    for index in module.imported_funcs..module.funcs.len() as u32 {
        validate_body(bytes, features, &module, index, &mut scratch, &mut ())?;
    }
    Ok(module)
}

fn header(reader: &mut Reader<'_>) -> Result<()> {
    if !reader.rest().starts_with(&MAGIC) {
        return Err(Error::malformed("magic header not detected: not a WebAssembly module", 0));
    }
    reader.bytes(MAGIC.len())?;
    let at = reader.pos();
    let version: [u8; 4] = reader.array()?;
    if version == VERSION {
        return Ok(());
    }
    Err(match version[2..] == COMPONENT_LAYER {
        true => Error::malformed("unknown binary version: a component, not a core module", at),
        false => Error::malformed("unknown binary version", at),
    })
}

/// What is known while sections are read.
#[derive(Default)]
struct Decoder {
    module: Module,
    /// The position of the last section in [`order`].
    last: u8,
    /// The functions that occur outside bodies.
    declared: Declared,
    /// The operand stack of constant expressions.
    stack: List<ValType>,
}

const CODE: u8 = 10;

/// The position that a section must have, from 1; `None` if there is no such section.
fn order(id: u8) -> Option<u8> {
    Some(match id {
        1..=5 => id,
        // Tags come between memories and globals, the data count before the code.
        13 => 6,
        6..=9 => id + 1,
        12 => 11,
        10 | 11 => id + 2,
        _ => return None,
    })
}

impl Decoder {
    fn section(&mut self, id: u8, mut reader: Reader<'_>, at: usize) -> Result<()> {
        let reader = &mut reader;
        if id == 0 {
            let name = reader.name()?;
            let content = reader.pos() as u32..reader.end() as u32;
            self.module.customs.put(Custom { name, content })?;
            return Ok(());
        }
        self.follow(id, at)?;
        match id {
            1 => self.module.types = Types::read(reader)?,
            2 => self.imports(reader)?,
            3 => self.functions(reader)?,
            4 => self.tables(reader)?,
            5 => self.memories(reader)?,
            6 => self.globals(reader)?,
            7 => self.exports(reader)?,
            8 => self.start(reader)?,
            9 => self.elements(reader)?,
            CODE => self.code(reader)?,
            11 => self.data(reader)?,
            12 => {
                reader.need(Feature::BulkMemory, at)?;
                self.module.data_count = Some(reader.u32()?);
            }
            _ => {
                extern_types::need_tags(reader, at)?;
                self.tags(reader)?;
            }
        }
        if !reader.is_empty() {
            return Err(Error::malformed(
                "section size mismatch: bytes are left over",
                reader.pos(),
            ));
        }
        Ok(())
    }

    /// Sections have an order.
    fn follow(&mut self, id: u8, at: usize) -> Result<()> {
        let Some(order) = order(id) else {
            return Err(Error::malformed("malformed section id", at));
        };
        if order <= self.last {
            return Err(Error::malformed(
                "unexpected content after last section: duplicate or misplaced section",
                at,
            ));
        }
        self.last = order;
        Ok(())
    }

    /// The code section, with its bodies.
    fn code_with(&mut self, mut reader: Reader<'_>, bodies: List<Span>, at: usize) -> Result<()> {
        self.follow(CODE, at)?;
        let count = reader.count("functions", limits::MAX_FUNCS)?;
        let mut last = reader.pos() as u32;
        let in_order = bodies.iter().all(|body| {
            let fits = last < body.start && body.start <= body.end;
            last = body.end;
            fits
        });
        if count as usize != bodies.len() || !in_order || last as usize != reader.end() {
            return Err(Error::malformed("the bodies are not where they were", at));
        }
        self.module.bodies = bodies;
        Ok(())
    }

    /// What can be said only at the end of the module.
    fn finish(mut self, end: usize) -> Result<Module> {
        let module = &mut self.module;
        if module.funcs.len() - module.imported_funcs as usize != module.bodies.len() {
            let what = "function and code section have inconsistent lengths";
            return Err(Error::malformed(what, end));
        }
        if module.data_count.is_some_and(|count| count as usize != module.data.len()) {
            let what = "data count and data section have inconsistent lengths";
            return Err(Error::malformed(what, end));
        }
        module.declared_funcs = self.declared.into_sorted()?;
        Ok(self.module)
    }
}

fn too_many(what: &'static str, limit: u32, at: usize) -> Error {
    Error::new(ErrorKind::Limit { what, limit }, at)
}
