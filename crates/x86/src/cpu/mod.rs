//! The interpreter.

use crate::{AddressSpace, Exit, Registers};

/// What is decoded of an address space. One serves all threads of a process.
#[derive(Debug, Default)]
pub struct Cpu {}

impl Cpu {
    /// With nothing decoded.
    pub fn new() -> Self {
        Self::default()
    }

    /// Executes at most `budget` instructions of a thread.
    ///
    /// `space` must be the same each time; after a fork or an exec use a new `Cpu`.
    pub fn run(
        &mut self,
        registers: &mut Registers,
        space: &mut AddressSpace,
        budget: u64,
    ) -> Exit {
        let _ = (space, budget);
        Exit::Unsupported { rip: registers.rip, bytes: [0; 15] }
    }
}
