//! A decoded module: what its sections declare, and where in its bytes the rest lies.
//!
//! Nothing that the bytes hold is copied: names, bodies, constant expressions and data
//! are ranges into them. So a module can stay in flash while this description is in RAM.

use crate::{ExternKind, ExternType, GlobalType, List, MemoryType, RefType, TableType, Types};
use core::ops::Range;

/// A range of the module's bytes.
pub type Span = Range<u32>;

/// The declarations of a module. Index spaces hold imports first.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// The defined types.
    pub types: Types,
    /// The imports, in order.
    pub imports: List<Import>,
    /// The type index of each function.
    pub funcs: List<u32>,
    /// How many of the functions are imported.
    pub imported_funcs: u32,
    /// The tables.
    pub tables: List<Table>,
    /// How many of the tables are imported.
    pub imported_tables: u32,
    /// The memories.
    pub memories: List<MemoryType>,
    /// How many of the memories are imported.
    pub imported_memories: u32,
    /// The globals.
    pub globals: List<Global>,
    /// How many of the globals are imported.
    pub imported_globals: u32,
    /// The type index of each tag.
    pub tags: List<u32>,
    /// How many of the tags are imported.
    pub imported_tags: u32,
    /// The exports, in order.
    pub exports: List<Export>,
    /// The function to call at instantiation.
    pub start: Option<u32>,
    /// The element segments.
    pub elements: List<Element>,
    /// The data segments.
    pub data: List<Data>,
    /// What the data count section says, if there is one.
    pub data_count: Option<u32>,
    /// The bodies of the functions that are not imported: local declarations and code.
    pub bodies: List<Span>,
    /// The custom sections.
    pub customs: List<Custom>,
    /// The functions that `ref.func` may name, sorted: those that occur outside bodies.
    pub declared_funcs: List<u32>,
}

/// An import.
#[derive(Clone, Debug)]
pub struct Import {
    /// The first name.
    pub module: Span,
    /// The second name.
    pub name: Span,
    /// What is wanted.
    pub ty: ExternType,
}

/// An export.
#[derive(Clone, Debug)]
pub struct Export {
    /// The name.
    pub name: Span,
    /// Which index space `index` is in.
    pub kind: ExternKind,
    /// The index.
    pub index: u32,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its type.
    pub ty: TableType,
    /// The expression for its elements' initial value; null without.
    pub init: Option<ConstExpr>,
}

/// A global.
#[derive(Clone, Debug)]
pub struct Global {
    /// Its type.
    pub ty: GlobalType,
    /// Its initial value; `None` for an imported one.
    pub init: Option<ConstExpr>,
}

/// A validated constant expression: instructions up to and including `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstExpr(pub Span);

/// When a segment is copied.
#[derive(Clone, Debug)]
pub enum SegmentMode {
    /// At instantiation.
    Active {
        /// The table or memory.
        index: u32,
        /// The destination.
        offset: ConstExpr,
    },
    /// By `table.init` or `memory.init`.
    Passive,
    /// Never: it only declares functions for `ref.func`.
    Declared,
}

/// An element segment.
#[derive(Clone, Debug)]
pub struct Element {
    /// The elements' type.
    pub ty: RefType,
    /// When it is copied.
    pub mode: SegmentMode,
    /// Its elements.
    pub items: ElementItems,
}

/// The elements of a segment.
#[derive(Clone, Debug)]
pub struct ElementItems {
    /// How many there are.
    pub count: u32,
    /// Whether each is a constant expression rather than a function index.
    pub exprs: bool,
    /// Their bytes, without the count.
    pub span: Span,
}

/// A data segment.
#[derive(Clone, Debug)]
pub struct Data {
    /// When it is copied; never `Declared`.
    pub mode: SegmentMode,
    /// Its bytes.
    pub bytes: Span,
}

/// A custom section.
#[derive(Clone, Debug)]
pub struct Custom {
    /// Its name.
    pub name: Span,
    /// Its content, without the name.
    pub content: Span,
}

impl Module {
    /// The type of function `index`, which must be in range.
    #[inline]
    pub fn func_type(&self, index: u32) -> &crate::FuncType {
        self.types.func(self.funcs[index as usize]).expect("validated: a function's type is one")
    }

    /// The body of function `index`; `None` if it is imported or out of range.
    pub fn body(&self, index: u32) -> Option<&Span> {
        self.bodies.get(index.checked_sub(self.imported_funcs)? as usize)
    }

    /// The type of what `index` denotes in the index space of `kind`.
    pub fn extern_type(&self, kind: ExternKind, index: u32) -> Option<ExternType> {
        let i = index as usize;
        Some(match kind {
            ExternKind::Func => ExternType::Func(*self.funcs.get(i)?),
            ExternKind::Table => ExternType::Table(self.tables.get(i)?.ty),
            ExternKind::Memory => ExternType::Memory(*self.memories.get(i)?),
            ExternKind::Global => ExternType::Global(self.globals.get(i)?.ty),
            ExternKind::Tag => ExternType::Tag(*self.tags.get(i)?),
        })
    }
}

/// The text that a name's span denotes.
///
/// Empty if the bytes are not those that the span was made from.
pub fn text<'a>(bytes: &'a [u8], span: &Span) -> &'a str {
    bytes
        .get(span.start as usize..span.end as usize)
        .and_then(|name| core::str::from_utf8(name).ok())
        .unwrap_or("")
}
