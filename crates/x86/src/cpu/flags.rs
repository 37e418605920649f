//! The status flags, computed when something reads them.
//!
//! An instruction leaves its result and one more value, both shifted to the top of 64 bits
//! so that sign and carry are the same for all widths, and a kind:

use super::context::{Context, Int};
use crate::registers::flags::{AF, CF, OF, PF, SF, STATUS, ZF};

/// How the flags follow from `res` and `src`.
pub(super) mod kind {
    /// They stand in `rflags`.
    pub const EXACT: u32 = 0;
    /// `res = x + src`.
    pub const ADD: u32 = 1;
    /// `res = x - src`.
    pub const SUB: u32 = 2;
    /// Carry and overflow are clear.
    pub const LOGIC: u32 = 3;
    /// `res = x + 1`; carry stands in `rflags`.
    pub const INC: u32 = 4;
    /// `res = x - 1`; carry stands in `rflags`.
    pub const DEC: u32 = 5;
    /// Carry, overflow and adjust are these bits of `src`.
    pub const BITS: u32 = 6;
}

impl Context {
    /// Notes how the flags follow from a result.
    #[inline(always)]
    pub fn lazy<T: Int>(&mut self, kind: u32, res: T, src: u64) {
        self.res = res.top();
        self.src = src;
        self.kind = kind | T::SHIFT << 8;
    }

    /// Sets all status flags.
    #[inline(always)]
    pub fn set_status(&mut self, status: u64) {
        self.rflags = self.rflags & !STATUS | status;
        self.kind = kind::EXACT;
    }

    /// The carry flag.
    #[inline(always)]
    pub fn cf(&self) -> bool {
        match self.kind & 0xff {
            kind::SUB => self.res.wrapping_add(self.src) < self.src,
            kind::LOGIC => false,
            kind::ADD => self.res < self.src,
            kind::BITS => self.src & CF != 0,
            _ => self.rflags & CF != 0,
        }
    }

    /// The zero flag.
    #[inline(always)]
    pub fn zf(&self) -> bool {
        if self.kind == kind::EXACT { self.rflags & ZF != 0 } else { self.res == 0 }
    }

    /// The sign flag.
    #[inline(always)]
    pub fn sf(&self) -> bool {
        if self.kind == kind::EXACT { self.rflags & SF != 0 } else { self.res >> 63 != 0 }
    }

    /// The overflow flag.
    #[inline(always)]
    pub fn of(&self) -> bool {
        let (res, src) = (self.res, self.src);
        match self.kind & 0xff {
            kind::SUB => {
                let x = res.wrapping_add(src);
                ((x ^ src) & (x ^ res)) >> 63 != 0
            }
            kind::LOGIC => false,
            kind::ADD => {
                let x = res.wrapping_sub(src);
                ((x ^ res) & (src ^ res)) >> 63 != 0
            }
            kind::INC => res == 1 << 63,
            kind::DEC => res.wrapping_add(1 << (self.kind >> 8)) == 1 << 63,
            kind::BITS => src & OF != 0,
            _ => self.rflags & OF != 0,
        }
    }

    /// The parity flag.
    pub fn pf(&self) -> bool {
        if self.kind == kind::EXACT {
            return self.rflags & PF != 0;
        }
        ((self.res >> (self.kind >> 8)) as u8).count_ones() & 1 == 0
    }

    /// The adjust flag.
    pub fn af(&self) -> bool {
        let shift = self.kind >> 8;
        let (res, src) = (self.res >> shift, self.src >> shift);
        match self.kind & 0xff {
            kind::ADD => (res ^ src ^ res.wrapping_sub(src)) & 0x10 != 0,
            kind::SUB => (res ^ src ^ res.wrapping_add(src)) & 0x10 != 0,
            kind::INC => res & 0xf == 0,
            kind::DEC => res & 0xf == 0xf,
            kind::BITS => self.src & AF != 0,
            kind::EXACT => self.rflags & AF != 0,
            _ => false,
        }
    }

    /// The status flags as bits.
    #[inline(never)]
    pub fn status(&self) -> u64 {
        if self.kind == kind::EXACT {
            return self.rflags & STATUS;
        }
        let bit = |set: bool, flag: u64| if set { flag } else { 0 };
        bit(self.cf(), CF)
            | bit(self.pf(), PF)
            | bit(self.af(), AF)
            | bit(self.zf(), ZF)
            | bit(self.sf(), SF)
            | bit(self.of(), OF)
    }

    /// All flags as bits.
    pub fn flags(&self) -> u64 {
        self.rflags & !STATUS | self.status()
    }
}

/// A condition of `jcc`, `setcc`, `cmovcc`.
pub(super) trait Cond {
    fn holds(cx: &Context) -> bool;
}

macro_rules! conditions {
    ($($name:ident $cx:ident $e:expr;)*) => {$(
        pub(super) struct $name;
        impl Cond for $name {
            #[inline(always)]
            fn holds($cx: &Context) -> bool {
                $e
            }
        }
    )*};
}
conditions! {
    O cx cx.of();
    No cx !cx.of();
    B cx cx.cf();
    Ae cx !cx.cf();
    E cx cx.zf();
    Ne cx !cx.zf();
    Be cx cx.cf() || cx.zf();
    A cx !(cx.cf() || cx.zf());
    S cx cx.sf();
    Ns cx !cx.sf();
    P cx cx.pf();
    Np cx !cx.pf();
    L cx cx.sf() != cx.of();
    Ge cx cx.sf() == cx.of();
    Le cx cx.zf() || cx.sf() != cx.of();
    G cx !cx.zf() && cx.sf() == cx.of();
}
