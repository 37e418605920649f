//! A process in an instance of the processor's module: the kernel's [`Machine`] over the
//! page's imports.

use crate::imports;
use sampan_linux::machine::{Access, Exit, Fault, Machine, MapError, Prot, Registers, SharedPages};
use sampan_web_abi::{self as abi, Turn, op};
use std::ops::Range;

/// One process's instance, by the page's number.
pub struct Remote(i32);

impl Remote {
    /// An instance with empty memory.
    pub fn create() -> Result<Box<dyn Machine>, MapError> {
        Self::from_number(imports::create())
    }

    fn from_number(number: i32) -> Result<Box<dyn Machine>, MapError> {
        if number < 0 { Err(MapError::OutOfMemory) } else { Ok(Box::new(Remote(number))) }
    }

    fn call(&self, what: u32, a: u64, b: u64, c: u64) -> u64 {
        imports::call(self.0, what, a, b, c)
    }

    fn map(&mut self, what: u32, a: u64, b: u64, c: u64) -> Result<(), MapError> {
        abi::to_map(self.call(what, a, b, c))
    }

    fn allowed(&self, what: u32, a: u64, b: u64, c: u64) -> Result<(), Fault> {
        match self.call(what, a, b, c) {
            abi::DONE => Ok(()),
            fault => Err(abi::to_fault(fault, self.call(op::FAULT_ADDR, 0, 0, 0))),
        }
    }

    fn copy_out(&self, what: u32, addr: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        self.allowed(what, addr, bytes.len() as u64, 0)?;
        // SAFETY: the import writes to these bytes only.
        unsafe { imports::copy_out(self.0, addr, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn copy_in(&mut self, what: u32, addr: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.allowed(what, addr, bytes.len() as u64, 0)?;
        // SAFETY: the import reads these bytes only.
        unsafe { imports::copy_in(self.0, addr, bytes.as_ptr(), bytes.len()) };
        Ok(())
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        imports::release(self.0);
    }
}

fn prot_bits(prot: Prot) -> u64 {
    [(1, Prot::READ), (2, Prot::WRITE), (4, Prot::EXEC)]
        .into_iter()
        .map(|(bit, each)| if prot.contains(each) { bit } else { 0 })
        .sum()
}

impl Machine for Remote {
    fn run(&mut self, registers: &mut Registers, budget: u64) -> Exit {
        let mut turn = Turn::new(registers, budget);
        // SAFETY: the import replaces the turn's bytes, which may be any.
        if unsafe { imports::run(self.0, &raw mut turn) } == 0 {
            return Exit::InvalidOpcode;
        }
        let (mode, tls) = (registers.mode, registers.tls);
        *registers = turn.registers();
        // No instruction of a program changes these; a forged block shall not either.
        (registers.mode, registers.tls) = (mode, tls);
        turn.exit()
    }

    fn fork(&self) -> Result<Box<dyn Machine>, MapError> {
        Self::from_number(imports::fork(self.0))
    }

    fn map_zero(&mut self, range: Range<u64>, prot: Prot) -> Result<(), MapError> {
        self.map(op::MAP_ZERO, range.start, range.end, prot_bits(prot))
    }

    fn map_shared(
        &mut self,
        _: Range<u64>,
        _: Prot,
        _: &SharedPages,
        _: u64,
    ) -> Result<(), MapError> {
        Err(MapError::Unsupported)
    }

    fn unmap(&mut self, range: Range<u64>) -> Result<(), MapError> {
        self.map(op::UNMAP, range.start, range.end, 0)
    }

    fn protect(&mut self, range: Range<u64>, prot: Prot) -> Result<(), MapError> {
        self.map(op::PROTECT, range.start, range.end, prot_bits(prot))
    }

    fn move_pages(&mut self, from: Range<u64>, to: Range<u64>) -> Result<(), MapError> {
        if from.end - from.start != to.end - to.start {
            return Err(MapError::OutOfRange);
        }
        self.map(op::MOVE_PAGES, from.start, to.start, from.end - from.start)
    }

    fn discard(&mut self, range: Range<u64>) -> Result<(), MapError> {
        self.map(op::DISCARD, range.start, range.end, 0)
    }

    fn read(&self, addr: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        self.copy_out(op::READ, addr, bytes)
    }

    fn write(&mut self, addr: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.copy_in(op::WRITE, addr, bytes)
    }

    fn peek(&self, addr: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        self.copy_out(op::PEEK, addr, bytes)
    }

    fn poke(&mut self, addr: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.copy_in(op::POKE, addr, bytes)
    }

    fn accessible(&self, addr: u64, len: u64, access: Access) -> u64 {
        self.call(op::ACCESSIBLE, addr, len, abi::from_access(access)).min(len)
    }

    fn compare_exchange_u32(&mut self, addr: u64, old: u32, new: u32) -> Result<u32, Fault> {
        self.allowed(op::COMPARE_EXCHANGE, addr, u64::from(old), u64::from(new))?;
        Ok(self.call(op::VALUE, 0, 0, 0) as u32)
    }

    fn touched_pages(&self) -> usize {
        self.call(op::TOUCHED_PAGES, 0, 0, 0) as usize
    }

    fn is_touched(&self, addr: u64) -> bool {
        self.call(op::IS_TOUCHED, addr, 0, 0) != 0
    }
}
