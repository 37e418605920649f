//! How the kernel's module and a processor's module talk: numbers that the page carries
//! between them, and one block of registers that it copies.
//!
//! Each process is an instance of the processor's module with a memory of its own. A program
//! can reach no more than that instance, but whatever comes from it may be forged: here every
//! bit pattern is taken, and becomes a value of ours or an error.

#![no_std]
#![forbid(unsafe_code)]

mod turn;

pub use turn::Turn;

use sampan_x86::{Access, Fault, MapError};

/// What a processor is asked: the first argument of `call`.
pub mod op {
    /// `(start, end, prot)`: [`AddressSpace::map_zero`](sampan_x86::AddressSpace::map_zero).
    pub const MAP_ZERO: u32 = 0;
    /// `(start, end)`
    pub const UNMAP: u32 = 1;
    /// `(start, end, prot)`
    pub const PROTECT: u32 = 2;
    /// `(from, to, length)`
    pub const MOVE_PAGES: u32 = 3;
    /// `(start, end)`
    pub const DISCARD: u32 = 4;
    /// `(addr, length)`; bytes are then read where `OFFSET` says.
    pub const READ: u32 = 5;
    /// `(addr, length)`; bytes are then written where `OFFSET` says.
    pub const WRITE: u32 = 6;
    /// As `READ`, whatever the pages allow.
    pub const PEEK: u32 = 7;
    /// As `WRITE`, whatever the pages allow.
    pub const POKE: u32 = 8;
    /// `(addr, length, access)`; the length that may be accessed.
    pub const ACCESSIBLE: u32 = 9;
    /// `(addr, old, new)`; what was there is in `VALUE`.
    pub const COMPARE_EXCHANGE: u32 = 10;
    /// The number of touched pages.
    pub const TOUCHED_PAGES: u32 = 11;
    /// `(addr)`; 0 or 1.
    pub const IS_TOUCHED: u32 = 12;
    /// The address of the last fault.
    pub const FAULT_ADDR: u32 = 13;
    /// What the last `COMPARE_EXCHANGE` found.
    pub const VALUE: u32 = 14;
}

/// Of `call` where it can fail: done.
pub const DONE: u64 = 0;

/// A mapping's result as a number.
pub fn from_map(result: Result<(), MapError>) -> u64 {
    match result {
        Ok(()) => DONE,
        Err(MapError::OutOfRange) => 1,
        Err(MapError::Misaligned) => 2,
        Err(MapError::OutOfMemory) => 3,
        Err(MapError::NotMapped) => 4,
        Err(MapError::Unsupported) => 5,
    }
}

/// A number as a mapping's result.
///
/// # Errors
/// The one that the number stands for.
pub fn to_map(number: u64) -> Result<(), MapError> {
    Err(match number {
        DONE => return Ok(()),
        1 => MapError::OutOfRange,
        2 => MapError::Misaligned,
        4 => MapError::NotMapped,
        5 => MapError::Unsupported,
        _ => MapError::OutOfMemory,
    })
}

/// A fault as a number that is not [`DONE`]; its address travels on its own.
pub fn from_fault(fault: &Fault) -> u64 {
    1 | (fault.present as u64) << 1 | from_access(fault.access) << 2
}

/// A number as the fault at an address.
pub fn to_fault(number: u64, addr: u64) -> Fault {
    Fault { addr, access: to_access(number >> 2), present: number & 2 != 0 }
}

/// An access as a number.
pub fn from_access(access: Access) -> u64 {
    match access {
        Access::Read => 0,
        Access::Write => 1,
        Access::Execute => 2,
    }
}

/// A number as an access.
pub fn to_access(number: u64) -> Access {
    match number & 3 {
        0 => Access::Read,
        1 => Access::Write,
        _ => Access::Execute,
    }
}
