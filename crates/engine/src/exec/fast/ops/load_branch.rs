//! A load, the comparison of what it gives, and the branch on it, as one instruction.

use super::Loc;
use super::arith::{Compare, ops};
use super::memory::{Load, ops as loads};
use super::sums::Second;
use crate::TrapKind;
use crate::exec::fast::operand::{Dst, I, S, Value};
use crate::exec::fast::regs::{Handler, handler};
use sampan_wasm::Opcode;

handler! {
    /// Loads from slot `field 1` plus word 2's low half, stores the value in slot
    /// `field 0`, and branches if it compares to the operand in word 2's high half.
    fn load_branch<W: Load, O: Compare, X: Second>(mut r) {
        let at = u64::from(*r.slot(1) as u32) + u64::from(r.word(2) as u32);
        if at + W::SIZE > r.len as u64 {
            return r.trap(TrapKind::MemoryOutOfBounds);
        }
        let value = W::load(r.mem.add(at as usize)).to_slot();
        <S as Dst>::write(&mut r, value as u32);
        if O::eval(O::T::from_slot(value), X::high(&r)) { r.jump(r.imm()) } else { r.next(3) }
    }
}

/// The branch on a comparison of what `load` gives with another operand, and its opposite.
pub(in crate::exec::fast) fn branch(
    load: Opcode,
    op: Opcode,
    other: Loc,
) -> Option<(Handler, Handler)> {
    macro_rules! branch {
        ($o:ident, $x:ty) => {
            match load {
                Opcode::I32Load => load_branch::<loads::I32Load, ops::$o, $x>,
                Opcode::I32Load8U => load_branch::<loads::I32Load8U, ops::$o, $x>,
                _ => return None,
            }
        };
    }
    super::by_comparison!(op, other, branch)
}
