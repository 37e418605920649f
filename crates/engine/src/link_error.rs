//! Why a module could not be instantiated.

use crate::Trap;
use alloc::string::String;
use core::fmt;
use sampan_wasm::room::OutOfMemory;

/// An import that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkError {
    /// The import's first name.
    pub module: String,
    /// The import's second name.
    pub name: String,
    /// What the module wants.
    pub expected: String,
    /// What it was given; `None` if nothing.
    pub found: Option<String>,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !cfg!(feature = "messages") {
            f.write_str("import does not fit: ")?;
            f.write_str(&self.module)?;
            f.write_str(" ")?;
            return f.write_str(&self.name);
        }
        match &self.found {
            None => write!(
                f,
                "unknown import: \"{}\" \"{}\" ({}) is not defined",
                self.module, self.name, self.expected
            ),
            Some(found) => write!(
                f,
                "incompatible import type: \"{}\" \"{}\" needs {}, but is {found}",
                self.module, self.name, self.expected
            ),
        }
    }
}

impl core::error::Error for LinkError {}

/// Why a module could not be instantiated.
#[derive(Debug)]
#[non_exhaustive]
pub enum InstantiateError {
    /// An import does not fit.
    Link(LinkError),
    /// The number of imports given is not the number that the module has.
    ImportCount {
        /// How many the module has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// The machine's limits do not allow a memory, a table or another instance.
    Limit(&'static str),
    /// The host has no memory left.
    OutOfMemory,
    /// The module belongs to another engine.
    OtherEngine,
    /// A segment did not fit, or the start function trapped.
    Trap(Trap),
}

impl fmt::Display for InstantiateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InstantiateError::ImportCount { .. } if !cfg!(feature = "messages") => {
                f.write_str("wrong number of imports")
            }
            InstantiateError::Limit(_) if !cfg!(feature = "messages") => {
                f.write_str("a limit is reached")
            }
            InstantiateError::Link(error) => error.fmt(f),
            InstantiateError::ImportCount { expected, found } => {
                write!(f, "the module has {expected} imports, but {found} were given")
            }
            InstantiateError::Limit(what) => write!(f, "no room for {what}: a limit is reached"),
            InstantiateError::OutOfMemory => OutOfMemory.fmt(f),
            InstantiateError::OtherEngine => f.write_str("the module belongs to another engine"),
            InstantiateError::Trap(trap) => trap.fmt(f),
        }
    }
}

impl core::error::Error for InstantiateError {}

impl From<OutOfMemory> for InstantiateError {
    fn from(_: OutOfMemory) -> InstantiateError {
        InstantiateError::OutOfMemory
    }
}

impl From<Trap> for InstantiateError {
    fn from(trap: Trap) -> InstantiateError {
        InstantiateError::Trap(trap)
    }
}
