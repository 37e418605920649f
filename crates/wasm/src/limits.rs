//! How much of everything a module may have.
//!
//! The numbers are those of the WebAssembly JavaScript interface, appendix
//! "Implementation-defined limits", so that a module which runs in browsers runs here.

/// Defined types.
pub const MAX_TYPES: u32 = 1_000_000;
/// Recursion groups' members.
pub const MAX_REC_GROUP: u32 = 1_000_000;
/// Declared supertypes above one type.
pub const MAX_SUBTYPING_DEPTH: u32 = 63;
/// Functions, imported ones included.
pub const MAX_FUNCS: u32 = 1_000_000;
/// Imports.
pub const MAX_IMPORTS: u32 = 1_000_000;
/// Exports.
pub const MAX_EXPORTS: u32 = 1_000_000;
/// Globals.
pub const MAX_GLOBALS: u32 = 1_000_000;
/// Tags.
pub const MAX_TAGS: u32 = 1_000_000;
/// Data segments.
pub const MAX_DATA: u32 = 100_000;
/// Element segments.
pub const MAX_ELEMS: u32 = 10_000_000;
/// Elements of one segment. A table may declare more; whether it gets them is decided when
/// it is made.
pub const MAX_TABLE_ENTRIES: u32 = 10_000_000;
/// Tables.
pub const MAX_TABLES: u32 = 100_000;
/// Memories.
pub const MAX_MEMORIES: u32 = 100;
/// Parameters of a function or a block.
pub const MAX_PARAMS: u32 = 1_000;
/// Results of a function or a block.
pub const MAX_RESULTS: u32 = 1_000;
/// Locals of a function, parameters included.
pub const MAX_LOCALS: u32 = 50_000;
/// Bytes of a function's body.
pub const MAX_BODY: u32 = 7_654_321;
/// Fields of a struct.
pub const MAX_FIELDS: u32 = 10_000;
/// Operands of `array.new_fixed`.
pub const MAX_ARRAY_FIXED: u32 = 10_000;
/// Targets of a `br_table`; bounded by the body's size in any case.
pub const MAX_BR_TABLE: u32 = MAX_BODY;
/// Clauses of a `try_table`; bounded by the body's size in any case.
pub const MAX_CATCHES: u32 = MAX_BODY;
/// Operands on the stack of a function, where an instruction pushes several. Not in the
/// interface's list; it bounds what calls and blocks with many results can make of a body.
pub const MAX_OPERANDS: u32 = 1_000_000;
/// Bytes of a module.
pub const MAX_MODULE: u32 = 1 << 30;
/// Pages of a memory with 32-bit addresses.
pub const MAX_PAGES_32: u64 = 1 << 16;
/// Pages of a memory with 64-bit addresses.
pub const MAX_PAGES_64: u64 = 1 << 48;
