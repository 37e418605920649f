//! String instructions.
//!
//! The source's segment base is the register in field `b`; the immediate masks addresses
//! and the count; `x` says how the instruction repeats. Registers are advanced after each
//! step, so a fault, or the end of the budget, leaves them where the hardware would.

use crate::Exit;
use crate::cpu::cache::MAX_BLOCK;
use crate::cpu::context::Int;
use crate::cpu::op::{R, get, handler};
use crate::cpu::ops::alu::{Binary, Sub};
use crate::flags::DF;
use core::marker::PhantomData;

/// `x`: once.
pub(in crate::cpu) const ONCE: u8 = 0;
/// `x`: `rep`, `repe`.
pub(in crate::cpu) const REPE: u8 = 1;
/// `x`: `repne`.
pub(in crate::cpu) const REPNE: u8 = 2;

const RCX: usize = 1;
const RSI: usize = 6;
const RDI: usize = 7;

handler! {
    fn movs<T: Int>(r) {
        let s = Steps::<T>::new(r);
        while s.more() {
            let (from, to) = (s.source(), s.target());
            let n = s.run(&[from, to]);
            let bytes = n as usize * size_of::<T>();
            let src = r.readable(from, bytes);
            if src.is_null() {
                return r.fault();
            }
            let dst = r.writable(to, bytes);
            if dst.is_null() {
                return r.fault();
            }
            let apart = (dst as usize).wrapping_sub(src as usize);
            if apart >= bytes {
                core::ptr::copy(src, dst, bytes);
            } else {
                // The copy reads what it wrote itself: a pattern spreads.
                let (src, dst) = (src.cast::<T>(), dst.cast::<T>());
                for i in 0..n as usize {
                    dst.add(i).write_unaligned(src.add(i).read_unaligned());
                }
            }
            s.advance(n, RSI);
            s.advance(n, RDI);
            match s.done(n) {
                Step::More => {}
                Step::End => break,
                Step::Pause => return r.raise(Exit::Budget),
            }
        }
        r.next()
    }

    fn stos<T: Int>(r) {
        let s = Steps::<T>::new(r);
        let value: T = r.cx().get(0);
        while s.more() {
            let to = s.target();
            let n = s.run(&[to]);
            let dst = r.writable(to, n as usize * size_of::<T>()).cast::<T>();
            if dst.is_null() {
                return r.fault();
            }
            for i in 0..n as usize {
                dst.add(i).write_unaligned(value);
            }
            s.advance(n, RDI);
            match s.done(n) {
                Step::More => {}
                Step::End => break,
                Step::Pause => return r.raise(Exit::Budget),
            }
        }
        r.next()
    }

    fn lods<T: Int>(r) {
        let s = Steps::<T>::new(r);
        while s.more() {
            let value = get!(r, r.load::<T>(s.source()));
            r.cx().set(0, value);
            s.advance(1, RSI);
            match s.done(1) {
                Step::More => {}
                Step::End => break,
                Step::Pause => return r.raise(Exit::Budget),
            }
        }
        r.next()
    }

    fn scas<T: Int>(r) {
        let s = Steps::<T>::new(r);
        let x: T = r.cx().get(0);
        while s.more() {
            let y = get!(r, r.load::<T>(s.target()));
            Sub::apply(r.cx(), x, y);
            s.advance(1, RDI);
            match s.done_comparing() {
                Step::More => {}
                Step::End => break,
                Step::Pause => return r.raise(Exit::Budget),
            }
        }
        r.next()
    }

    fn cmps<T: Int>(r) {
        let s = Steps::<T>::new(r);
        while s.more() {
            let y = get!(r, r.load::<T>(s.target()));
            let x = get!(r, r.load::<T>(s.source()));
            Sub::apply(r.cx(), x, y);
            s.advance(1, RSI);
            s.advance(1, RDI);
            match s.done_comparing() {
                Step::More => {}
                Step::End => break,
                Step::Pause => return r.raise(Exit::Budget),
            }
        }
        r.next()
    }
}

/// A string instruction under way.
struct Steps<T> {
    r: R,
    mask: u64,
    width: PhantomData<T>,
}

impl<T: Int> Steps<T> {
    #[inline(always)]
    fn new(r: R) -> Self {
        Self { r, mask: r.op().imm, width: PhantomData }
    }

    #[inline(always)]
    fn repeats(&self) -> bool {
        self.r.op().x != ONCE
    }

    fn more(&self) -> bool {
        !self.repeats() || self.r.cx().r[RCX] & self.mask != 0
    }

    fn source(&self) -> u64 {
        let cx = self.r.cx();
        (cx.r[RSI] & self.mask).wrapping_add(cx.get(self.r.op().b)) & cx.mask
    }

    fn target(&self) -> u64 {
        self.r.cx().r[RDI] & self.mask
    }

    /// How many elements can be done at once: up to the ends of the pages, upwards.
    fn run(&self, addresses: &[u64]) -> u64 {
        let cx = self.r.cx();
        if !self.repeats() || cx.rflags & DF != 0 {
            return 1;
        }
        let size = size_of::<T>() as u64;
        let mut bytes = (cx.r[RCX] & self.mask).saturating_mul(size);
        for addr in addresses {
            bytes = bytes.min(4096 - (addr & 4095));
            // Nor past the point where a narrow address wraps.
            bytes = bytes.min((self.mask - (addr & self.mask)).saturating_add(1));
        }
        (bytes / size).max(1)
    }

    fn advance(&self, n: u64, register: usize) {
        let cx = self.r.cx();
        let bytes = n * size_of::<T>() as u64;
        let old = cx.r[register];
        let new =
            if cx.rflags & DF != 0 { old.wrapping_sub(bytes) } else { old.wrapping_add(bytes) };
        cx.r[register] = self.narrow(old, new);
    }

    fn narrow(&self, old: u64, new: u64) -> u64 {
        if self.mask == 0xffff { old & !0xffff | new & 0xffff } else { new & self.mask }
    }

    /// Counts `n` elements as done.
    fn done(&self, n: u64) -> Step {
        if !self.repeats() {
            return Step::End;
        }
        let cx = self.r.cx();
        let old = cx.r[RCX];
        cx.r[RCX] = self.narrow(old, old.wrapping_sub(n));
        if cx.r[RCX] & self.mask == 0 {
            return Step::End;
        }
        // A long copy takes as long as many instructions.
        cx.left -= (n / 64) as i64 + 1;
        if cx.left < MAX_BLOCK { Step::Pause } else { Step::More }
    }

    /// Counts an element that was compared as done.
    fn done_comparing(&self) -> Step {
        let wanted = self.r.op().x == REPE;
        match self.done(1) {
            Step::End => Step::End,
            _ if self.r.cx().zf() != wanted => Step::End,
            step => step,
        }
    }
}

/// What follows an element.
enum Step {
    More,
    End,
    /// The budget is used up in the middle.
    Pause,
}
