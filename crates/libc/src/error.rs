//! Why a function of the library does not return.

use core::fmt;

/// What stops the guest.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "messages", derive(Debug))]
#[non_exhaustive]
pub enum Stop {
    /// A pointer, or a string without an end, leads out of the memory.
    OutOfBounds,
    /// `exit` with this status.
    Exit(i32),
    /// `abort`, or something else that ends a program for a fault of its own.
    Abort,
    /// `__cxa_throw`: there is nothing here that would catch.
    Thrown,
    /// A pointer to free that `malloc` did not give, or that was freed.
    BadFree,
    /// The guest wrote over what `malloc` keeps between blocks.
    HeapDamaged,
    /// The module has a `malloc` of its own but wants the library's `realloc`.
    ForeignRealloc,
    /// A conversion of `printf` that C does not know, or that is not built in.
    Conversion(u8),
    /// A width of `printf`, or a precision of a number, above 4095.
    WidthTooLarge,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "messages")]
            Stop::Exit(status) => return write!(f, "exited with status {status}"),
            #[cfg(feature = "messages")]
            Stop::Conversion(letter) => {
                let letter = letter.escape_ascii();
                return write!(f, "printf has no conversion '%{letter}' here");
            }
            _ => {}
        }
        f.write_str(match self {
            Stop::OutOfBounds => "out of bounds memory access in the C library",
            Stop::Exit(_) => "exited",
            Stop::Abort => "aborted",
            Stop::Thrown => "a C++ exception was thrown",
            Stop::BadFree => "free of what malloc did not give",
            Stop::HeapDamaged => "the heap is damaged",
            Stop::ForeignRealloc => "realloc with a malloc of the module's own",
            Stop::Conversion(_) => "printf has no such conversion here",
            Stop::WidthTooLarge => "a width above 4095 in printf",
        })
    }
}

// Without messages, `core`'s machinery for debugging would be linked for this alone.
#[cfg(not(feature = "messages"))]
impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Stop {}
