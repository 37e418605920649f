//! Moves, extensions, address computation.

use crate::cpu::context::{Int, slot};
use crate::cpu::flags::Cond;
use crate::cpu::loc::{Dst, M, Src};
use crate::cpu::op::{get, handler};

handler! {
    fn nop(r) {
        r.next()
    }

    fn mov<T: Int, D: Dst, S: Src>(r) {
        let value = get!(r, S::read::<T>(&r));
        get!(r, D::write::<T>(&r, value));
        r.next()
    }

    fn movzx<T: Int, F: Int, S: Src>(r) {
        let value = get!(r, S::read::<F>(&r));
        r.cx().set(r.op().a, T::of(value.u64()));
        r.next()
    }

    fn movsx<T: Int, F: Int, S: Src>(r) {
        let value = get!(r, S::read::<F>(&r));
        r.cx().set(r.op().a, T::of(value.i64() as u64));
        r.next()
    }

    fn cmov<C: Cond, T: Int, S: Src>(r) {
        // The operand is read, and may fault, in any case.
        let value = get!(r, S::read::<T>(&r));
        let old: T = r.cx().get(r.op().a);
        let value = if C::holds(r.cx()) { value } else { old };
        r.cx().set(r.op().a, value);
        r.next()
    }

    fn setcc<C: Cond, D: Dst>(r) {
        let value = u8::from(C::holds(r.cx()));
        get!(r, D::write::<u8>(&r, value));
        r.next()
    }

    /// The address is computed with the mode's width; the immediate masks it to a narrower one.
    fn lea<T: Int>(r) {
        let value = r.ea() & r.op().imm;
        r.cx().set(r.op().a, T::of(value));
        r.next()
    }

    /// An address with a segment base, or narrower than the mode's, for the next op's operand.
    fn address(r) {
        let base: u64 = r.cx().get(r.op().b);
        r.cx().r[slot::TEMP] = (r.ea() & r.op().imm).wrapping_add(base);
        r.next()
    }

    /// An absolute 64-bit address for the next op's operand.
    fn absolute(r) {
        let base: u64 = r.cx().get(r.op().b);
        r.cx().r[slot::TEMP] = r.op().imm.wrapping_add(base);
        r.next()
    }

    /// Reads a byte for its fault only.
    fn touch(r) {
        get!(r, r.load::<u8>(r.ea()));
        r.next()
    }

    /// Writes memory with what it holds.
    fn rewrite<T: Int>(r) {
        get!(r, M::modify::<T>(&r, |x| x));
        r.next()
    }

    /// `cbw`, `cwde`, `cdqe`: extends the lower half of the accumulator.
    fn extend<T: Int, F: Int>(r) {
        let value: F = r.cx().get(0);
        r.cx().set(0, T::of(value.i64() as u64));
        r.next()
    }

    /// `cwd`, `cdq`, `cqo`: the accumulator's sign in `rdx`.
    fn sign<T: Int>(r) {
        let value: T = r.cx().get(0);
        r.cx().set(16, T::of((value.i64() >> 63) as u64));
        r.next()
    }

    fn bswap32(r) {
        let value: u32 = r.cx().get(r.op().a);
        r.cx().set(r.op().a, value.swap_bytes());
        r.next()
    }

    fn bswap64(r) {
        let value: u64 = r.cx().get(r.op().a);
        r.cx().set(r.op().a, value.swap_bytes());
        r.next()
    }

    /// Undefined; processors clear the register.
    fn bswap16(r) {
        r.cx().set(r.op().a, 0_u16);
        r.next()
    }

    /// `xlat`: the address without the index is the operand's.
    fn xlat(r) {
        let index: u8 = r.cx().get(0);
        let base = r.ea();
        let mask = r.op().imm;
        let seg: u64 = r.cx().get(r.op().b);
        let addr = ((base.wrapping_add(index.u64()) & mask).wrapping_add(seg)) & r.cx().mask;
        let value = get!(r, r.load::<u8>(addr));
        r.cx().set(0, value);
        r.next()
    }
}
