//! What translated code and the interpreter hand to each other, in the memory of both.
//!
//! Status flags are given by four words: `fk` says how they follow from `fa`, `fb`, `fc`. Its
//! lowest byte is a [`kind`], the next by how many bits a value is shifted to stand at the top
//! of 64. The upper half says which flags are not as the kind says: `over` in bits 16 to 23,
//! and the shift for `fc` above.

use crate::registers::flags::{AF, CF, OF, PF, SF, STATUS, ZF};

/// Where things lie in the memory, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The [`State`].
    pub state: u32,
    /// The table of addresses at which regions can be entered.
    pub jumps: u32,
    /// The byte of each page.
    pub pages: u32,
    /// Guest address 0.
    pub guest: u32,
}

/// The registers between regions.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct State {
    pub gpr: [u64; 16],
    pub fs_base: u64,
    pub gs_base: u64,
    pub fa: u64,
    pub fb: u64,
    pub fc: u64,
    pub rip: u64,
    /// Instructions that may still be executed.
    pub left: i64,
    pub fk: u32,
    /// Why a region was left ([`why`]).
    pub why: u32,
    /// Whether floating point rounds to nearest, with all exceptions masked and an inexact
    /// result seen.
    pub fp: u32,
    /// Whether string instructions go downwards.
    pub df: u32,
    /// The region that was left.
    pub slot: u32,
    pub xmm: [u128; 16],
}

/// Whether a control and status register is as [`State::fp`] says.
pub(crate) fn is_ordinary(mxcsr: u32) -> bool {
    mxcsr & 0xffe0 == 0x1fa0
}

pub(super) const GPR: u32 = core::mem::offset_of!(State, gpr) as u32;
pub(super) const FS_BASE: u32 = core::mem::offset_of!(State, fs_base) as u32;
pub(super) const GS_BASE: u32 = core::mem::offset_of!(State, gs_base) as u32;
pub(super) const FA: u32 = core::mem::offset_of!(State, fa) as u32;
pub(super) const FB: u32 = core::mem::offset_of!(State, fb) as u32;
pub(super) const FC: u32 = core::mem::offset_of!(State, fc) as u32;
pub(super) const RIP: u32 = core::mem::offset_of!(State, rip) as u32;
pub(super) const LEFT: u32 = core::mem::offset_of!(State, left) as u32;
pub(super) const FK: u32 = core::mem::offset_of!(State, fk) as u32;
pub(super) const WHY: u32 = core::mem::offset_of!(State, why) as u32;
pub(super) const FP: u32 = core::mem::offset_of!(State, fp) as u32;
pub(super) const DF: u32 = core::mem::offset_of!(State, df) as u32;
pub(super) const SLOT: u32 = core::mem::offset_of!(State, slot) as u32;
pub(super) const XMM: u32 = core::mem::offset_of!(State, xmm) as u32;

/// Why a region was left.
pub(crate) mod why {
    /// Execution goes on at `rip`, wherever that is. So it does with numbers from [`END`] on:
    /// they are the address of a jump that computed where to.
    pub const JUMP: u32 = 0;
    /// From here on numbers are those of the region's [stops](super::Stop).
    pub const FIRST_STOP: u32 = 1;
    /// No program is mapped below, so no jump is there.
    pub const END: u32 = 0x1_0000;
}

/// A place where the interpreter goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    pub rip: u64,
    pub cause: Cause,
    /// The state's `fk`, unless that was stored.
    pub flags: Option<u32>,
}

/// Why the interpreter goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It must execute the next instruction.
    Step,
    /// The budget is used up.
    Budget,
}

/// An address at which a region can be entered. The table has [`JUMPS`]; an address is at its
/// [`jump_index`] or beside it ([`BESIDE`]).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Jump {
    pub rip: u32,
    /// The element of the table of functions; 0 if the entry is free. Then the address is one
    /// that is never looked for here.
    pub slot: u32,
    /// The function's argument.
    pub entry: u32,
    pub unused: u32,
}

/// Entries of the table of jumps.
pub(crate) const JUMPS: u32 = 1 << 14;

/// What an index is changed by for an address's second place.
pub(crate) const BESIDE: u32 = 1;

impl Jump {
    /// A free entry for a place.
    pub fn free(index: u32) -> Jump {
        // Its own index, for it is small, and neither this one nor the one beside.
        Jump { rip: index ^ JUMPS / 2, slot: 0, entry: 0, unused: 0 }
    }
}

/// Where an address is in the table of jumps.
pub(crate) fn jump_index(rip: u32) -> u32 {
    (rip ^ rip >> 14) % JUMPS
}

/// How flags follow from `fa` and `fb`.
pub(super) mod kind {
    /// They are `fb`.
    pub const EXACT: u32 = 0;
    /// `fa = x + fb`.
    pub const ADD: u32 = 1;
    /// `x - y` of `fa` and `fb`.
    pub const SUB: u32 = 2;
    /// The result is `fa`, carry and overflow are clear.
    pub const LOGIC: u32 = 3;
    /// `fa = x + 1`; carry is as `over` says.
    pub const INC: u32 = 4;
    /// `fa = x - 1`; carry is as `over` says.
    pub const DEC: u32 = 5;
    /// The result is `fa`; carry, overflow and adjust are bits of `fb`.
    pub const BITS: u32 = 6;
    /// `fa = fb << 1`.
    pub const SHL: u32 = 7;
    /// `fa = fb >> 1`.
    pub const SHR: u32 = 8;
    /// `fa = fb >> 1` with sign.
    pub const SAR: u32 = 9;
    /// The product of `fa` and `fb`, which have a sign.
    pub const IMUL: u32 = 10;
    /// The product of `fa` and `fb`.
    pub const MUL: u32 = 11;
}

/// Which flags `fc` has, whatever the kind says.
pub(super) mod over {
    /// It is the result of a rotation to the left: carry and overflow.
    pub const ROL: u32 = 1;
    /// It is the result of a rotation to the right: carry and overflow.
    pub const ROR: u32 = 2;
    /// Carry is its lowest bit.
    pub const CARRY: u32 = 3;
}

/// The word `fk` for an operand's width in bytes.
pub(super) fn word(kind: u32, width: u32) -> u32 {
    kind | (64 - 8 * width) << 8
}

/// The status flags.
pub(crate) fn status(fa: u64, fb: u64, fc: u64, fk: u32) -> u64 {
    let shift = fk >> 8 & 63;
    let (a, b) = (fa << shift, fb << shift);
    let bit = |set: bool, flag: u64| if set { flag } else { 0 };
    let sign = |value: u64| value >> 63 != 0;
    let result = |top: u64| {
        bit(top == 0, ZF)
            | bit(sign(top), SF)
            | bit(((top >> shift) as u8).count_ones() & 1 == 0, PF)
    };
    let adjust = |x: u64, y: u64, r: u64| bit((x ^ y ^ r) >> shift & 0x10 != 0, AF);
    let flags = match fk & 0xff {
        kind::EXACT => fb & STATUS,
        kind::ADD => {
            let x = a.wrapping_sub(b);
            result(a) | bit(a < b, CF) | bit(sign((x ^ a) & (b ^ a)), OF) | adjust(x, b, a)
        }
        kind::SUB => {
            let r = a.wrapping_sub(b);
            result(r) | bit(a < b, CF) | bit(sign((a ^ b) & (a ^ r)), OF) | adjust(a, b, r)
        }
        kind::INC => result(a) | bit(a == 1 << 63, OF) | bit(a >> shift & 15 == 0, AF),
        kind::DEC => {
            let before = a.wrapping_add(1 << shift);
            result(a) | bit(before == 1 << 63, OF) | bit(a >> shift & 15 == 15, AF)
        }
        kind::BITS => result(a) | fb & (CF | OF | AF),
        kind::SHL => result(a) | bit(sign(b), CF) | bit(sign(a ^ b), OF),
        kind::SHR => result(a) | bit(fb & 1 != 0, CF) | bit(sign(b), OF),
        kind::SAR => result(a) | bit(fb & 1 != 0, CF),
        kind::IMUL => {
            let wide = i128::from(fa as i64) * i128::from(fb as i64);
            let top = (wide as u64) << shift;
            let fits = i128::from(top as i64 >> shift) == wide;
            result(top) | bit(!fits, CF | OF)
        }
        kind::MUL => {
            let wide = u128::from(fa) * u128::from(fb);
            let top = (wide as u64) << shift;
            result(top) | bit(u128::from(top >> shift) != wide, CF | OF)
        }
        _ => result(a),
    };
    let c = fc << (fk >> 24 & 63);
    match fk >> 16 & 0xff {
        over::ROL => {
            let carry = fc & 1 != 0;
            flags & !(CF | OF) | bit(carry, CF) | bit(sign(c) != carry, OF)
        }
        over::ROR => flags & !(CF | OF) | bit(sign(c), CF) | bit(sign(c ^ c << 1), OF),
        over::CARRY => flags & !CF | fc & 1,
        _ => flags,
    }
}
