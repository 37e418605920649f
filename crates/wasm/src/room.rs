//! Allocations that may fail.
//!
//! On a device memory runs out in ordinary operation, and then loading, instantiating or calling
//! ends with an error. What the standard library has for that (`Box::try_new`,
//! `Vec::push_within_capacity`) is not stable; here is the little of it that is needed. Nothing
//! in the crates that run on devices allocates in another way, so that the code which ends a
//! program for lack of memory is not even linked: `cargo xtask sizes` looks for it.

#![allow(unsafe_code)]

use alloc::{alloc::alloc, boxed::Box, string::String, vec::Vec};
use core::alloc::Layout;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr::{NonNull, slice_from_raw_parts_mut};

/// The host has no memory left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of memory")
    }
}

impl core::error::Error for OutOfMemory {}

/// Appending where memory may run out; then nothing has changed.
pub trait Room<T> {
    /// Appends a value.
    ///
    /// # Errors
    /// There is no memory left.
    fn put(&mut self, value: T) -> Result<(), OutOfMemory>;

    /// Appends as many copies of a value.
    ///
    /// # Errors
    /// There is no memory left.
    fn put_times(&mut self, value: T, count: usize) -> Result<(), OutOfMemory>
    where
        T: Copy;

    /// Inserts a value before the one at `place`, or at the end.
    ///
    /// # Errors
    /// There is no memory left.
    fn put_at(&mut self, place: usize, value: T) -> Result<(), OutOfMemory>;
}

impl<T> Room<T> for Vec<T> {
    #[inline]
    fn put(&mut self, value: T) -> Result<(), OutOfMemory> {
        let len = self.len();
        if len == self.capacity() && self.try_reserve(1).is_err() {
            return Err(OutOfMemory);
        }
        // SAFETY: there is room behind the last value.
        unsafe {
            self.as_mut_ptr().add(len).write(value);
            self.set_len(len + 1);
        }
        Ok(())
    }

    fn put_times(&mut self, value: T, count: usize) -> Result<(), OutOfMemory>
    where
        T: Copy,
    {
        self.try_reserve(count).map_err(|_| OutOfMemory)?;
        let len = self.len();
        // SAFETY: there is room for `count` values behind the last.
        unsafe {
            for place in len..len + count {
                self.as_mut_ptr().add(place).write(value);
            }
            self.set_len(len + count);
        }
        Ok(())
    }

    fn put_at(&mut self, place: usize, value: T) -> Result<(), OutOfMemory> {
        self.put(value)?;
        if let Some(rest) = self.get_mut(place..) {
            rest.rotate_right(1);
        }
        Ok(())
    }
}

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

/// The values of `vec` in just as much memory as they need. Those that were allocated in one
/// piece, by [`with_room`], stay where they are.
///
/// # Errors
/// There is no memory left.
pub fn boxed_slice<T>(vec: Vec<T>) -> Result<Box<[T]>, OutOfMemory> {
    const { assert!(size_of::<T>() > 0) };
    let mut vec = vec;
    if vec.len() != vec.capacity() {
        let mut exact = with_room(vec.len())?;
        // SAFETY: there is room for as many values, which leave the old place.
        unsafe {
            vec.as_ptr().copy_to_nonoverlapping(exact.as_mut_ptr(), vec.len());
            exact.set_len(vec.len());
            vec.set_len(0);
        }
        vec = exact;
    }
    let mut vec = ManuallyDrop::new(vec);
    // SAFETY: a vector whose capacity is its length was allocated as such a box is.
    unsafe { Ok(Box::from_raw(slice_from_raw_parts_mut(vec.as_mut_ptr(), vec.len()))) }
}

/// An empty vector with room for just as many values.
///
/// # Errors
/// There is no memory left.
pub fn with_room<T>(count: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut vec = Vec::new();
    vec.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
    Ok(vec)
}

/// What an iterator gives, whose length is known.
///
/// # Errors
/// There is no memory left.
pub fn collected<T>(
    values: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
) -> Result<Box<[T]>, OutOfMemory> {
    let values = values.into_iter();
    let mut vec = with_room(values.len())?;
    for value in values {
        vec.put(value)?;
    }
    boxed_slice(vec)
}

/// A copy of a text.
///
/// # Errors
/// There is no memory left.
pub fn owned(text: &str) -> Result<String, OutOfMemory> {
    let mut copy = String::new();
    append(&mut copy, text)?;
    Ok(copy)
}

fn append(text: &mut String, more: &str) -> Result<(), OutOfMemory> {
    text.try_reserve_exact(more.len()).map_err(|_| OutOfMemory)?;
    // SAFETY: there is room for the bytes, and both are texts.
    unsafe {
        let bytes = text.as_mut_vec();
        let end = bytes.as_mut_ptr().add(bytes.len());
        more.as_ptr().copy_to_nonoverlapping(end, more.len());
        bytes.set_len(bytes.len() + more.len());
    }
    Ok(())
}

/// What `format!` gives.
///
/// # Errors
/// There is no memory left, or a `Display` failed.
pub fn text(arguments: fmt::Arguments<'_>) -> Result<String, OutOfMemory> {
    struct Text(String);

    impl fmt::Write for Text {
        fn write_str(&mut self, more: &str) -> fmt::Result {
            append(&mut self.0, more).map_err(|_| fmt::Error)
        }
    }

    let mut text = Text(String::new());
    fmt::write(&mut text, arguments).map_err(|_| OutOfMemory)?;
    Ok(text.0)
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
    fn appends_and_inserts() {
        let mut vec = Vec::new();
        for value in 0..100u8 {
            vec.put(value).expect("there is memory");
        }
        vec.put_at(0, 200).expect("there is memory");
        vec.put_at(101, 201).expect("there is memory");
        vec.put_times(7, 3).expect("there is memory");
        assert_eq!((vec[0], vec[1], vec[100], vec[101]), (200, 0, 99, 201));
        assert_eq!(vec[102..], [7, 7, 7]);
        let boxed = boxed_slice(vec).expect("there is memory");
        assert_eq!((boxed.len(), boxed[104]), (105, 7));
        assert_eq!(collected([1u8, 2]).as_deref(), Ok(&[1, 2][..]));
        assert_eq!(owned("text").as_deref(), Ok("text"));
        assert_eq!(text(format_args!("{} {:?}", 1, "two")).as_deref(), Ok("1 \"two\""));
    }

    #[test]
    fn what_is_too_large_is_refused() {
        assert_eq!(with_room::<u64>(usize::MAX / 4).err(), Some(OutOfMemory));
        let mut vec = alloc::vec![1u64];
        assert_eq!(vec.put_times(0, usize::MAX / 4), Err(OutOfMemory));
        assert_eq!(vec, [1]);
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
