//! Why execution stopped.

use crate::FuncId;
use alloc::boxed::Box;
use core::fmt;
use sampan_wasm::List;
use sampan_wasm::room::{Kept, OutOfMemory, boxed};

/// An error that a host function raises.
pub type HostError = Box<dyn core::error::Error + Send + Sync + 'static>;

/// The reason for which execution stopped.
#[derive(Debug)]
#[non_exhaustive]
pub enum TrapKind {
    /// `unreachable` was executed.
    Unreachable,
    /// An access beyond the end of a memory.
    MemoryOutOfBounds,
    /// An access beyond the end of a table or an element segment.
    TableOutOfBounds,
    /// `call_indirect` with an index beyond the table.
    UndefinedElement,
    /// `call_indirect` through a null reference.
    UninitializedElement,
    /// `call_indirect` with a type that is not the function's.
    IndirectCallTypeMismatch,
    /// The quotient or the converted number does not fit.
    IntegerOverflow,
    /// Division by zero.
    IntegerDivideByZero,
    /// A NaN converted to an integer.
    InvalidConversionToInteger,
    /// Guest recursion, or guest and host calling each other, passed its limit.
    StackOverflow,
    /// All fuel is consumed.
    OutOfFuel,
    /// Another thread asked for a stop.
    Interrupted,
    /// The host has no memory for something that execution needs, as a function's translation.
    OutOfMemory,
    /// A null reference where an object or a function is needed.
    NullReference,
    /// `ref.cast` to a type that the reference is not of.
    CastFailure,
    /// An access beyond the end of an array.
    ArrayOutOfBounds,
    /// There is no room for another object of the garbage-collected heap.
    HeapExhausted,
    /// An atomic access whose address is not a multiple of its size.
    UnalignedAtomic,
    /// A wait on a memory that is not shared.
    ExpectedSharedMemory,
    /// A wait where the platform has no way to wait.
    CannotWait,
    /// An exception that no function caught; [`crate::Machine::take_exception`] has it.
    Exception,
    /// A host function failed.
    Host(HostError),
}

impl fmt::Display for TrapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrapKind::Unreachable => "unreachable",
            TrapKind::MemoryOutOfBounds => "out of bounds memory access",
            TrapKind::TableOutOfBounds => "out of bounds table access",
            TrapKind::UndefinedElement => "undefined element",
            TrapKind::UninitializedElement => "uninitialized element",
            TrapKind::IndirectCallTypeMismatch => "indirect call type mismatch",
            TrapKind::IntegerOverflow => "integer overflow",
            TrapKind::IntegerDivideByZero => "integer divide by zero",
            TrapKind::InvalidConversionToInteger => "invalid conversion to integer",
            TrapKind::StackOverflow => "call stack exhausted",
            TrapKind::OutOfFuel => "all fuel consumed",
            TrapKind::Interrupted => "interrupted",
            TrapKind::OutOfMemory => "out of memory",
            TrapKind::NullReference => "null reference",
            TrapKind::CastFailure => "cast failure",
            TrapKind::ArrayOutOfBounds => "out of bounds array access",
            TrapKind::HeapExhausted => "no room for another object",
            TrapKind::UnalignedAtomic => "unaligned atomic",
            TrapKind::ExpectedSharedMemory => "expected shared memory",
            TrapKind::CannotWait => "waiting is not possible on this platform",
            TrapKind::Exception => "uncaught exception",
            TrapKind::Host(error) => return error.fmt(f),
        })
    }
}

/// What services of the machine give back, to interpreters and compiled code alike: [`DONE`],
/// or the number of a trap. A `Result` would be in memory, whose address keeps a handler's
/// last call from being a jump.
pub(crate) type Outcome = u8;

/// The work is done.
pub(crate) const DONE: Outcome = u8::MAX;

macro_rules! trap_codes {
    ($($kind:ident)*) => {
        /// The kinds of trap that an instruction can cause, as numbers.
        #[allow(clippy::enum_variant_names, missing_docs)]
        #[repr(u8)]
        pub enum TrapCode { $($kind),* }

        impl TrapKind {
            /// The number of a kind of trap that an instruction can cause.
            #[inline(always)]
            pub(crate) fn code(&self) -> Outcome {
                match self {
                    $(TrapKind::$kind => TrapCode::$kind as u8,)*
                    TrapKind::Host(_) => unreachable!("raised with its error"),
                }
            }

            /// The kind with a number.
            pub(crate) fn from_code(code: Outcome) -> TrapKind {
                $(if code == TrapCode::$kind as u8 {
                    return TrapKind::$kind;
                })*
                unreachable!("made by `code`")
            }
        }
    };
}
trap_codes! {
    Unreachable MemoryOutOfBounds TableOutOfBounds UndefinedElement UninitializedElement
    IndirectCallTypeMismatch IntegerOverflow IntegerDivideByZero InvalidConversionToInteger
    StackOverflow OutOfFuel Interrupted OutOfMemory NullReference CastFailure ArrayOutOfBounds
    HeapExhausted UnalignedAtomic ExpectedSharedMemory CannotWait Exception
}

/// A call on the stack at the time of a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrapFrame {
    /// The function.
    pub func: FuncId,
    /// Bytes from its module's start to the instruction.
    pub offset: u32,
}

/// Execution stopped: the reason, and the calls that led there.
pub struct Trap(Kept<TrapData>);

/// What is said of a trap for which there was no memory.
static NO_MEMORY: TrapKind = TrapKind::OutOfMemory;

struct TrapData {
    kind: TrapKind,
    frames: List<TrapFrame>,
}

impl Trap {
    /// A trap outside any guest function.
    #[cold]
    pub fn new(kind: TrapKind) -> Trap {
        Trap(Kept::new(TrapData { kind, frames: List::new() }))
    }

    /// A trap for a host function's error.
    #[cold]
    pub fn host(error: impl Into<HostError>) -> Trap {
        Trap::new(TrapKind::Host(error.into()))
    }

    /// A trap for a host function's error, if there is memory for it; else it is that.
    #[cold]
    pub fn try_host(error: impl core::error::Error + Send + Sync + 'static) -> Trap {
        match boxed(error) {
            Ok(error) => Trap::new(TrapKind::Host(error)),
            Err(error) => error.into(),
        }
    }

    /// A trap for an error of preparation.
    #[cold]
    pub(crate) fn preparation(error: sampan_wasm::Error) -> Trap {
        if matches!(error.kind(), sampan_wasm::ErrorKind::OutOfMemory) {
            return OutOfMemory.into();
        }
        Trap::try_host(error)
    }

    /// The reason.
    pub fn kind(&self) -> &TrapKind {
        self.0.get().map_or(&NO_MEMORY, |data| &data.kind)
    }

    /// The reason, owned.
    pub fn into_kind(self) -> TrapKind {
        self.0.into_inner().map_or(TrapKind::OutOfMemory, |data| data.kind)
    }

    /// The guest calls, the innermost first, [`MAX_FRAMES`] at most.
    pub fn frames(&self) -> &[TrapFrame] {
        self.0.get().map_or(&[], |data| &data.frames)
    }

    /// Appends outer frames.
    #[cfg(feature = "backtrace")]
    pub(crate) fn add_frames(&mut self, frames: impl IntoIterator<Item = TrapFrame>) {
        let Some(TrapData { frames: known, .. }) = self.0.get_mut() else { return };
        let room = MAX_FRAMES.saturating_sub(known.len());
        for frame in frames.into_iter().take(room) {
            if known.put(frame).is_err() {
                return; // A shorter list is better than none.
            }
        }
    }
}

/// How many calls are kept of those that were on the stack: more than a person reads.
pub const MAX_FRAMES: usize = 100;

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)
    }
}

impl fmt::Debug for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !cfg!(feature = "messages") {
            return self.kind().fmt(f);
        }
        write!(f, "{} {:?}", self.kind(), self.frames())
    }
}

impl core::error::Error for Trap {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self.kind() {
            TrapKind::Host(error) => Some(&**error),
            _ => None,
        }
    }
}

impl From<OutOfMemory> for Trap {
    #[cold]
    fn from(_: OutOfMemory) -> Trap {
        Trap(Kept::lost())
    }
}

impl From<OutOfMemory> for TrapKind {
    fn from(_: OutOfMemory) -> TrapKind {
        TrapKind::OutOfMemory
    }
}

impl From<TrapKind> for Trap {
    fn from(kind: TrapKind) -> Trap {
        Trap::new(kind)
    }
}
