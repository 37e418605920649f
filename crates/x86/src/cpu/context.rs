//! What handlers work on: general registers, flags not yet computed, and the way to
//! everything else.

use super::cache::Cache;
use crate::{AddressSpace, Exit, Registers};

/// The state of a run.
#[repr(C)]
pub(super) struct Context {
    /// General registers and, behind them, what [`slot`] lists.
    pub r: [u64; slot::COUNT],
    /// The latest result, shifted to the top of 64 bits; see `flags.rs`.
    pub res: u64,
    /// What else the flags depend on.
    pub src: u64,
    /// How the status flags follow from both, and by how much they are shifted.
    pub kind: u32,
    /// Instructions that may still be executed.
    pub left: i64,
    /// What is not computed lazily, and with `kind::EXACT` everything.
    pub rflags: u64,
    /// All ones, or 32 of them in i386 mode.
    pub mask: u64,
    /// Where execution stopped.
    pub rip: u64,
    /// Why.
    pub exit: Exit,
    /// Execution goes on at `rip` at once: no exit of the run.
    pub resume: bool,
    /// What `rdtsc` reads.
    pub clock: fn() -> u64,
    pub registers: *mut Registers,
    pub space: *mut AddressSpace,
    pub cache: *mut Cache,
}

/// Numbers behind the general registers.
pub(super) mod slot {
    /// Always zero: absent base or index.
    pub const ZERO: usize = 16;
    /// The base of the segment in `fs`.
    pub const FS: usize = 17;
    /// The base of the segment in `gs`.
    pub const GS: usize = 18;
    /// An address too complex for one op.
    pub const TEMP: usize = 19;
    /// 4 GiB: the base of absolute addresses in the upper half of the first 4 GiB.
    pub const HIGH: usize = 20;
    pub const COUNT: usize = 21;
}

/// An integer of an operand's width.
pub(super) trait Int: Copy + PartialEq + 'static {
    const BITS: u32;
    /// How far a value is shifted to stand at the top of 64 bits.
    const SHIFT: u32 = 64 - Self::BITS;
    fn u64(self) -> u64;
    fn i64(self) -> i64;
    /// Truncates.
    fn of(value: u64) -> Self;
    /// The value at the top of 64 bits.
    #[inline(always)]
    fn top(self) -> u64 {
        self.u64() << Self::SHIFT
    }
}

macro_rules! int {
    ($($t:ty, $s:ty;)*) => {$(
        impl Int for $t {
            const BITS: u32 = <$t>::BITS;
            #[inline(always)]
            fn u64(self) -> u64 {
                self as u64
            }
            #[inline(always)]
            fn i64(self) -> i64 {
                self as $s as i64
            }
            #[inline(always)]
            fn of(value: u64) -> Self {
                value as $t
            }
        }
    )*};
}
int! { u8, i8; u16, i16; u32, i32; u64, i64; }

impl Context {
    /// The register at an offset.
    #[inline(always)]
    pub fn get<T: Int>(&self, offset: u8) -> T {
        debug_assert!(usize::from(offset) + size_of::<T>() <= slot::COUNT * 8);
        // SAFETY: lowering makes offsets inside `r`.
        unsafe {
            core::ptr::from_ref(self)
                .cast::<u8>()
                .add(usize::from(offset))
                .cast::<T>()
                .read_unaligned()
        }
    }

    /// Writes the register at an offset; 32 bits clear the upper half.
    #[inline(always)]
    pub fn set<T: Int>(&mut self, offset: u8, value: T) {
        debug_assert!(usize::from(offset) + size_of::<T>() <= 128);
        // SAFETY: lowering makes offsets inside `r`.
        unsafe {
            let at = core::ptr::from_mut(self).cast::<u8>().add(usize::from(offset));
            if T::BITS == 32 {
                at.cast::<u64>().write_unaligned(value.u64());
            } else {
                at.cast::<T>().write_unaligned(value);
            }
        }
    }
}
