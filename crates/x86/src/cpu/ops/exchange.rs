//! Exchanges and compare-and-exchange. One thread of a process runs at a time, so `lock`
//! needs nothing more than that an instruction is not left half-way.

use crate::Exit;
use crate::cpu::context::Int;
use crate::cpu::loc::{Dst, Rb, Src};
use crate::cpu::op::{get, handler};
use crate::cpu::ops::alu::{Add, Binary, Sub};
use crate::registers::flags::ZF;

handler! {
    fn xchg<T: Int, D: Dst>(r) {
        let y: T = r.cx().get(r.op().b);
        let mut old = y;
        get!(r, D::modify::<T>(&r, |x| { old = x; y }));
        r.cx().set(r.op().b, old);
        r.next()
    }

    fn xadd<T: Int, D: Dst>(r) {
        let y: T = r.cx().get(r.op().b);
        if D::IS_REGISTER {
            let x = get!(r, D::read::<T>(&r));
            let sum = Add::apply(r.cx(), x, y);
            r.cx().set(r.op().b, x);
            get!(r, D::write::<T>(&r, sum));
            return r.next();
        }
        let mut old = y;
        get!(r, D::modify::<T>(&r, |x| { old = x; Add::apply(r.cx(), x, y) }));
        r.cx().set(r.op().b, old);
        r.next()
    }

    fn cmpxchg<T: Int, D: Dst>(r) {
        let new = get!(r, Rb::read::<T>(&r));
        let expected: T = r.cx().get(0);
        let mut found = expected;
        // The destination is written in any case, with what it was if they differ.
        if D::IS_REGISTER {
            found = get!(r, D::read::<T>(&r));
            Sub::apply(r.cx(), expected, found);
            if found == expected {
                get!(r, D::write::<T>(&r, new));
            } else {
                r.cx().set(0, found);
            }
            return r.next();
        }
        get!(r, D::modify::<T>(&r, |x| { found = x; if x == expected { new } else { x } }));
        Sub::apply(r.cx(), expected, found);
        if found != expected {
            r.cx().set(0, found);
        }
        r.next()
    }

    fn cmpxchg8b(r) {
        let at = r.writable(r.ea(), 8).cast::<u64>();
        if at.is_null() {
            return r.fault();
        }
        let pair = |low: u64, high: u64| low & 0xffff_ffff | high << 32;
        let cx = r.cx();
        let found = at.read_unaligned();
        let equal = found == pair(cx.r[0], cx.r[2]);
        if equal {
            at.write_unaligned(pair(cx.r[3], cx.r[1]));
        } else {
            (cx.r[0], cx.r[2]) = (found & 0xffff_ffff, found >> 32);
        }
        let status = cx.status() & !ZF | if equal { ZF } else { 0 };
        cx.set_status(status);
        r.next()
    }

    fn cmpxchg16b(r) {
        let addr = r.ea();
        if addr & 15 != 0 {
            return r.raise(Exit::GeneralProtection);
        }
        let at = r.writable(addr, 16).cast::<u128>();
        if at.is_null() {
            return r.fault();
        }
        let pair = |low: u64, high: u64| u128::from(low) | u128::from(high) << 64;
        let cx = r.cx();
        let found = at.read_unaligned();
        let equal = found == pair(cx.r[0], cx.r[2]);
        if equal {
            at.write_unaligned(pair(cx.r[3], cx.r[1]));
        } else {
            (cx.r[0], cx.r[2]) = (found as u64, (found >> 64) as u64);
        }
        let status = cx.status() & !ZF | if equal { ZF } else { 0 };
        cx.set_status(status);
        r.next()
    }
}
