//! Bit scans and counts.

use crate::cpu::context::Int;
use crate::cpu::loc::Src;
use crate::cpu::op::{get, handler};
use crate::registers::flags::ZF;

handler! {
    /// Leaves the destination alone if the source is zero, as processors do.
    fn bsf<T: Int, S: Src>(r) {
        let x = get!(r, S::read::<T>(&r)).u64();
        if x == 0 {
            r.cx().set_status(ZF);
        } else {
            let res = T::of(u64::from(x.trailing_zeros()));
            r.cx().set_status(0);
            r.cx().set(r.op().a, res);
        }
        r.next()
    }

    fn bsr<T: Int, S: Src>(r) {
        let x = get!(r, S::read::<T>(&r)).u64();
        if x == 0 {
            r.cx().set_status(ZF);
        } else {
            let res = T::of(u64::from(63 - x.leading_zeros()));
            r.cx().set_status(0);
            r.cx().set(r.op().a, res);
        }
        r.next()
    }

    fn popcnt<T: Int, S: Src>(r) {
        let x = get!(r, S::read::<T>(&r)).u64();
        r.cx().set(r.op().a, T::of(u64::from(x.count_ones())));
        r.cx().set_status(if x == 0 { ZF } else { 0 });
        r.next()
    }

    /// CRC-32C, one byte of the source after the other.
    fn crc32<T: Int, S: Src>(r) {
        let data = get!(r, S::read::<T>(&r)).u64();
        let mut crc: u32 = r.cx().get(r.op().a);
        for i in 0..T::BITS / 8 {
            crc ^= (data >> (8 * i)) as u32 & 0xff;
            for _ in 0..8 {
                crc = crc >> 1 ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
            }
        }
        r.cx().set(r.op().a, crc);
        r.next()
    }

    /// `arpl`: raises a selector's privilege level to the source's.
    fn arpl<D: crate::cpu::loc::Dst>(r) {
        let low = r.cx().get::<u16>(r.op().b) & 3;
        // A fault is one of reading.
        get!(r, D::read::<u16>(&r));
        let mut raised = false;
        get!(r, D::modify::<u16>(&r, |x| {
            raised = x & 3 < low;
            if raised { x & !3 | low } else { x }
        }));
        let status = r.cx().status() & !ZF | if raised { ZF } else { 0 };
        r.cx().set_status(status);
        r.next()
    }

    fn clear_direction(r) {
        r.cx().rflags &= !crate::flags::DF;
        r.next()
    }

    fn set_direction(r) {
        r.cx().rflags |= crate::flags::DF;
        r.next()
    }

    /// `clc`, `stc`, `cmc`: the immediate is what the carry is compared with and becomes.
    fn carry(r) {
        let old = u64::from(r.cx().cf());
        let new = match r.op().imm { 2 => old ^ 1, fixed => fixed };
        super::shift::set_carry(r.cx(), new);
        r.next()
    }

    fn lahf(r) {
        let flags = r.cx().status() & 0xd5 | 2;
        r.cx().set(1, flags as u8);
        r.next()
    }

    fn sahf(r) {
        let new = u64::from(r.cx().get::<u8>(1)) & 0xd5;
        let status = r.cx().status() & !0xd5 | new;
        r.cx().set_status(status);
        r.next()
    }
}
