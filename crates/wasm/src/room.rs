//! Allocations that may fail.
//!
//! On a device memory runs out in ordinary operation, and then loading, instantiating or calling
//! ends with an error. What the standard library has for that (`Box::try_new`,
//! `Vec::push_within_capacity`) is not stable; here is the little of it that is needed, and
//! in [`List`]. Nothing in the crates that run on devices allocates in another way, so that the
//! code which ends a program for lack of memory is not even linked: `cargo xtask firmware` looks
//! for it.

#![allow(unsafe_code)]

use crate::List;
use alloc::{alloc::alloc, boxed::Box, string::String};
use core::alloc::Layout;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

/// The host has no memory left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of memory")
    }
}

impl core::error::Error for OutOfMemory {}

/// A value on the heap.
///
/// # Errors
/// There is no memory left.
pub fn boxed<T>(value: T) -> Result<Box<T>, OutOfMemory> {
    let layout = Layout::new::<T>();
    let place: *mut T = match layout.size() {
        0 => NonNull::dangling().as_ptr(),
        // SAFETY: the size is not zero.
        _ => unsafe { alloc(layout) }.cast(),
    };
    if place.is_null() {
        return Err(OutOfMemory);
    }
    // SAFETY: allocated as a `Box` allocates, and initialised before it becomes one.
    unsafe {
        place.write(value);
        Ok(Box::from_raw(place))
    }
}

/// What an iterator gives, whose length is known.
///
/// # Errors
/// There is no memory left.
pub fn collected<T>(
    values: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
) -> Result<Box<[T]>, OutOfMemory> {
    let values = values.into_iter();
    let mut list = List::with_room(values.len())?;
    for value in values {
        list.put(value)?;
    }
    list.into_boxed_slice()
}

/// A copy of a text.
///
/// # Errors
/// There is no memory left.
pub fn owned(text: &str) -> Result<String, OutOfMemory> {
    let mut copy = List::new();
    copy.put_all(text.as_bytes())?;
    // SAFETY: the bytes of a text.
    Ok(unsafe { String::from_utf8_unchecked(copy.into()) })
}

/// What `format!` gives.
///
/// # Errors
/// There is no memory left, or a `Display` failed.
pub fn text(arguments: fmt::Arguments<'_>) -> Result<String, OutOfMemory> {
    struct Text(List<u8>);

    impl fmt::Write for Text {
        fn write_str(&mut self, more: &str) -> fmt::Result {
            self.0.put_all(more.as_bytes()).map_err(|_| fmt::Error)
        }
    }

    let mut text = Text(List::new());
    fmt::write(&mut text, arguments).map_err(|_| OutOfMemory)?;
    // SAFETY: the bytes of texts, one behind the other.
    Ok(unsafe { String::from_utf8_unchecked(text.0.into()) })
}

/// A value on the heap, or the sign that there was no memory for it, in one word that is never
/// null. It is for errors: those must be small, and say even then what happened.
pub struct Kept<T>(NonNull<T>);

/// Its address is the sign.
static LOST: u64 = 0;

// SAFETY: it owns its value as a box does.
unsafe impl<T: Send> Send for Kept<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Kept<T> {}

impl<T> Kept<T> {
    /// Keeps a value, if there is memory for it.
    pub fn new(value: T) -> Kept<T> {
        match boxed(value) {
            Ok(value) => Kept(NonNull::from(Box::leak(value))),
            Err(OutOfMemory) => Kept::lost(),
        }
    }

    /// The sign.
    pub const fn lost() -> Kept<T> {
        Kept(NonNull::new((&raw const LOST).cast_mut().cast()).expect("no static is at null"))
    }

    fn is_lost(&self) -> bool {
        core::ptr::addr_eq(self.0.as_ptr(), &raw const LOST)
    }

    /// The value.
    pub fn get(&self) -> Option<&T> {
        if self.is_lost() {
            return None;
        }
        // SAFETY: then it was a box.
        Some(unsafe { self.0.as_ref() })
    }

    /// The value, to be changed.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        if self.is_lost() {
            return None;
        }
        // SAFETY: then it was a box.
        Some(unsafe { self.0.as_mut() })
    }

    /// The value, owned.
    pub fn into_inner(self) -> Option<T> {
        let this = ManuallyDrop::new(self);
        if this.is_lost() {
            return None;
        }
        // SAFETY: then it was a box, which becomes one again here alone.
        Some(unsafe { *Box::from_raw(this.0.as_ptr()) })
    }
}

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        if !self.is_lost() {
            // SAFETY: it was a box, and nothing else owns it.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_and_formats() {
        assert_eq!(collected([1u8, 2]).as_deref(), Ok(&[1, 2][..]));
        assert_eq!(owned("text").as_deref(), Ok("text"));
        assert_eq!(text(format_args!("{} {:?}", 1, "two")).as_deref(), Ok("1 \"two\""));
    }

    #[test]
    fn keeps_values_and_the_sign() {
        let mut kept = Kept::new(Box::new(3));
        **kept.get_mut().expect("there was memory") += 1;
        assert_eq!(kept.get().map(|it| **it), Some(4));
        assert_eq!(kept.into_inner(), Some(Box::new(4)));
        let lost = Kept::<Box<u8>>::lost();
        assert!(lost.get().is_none());
        assert_eq!(lost.into_inner(), None);
        assert_eq!(size_of::<Result<(), Kept<u64>>>(), size_of::<usize>());
    }
}
