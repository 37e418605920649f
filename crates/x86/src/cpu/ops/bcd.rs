//! Decimal arithmetic of i386.

use crate::Exit;
use crate::cpu::context::Context;
use crate::cpu::op::handler;
use crate::registers::flags::{AF, CF, PF, SF, ZF};

handler! {
    fn aaa(r) {
        let ax: u16 = r.cx().get(0);
        let adjust = ax & 0xf > 9 || r.cx().af();
        let ax = if adjust { ax.wrapping_add(0x106) } else { ax };
        r.cx().set(0, ax & 0xff0f);
        by_result(r.cx(), ax as u8 & 0xf, if adjust { AF | CF } else { 0 });
        r.next()
    }

    fn aas(r) {
        let ax: u16 = r.cx().get(0);
        let adjust = ax & 0xf > 9 || r.cx().af();
        let ax = if adjust { ax.wrapping_sub(0x106) } else { ax };
        r.cx().set(0, ax & 0xff0f);
        by_result(r.cx(), ax as u8 & 0xf, if adjust { AF | CF } else { 0 });
        r.next()
    }

    fn aam(r) {
        let base = r.op().imm as u8;
        if base == 0 {
            return r.raise(Exit::DivideError);
        }
        let al: u8 = r.cx().get(0);
        r.cx().set(0, u16::from(al / base) << 8 | u16::from(al % base));
        by_result(r.cx(), al % base, 0);
        r.next()
    }

    fn aad(r) {
        let ax: u16 = r.cx().get(0);
        let al = ((ax >> 8) as u8).wrapping_mul(r.op().imm as u8).wrapping_add(ax as u8);
        r.cx().set(0, u16::from(al));
        by_result(r.cx(), al, 0);
        r.next()
    }

    fn daa(r) {
        let (old, carry) = (r.cx().get::<u8>(0), r.cx().cf());
        let low = old & 0xf > 9 || r.cx().af();
        let high = old > 0x99 || carry;
        let al = old.wrapping_add(if low { 6 } else { 0 }).wrapping_add(if high { 0x60 } else { 0 });
        r.cx().set(0, al);
        by_result(r.cx(), al, if low { AF } else { 0 } | if high { CF } else { 0 });
        r.next()
    }

    fn das(r) {
        let (old, carry) = (r.cx().get::<u8>(0), r.cx().cf());
        let low = old & 0xf > 9 || r.cx().af();
        let high = old > 0x99 || carry;
        let al = old.wrapping_sub(if low { 6 } else { 0 }).wrapping_sub(if high { 0x60 } else { 0 });
        r.cx().set(0, al);
        let borrow = high || (low && old < 6);
        by_result(r.cx(), al, if low { AF } else { 0 } | if borrow { CF } else { 0 });
        r.next()
    }
}

/// Sign, zero and parity of a result, and other flags as given.
fn by_result(cx: &mut Context, al: u8, others: u64) {
    let bit = |set: bool, flag: u64| if set { flag } else { 0 };
    cx.set_status(
        others | bit(al >> 7 != 0, SF) | bit(al == 0, ZF) | bit(al.count_ones() & 1 == 0, PF),
    );
}
