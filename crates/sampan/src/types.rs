//! Types of what modules import and export.

use core::fmt;
use sampan_engine::wasm;
pub use sampan_engine::wasm::{FuncType, HeapType, RefType, ValType};

/// Whether a global can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutability {
    /// It has one value for ever.
    Const,
    /// It can be written.
    Var,
}

/// The type of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoryType(pub(crate) wasm::MemoryType);

impl MemoryType {
    /// A memory of at least `minimum` and at most `maximum` pages of 64 KiB.
    pub fn new(minimum: u32, maximum: Option<u32>) -> MemoryType {
        let limits = limits(minimum, maximum);
        let addr = wasm::AddrType::I32;
        MemoryType(wasm::MemoryType { limits, addr, shared: false, page_log2: 16 })
    }

    /// A memory that threads may share: see [`SharedMemory`](crate::SharedMemory).
    pub fn shared(minimum: u32, maximum: u32) -> MemoryType {
        let ty = MemoryType::new(minimum, Some(maximum));
        MemoryType(wasm::MemoryType { shared: true, ..ty.0 })
    }

    /// The least size, in pages.
    pub fn minimum(&self) -> u64 {
        self.0.limits.min
    }

    /// The greatest size, in pages.
    pub fn maximum(&self) -> Option<u64> {
        self.0.limits.max
    }

    /// The size of a page, in bytes.
    pub fn page_size(&self) -> u64 {
        1 << self.0.page_log2
    }

    /// Whether addresses have 64 bits.
    pub fn is_64(&self) -> bool {
        self.0.addr == wasm::AddrType::I64
    }

    /// Whether threads may share it.
    pub fn is_shared(&self) -> bool {
        self.0.shared
    }
}

/// The type of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableType(pub(crate) wasm::TableType);

impl TableType {
    /// A table of at least `minimum` and at most `maximum` elements.
    pub fn new(element: RefType, minimum: u32, maximum: Option<u32>) -> TableType {
        let limits = limits(minimum, maximum);
        TableType(wasm::TableType { element, limits, addr: wasm::AddrType::I32 })
    }

    /// The elements' type.
    pub fn element(&self) -> RefType {
        self.0.element
    }

    /// The least size, in elements.
    pub fn minimum(&self) -> u64 {
        self.0.limits.min
    }

    /// The greatest size, in elements.
    pub fn maximum(&self) -> Option<u64> {
        self.0.limits.max
    }

    /// Whether indices have 64 bits.
    pub fn is_64(&self) -> bool {
        self.0.addr == wasm::AddrType::I64
    }
}

/// The type of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlobalType(pub(crate) wasm::GlobalType);

impl GlobalType {
    /// A global with values of type `content`.
    pub fn new(content: ValType, mutability: Mutability) -> GlobalType {
        GlobalType(wasm::GlobalType { content, mutable: mutability == Mutability::Var })
    }

    /// The value's type.
    pub fn content(&self) -> ValType {
        self.0.content
    }

    /// Whether it can be written.
    pub fn mutability(&self) -> Mutability {
        if self.0.mutable { Mutability::Var } else { Mutability::Const }
    }
}

/// The type of an import or an export.
///
/// Type indices in reference types are those of the module, or of the store where an
/// [`Extern`](crate::Extern) was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// An exception tag and what it carries.
    Tag(FuncType),
}

impl ExternType {
    pub(crate) fn of(module: &wasm::Module, ty: &wasm::ExternType) -> ExternType {
        let func = |index| match module.types.func(index) {
            Some(ty) => ty.clone(),
            None => FuncType::new([], []),
        };
        match *ty {
            wasm::ExternType::Func(index) => ExternType::Func(func(index)),
            wasm::ExternType::Table(ty) => ExternType::Table(TableType(ty)),
            wasm::ExternType::Memory(ty) => ExternType::Memory(MemoryType(ty)),
            wasm::ExternType::Global(ty) => ExternType::Global(GlobalType(ty)),
            wasm::ExternType::Tag(index) => ExternType::Tag(func(index)),
        }
    }

    /// The function's type, if it is one.
    pub fn func(&self) -> Option<&FuncType> {
        match self {
            ExternType::Func(ty) => Some(ty),
            _ => None,
        }
    }
}

/// An import of a module.
#[derive(Clone, Debug)]
pub struct ImportType<'module> {
    pub(crate) module: &'module str,
    pub(crate) name: &'module str,
    pub(crate) ty: ExternType,
}

impl<'module> ImportType<'module> {
    /// The first name.
    pub fn module(&self) -> &'module str {
        self.module
    }

    /// The second name.
    pub fn name(&self) -> &'module str {
        self.name
    }

    /// What is wanted.
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }
}

/// An export of a module.
#[derive(Clone, Debug)]
pub struct ExportType<'module> {
    pub(crate) name: &'module str,
    pub(crate) ty: ExternType,
}

impl<'module> ExportType<'module> {
    /// The name.
    pub fn name(&self) -> &'module str {
        self.name
    }

    /// What is exported.
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExternType::Func(ty) => write!(f, "function {ty}"),
            ExternType::Table(ty) => write!(f, "table {} {}", ty.0.limits, ty.element()),
            ExternType::Memory(ty) => {
                write!(f, "memory {}{}", ty.0.limits, if ty.is_shared() { " shared" } else { "" })
            }
            ExternType::Global(ty) => {
                write!(f, "global {}{}", if ty.0.mutable { "mut " } else { "" }, ty.content())
            }
            ExternType::Tag(ty) => write!(f, "tag {ty}"),
        }
    }
}

/// A list of types in words.
pub(crate) fn describe(types: impl Iterator<Item = ValType> + Clone) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        f.write_str("[")?;
        for (i, ty) in types.clone().enumerate() {
            write!(f, "{}{ty}", if i > 0 { " " } else { "" })?;
        }
        f.write_str("]")
    })
}

fn limits(min: u32, max: Option<u32>) -> wasm::Limits {
    wasm::Limits { min: min.into(), max: max.map(Into::into) }
}
