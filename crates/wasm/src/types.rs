//! The types of WebAssembly 3.0.
//!
//! Source: core specification 3.0, section 2.3.

use crate::{
    List,
    room::{OutOfMemory, collected},
};
use alloc::boxed::Box;
use core::fmt;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// 128-bit vector.
    V128,
    /// A reference.
    Ref(RefType),
}

impl ValType {
    /// `funcref`.
    pub const FUNCREF: ValType = ValType::Ref(RefType::FUNCREF);
    /// `externref`.
    pub const EXTERNREF: ValType = ValType::Ref(RefType::EXTERNREF);

    /// Whether a local of this type starts with a default value.
    pub fn is_defaultable(self) -> bool {
        !matches!(self, ValType::Ref(r) if !r.is_nullable())
    }

    /// The reference type, if it is one.
    pub fn as_ref(self) -> Option<RefType> {
        match self {
            ValType::Ref(r) => Some(r),
            _ => None,
        }
    }

    /// The type with `f` applied to the index of the defined type that it refers to, if it
    /// refers to one.
    #[must_use]
    pub fn map_index(self, f: impl FnOnce(u32) -> u32) -> ValType {
        match self {
            ValType::Ref(r) => ValType::Ref(r.map_index(f)),
            plain => plain,
        }
    }
}

/// The type of a reference, packed into 32 bits, or 8 where no type has an index.
///
/// The highest bit is nullability, the one below tells a type index (the others) from an
/// abstract heap type (its number).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefType(Bits);

#[cfg(feature = "function-references")]
type Bits = u32;
#[cfg(not(feature = "function-references"))]
type Bits = u8;

impl RefType {
    const NULLABLE: Bits = 1 << (Bits::BITS - 1);
    const CONCRETE: Bits = 1 << (Bits::BITS - 2);

    /// `(ref null func)`.
    pub const FUNCREF: RefType = RefType::new(true, HeapType::Func);
    /// `(ref null extern)`.
    pub const EXTERNREF: RefType = RefType::new(true, HeapType::Extern);

    /// A reference to `heap`; a type index must be below 2^30.
    pub const fn new(nullable: bool, heap: HeapType) -> RefType {
        let null = if nullable { Self::NULLABLE } else { 0 };
        RefType(
            null | match heap {
                HeapType::Concrete(index) => Self::CONCRETE | index as Bits & (Self::CONCRETE - 1),
                HeapType::Any => 0,
                HeapType::Eq => 1,
                HeapType::I31 => 2,
                HeapType::Struct => 3,
                HeapType::Array => 4,
                HeapType::None => 5,
                HeapType::Func => 6,
                HeapType::NoFunc => 7,
                HeapType::Extern => 8,
                HeapType::NoExtern => 9,
                HeapType::Exn => 10,
                HeapType::NoExn => 11,
            },
        )
    }

    /// The type as a number.
    #[allow(clippy::unnecessary_cast)] // Without indices it has fewer bits.
    pub const fn to_bits(self) -> u32 {
        self.0 as u32
    }

    /// The type that [`RefType::to_bits`] gave.
    #[allow(clippy::unnecessary_cast)] // As above.
    pub const fn from_bits(bits: u32) -> RefType {
        RefType(bits as Bits)
    }

    /// Whether null is a value of the type.
    pub const fn is_nullable(self) -> bool {
        self.0 & Self::NULLABLE != 0
    }

    /// What is referred to.
    pub const fn heap(self) -> HeapType {
        let low = self.0 & !Self::NULLABLE;
        if low & Self::CONCRETE != 0 {
            #[allow(clippy::unnecessary_cast)] // It may have 8 bits.
            return HeapType::Concrete((low & !Self::CONCRETE) as u32);
        }
        match low {
            0 => HeapType::Any,
            1 => HeapType::Eq,
            2 => HeapType::I31,
            3 => HeapType::Struct,
            4 => HeapType::Array,
            5 => HeapType::None,
            6 => HeapType::Func,
            7 => HeapType::NoFunc,
            8 => HeapType::Extern,
            9 => HeapType::NoExtern,
            10 => HeapType::Exn,
            _ => HeapType::NoExn,
        }
    }

    /// The same heap type with the given nullability.
    #[must_use]
    pub const fn with_nullable(self, nullable: bool) -> RefType {
        RefType::new(nullable, self.heap())
    }

    /// See [`ValType::map_index`].
    #[must_use]
    pub fn map_index(self, f: impl FnOnce(u32) -> u32) -> RefType {
        match self.heap() {
            HeapType::Concrete(index) => {
                RefType::new(self.is_nullable(), HeapType::Concrete(f(index)))
            }
            _ => self,
        }
    }
}

impl fmt::Debug for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a reference refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // The names are the specification's.
pub enum HeapType {
    Any,
    Eq,
    I31,
    Struct,
    Array,
    None,
    Func,
    NoFunc,
    Extern,
    NoExtern,
    Exn,
    NoExn,
    /// A defined type, by index.
    Concrete(u32),
}

impl HeapType {
    /// What `ref.func` refers to, for a function of type `ty`: that type, or any function where
    /// references cannot be to one type.
    pub(crate) fn of_func(ty: u32) -> HeapType {
        if cfg!(feature = "function-references") { HeapType::Concrete(ty) } else { HeapType::Func }
    }
}

/// Parameters and results.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FuncType {
    /// Parameters followed by results.
    all: Box<[ValType]>,
    params: u32,
}

impl FuncType {
    /// A function type from parameters and results.
    pub fn new(
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> FuncType {
        let mut all: alloc::vec::Vec<ValType> = params.into_iter().collect();
        let count = all.len() as u32;
        all.extend(results);
        FuncType { all: all.into(), params: count }
    }

    /// [`FuncType::new`] where memory may run out.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn try_new(
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> Result<FuncType, OutOfMemory> {
        let mut all = List::new();
        params.into_iter().try_for_each(|ty| all.put(ty))?;
        let count = all.len() as u32;
        results.into_iter().try_for_each(|ty| all.put(ty))?;
        FuncType::of(all, count)
    }

    /// The type with `params` parameters, which are the first of `all`.
    pub(crate) fn of(all: List<ValType>, params: u32) -> Result<FuncType, OutOfMemory> {
        Ok(FuncType { all: all.into_boxed_slice()?, params })
    }

    /// A copy.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn try_clone(&self) -> Result<FuncType, OutOfMemory> {
        self.map(|ty| ty)
    }

    /// The parameters' types.
    #[inline]
    pub fn params(&self) -> &[ValType] {
        &self.all[..self.params as usize]
    }

    /// The results' types.
    #[inline]
    pub fn results(&self) -> &[ValType] {
        &self.all[self.params as usize..]
    }

    /// The type with `f` applied to each parameter and result.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn map(&self, f: impl FnMut(ValType) -> ValType) -> Result<FuncType, OutOfMemory> {
        Ok(FuncType { all: collected(self.all.iter().copied().map(f))?, params: self.params })
    }
}

/// How a field is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StorageType {
    /// An 8-bit integer, an i32 on the stack.
    I8,
    /// A 16-bit integer, an i32 on the stack.
    I16,
    /// A whole value.
    Val(ValType),
}

impl StorageType {
    /// The type on the operand stack.
    pub fn unpacked(self) -> ValType {
        match self {
            StorageType::I8 | StorageType::I16 => ValType::I32,
            StorageType::Val(t) => t,
        }
    }
}

/// A field of a struct, or the element of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldType {
    /// How it is stored.
    pub storage: StorageType,
    /// Whether it can be written.
    pub mutable: bool,
}

/// The structure of a defined type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CompositeType {
    /// A function.
    Func(FuncType),
    /// A struct and its fields.
    #[cfg(feature = "gc")]
    Struct(Box<[FieldType]>),
    /// An array and its element.
    #[cfg(feature = "gc")]
    Array(FieldType),
}

/// A defined type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubType {
    /// Whether no type may declare this one as its supertype.
    pub is_final: bool,
    /// The declared supertype's index.
    pub supertype: Option<u32>,
    /// The structure.
    pub composite: CompositeType,
}

/// The width of an address or a table index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddrType {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

impl AddrType {
    /// As a value's type.
    pub fn val(self) -> ValType {
        match self {
            AddrType::I32 => ValType::I32,
            AddrType::I64 => ValType::I64,
        }
    }
}

/// A minimum size and perhaps a maximum, in pages or elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The initial size.
    pub min: u64,
    /// The size that growth cannot pass.
    pub max: Option<u64>,
}

/// The type of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoryType {
    /// Sizes in pages.
    pub limits: Limits,
    /// The width of addresses.
    pub addr: AddrType,
    /// Whether threads may share it.
    pub shared: bool,
    /// log2 of the page size in bytes: 16, or 0 with custom page sizes.
    pub page_log2: u8,
}

/// The type of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableType {
    /// The elements' type.
    pub element: RefType,
    /// Sizes in elements.
    pub limits: Limits,
    /// The width of indices.
    pub addr: AddrType,
}

/// The type of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlobalType {
    /// The value's type.
    pub content: ValType,
    /// Whether it can be written.
    pub mutable: bool,
}

/// The type of an import or an export; functions and tags by type index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExternType {
    /// A function.
    Func(u32),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// An exception tag.
    Tag(u32),
}

/// The kind of an import or an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // The names are the specification's.
pub enum ExternKind {
    Func,
    Table,
    Memory,
    Global,
    Tag,
}

impl ExternKind {
    /// The name in the text format.
    pub fn name(self) -> &'static str {
        match self {
            ExternKind::Func => "function",
            ExternKind::Table => "table",
            ExternKind::Memory => "memory",
            ExternKind::Global => "global",
            ExternKind::Tag => "tag",
        }
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValType::I32 => f.write_str("i32"),
            ValType::I64 => f.write_str("i64"),
            ValType::F32 => f.write_str("f32"),
            ValType::F64 => f.write_str("f64"),
            ValType::V128 => f.write_str("v128"),
            ValType::Ref(r) => r.fmt(f),
        }
    }
}

impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_nullable(), self.heap()) {
            (true, HeapType::Func) => f.write_str("funcref"),
            (true, HeapType::Extern) => f.write_str("externref"),
            (true, heap) => write!(f, "(ref null {heap})"),
            (false, heap) => write!(f, "(ref {heap})"),
        }
    }
}

impl fmt::Display for HeapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HeapType::Any => "any",
            HeapType::Eq => "eq",
            HeapType::I31 => "i31",
            HeapType::Struct => "struct",
            HeapType::Array => "array",
            HeapType::None => "none",
            HeapType::Func => "func",
            HeapType::NoFunc => "nofunc",
            HeapType::Extern => "extern",
            HeapType::NoExtern => "noextern",
            HeapType::Exn => "exn",
            HeapType::NoExn => "noexn",
            HeapType::Concrete(index) => return write!(f, "{index}"),
        })
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, types: &[ValType]| {
            f.write_str("[")?;
            for (i, t) in types.iter().enumerate() {
                write!(f, "{}{t}", if i > 0 { " " } else { "" })?;
            }
            f.write_str("]")
        };
        list(f, self.params())?;
        f.write_str(" -> ")?;
        list(f, self.results())
    }
}

impl fmt::Debug for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
