//! `sampan inspect`.

use crate::args::Inspect;
use crate::report::{self, Exit};
use sampan::wasm::{self, ExternKind, Module, Names, Reader, text};
use sampan::{Features, wat_to_wasm};
use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// Prints what a module declares.
pub fn inspect(args: &Inspect) -> Exit {
    let bytes = match std::fs::read(&args.file) {
        Ok(bytes) => bytes,
        Err(error) => return report::bad_file(&args.file, error),
    };
    let bytes = match wat_to_wasm(&bytes) {
        Ok(bytes) => bytes,
        Err(error) => return report::error(&args.file, &error),
    };
    let module = match wasm::decode(&bytes, Features::ALL) {
        Ok(module) => module,
        Err(error) => return report::bad_file(&args.file, error),
    };
    let names = module.names(&bytes);
    let funcs = names.funcs().collect();
    let view = View { bytes: &bytes, module: &module, names, funcs };
    let mut out = String::new();
    view.all(&mut out, args.code).expect("strings take everything");
    report::print(out.as_bytes())
}

struct View<'a> {
    bytes: &'a [u8],
    module: &'a Module,
    names: Names<'a>,
    funcs: BTreeMap<u32, &'a str>,
}

impl View<'_> {
    fn all(&self, out: &mut String, code: bool) -> fmt::Result {
        write!(out, "{} bytes", self.bytes.len())?;
        if let Some(name) = self.names.module() {
            write!(out, ", module {name:?}")?;
        }
        writeln!(out)?;
        self.sections(out)?;
        self.producers(out)?;
        self.types(out)?;
        self.imports(out)?;
        self.own(out)?;
        self.exports(out)?;
        if code {
            self.code(out)?;
        }
        Ok(())
    }

    fn sections(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "\nsections:\n  {:>10} {:>10}", "offset", "bytes")?;
        let mut reader = Reader::new(self.bytes, 8..self.bytes.len(), Features::ALL);
        while let (Ok(id), Ok(len)) = (reader.u8(), reader.u32()) {
            let at = reader.pos();
            let custom =
                self.module.customs.iter().find(|custom| {
                    (at..=at + len as usize).contains(&(custom.name.start as usize))
                });
            write!(out, "  {:>#10x} {len:>10} {}", at, section_name(id))?;
            match custom {
                Some(custom) if id == 0 => writeln!(out, " {:?}", text(self.bytes, &custom.name))?,
                _ => writeln!(out)?,
            }
            if reader.range(len).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn producers(&self, out: &mut String) -> fmt::Result {
        let producers: Vec<_> = self.module.producers(self.bytes).collect();
        if producers.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nproducers:")?;
        for it in producers {
            writeln!(out, "  {}: {} {}", it.field, it.name, it.version)?;
        }
        Ok(())
    }

    fn types(&self, out: &mut String) -> fmt::Result {
        let types = &self.module.types;
        heading(out, "types", types.len() as usize)?;
        for index in 0..types.len() {
            match types.func(index) {
                Some(ty) => writeln!(out, "  {index:>5}: func {ty}")?,
                None => writeln!(out, "  {index:>5}: {:?}", types.get(index))?,
            }
        }
        Ok(())
    }

    fn imports(&self, out: &mut String) -> fmt::Result {
        heading(out, "imports", self.module.imports.len())?;
        for import in &self.module.imports {
            let (module, name) = (text(self.bytes, &import.module), text(self.bytes, &import.name));
            writeln!(out, "  {module:?} {name:?}: {}", self.module.describe(import.ty))?;
        }
        Ok(())
    }

    /// What the module defines itself.
    fn own(&self, out: &mut String) -> fmt::Result {
        let module = self.module;
        let sizes: u64 = module.bodies.iter().map(|body| u64::from(body.end - body.start)).sum();
        writeln!(out, "\nfunctions: {} with {sizes} bytes of code", module.bodies.len())?;
        self.entities(
            out,
            "tables",
            ExternKind::Table,
            module.imported_tables,
            module.tables.len(),
        )?;
        let (imported, count) = (module.imported_memories, module.memories.len());
        self.entities(out, "memories", ExternKind::Memory, imported, count)?;
        let (imported, count) = (module.imported_globals, module.globals.len());
        self.entities(out, "globals", ExternKind::Global, imported, count)?;
        let elements: u64 = module.elements.iter().map(|it| u64::from(it.items.count)).sum();
        writeln!(out, "element segments: {} with {elements} elements", module.elements.len())?;
        let data: u64 = module.data.iter().map(|it| u64::from(it.bytes.end - it.bytes.start)).sum();
        writeln!(out, "data segments: {} with {data} bytes", module.data.len())?;
        if let Some(start) = module.start {
            writeln!(out, "start: {}", self.func(start))?;
        }
        Ok(())
    }

    fn entities(
        &self,
        out: &mut String,
        what: &str,
        kind: ExternKind,
        imported: u32,
        count: usize,
    ) -> fmt::Result {
        writeln!(out, "{what}: {}", count - imported as usize)?;
        for index in imported..count as u32 {
            if let Some(ty) = self.module.extern_type(kind, index) {
                writeln!(out, "  {index:>5}: {}", self.module.describe(ty))?;
            }
        }
        Ok(())
    }

    fn exports(&self, out: &mut String) -> fmt::Result {
        heading(out, "exports", self.module.exports.len())?;
        for export in &self.module.exports {
            write!(out, "  {:?}: ", text(self.bytes, &export.name))?;
            match self.module.extern_type(export.kind, export.index) {
                Some(ty) => write!(out, "{}", self.module.describe(ty))?,
                None => write!(out, "{}", export.kind.name())?,
            }
            match export.kind {
                ExternKind::Func => writeln!(out, ", {}", self.func(export.index))?,
                _ => writeln!(out)?,
            }
        }
        Ok(())
    }

    fn code(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "\ncode:")?;
        for index in self.module.imported_funcs..self.module.funcs.len() as u32 {
            let size = self.module.body(index).map_or(0, |body| body.end - body.start);
            let ty = self.module.func_type(index);
            writeln!(out, "\n{}: {ty}, {size} bytes", self.func(index))?;
            if let Some(lines) = self.module.disassemble(self.bytes, index, Features::ALL) {
                write!(out, "{lines}")?;
            }
        }
        Ok(())
    }

    fn func(&self, index: u32) -> String {
        match self.funcs.get(&index) {
            Some(name) => format!("function {index} <{name}>"),
            None => format!("function {index}"),
        }
    }
}

fn heading(out: &mut String, what: &str, count: usize) -> fmt::Result {
    writeln!(out, "\n{what}: {count}")
}

fn section_name(id: u8) -> &'static str {
    match id {
        0 => "custom",
        1 => "type",
        2 => "import",
        3 => "function",
        4 => "table",
        5 => "memory",
        6 => "global",
        7 => "export",
        8 => "start",
        9 => "element",
        10 => "code",
        11 => "data",
        12 => "data count",
        13 => "tag",
        _ => "unknown",
    }
}
