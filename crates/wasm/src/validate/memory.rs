//! Memory accesses and the other instructions on memories.

use super::body::Validator;
use crate::{AddrType, Error, ImmKind, MemArg, MemoryType, Opcode, Result, ValType};

impl<'m> Validator<'m> {
    fn memory(&self, index: u32) -> Result<&'m MemoryType> {
        match self.module.memories.get(index as usize) {
            Some(memory) => Ok(memory),
            None => Err(self.unknown("memory", index)),
        }
    }

    /// Checks the immediates of an access, and yields the address' type.
    #[inline]
    pub(super) fn mem_arg(&self, op: Opcode, arg: &MemArg) -> Result<ValType> {
        let memory = self.memory(arg.memory)?;
        match op.immediates() {
            ImmKind::MemArg(natural) | ImmKind::MemArgLane(natural) if arg.align <= natural => {}
            ImmKind::AtomicMemArg(natural) if arg.align == natural => {}
            ImmKind::AtomicMemArg(natural) if arg.align < natural => {
                return Err(self.invalid("alignment of an atomic access must be natural"));
            }
            _ => return Err(self.invalid("alignment must not be larger than natural")),
        }
        if memory.addr == AddrType::I32 && arg.offset > u64::from(u32::MAX) {
            return Err(self.invalid("offset out of range"));
        }
        Ok(memory.addr.val())
    }

    pub(super) fn memory_size(&mut self, index: u32) -> Result<()> {
        let addr = self.memory(index)?.addr;
        self.push(addr.val());
        Ok(())
    }

    pub(super) fn memory_grow(&mut self, index: u32) -> Result<()> {
        let addr = self.memory(index)?.addr;
        self.pop(addr.val())?;
        self.push(addr.val());
        Ok(())
    }

    pub(super) fn memory_fill(&mut self, index: u32) -> Result<()> {
        let addr = self.memory(index)?.addr.val();
        self.pop_all(&[addr, ValType::I32, addr])
    }

    pub(super) fn memory_copy(&mut self, to: u32, from: u32) -> Result<()> {
        let (to, from) = (self.memory(to)?.addr, self.memory(from)?.addr);
        self.pop_all(&[to.val(), from.val(), narrower(to, from).val()])
    }

    pub(super) fn memory_init(&mut self, data: u32, memory: u32) -> Result<()> {
        let addr = self.memory(memory)?.addr;
        self.data_segment(data)?;
        self.pop_all(&[addr.val(), ValType::I32, ValType::I32])
    }

    /// Checks the index of a data segment. The segments come after the code, so that an
    /// earlier section must have told how many there are.
    pub(super) fn data_segment(&self, index: u32) -> Result<()> {
        match self.module.data_count {
            None => Err(Error::malformed("data count section required", self.at)),
            Some(count) if index >= count => Err(self.unknown("data segment", index)),
            Some(_) => Ok(()),
        }
    }
}

/// The type of a length that two address types have in common.
pub(super) fn narrower(a: AddrType, b: AddrType) -> AddrType {
    if a == AddrType::I64 { b } else { a }
}
