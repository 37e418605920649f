//! Sums of 32-bit integers that are one instruction with what follows: another sum, a
//! comparison and its branch, or the write of a global. Pointers and counters of loops, and
//! the stack pointer of compiled C, are such sums.

use super::Loc;
use super::arith::{Compare, ops};
use crate::exec::fast::operand::{A, Dst, I, S, Src, Value};
use crate::exec::fast::regs::{Handler, Regs, handler};
use sampan_wasm::Opcode;

/// An operand in word 2: a slot or 32 bits.
pub(in crate::exec::fast) trait Second {
    /// The one in the lower half.
    unsafe fn low(r: &Regs) -> u32;
    /// The one in the upper half.
    unsafe fn high<T: Value>(r: &Regs) -> T;
}

impl Second for S {
    #[inline(always)]
    unsafe fn low(r: &Regs) -> u32 {
        // SAFETY: the slot is in the frame.
        unsafe { *r.slot(4) as u32 }
    }
    #[inline(always)]
    unsafe fn high<T: Value>(r: &Regs) -> T {
        // SAFETY: the slot is in the frame.
        unsafe { T::from_slot(*r.slot(6)) }
    }
}

impl Second for I {
    #[inline(always)]
    unsafe fn low(r: &Regs) -> u32 {
        // SAFETY: the instruction has two operand words.
        unsafe { r.word(2) as u32 }
    }
    #[inline(always)]
    unsafe fn high<T: Value>(r: &Regs) -> T {
        // SAFETY: the instruction has two operand words.
        unsafe { T::from_imm((r.word(2) >> 32) as i32) }
    }
}

handler! {
    /// Two sums. The words are those of the two additions.
    fn sum2<L: Src, R: Src, M: Src, Q: Second>(mut r) {
        let first = L::read::<u32>(&r, 1).wrapping_add(R::read(&r, 2));
        <S as Dst>::write(&mut r, first);
        let second = M::read::<u32>(&r, 5).wrapping_add(Q::high(&r));
        u32::set(&mut r, second);
        *r.slot(4) = second.to_slot();
        r.next(3)
    }

    /// Adds word 2's low half to field 1, stores the sum in slot `field 0`, and branches if
    /// it compares to the operand in word 2's high half.
    fn sum_branch<O: Compare, L: Src, R: Second, X: Second>(mut r) {
        let sum = L::read::<u32>(&r, 1).wrapping_add(R::low(&r));
        <S as Dst>::write(&mut r, sum);
        let sum = O::T::from_slot(sum.to_slot());
        if O::eval(sum, X::high(&r)) { r.jump(r.imm()) } else { r.next(3) }
    }

    /// Adds word 2 to slot `field 1`; slot `field 0` and the global get the sum.
    fn set_global(mut r) {
        let sum = S::read::<u32>(&r, 1).wrapping_add(r.word(2) as u32);
        <S as Dst>::write(&mut r, sum);
        let global = *(*r.ctx).globals.add(r.imm() as u32 as usize);
        (*global).value[0] = sum.to_slot();
        r.next(3)
    }

    /// Adds word 2 to the global; slot `field 0` gets the sum too.
    fn move_global(mut r) {
        let global = *(*r.ctx).globals.add(r.imm() as u32 as usize);
        let sum = ((*global).value[0] as u32).wrapping_add(r.word(2) as u32);
        <S as Dst>::write(&mut r, sum);
        (*global).value[0] = sum.to_slot();
        r.next(3)
    }
}

/// Where the operands of a sum are, the left first, which is no constant.
pub(in crate::exec::fast) type Operands = (Loc, Loc);

/// Two sums as one instruction, if that is to be had for operands in these places.
pub(in crate::exec::fast) fn two(first: Operands, second: Operands) -> Option<Handler> {
    use Loc::{Acc, Imm, Slot};
    macro_rules! second {
        ($l:ty, $r:ty) => {
            match second {
                (Slot(_), Imm(_)) => sum2::<$l, $r, S, I>,
                (Slot(_), Slot(_)) => sum2::<$l, $r, S, S>,
                (Acc, Imm(_)) => sum2::<$l, $r, A, I>,
                (Acc, Slot(_)) => sum2::<$l, $r, A, S>,
                _ => return None,
            }
        };
    }
    Some(match first {
        (Slot(_), Imm(_)) => second!(S, I),
        (Slot(_), Slot(_)) => second!(S, S),
        (Acc, Imm(_)) => second!(A, I),
        (Acc, Slot(_)) => second!(A, S),
        _ => return None,
    })
}

/// The branch on a comparison of a sum with another operand, and its opposite.
pub(in crate::exec::fast) fn branch(
    sum: Operands,
    op: Opcode,
    other: Loc,
) -> Option<(Handler, Handler)> {
    use Loc::{Acc, Imm, Slot};
    macro_rules! branch {
        ($o:ident, $x:ty) => {
            match sum {
                (Slot(_), Imm(_)) => sum_branch::<ops::$o, S, I, $x>,
                (Slot(_), Slot(_)) => sum_branch::<ops::$o, S, S, $x>,
                (Acc, Slot(_)) => sum_branch::<ops::$o, A, S, $x>,
                _ => return None,
            }
        };
    }
    super::by_comparison!(op, other, branch)
}
