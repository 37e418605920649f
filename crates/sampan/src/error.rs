//! What can go wrong, in one type.

use crate::{Feature, WasmBacktrace};
#[cfg(feature = "backtrace")]
use crate::{Module, backtrace::FrameInfo};
use alloc::{
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;
use sampan_engine::{self as engine, InstantiateError, Machine, TrapKind, wasm};
pub use sampan_engine::{HostError, LinkError};

/// The result of most functions of this crate.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Something that went wrong: a module that cannot be used, a trap, the error of a host
/// function.
///
/// Displays as the reason, followed by one line for each guest call on the stack.
pub struct Error(Box<ErrorData>);

struct ErrorData {
    kind: ErrorKind,
    backtrace: WasmBacktrace,
    /// What kind of exception it is, if it is one.
    thrown: Option<Box<str>>,
}

/// A sentence, where those are built in, and else its short form.
macro_rules! message {
    ($short:literal: $($long:tt)*) => {
        if cfg!(feature = "messages") {
            alloc::format!($($long)*)
        } else {
            alloc::string::String::from($short)
        }
    };
}
pub(crate) use message;

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A module that is malformed, invalid, or needs a proposal that is off.
    Module(wasm::Error),
    /// A valid module that needs proposals which this version does not execute, and where the
    /// need shows.
    Unsupported(Vec<Feature>, wasm::Error),
    /// A module's text that does not parse, with its place.
    Text(String),
    /// Imports that are not defined or do not fit: all of them.
    Link(Vec<LinkError>),
    /// The guest did something that stops it.
    Trap(Trap),
    /// An exception that no guest caught; see [`Exception`](crate::Exception).
    Exception,
    /// A host function failed.
    Host(HostError),
    /// The embedder asked for something that cannot be, or a limit is reached.
    Other(String),
}

impl Error {
    /// An error described by a sentence.
    #[cold]
    pub fn new(message: impl Into<String>) -> Error {
        Error::of(ErrorKind::Other(message.into()))
    }

    /// A host function's error of any type; see [`Error::downcast_ref`].
    #[cold]
    pub fn host(error: impl Into<HostError>) -> Error {
        let error = match error.into().downcast::<Error>() {
            Ok(error) => return *error,
            Err(error) => error,
        };
        match error.downcast::<Trap>() {
            Ok(trap) => Error::of(ErrorKind::Trap(*trap)),
            Err(error) => Error::of(ErrorKind::Host(error)),
        }
    }

    #[cold]
    pub(crate) fn of(kind: ErrorKind) -> Error {
        Error(Box::new(ErrorData { kind, backtrace: WasmBacktrace::default(), thrown: None }))
    }

    #[cold]
    pub(crate) fn from_trap(machine: &Machine, trap: engine::Trap) -> Error {
        #[cfg(feature = "backtrace")]
        let frame = |frame: &engine::TrapFrame| {
            let (instance, func) = machine.func_place(frame.func)?;
            Some(FrameInfo { module: Module::from_raw(instance.module()), func, at: frame.offset })
        };
        #[cfg(feature = "backtrace")]
        let frames: Vec<FrameInfo> = trap.frames().iter().filter_map(frame).collect();
        #[allow(unused_mut)] // Not all of what may follow is built in.
        let mut error = Error::from_kind(trap.into_kind());
        #[cfg(feature = "backtrace")]
        error.0.backtrace.frames.extend(frames);
        let _ = machine; // Some builds look at it nowhere.
        #[cfg(all(feature = "exceptions", feature = "messages"))]
        if matches!(error.kind(), ErrorKind::Exception) {
            error.0.thrown = crate::exception::describe(machine);
        }
        error
    }

    /// What a trap without frames becomes.
    fn from_kind(kind: TrapKind) -> Error {
        match kind {
            TrapKind::Host(error) => Error::host(error),
            TrapKind::Exception => Error::of(ErrorKind::Exception),
            kind => match Trap::of(&kind) {
                Some(trap) => Error::of(ErrorKind::Trap(trap)),
                None if cfg!(feature = "messages") => Error::new(kind.to_string()),
                None => Error::new("uncaught exception"),
            },
        }
    }

    #[cold]
    pub(crate) fn from_instantiate(machine: &Machine, error: InstantiateError) -> Error {
        match error {
            InstantiateError::Link(error) => Error::of(ErrorKind::Link([error].into())),
            InstantiateError::Trap(trap) => Error::from_trap(machine, trap),
            other if cfg!(feature = "messages") => Error::new(other.to_string()),
            InstantiateError::Limit(_) => Error::new("a limit is reached"),
            _ => Error::new("wrong imports"),
        }
    }

    /// What it is for the machine, as the error of a host function: an exception is thrown
    /// on, all else stops the guests.
    #[cold]
    pub(crate) fn into_trap(self) -> engine::Trap {
        match self.0.kind {
            ErrorKind::Exception => engine::Trap::new(TrapKind::Exception),
            _ => engine::Trap::host(self),
        }
    }

    /// What went wrong, without the backtrace.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The trap, if it is one.
    pub fn trap(&self) -> Option<Trap> {
        match self.0.kind {
            ErrorKind::Trap(trap) => Some(trap),
            _ => None,
        }
    }

    /// The host function's error, if it is one of type `E`.
    pub fn downcast_ref<E: core::error::Error + 'static>(&self) -> Option<&E> {
        match &self.0.kind {
            ErrorKind::Host(error) => error.downcast_ref(),
            _ => None,
        }
    }

    /// The exit code, if the guest ended itself; see [`I32Exit`].
    pub fn i32_exit_status(&self) -> Option<i32> {
        self.downcast_ref::<I32Exit>().map(|exit| exit.0)
    }

    /// The guest calls that were on the stack. Empty outside execution.
    pub fn backtrace(&self) -> &WasmBacktrace {
        &self.0.backtrace
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::Unsupported(..) if !cfg!(feature = "messages") => {
                f.write_str("a feature is not executed")
            }
            ErrorKind::Link(errors) if !cfg!(feature = "messages") => match errors.first() {
                Some(error) => error.fmt(f),
                None => Ok(()),
            },
            ErrorKind::Module(error) => error.fmt(f),
            ErrorKind::Unsupported(features, error) => {
                f.write_str("this version does not execute")?;
                for (i, feature) in features.iter().enumerate() {
                    write!(f, "{} {}", if i > 0 { "," } else { "" }, feature.name())?;
                }
                write!(f, ", which the module needs (offset 0x{:x})", error.offset())
            }
            ErrorKind::Text(text) | ErrorKind::Other(text) => f.write_str(text),
            ErrorKind::Link(errors) => {
                for (i, error) in errors.iter().enumerate() {
                    write!(f, "{}{error}", if i > 0 { "\n" } else { "" })?;
                }
                Ok(())
            }
            ErrorKind::Trap(trap) => trap.fmt(f),
            ErrorKind::Exception => f.write_str("uncaught exception"),
            ErrorKind::Host(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)?;
        if let Some(thrown) = &self.0.thrown {
            write!(f, ": {thrown}")?;
        }
        if cfg!(feature = "messages") && !self.0.backtrace.frames().is_empty() {
            write!(f, "\n{}", self.0.backtrace)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.0.kind {
            ErrorKind::Host(error) => error.source(),
            _ => None,
        }
    }
}

impl From<wasm::Error> for Error {
    fn from(error: wasm::Error) -> Error {
        Error::of(ErrorKind::Module(error))
    }
}

impl From<Trap> for Error {
    fn from(trap: Trap) -> Error {
        Error::of(ErrorKind::Trap(trap))
    }
}

/// A guest that ended itself with an exit code; the error that `proc_exit` raises.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "messages", derive(Debug))]
pub struct I32Exit(pub i32);

impl fmt::Display for I32Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !cfg!(feature = "messages") {
            return f.write_str("exited");
        }
        write!(f, "exited with status {}", self.0)
    }
}

// Without messages, `core`'s machinery for debugging would be linked for this alone.
#[cfg(not(feature = "messages"))]
impl fmt::Debug for I32Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for I32Exit {}

macro_rules! traps {
    ($($(#[$doc:meta])* $name:ident = $kind:ident, $text:literal;)*) => {
        /// What a guest did that stops it. A host function may return one as its error.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Trap {
            $($(#[$doc])* $name,)*
        }

        impl Trap {
            fn of(kind: &TrapKind) -> Option<Trap> {
                Some(match kind {
                    $(TrapKind::$kind => Trap::$name,)*
                    _ => return None,
                })
            }
        }

        impl fmt::Display for Trap {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Trap::$name => $text,)*
                })
            }
        }
    };
}

traps! {
    /// `unreachable` was executed.
    UnreachableCodeReached = Unreachable, "unreachable";
    /// An access beyond the end of a memory.
    MemoryOutOfBounds = MemoryOutOfBounds, "out of bounds memory access";
    /// An access beyond the end of a table or an element segment.
    TableOutOfBounds = TableOutOfBounds, "out of bounds table access";
    /// `call_indirect` with an index beyond the table.
    UndefinedElement = UndefinedElement, "undefined element";
    /// `call_indirect` through a null reference.
    IndirectCallToNull = UninitializedElement, "uninitialized element";
    /// `call_indirect` with a type that is not the function's.
    BadSignature = IndirectCallTypeMismatch, "indirect call type mismatch";
    /// The quotient or the converted number does not fit.
    IntegerOverflow = IntegerOverflow, "integer overflow";
    /// Division by zero.
    IntegerDivisionByZero = IntegerDivideByZero, "integer divide by zero";
    /// A NaN converted to an integer.
    BadConversionToInteger = InvalidConversionToInteger, "invalid conversion to integer";
    /// Guest recursion, or guest and host calling each other, passed its limit.
    StackOverflow = StackOverflow, "call stack exhausted";
    /// All fuel is consumed.
    OutOfFuel = OutOfFuel, "all fuel consumed";
    /// Another thread asked for a stop.
    Interrupt = Interrupted, "interrupted";
    /// There was no memory to prepare a function for execution.
    OutOfMemory = OutOfMemory, "out of memory while preparing a function";
    /// A null reference where an object or a function is needed.
    NullReference = NullReference, "null reference";
    /// A cast to a type that the reference is not of.
    CastFailure = CastFailure, "cast failure";
    /// An access beyond the end of an array.
    ArrayOutOfBounds = ArrayOutOfBounds, "out of bounds array access";
    /// There is no room for another object of the garbage-collected heap.
    HeapExhausted = HeapExhausted, "no room for another object";
    /// An atomic access whose address is not a multiple of its size.
    HeapMisaligned = UnalignedAtomic, "unaligned atomic";
    /// A wait on a memory that is not shared.
    AtomicWaitNonSharedMemory = ExpectedSharedMemory, "expected shared memory";
    /// A wait where the platform has no way to wait.
    CannotWait = CannotWait, "waiting is not possible on this platform";
}

impl core::error::Error for Trap {}

/// The error of a service of the machine that failed.
pub(crate) fn of_kind(kind: TrapKind) -> Error {
    Error::from_kind(kind)
}
