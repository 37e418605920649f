//! Values as the engine holds them.

use crate::FuncId;
use sampan_wasm::ValType;

/// A reference in 64 bits: zero is null; a function is its number in the machine plus one;
/// an odd number of another type is an `i31`; all else are places in the collected heap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct RawRef(pub u64);

impl RawRef {
    /// The null reference.
    pub const NULL: RawRef = RawRef(0);

    /// A reference to a function.
    #[inline]
    pub fn func(id: FuncId) -> RawRef {
        RawRef(u64::from(id.0) + 1)
    }

    /// An `i31`, of whose value 31 bits count.
    #[inline(always)]
    pub fn i31(value: u32) -> RawRef {
        RawRef(u64::from(value << 1 | 1))
    }

    /// The value of an `i31`, sign-extended; `None` for anything else.
    #[inline(always)]
    pub fn as_i31(self) -> Option<i32> {
        (self.0 & 1 == 1).then_some(self.0 as i32 >> 1)
    }

    /// Whether it is null.
    #[inline]
    pub fn is_null(self) -> bool {
        self.0 == 0
    }

    /// The number of the function; `None` for null.
    #[inline]
    pub fn index(self) -> Option<u32> {
        (self.0 as u32).checked_sub(1)
    }
}

/// How many 64-bit slots a value takes: two for a vector, one for all else.
///
/// A number of 32 bits stands in the low half of its slot; the high half is unspecified.
/// A vector is in two slots, the low half first.
#[inline]
pub fn slots_of(ty: ValType) -> u32 {
    if ty == ValType::V128 { 2 } else { 1 }
}

/// How many slots the values of `types` take together.
pub fn slots_of_all(types: &[ValType]) -> u32 {
    types.iter().map(|&ty| slots_of(ty)).sum()
}
