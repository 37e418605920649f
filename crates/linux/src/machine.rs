//! The one way from the kernel to a process: [`Machine`], its memory and the
//! processor that runs its threads. [`Interpreter`] is the implementation over
//! `sampan-x86`; another may keep the process elsewhere.
//!
//! Addresses are the program's. Ranges are on page boundaries.

use alloc::boxed::Box;
use core::ops::Range;

pub use sampan_x86::translate::{Counts, Leave, MakeHost, Options, Reason};
pub use sampan_x86::{
    Access, AddressSpace, Cpu, Descriptor, Exit, Fault, Fpu, MapError, Mode, PAGE_SIZE, Prot,
    Registers, SharedPages, SyscallKind, flags, gpr,
};

/// A process's memory, and what executes in it. Errors as
/// [`AddressSpace`]'s methods of the same names say.
#[allow(missing_docs)]
pub trait Machine {
    /// Executes about `budget` instructions of a thread.
    fn run(&mut self, registers: &mut Registers, budget: u64) -> Exit;
    /// A copy of the memory.
    fn fork(&self) -> Result<Box<dyn Machine>, MapError>;
    fn map_zero(&mut self, range: Range<u64>, prot: Prot) -> Result<(), MapError>;
    fn map_shared(
        &mut self,
        range: Range<u64>,
        prot: Prot,
        pages: &SharedPages,
        first: u64,
    ) -> Result<(), MapError>;
    fn unmap(&mut self, range: Range<u64>) -> Result<(), MapError>;
    fn protect(&mut self, range: Range<u64>, prot: Prot) -> Result<(), MapError>;
    /// The same for what is mapped of a range; holes stay.
    fn protect_mapped(&mut self, range: Range<u64>, prot: Prot) -> Result<(), MapError> {
        for at in range.step_by(PAGE_SIZE as usize) {
            match self.protect(at..at + PAGE_SIZE, prot) {
                Ok(()) | Err(MapError::NotMapped) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
    fn move_pages(&mut self, from: Range<u64>, to: Range<u64>) -> Result<(), MapError>;
    fn discard(&mut self, range: Range<u64>) -> Result<(), MapError>;
    fn read(&self, addr: u64, bytes: &mut [u8]) -> Result<(), Fault>;
    fn write(&mut self, addr: u64, bytes: &[u8]) -> Result<(), Fault>;
    fn peek(&self, addr: u64, bytes: &mut [u8]) -> Result<(), Fault>;
    fn poke(&mut self, addr: u64, bytes: &[u8]) -> Result<(), Fault>;
    fn accessible(&self, addr: u64, len: u64, access: Access) -> u64;
    fn compare_exchange_u32(&mut self, addr: u64, old: u32, new: u32) -> Result<u32, Fault>;
    /// Pages that take memory.
    fn touched_pages(&self) -> usize;
    fn is_touched(&self, addr: u64) -> bool;
}

/// The processor of `sampan-x86` over an address space of its own: an interpreter, which may
/// have hot code translated.
pub struct Interpreter {
    cpu: Cpu,
    space: AddressSpace,
    translation: Option<(MakeHost, Options)>,
}

impl Interpreter {
    /// Empty memory of less than 4 GiB.
    pub fn create() -> Result<Box<dyn Machine>, MapError> {
        Ok(Box::new(Self::over(AddressSpace::new(crate::mm::layout::TOP)?, None)))
    }

    /// The same, with hot code translated where the host can.
    ///
    /// # Errors
    /// [`MapError::OutOfMemory`] if the host refuses the reservation.
    pub fn translating(make: MakeHost, options: Options) -> Result<Box<dyn Machine>, MapError> {
        let space = AddressSpace::new(crate::mm::layout::TOP)?;
        Ok(Box::new(Self::over(space, Some((make, options)))))
    }

    fn over(space: AddressSpace, translation: Option<(MakeHost, Options)>) -> Self {
        let mut cpu = Cpu::new();
        if let Some((make, options)) = translation {
            // Where the memory is not laid out for it everything is interpreted.
            cpu.translate(make, &space, options);
        }
        Self { cpu, space, translation }
    }
}

impl Machine for Interpreter {
    fn run(&mut self, registers: &mut Registers, budget: u64) -> Exit {
        self.cpu.run(registers, &mut self.space, budget)
    }

    fn fork(&self) -> Result<Box<dyn Machine>, MapError> {
        Ok(Box::new(Self::over(self.space.fork()?, self.translation)))
    }

    fn map_zero(&mut self, range: Range<u64>, prot: Prot) -> Result<(), MapError> {
        self.space.map_zero(range, prot)
    }

    fn map_shared(
        &mut self,
        range: Range<u64>,
        prot: Prot,
        pages: &SharedPages,
        first: u64,
    ) -> Result<(), MapError> {
        self.space.map_shared(range, prot, pages, first)
    }

    fn unmap(&mut self, range: Range<u64>) -> Result<(), MapError> {
        self.space.unmap(range)
    }

    fn protect(&mut self, range: Range<u64>, prot: Prot) -> Result<(), MapError> {
        self.space.protect(range, prot)
    }

    fn protect_mapped(&mut self, range: Range<u64>, prot: Prot) -> Result<(), MapError> {
        self.space.protect_mapped(range, prot)
    }

    fn move_pages(&mut self, from: Range<u64>, to: Range<u64>) -> Result<(), MapError> {
        self.space.move_pages(from, to)
    }

    fn discard(&mut self, range: Range<u64>) -> Result<(), MapError> {
        self.space.discard(range)
    }

    fn read(&self, addr: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        self.space.read(addr, bytes)
    }

    fn write(&mut self, addr: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.space.write(addr, bytes)
    }

    fn peek(&self, addr: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        self.space.peek(addr, bytes)
    }

    fn poke(&mut self, addr: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.space.poke(addr, bytes)
    }

    fn accessible(&self, addr: u64, len: u64, access: Access) -> u64 {
        self.space.accessible(addr, len, access)
    }

    fn compare_exchange_u32(&mut self, addr: u64, old: u32, new: u32) -> Result<u32, Fault> {
        self.space.compare_exchange_u32(addr, old, new)
    }

    fn touched_pages(&self) -> usize {
        self.space.touched_pages()
    }

    fn is_touched(&self, addr: u64) -> bool {
        self.space.is_touched(addr)
    }
}
