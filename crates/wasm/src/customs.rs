//! The custom sections that are understood: names, producers, branch hints.
//!
//! They are read on demand and as far as they make sense: a broken one yields what came
//! before the fault and never rejects a module.
//!
//! Source: core specification 3.0, appendix "Custom Sections"; tool conventions,
//! "ProducersSection"; the branch hinting proposal.

use crate::{Custom, Features, Module, Reader, Result, Span, text};

/// What is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // The names are the specification's.
pub enum NameKind {
    Func = 1,
    /// By function, then local.
    Local = 2,
    /// By function, then label.
    Label = 3,
    Type = 4,
    Table = 5,
    Memory = 6,
    Global = 7,
    Element = 8,
    Data = 9,
    /// By type, then field.
    Field = 10,
    Tag = 11,
}

impl Module {
    /// The content of the first custom section called `name`.
    pub fn custom(&self, bytes: &[u8], name: &str) -> Option<&Span> {
        let is_it = |custom: &&Custom| text(bytes, &custom.name) == name;
        self.customs.iter().find(is_it).map(|custom| &custom.content)
    }

    fn custom_reader<'a>(&self, bytes: &'a [u8], name: &str) -> Reader<'a> {
        let span = self.custom(bytes, name).cloned().unwrap_or(0..0);
        Reader::new(bytes, span.start as usize..span.end as usize, Features::MVP)
    }

    /// The name section of the module that `bytes` are.
    pub fn names<'a>(&self, bytes: &'a [u8]) -> Names<'a> {
        Names { section: self.custom_reader(bytes, "name") }
    }

    /// What made the module that `bytes` are.
    pub fn producers<'a>(&self, bytes: &'a [u8]) -> Producers<'a> {
        let mut reader = self.custom_reader(bytes, "producers");
        let fields = reader.u32().unwrap_or(0);
        Producers { reader, fields, field: "", values: 0 }
    }

    /// Which way the branches of the module that `bytes` are usually go.
    pub fn branch_hints<'a>(&self, bytes: &'a [u8]) -> BranchHints<'a> {
        let mut reader = self.custom_reader(bytes, "metadata.code.branch_hint");
        let funcs = reader.u32().unwrap_or(0);
        BranchHints { reader, funcs, func: 0, hints: 0 }
    }
}

/// The names that a module gives to its parts.
#[derive(Clone, Debug)]
pub struct Names<'a> {
    section: Reader<'a>,
}

impl<'a> Names<'a> {
    /// The module's own name.
    pub fn module(&self) -> Option<&'a str> {
        name(&mut self.subsection(0)?).ok().flatten()
    }

    /// The name of function `index`; use [`Names::funcs`] for many.
    pub fn func(&self, index: u32) -> Option<&'a str> {
        self.funcs().find(|&(func, _)| func == index).map(|(_, name)| name)
    }

    /// The functions' names with their indices.
    pub fn funcs(&self) -> NameMap<'a> {
        self.map(NameKind::Func)
    }

    /// The names of one kind with their indices; none for kinds that have names in names.
    pub fn map(&self, kind: NameKind) -> NameMap<'a> {
        match kind {
            NameKind::Local | NameKind::Label | NameKind::Field => NameMap::default(),
            _ => self.subsection(kind as u8).map_or_else(NameMap::default, NameMap::new),
        }
    }

    /// The names of locals, labels or fields, in the order of the section: for each
    /// function or type its index and its names.
    pub fn indirect(&self, kind: NameKind) -> impl Iterator<Item = (u32, NameMap<'a>)> + use<'a> {
        let nested = matches!(kind, NameKind::Local | NameKind::Label | NameKind::Field);
        let mut reader = self.subsection(kind as u8).filter(|_| nested);
        let mut left = reader.as_mut().and_then(|reader| reader.u32().ok()).unwrap_or(0);
        core::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let reader = reader.as_mut()?;
            let index = reader.u32().ok()?;
            let map = NameMap::new(reader.clone());
            // The next map begins where this one ends.
            for _ in 0..reader.u32().ok()? {
                reader.u32().ok()?;
                name(reader).ok()?;
            }
            Some((index, map))
        })
    }

    fn subsection(&self, id: u8) -> Option<Reader<'a>> {
        let mut reader = self.section.clone();
        loop {
            let found = reader.u8().ok()?;
            let len = reader.u32().ok()?;
            let mut sub = reader.clone();
            reader.range(len).ok()?;
            if found == id {
                sub.cut(reader.pos());
                return Some(sub);
            }
        }
    }
}

/// Names with their indices.
#[derive(Clone, Debug, Default)]
pub struct NameMap<'a> {
    reader: Option<Reader<'a>>,
    left: u32,
}

impl<'a> NameMap<'a> {
    fn new(mut reader: Reader<'a>) -> NameMap<'a> {
        let left = reader.u32().unwrap_or(0);
        NameMap { reader: Some(reader), left }
    }
}

impl<'a> Iterator for NameMap<'a> {
    type Item = (u32, &'a str);

    fn next(&mut self) -> Option<(u32, &'a str)> {
        loop {
            self.left = self.left.checked_sub(1)?;
            let reader = self.reader.as_mut()?;
            let index = reader.u32().ok()?;
            if let Some(name) = name(reader).ok()? {
                return Some((index, name));
            }
        }
    }
}

/// What a module was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer<'a> {
    /// "language", "processed-by" or "sdk".
    pub field: &'a str,
    /// The tool's name.
    pub name: &'a str,
    /// The tool's version.
    pub version: &'a str,
}

/// The entries of the producers section.
#[derive(Clone, Debug)]
pub struct Producers<'a> {
    reader: Reader<'a>,
    fields: u32,
    field: &'a str,
    values: u32,
}

impl<'a> Iterator for Producers<'a> {
    type Item = Producer<'a>;

    fn next(&mut self) -> Option<Producer<'a>> {
        let reader = &mut self.reader;
        while self.values == 0 {
            self.fields = self.fields.checked_sub(1)?;
            self.field = name(reader).ok()?.unwrap_or("");
            self.values = reader.u32().ok()?;
        }
        self.values -= 1;
        let (name, version) = (name(reader).ok()?, name(reader).ok()?);
        Some(Producer {
            field: self.field,
            name: name.unwrap_or(""),
            version: version.unwrap_or(""),
        })
    }
}

/// Which way a branch usually goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BranchHint {
    /// The function's index.
    pub func: u32,
    /// Where the instruction is, in bytes from the start of the body, locals included.
    pub offset: u32,
    /// Whether the branch is usually taken.
    pub taken: bool,
}

/// The entries of the branch hint section.
#[derive(Clone, Debug)]
pub struct BranchHints<'a> {
    reader: Reader<'a>,
    funcs: u32,
    func: u32,
    hints: u32,
}

impl Iterator for BranchHints<'_> {
    type Item = BranchHint;

    fn next(&mut self) -> Option<BranchHint> {
        let reader = &mut self.reader;
        while self.hints == 0 {
            self.funcs = self.funcs.checked_sub(1)?;
            self.func = reader.u32().ok()?;
            self.hints = reader.u32().ok()?;
        }
        self.hints -= 1;
        let offset = reader.u32().ok()?;
        let taken = match (reader.u32().ok()?, reader.u8().ok()?) {
            (1, taken @ 0..=1) => taken == 1,
            _ => {
                // Nothing after a fault is to be trusted.
                (self.funcs, self.hints) = (0, 0);
                return None;
            }
        };
        Some(BranchHint { func: self.func, offset, taken })
    }
}

/// A name; `Ok(None)` if it is not UTF-8.
fn name<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a str>> {
    let len = reader.u32()?;
    Ok(core::str::from_utf8(reader.bytes(len as usize)?).ok())
}
