//! What is wrong with a module, and where.

use crate::{
    Feature, ValType,
    room::{Kept, OutOfMemory},
};
use alloc::string::String;
use core::fmt;

/// A module that cannot be used, with the place of the fault.
///
/// On the heap so that a `Result` of the decoder stays in registers. If there is no memory for it,
/// it is an error that says so.
pub struct Error(Kept<Fault>);

#[derive(Clone, PartialEq, Eq)]
struct Fault {
    kind: ErrorKind,
    offset: u32,
    func: Option<u32>,
}

/// The result of decoding or validating.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes do not follow the binary format.
    Malformed(&'static str),
    /// The module breaks a rule of validation.
    Invalid(&'static str),
    /// An index that is out of range.
    Unknown {
        /// What is indexed: "local", "function", …
        what: &'static str,
        /// The index.
        index: u32,
    },
    /// An operand of the wrong type; `None` is an empty stack.
    TypeMismatch {
        /// The type that the instruction needs.
        expected: ValType,
        /// The type that is there.
        found: Option<ValType>,
    },
    /// An instruction or a type of a proposal that is switched off.
    FeatureDisabled(Feature),
    /// An instruction or a type of a proposal that this build was made without.
    NotBuiltIn(Feature),
    /// An opcode that no known proposal has: prefix (or 0) and number.
    UnknownOpcode(u8, u32),
    /// More of something than the implementation takes.
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: u32,
    },
    /// The host has no memory left.
    OutOfMemory,
    /// A fault described by a sentence that was made for it.
    Other(String),
}

/// What is said of an error for which there was no memory.
static NO_MEMORY: Fault = Fault { kind: ErrorKind::OutOfMemory, offset: 0, func: None };

impl Error {
    /// An error at `offset` bytes from the module's start.
    #[cold]
    pub fn new(kind: ErrorKind, offset: usize) -> Error {
        Error(Kept::new(Fault { kind, offset: offset as u32, func: None }))
    }

    /// Bytes that do not follow the binary format.
    #[inline]
    pub fn malformed(what: &'static str, offset: usize) -> Error {
        #[cold]
        #[inline(never)]
        fn error(what: &'static str, offset: usize) -> Error {
            Error::new(ErrorKind::Malformed(what), offset)
        }
        error(worded(what), offset)
    }

    /// A rule of validation that is broken.
    #[inline]
    pub fn invalid(what: &'static str, offset: usize) -> Error {
        #[cold]
        #[inline(never)]
        fn error(what: &'static str, offset: usize) -> Error {
            Error::new(ErrorKind::Invalid(what), offset)
        }
        error(worded(what), offset)
    }

    /// An index that is out of range.
    #[cold]
    pub fn unknown(what: &'static str, index: u32, offset: usize) -> Error {
        Error::new(ErrorKind::Unknown { what: worded(what), index }, offset)
    }

    /// The same error, said to lie in function `index`.
    #[must_use]
    pub fn in_func(mut self, index: u32) -> Error {
        if let Some(fault) = self.0.get_mut() {
            fault.func = Some(index);
        }
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.fault().kind
    }

    /// Bytes from the module's start.
    pub fn offset(&self) -> usize {
        self.fault().offset as usize
    }

    /// The function that the fault is in.
    pub fn func(&self) -> Option<u32> {
        self.fault().func
    }

    /// Whether the bytes break the format, rather than a rule of validation.
    pub fn is_malformed(&self) -> bool {
        matches!(self.fault().kind, ErrorKind::Malformed(_) | ErrorKind::UnknownOpcode(..))
    }

    fn fault(&self) -> &Fault {
        self.0.get().unwrap_or(&NO_MEMORY)
    }
}

impl From<OutOfMemory> for Error {
    #[cold]
    fn from(_: OutOfMemory) -> Error {
        Error(Kept::lost())
    }
}

impl Clone for Error {
    fn clone(&self) -> Error {
        match self.0.get() {
            Some(fault) => Error(Kept::new(fault.clone())),
            None => OutOfMemory.into(),
        }
    }
}

impl PartialEq for Error {
    fn eq(&self, other: &Error) -> bool {
        self.fault() == other.fault()
    }
}

impl Eq for Error {}

/// The text, where texts are built in.
#[inline(always)]
fn worded(text: &'static str) -> &'static str {
    if cfg!(feature = "messages") { text } else { "" }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !cfg!(feature = "messages") {
            return f.write_str(match self {
                ErrorKind::Malformed(_) | ErrorKind::UnknownOpcode(..) => "malformed module",
                ErrorKind::FeatureDisabled(_) => "a feature is off",
                ErrorKind::NotBuiltIn(_) => "a feature is not built in",
                ErrorKind::Limit { .. } => "a limit is passed",
                ErrorKind::OutOfMemory => "out of memory",
                _ => "invalid module",
            });
        }
        match self {
            ErrorKind::Malformed(what) | ErrorKind::Invalid(what) => f.write_str(what),
            ErrorKind::Unknown { what, index } => write!(f, "unknown {what} {index}"),
            ErrorKind::TypeMismatch { expected, found: Some(found) } => {
                write!(f, "type mismatch: expected {expected}, found {found}")
            }
            ErrorKind::TypeMismatch { expected, found: None } => {
                write!(f, "type mismatch: expected {expected}, found an empty stack")
            }
            ErrorKind::FeatureDisabled(feature) => {
                write!(f, "the {} feature is needed here and is switched off", feature.name())
            }
            ErrorKind::NotBuiltIn(feature) => {
                write!(f, "the {} feature is needed here and is not built in", feature.name())
            }
            ErrorKind::UnknownOpcode(0, code) => write!(f, "illegal opcode 0x{code:02x}"),
            ErrorKind::UnknownOpcode(prefix, code) => {
                write!(f, "illegal opcode 0x{prefix:02x} 0x{code:x}")
            }
            ErrorKind::Limit { what, limit } => write!(f, "too many {what}: the limit is {limit}"),
            ErrorKind::OutOfMemory => f.write_str("out of memory"),
            ErrorKind::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !cfg!(feature = "messages") {
            return self.kind().fmt(f);
        }
        let Some(fault) = self.0.get() else {
            return self.kind().fmt(f);
        };
        write!(f, "{} (", fault.kind)?;
        if let Some(func) = fault.func {
            write!(f, "function {func}, ")?;
        }
        write!(f, "offset 0x{:x})", fault.offset)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Error {}
