//! Types of imports and exports in words.

use crate::{AddrType, ExternType, Limits, Module};
use core::fmt;

/// An import's or an export's type in words: `func [i32 i32] -> [i32]`, `memory 1..2`,
/// `global mut i32`; see [`Module::describe`].
#[derive(Clone, Copy, Debug)]
pub struct Description<'a> {
    module: &'a Module,
    ty: ExternType,
}

impl Module {
    /// `ty`, which is one of this module's, in words.
    pub fn describe(&self, ty: ExternType) -> Description<'_> {
        Description { module: self, ty }
    }
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = &self.module.types;
        match self.ty {
            ExternType::Func(index) => match types.func(index) {
                Some(ty) => write!(f, "func {ty}"),
                None => write!(f, "func (type {index})"),
            },
            ExternType::Tag(index) => match types.func(index) {
                Some(ty) => write!(f, "tag {ty}"),
                None => write!(f, "tag (type {index})"),
            },
            ExternType::Global(ty) => {
                write!(f, "global {}{}", if ty.mutable { "mut " } else { "" }, ty.content)
            }
            ExternType::Table(ty) => {
                write!(f, "table {}{} {}", addr(ty.addr), ty.limits, ty.element)
            }
            ExternType::Memory(ty) => {
                write!(f, "memory {}{}", addr(ty.addr), ty.limits)?;
                if ty.page_log2 != 16 {
                    write!(f, " (pagesize {})", 1u64 << ty.page_log2)?;
                }
                f.write_str(if ty.shared { " shared" } else { "" })
            }
        }
    }
}

fn addr(ty: AddrType) -> &'static str {
    match ty {
        AddrType::I32 => "",
        AddrType::I64 => "i64 ",
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.max {
            Some(max) => write!(f, "{}..{max}", self.min),
            None => write!(f, "{}..", self.min),
        }
    }
}
