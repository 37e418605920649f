//! What can go wrong, in one type.

use crate::{Feature, WasmBacktrace};
#[cfg(feature = "backtrace")]
use crate::{Module, backtrace::FrameInfo};
use alloc::{borrow::Cow, string::String, vec::Vec};
use core::any::Any;
use core::fmt;
use sampan_engine::wasm::List;
use sampan_engine::wasm::room::{self, Kept, OutOfMemory};
use sampan_engine::{self as engine, InstantiateError, Machine, TrapKind, wasm};
pub use sampan_engine::{HostError, LinkError};

/// The result of most functions of this crate.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Something that went wrong: a module that cannot be used, a trap, the error of a host
/// function.
///
/// Displays as the reason, followed by one line for each guest call on the stack.
pub struct Error(Kept<ErrorData>);

struct ErrorData {
    kind: ErrorKind,
    backtrace: WasmBacktrace,
    /// What kind of exception it is, if it is one.
    thrown: Option<String>,
}

/// What is said of an error for which there was no memory.
static NO_MEMORY: ErrorData =
    ErrorData { kind: ErrorKind::OutOfMemory, backtrace: WasmBacktrace::NONE, thrown: None };

/// A sentence, where those are built in, and else its short form.
macro_rules! message {
    ($short:literal: $($long:tt)*) => {
        if cfg!(feature = "messages") {
            $crate::error::in_words($short, format_args!($($long)*))
        } else {
            alloc::borrow::Cow::Borrowed($short)
        }
    };
}
pub(crate) use message;

/// A sentence, or its short form if there is no memory for it.
pub(crate) fn in_words(short: &'static str, long: fmt::Arguments<'_>) -> Cow<'static, str> {
    room::text(long).map_or(Cow::Borrowed(short), Cow::Owned)
}

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
    Link(List<LinkError>),
    /// The guest did something that stops it.
    Trap(Trap),
    /// An exception that no guest caught; see [`Exception`](crate::Exception).
    Exception,
    /// The host has no memory left.
    OutOfMemory,
    /// A host function failed.
    Host(HostError),
    /// The embedder asked for something that cannot be, or a limit is reached.
    Other(Cow<'static, str>),
}

impl Error {
    /// An error described by a sentence.
    #[cold]
    pub fn new(message: impl Into<Cow<'static, str>>) -> Error {
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
        Error(Kept::new(ErrorData { kind, backtrace: WasmBacktrace::default(), thrown: None }))
    }

    /// [`Error::host`] where memory may run out.
    #[cold]
    pub(crate) fn try_host(error: impl core::error::Error + Send + Sync + 'static) -> Error {
        match room::boxed(error) {
            Ok(error) => Error::of(ErrorKind::Host(error)),
            Err(error) => error.into(),
        }
    }

    /// What a host function gave back as its error. Ours are not boxed first.
    #[cold]
    pub(crate) fn of_host<E: Into<HostError> + 'static>(error: E) -> Error {
        let mut error = Some(error);
        let any: &mut dyn Any = &mut error;
        if let Some(ours) = any.downcast_mut::<Option<Error>>() {
            return ours.take().unwrap_or_else(|| OutOfMemory.into());
        }
        if let Some(trap) = any.downcast_mut::<Option<Trap>>() {
            return trap.take().map_or_else(|| OutOfMemory.into(), Error::from);
        }
        error.map_or_else(|| OutOfMemory.into(), Error::host)
    }

    fn data(&self) -> &ErrorData {
        self.0.get().unwrap_or(&NO_MEMORY)
    }

    #[cold]
    pub(crate) fn from_trap(machine: &Machine, trap: engine::Trap) -> Error {
        #[cfg(feature = "backtrace")]
        let frame = |frame: &engine::TrapFrame| {
            let (instance, func) = machine.func_place(frame.func)?;
            Some(FrameInfo { module: Module::from_raw(instance.module()), func, at: frame.offset })
        };
        #[cfg(feature = "backtrace")]
        let mut frames = List::new();
        #[cfg(feature = "backtrace")]
        for frame in trap.frames().iter().filter_map(frame) {
            if frames.put(frame).is_err() {
                break; // A shorter list is better than none.
            }
        }
        #[allow(unused_mut)] // Not all of what may follow is built in.
        let mut error = Error::from_kind(trap.into_kind());
        #[cfg(feature = "backtrace")]
        if let Some(data) = error.0.get_mut() {
            match data.backtrace.frames.is_empty() {
                true => data.backtrace.frames = frames,
                false => {
                    let _ = frames.into_iter().try_for_each(|it| data.backtrace.frames.put(it));
                }
            }
        }
        let _ = machine; // Some builds look at it nowhere.
        #[cfg(all(feature = "exceptions", feature = "messages"))]
        if let Some(data @ ErrorData { kind: ErrorKind::Exception, .. }) = error.0.get_mut() {
            data.thrown = crate::exception::describe(machine);
        }
        error
    }

    /// What a trap without frames becomes.
    fn from_kind(kind: TrapKind) -> Error {
        match kind {
            TrapKind::Host(error) => Error::host(error),
            TrapKind::Exception => Error::of(ErrorKind::Exception),
            TrapKind::OutOfMemory => OutOfMemory.into(),
            kind => match Trap::of(&kind) {
                Some(trap) => Error::of(ErrorKind::Trap(trap)),
                None if cfg!(feature = "messages") => Error::new(message!("": "{kind}")),
                None => Error::new("uncaught exception"),
            },
        }
    }

    #[cold]
    pub(crate) fn from_instantiate(machine: &Machine, error: InstantiateError) -> Error {
        match error {
            InstantiateError::Link(error) => {
                let mut errors = List::new();
                match errors.put(error) {
                    Ok(()) => Error::of(ErrorKind::Link(errors)),
                    Err(error) => error.into(),
                }
            }
            InstantiateError::OutOfMemory => OutOfMemory.into(),
            InstantiateError::Trap(trap) => Error::from_trap(machine, trap),
            other if cfg!(feature = "messages") => Error::new(message!("": "{other}")),
            InstantiateError::Limit(_) => Error::new("a limit is reached"),
            _ => Error::new("wrong imports"),
        }
    }

    /// What it is for the machine, as the error of a host function: an exception is thrown
    /// on, all else stops the guests.
    #[cold]
    pub(crate) fn into_trap(self) -> engine::Trap {
        match self.kind() {
            ErrorKind::Exception => engine::Trap::new(TrapKind::Exception),
            ErrorKind::OutOfMemory => OutOfMemory.into(),
            _ => engine::Trap::try_host(self),
        }
    }

    /// What went wrong, without the backtrace.
    pub fn kind(&self) -> &ErrorKind {
        &self.data().kind
    }

    /// The trap, if it is one.
    pub fn trap(&self) -> Option<Trap> {
        match *self.kind() {
            ErrorKind::Trap(trap) => Some(trap),
            ErrorKind::OutOfMemory => Some(Trap::OutOfMemory),
            _ => None,
        }
    }

    /// The host function's error, if it is one of type `E`.
    pub fn downcast_ref<E: core::error::Error + 'static>(&self) -> Option<&E> {
        match self.kind() {
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
        &self.data().backtrace
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
            ErrorKind::Text(text) => f.write_str(text),
            ErrorKind::Other(text) => f.write_str(text),
            ErrorKind::OutOfMemory => OutOfMemory.fmt(f),
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
        self.kind().fmt(f)?;
        if let Some(thrown) = &self.data().thrown {
            f.write_str(": ")?;
            f.write_str(thrown)?;
        }
        if cfg!(feature = "messages") && !self.backtrace().frames().is_empty() {
            write!(f, "\n{}", self.backtrace())?;
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
        match self.kind() {
            ErrorKind::Host(error) => error.source(),
            _ => None,
        }
    }
}

impl From<wasm::Error> for Error {
    fn from(error: wasm::Error) -> Error {
        if matches!(error.kind(), wasm::ErrorKind::OutOfMemory) {
            return OutOfMemory.into();
        }
        Error::of(ErrorKind::Module(error))
    }
}

impl From<OutOfMemory> for Error {
    #[cold]
    fn from(_: OutOfMemory) -> Error {
        Error(Kept::lost())
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
    /// There was no memory for something that execution needs.
    OutOfMemory = OutOfMemory, "out of memory";
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
