//! Memory accesses, and the size of memories.

use super::body::Validator;
use crate::{AddrType, ImmKind, MemArg, MemoryType, Opcode, Result, ValType};

impl<'m> Validator<'m> {
    pub(super) fn memory(&self, index: u32) -> Result<&'m MemoryType> {
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
        self.push(addr.val())
    }

    pub(super) fn memory_grow(&mut self, index: u32) -> Result<()> {
        let addr = self.memory(index)?.addr;
        self.pop(addr.val())?;
        self.push(addr.val())
    }
}
