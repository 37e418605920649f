//! Where a handler's operand is: the type parameters from which each handler's forms are
//! made.

use super::context::Int;
use super::op::R;

/// A place to read.
pub(super) trait Src {
    /// The value; `None` with the fault noted.
    unsafe fn read<T: Int>(r: &R) -> Option<T>;
}

/// A place to read and write.
pub(super) trait Dst: Src {
    const IS_REGISTER: bool;
    /// Replaces the value by what `f` makes of it, which is called only if nothing can fault
    /// any more.
    unsafe fn modify<T: Int>(r: &R, f: impl FnOnce(T) -> T) -> Option<()>;
    /// Writes.
    unsafe fn write<T: Int>(r: &R, value: T) -> Option<()>;
}

/// The register in the op's field `a`.
pub(super) struct Ra;
/// The register in the op's field `b`.
pub(super) struct Rb;
/// The memory operand.
pub(super) struct M;
/// The immediate.
pub(super) struct I;

macro_rules! register {
    ($t:ty, $field:ident) => {
        impl Src for $t {
            #[inline(always)]
            unsafe fn read<T: Int>(r: &R) -> Option<T> {
                Some(r.cx().get(r.op().$field))
            }
        }
        impl Dst for $t {
            const IS_REGISTER: bool = true;
            #[inline(always)]
            unsafe fn modify<T: Int>(r: &R, f: impl FnOnce(T) -> T) -> Option<()> {
                let new = f(r.cx().get(r.op().$field));
                r.cx().set(r.op().$field, new);
                Some(())
            }
            #[inline(always)]
            unsafe fn write<T: Int>(r: &R, value: T) -> Option<()> {
                r.cx().set(r.op().$field, value);
                Some(())
            }
        }
    };
}
register!(Ra, a);
register!(Rb, b);

impl Src for M {
    #[inline(always)]
    unsafe fn read<T: Int>(r: &R) -> Option<T> {
        // SAFETY: see R.
        unsafe { r.load(r.ea()) }
    }
}

impl Dst for M {
    const IS_REGISTER: bool = false;
    #[inline(always)]
    unsafe fn modify<T: Int>(r: &R, f: impl FnOnce(T) -> T) -> Option<()> {
        // SAFETY: writable() checks.
        unsafe {
            let at = r.writable(r.ea(), size_of::<T>()).cast::<T>();
            if at.is_null() {
                return None;
            }
            at.write_unaligned(f(at.read_unaligned()));
        }
        Some(())
    }
    #[inline(always)]
    unsafe fn write<T: Int>(r: &R, value: T) -> Option<()> {
        // SAFETY: see R.
        unsafe { r.store(r.ea(), value) }
    }
}

impl Src for I {
    #[inline(always)]
    unsafe fn read<T: Int>(r: &R) -> Option<T> {
        Some(T::of(r.op().imm))
    }
}
