//! Modules.

use crate::types::{ExportType, ExternType, ImportType};
use crate::{Engine, Error, ErrorKind, Feature, Result};
#[cfg(feature = "wat")]
use alloc::format;
use alloc::{borrow::Cow, vec::Vec};
use core::fmt;
use sampan_engine::sync::StdArc as Arc;
use sampan_engine::{self as engine, Bytes, wasm};

/// A validated module, ready to be instantiated in any number of stores and threads.
/// Clones share it.
#[derive(Clone)]
pub struct Module(engine::Module);

impl Module {
    /// A module from its binary format or, with feature `wat`, its text. The bytes are copied.
    ///
    /// # Errors
    /// What is wrong with the module, and where.
    pub fn new(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module> {
        let bytes = bytes.as_ref();
        match wat_to_wasm(bytes)? {
            Cow::Borrowed(bytes) => Module::from_bytes(engine, Bytes::copied(bytes)?),
            Cow::Owned(bytes) => Module::from_bytes(engine, bytes.into()),
        }
    }

    /// A module from its binary format, which is not copied.
    ///
    /// # Errors
    /// What is wrong with the module, and where.
    pub fn from_shared(engine: &Engine, bytes: Arc<[u8]>) -> Result<Module> {
        Module::from_bytes(engine, Bytes::Shared(bytes))
    }

    /// A module from its binary format in memory that stays, such as flash; it is not copied.
    ///
    /// # Errors
    /// What is wrong with the module, and where.
    pub fn from_static(engine: &Engine, bytes: &'static [u8]) -> Result<Module> {
        Module::from_bytes(engine, Bytes::Static(bytes))
    }

    /// A module from a file in the binary format or, with feature `wat`, in text.
    ///
    /// # Errors
    /// The file cannot be read, or what is wrong with the module.
    #[cfg(feature = "std")]
    pub fn from_file(engine: &Engine, path: impl AsRef<std::path::Path>) -> Result<Module> {
        let bytes = read(path.as_ref()).map_err(Error::host)?;
        match wat_to_wasm(&bytes)? {
            Cow::Borrowed(_) => Module::from_shared(engine, bytes),
            Cow::Owned(bytes) => Module::from_bytes(engine, bytes.into()),
        }
    }

    /// Checks a module's binary format or, with feature `wat`, its text, with all proposals
    /// that are on, whether they are executed or not.
    ///
    /// # Errors
    /// What is wrong with the module, and where.
    pub fn validate(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<()> {
        wasm::validate(&wat_to_wasm(bytes.as_ref())?, engine.features)?;
        Ok(())
    }

    fn from_bytes(engine: &Engine, bytes: Bytes) -> Result<Module> {
        let module = engine::Module::new(&engine.raw, bytes.clone());
        module.map(Module).map_err(|error| explain(engine, &bytes, error))
    }

    pub(crate) fn from_raw(raw: &engine::Module) -> Module {
        Module(raw.clone())
    }

    pub(crate) fn raw(&self) -> &engine::Module {
        &self.0
    }

    /// The imports, in order.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> {
        self.0.decl().imports.iter().map(|import| ImportType {
            module: self.0.text(&import.module),
            name: self.0.text(&import.name),
            ty: ExternType::of(self.0.decl(), &import.ty),
        })
    }

    /// The exports, in order.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = ExportType<'_>> {
        self.0.decl().exports.iter().map(|export| self.export_type(export))
    }

    /// The type of the export with a name.
    pub fn get_export(&self, name: &str) -> Option<ExternType> {
        let exports = &self.0.decl().exports;
        let export = exports.iter().find(|export| self.0.text(&export.name) == name)?;
        Some(self.export_type(export).ty)
    }

    fn export_type(&self, export: &wasm::Export) -> ExportType<'_> {
        let decl = self.0.decl();
        let ty = decl.extern_type(export.kind, export.index);
        let ty = ty.expect("validated: an export's index is in range");
        ExportType { name: self.0.text(&export.name), ty: ExternType::of(decl, &ty) }
    }

    /// The name that the module gives itself.
    pub fn name(&self) -> Option<&str> {
        self.0.decl().names(self.0.bytes()).module()
    }

    /// The name of a function: what the name section says, or an export.
    pub fn func_name(&self, index: u32) -> Option<&str> {
        let decl = self.0.decl();
        decl.names(self.0.bytes()).func(index).or_else(|| {
            let is_it = |export: &&wasm::Export| {
                export.kind == wasm::ExternKind::Func && export.index == index
            };
            decl.exports.iter().find(is_it).map(|export| self.0.text(&export.name))
        })
    }

    /// The bytes in the binary format.
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// The content of the custom sections called `name`.
    pub fn custom_sections(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let customs = self.0.decl().customs.iter();
        customs.filter(move |custom| self.0.text(&custom.name) == name).map(|custom| {
            &self.0.bytes()[custom.content.start as usize..custom.content.end as usize]
        })
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Says so where a module needs proposals that are not executed, whether they are off by the
/// embedder's choice or not.
fn explain(engine: &Engine, bytes: &[u8], error: wasm::Error) -> Error {
    if !cfg!(feature = "messages") {
        return error.into();
    }
    let newer = || Feature::ALL.iter().copied().filter(|&f| !engine::EXECUTABLE.has(f));
    let features: Vec<Feature> = match *error.kind() {
        wasm::ErrorKind::FeatureDisabled(feature) if !engine::EXECUTABLE.has(feature) => {
            [feature].into()
        }
        wasm::ErrorKind::FeatureDisabled(_) => return error.into(),
        // Some proposals relax a rule, and what they are missed for has another name.
        _ => {
            let all = newer().fold(engine.raw.config().features, |all, f| all.with(f));
            if wasm::validate(bytes, all).is_err() {
                return error.into();
            }
            newer().filter(|&f| wasm::validate(bytes, all.without(f)).is_err()).collect()
        }
    };
    if features.is_empty() {
        return error.into();
    }
    Error::of(ErrorKind::Unsupported(features, error))
}

/// The binary format of a module in text; bytes that are no text come back as they are.
///
/// # Errors
/// The text does not parse; where is said in lines and columns.
#[cfg(feature = "wat")]
pub fn wat_to_wasm(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    let blank = |byte: &&u8| !byte.is_ascii_whitespace();
    // A text begins with a parenthesis or a comment.
    if !matches!(bytes.iter().find(blank), Some(b'(' | b';')) {
        return Ok(Cow::Borrowed(bytes));
    }
    wat::parse_bytes(bytes).map_err(|error| {
        let text = alloc::string::ToString::to_string(&error);
        let (message, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let place = rest.lines().next().and_then(|line| line.trim().strip_prefix("--> <anon>:"));
        let place = place.and_then(|place| place.split_once(':'));
        let text = match place {
            Some((line, column)) => format!("{message} (line {line}, column {column})"),
            None => text,
        };
        Error::of(ErrorKind::Text(text))
    })
}

#[cfg(not(feature = "wat"))]
fn wat_to_wasm(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    Ok(Cow::Borrowed(bytes))
}

/// The file's content, read to where it stays: a large module is not copied once more.
#[cfg(feature = "std")]
fn read(path: &std::path::Path) -> std::io::Result<Arc<[u8]>> {
    use std::io::Read;
    let mut file = std::fs::File::open(path)?;
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    let mut bytes: Arc<[u8]> = core::iter::repeat_n(0, size).collect();
    let target = Arc::get_mut(&mut bytes).expect("just made");
    let mut filled = 0;
    while filled < size {
        match file.read(&mut target[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    // Pipes have no size, and files may change it meanwhile.
    let mut rest = alloc::vec::Vec::new();
    file.read_to_end(&mut rest)?;
    if filled < size || !rest.is_empty() {
        return Ok(target[..filled].iter().copied().chain(rest).collect());
    }
    Ok(bytes)
}
