//! The binary format of WebAssembly: opcode table, reader, validator, [`Module`],
//! disassembly.
//!
//! [`decode`] reads the sections of a module and [`validate_body`] checks one function
//! while a [`Visitor`] translates it in the same pass. Bytes are borrowed, never copied;
//! memory use is bounded by the module's size and by [`limits`]; nothing recurses on the
//! depth of the input, and no input panics.
//!
//! What is absent: execution, the text format, and any dependency.

#![no_std]
#![deny(unsafe_code)] // But in `list`, `room` and once in `opcode`.

extern crate alloc;

#[cfg(feature = "function-references")]
mod canon;
mod customs;
mod decode;
mod describe;
mod disasm;
mod error;
mod features;
mod instr;
pub mod limits;
mod list;
mod module;
mod opcode;
#[cfg(not(feature = "function-references"))]
mod plain_types;
mod reader;
#[cfg(feature = "function-references")]
mod rec_groups;
mod registry;
pub mod room;
mod subtyping;
mod type_reader;
mod types;
mod types_section;
mod validate;

pub use customs::{BranchHint, BranchHints, NameKind, NameMap, Names, Producer, Producers};
pub use decode::{decode, decode_with_bodies, validate};
pub use describe::Description;
pub use disasm::{Disassembly, Line};
pub use error::{Error, ErrorKind, Result};
pub use features::{Feature, Features};
pub use instr::{BlockType, BrTable, Catch, Catches, Imm, Instr, MemArg};
pub use list::List;
pub use module::{
    ConstExpr, Custom, Data, Element, ElementItems, Export, Global, Import, Module, SegmentMode,
    Span, Table, text,
};
pub use opcode::{ImmKind, Opcode, Operand, Signature};
pub use reader::Reader;
pub use registry::TypeRegistry;
pub use types::{
    AddrType, CompositeType, ExternKind, ExternType, FieldType, FuncType, GlobalType, HeapType,
    Limits, MemoryType, RefType, StorageType, SubType, TableType, ValType,
};
pub use types_section::Types;
pub use validate::{
    Frame, FrameKind, Scratch, State, Visitor, block_params, block_results, validate_body,
};
