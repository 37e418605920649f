//! How the opcodes of atomic accesses are made up.

use crate::Opcode;

/// What an atomic access does to a number in memory, in the order of the opcodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are the proposal's.
pub enum AtomicOperation {
    Load,
    Store,
    Add,
    Sub,
    And,
    Or,
    Xor,
    Exchange,
    CompareExchange,
}

/// Bytes in memory: `i32`, `i64`, `i32` as 8 and 16, `i64` as 8, 16 and 32.
const KINDS: [u8; 7] = [4, 8, 1, 2, 1, 2, 4];

impl Opcode {
    /// The operation of an atomic access, and how many bytes in memory it is done to. Waiting,
    /// waking and the fence are none.
    pub fn atomic(self) -> Option<(AtomicOperation, u8)> {
        use AtomicOperation::*;
        // Nine operations, each on seven kinds of numbers in the same order.
        const OPERATIONS: [AtomicOperation; 9] =
            [Load, Store, Add, Sub, And, Or, Xor, Exchange, CompareExchange];
        let number = usize::from(self.code().checked_sub(Opcode::I32AtomicLoad.code())?);
        Some((*OPERATIONS.get(number / KINDS.len())?, KINDS[number % KINDS.len()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opcodes_say_what_their_names_say() {
        let access = |op: Opcode| op.atomic();
        assert_eq!(access(Opcode::AtomicFence), None);
        assert_eq!(access(Opcode::V128Load), None);
        assert_eq!(access(Opcode::I32AtomicLoad), Some((AtomicOperation::Load, 4)));
        assert_eq!(access(Opcode::I64AtomicStore32), Some((AtomicOperation::Store, 4)));
        assert_eq!(access(Opcode::I64AtomicRmw16XorU), Some((AtomicOperation::Xor, 2)));
        assert_eq!(
            access(Opcode::I64AtomicRmw32CmpxchgU),
            Some((AtomicOperation::CompareExchange, 4))
        );
    }
}
