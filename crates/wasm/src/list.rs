//! A row of values that grows, for which memory may run out.
//!
//! `Vec` has most of that, but the code that makes room in it is there once for each type of
//! values, and asks for a result to be taken apart at each place: 2,300 bytes on a device. Here
//! all that allocates knows a size and an alignment only, and is there once.
//!
//! Invariants: the first `len` of `room` places hold values; the memory was allocated for `room`
//! values, or is none if `room` is 0. That is what `Vec` and boxed slices want, too.

#![allow(unsafe_code)]

use crate::room::OutOfMemory;
use alloc::alloc::{alloc, dealloc, realloc};
use alloc::{boxed::Box, vec::Vec};
use core::alloc::Layout;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::{NonNull, slice_from_raw_parts_mut};
use core::{fmt, slice};

/// Values in a row, owned. What only reads them takes the slice that it derefs to.
pub struct List<T> {
    raw: Raw,
    owns: PhantomData<T>,
}

// SAFETY: it owns its values as a vector does.
unsafe impl<T: Send> Send for List<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for List<T> {}

impl<T> List<T> {
    const ONE: Layout = {
        assert!(size_of::<T>() > 0, "values take room");
        Layout::new::<T>()
    };

    /// No values, and no memory.
    pub const fn new() -> List<T> {
        let start = NonNull::<T>::dangling().cast();
        List { raw: Raw { start, len: 0, room: 0 }, owns: PhantomData }
    }

    /// No values, and memory for `count`.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn with_room(count: usize) -> Result<List<T>, OutOfMemory> {
        let mut list = List::new();
        list.raw.make_room(count, Self::ONE)?;
        Ok(list)
    }

    /// For how many values there is memory.
    pub fn capacity(&self) -> usize {
        self.raw.room
    }

    /// Memory for as many more values. A list that has memory gets twice as much at least, so
    /// that growing often does not take long.
    ///
    /// # Errors
    /// There is no memory left; then nothing has changed.
    pub fn make_room(&mut self, more: usize) -> Result<(), OutOfMemory> {
        self.raw.make_room(more, Self::ONE)
    }

    /// Memory for just as many more values, if there is less.
    ///
    /// # Errors
    /// There is no memory left; then nothing has changed.
    pub fn make_room_exactly(&mut self, more: usize) -> Result<(), OutOfMemory> {
        let room = self.raw.len.saturating_add(more);
        if room <= self.raw.room || self.raw.resize(room, Self::ONE) {
            return Ok(());
        }
        Err(OutOfMemory)
    }

    /// Appends a value.
    ///
    /// # Errors
    /// There is no memory left; then nothing has changed.
    #[cfg_attr(not(sampan_small), inline)]
    pub fn put(&mut self, value: T) -> Result<(), OutOfMemory> {
        #[cfg(not(sampan_small))]
        if self.raw.len < self.raw.room {
            // SAFETY: there is a place behind the last value.
            unsafe { self.raw.start.cast::<T>().add(self.raw.len).write(value) };
            self.raw.len += 1;
            return Ok(());
        }
        let place = self.raw.add_one(Self::ONE);
        if place.is_null() {
            return Err(OutOfMemory);
        }
        // SAFETY: a place that is now counted, and holds nothing yet.
        unsafe { place.cast::<T>().write(value) };
        Ok(())
    }

    /// Appends as many copies of a value.
    ///
    /// # Errors
    /// There is no memory left; then nothing has changed.
    pub fn put_times(&mut self, value: T, count: usize) -> Result<(), OutOfMemory>
    where
        T: Copy,
    {
        self.raw.make_room(count, Self::ONE)?;
        let end = self.raw.start.cast::<T>().as_ptr().wrapping_add(self.raw.len);
        for place in 0..count {
            // SAFETY: there is room for them behind the last value.
            unsafe { end.add(place).write(value) };
        }
        self.raw.len += count;
        Ok(())
    }

    /// Appends copies of values.
    ///
    /// # Errors
    /// There is no memory left; then nothing has changed.
    pub fn put_all(&mut self, values: &[T]) -> Result<(), OutOfMemory>
    where
        T: Copy,
    {
        self.raw.make_room(values.len(), Self::ONE)?;
        // SAFETY: there is room for them behind the last value.
        unsafe {
            let end = self.as_mut_ptr().add(self.raw.len);
            values.as_ptr().copy_to_nonoverlapping(end, values.len());
        }
        self.raw.len += values.len();
        Ok(())
    }

    /// Inserts a value before the one at `place`, or at the end.
    ///
    /// # Errors
    /// There is no memory left; then nothing has changed.
    pub fn put_at(&mut self, place: usize, value: T) -> Result<(), OutOfMemory> {
        let len = self.len();
        let place = place.min(len);
        self.put(value)?;
        let start = self.as_mut_ptr();
        // SAFETY: the last value goes to `place`, and those from there on move behind it.
        unsafe {
            let value = start.add(len).read();
            start.add(place).copy_to(start.add(place + 1), len - place);
            start.add(place).write(value);
        }
        Ok(())
    }

    /// Takes the last value.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        self.raw.len = self.raw.len.checked_sub(1)?;
        // SAFETY: it was a value, and is none any more.
        Some(unsafe { self.as_ptr().add(self.raw.len).read() })
    }

    /// Drops all values but the first `len`.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        let more = self.raw.len.saturating_sub(len);
        self.raw.len -= more;
        // SAFETY: these were values, and are none any more.
        unsafe {
            slice_from_raw_parts_mut(self.as_mut_ptr().add(self.raw.len), more).drop_in_place();
        }
    }

    /// Drops all values. The memory stays.
    #[inline]
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Drops the values that a function does not want.
    pub fn retain(&mut self, mut wanted: impl FnMut(&T) -> bool) {
        let mut kept = 0;
        for place in 0..self.len() {
            if wanted(&self[place]) {
                self.swap(kept, place);
                kept += 1;
            }
        }
        self.truncate(kept);
    }

    /// The values in just as much memory as they need. Those that were allocated in one
    /// piece, by [`List::with_room`], stay where they are.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn into_boxed_slice(self) -> Result<Box<[T]>, OutOfMemory> {
        let mut this = ManuallyDrop::new(self);
        if !this.raw.fit(Self::ONE) {
            drop(ManuallyDrop::into_inner(this));
            return Err(OutOfMemory);
        }
        // SAFETY: as many values as there is room for, allocated as such a box is.
        Ok(unsafe { Box::from_raw(slice_from_raw_parts_mut(this.as_mut_ptr(), this.len())) })
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: the first `len` places hold values.
        unsafe { slice::from_raw_parts(self.raw.start.cast().as_ptr(), self.raw.len) }
    }
}

impl<T> DerefMut for List<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above.
        unsafe { slice::from_raw_parts_mut(self.raw.start.cast().as_ptr(), self.raw.len) }
    }
}

impl<T> Drop for List<T> {
    fn drop(&mut self) {
        self.truncate(0);
        self.raw.fit(Self::ONE);
    }
}

impl<T> From<List<T>> for Vec<T> {
    fn from(list: List<T>) -> Vec<T> {
        let mut list = ManuallyDrop::new(list);
        // SAFETY: allocated as a vector allocates, which owns it from now on.
        unsafe { Vec::from_raw_parts(list.as_mut_ptr(), list.raw.len, list.raw.room) }
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(vec: Vec<T>) -> List<T> {
        let mut vec = ManuallyDrop::new(vec);
        let (len, room) = (vec.len(), vec.capacity());
        // SAFETY: a vector's pointer is never null.
        let start = unsafe { NonNull::new_unchecked(vec.as_mut_ptr().cast()) };
        List { raw: Raw { start, len, room }, owns: PhantomData }
    }
}

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List::new()
    }
}

impl<T: Clone> Clone for List<T> {
    fn clone(&self) -> List<T> {
        self.to_vec().into()
    }
}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: PartialEq> PartialEq for List<T> {
    fn eq(&self, other: &List<T>) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for List<T> {}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> slice::Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = alloc::vec::IntoIter<T>;

    fn into_iter(self) -> alloc::vec::IntoIter<T> {
        Vec::from(self).into_iter()
    }
}

/// A list of values of a type that is not known here: each call gets one value's layout, which is
/// the same in all calls on a list.
struct Raw {
    start: NonNull<u8>,
    len: usize,
    room: usize,
}

impl Raw {
    /// Counts one more value and gives its place; null if there is no memory left.
    #[cfg_attr(sampan_small, inline(never))]
    #[cfg_attr(not(sampan_small), cold)]
    fn add_one(&mut self, one: Layout) -> *mut u8 {
        if self.len == self.room {
            // As a vector does: small values are rarely alone.
            let least = if one.size() <= 1024 { 4 } else { 1 };
            let roomy = self.room.saturating_mul(2).max(least);
            // Where memory is short, one more place will do.
            if !self.resize(roomy, one) && !self.resize(self.room + 1, one) {
                return core::ptr::null_mut();
            }
        }
        let place = self.start.as_ptr().wrapping_add(self.len * one.size());
        self.len += 1;
        place
    }

    /// Makes room for as many more values.
    #[inline(never)]
    fn make_room(&mut self, more: usize, one: Layout) -> Result<(), OutOfMemory> {
        let enough = self.room - self.len >= more;
        let room = self.len.saturating_add(more).max(self.room.saturating_mul(2));
        if enough || self.resize(room, one) { Ok(()) } else { Err(OutOfMemory) }
    }

    /// Gives back what is not in use, and says whether that went well.
    #[inline(never)]
    fn fit(&mut self, one: Layout) -> bool {
        self.len == self.room || self.resize(self.len, one)
    }

    /// Takes memory for `room` values, of which there are not more. If that fails, nothing has
    /// changed.
    #[inline(never)]
    fn resize(&mut self, room: usize, one: Layout) -> bool {
        let (align, old) = (one.align(), self.room * one.size());
        let Some(new) =
            room.checked_mul(one.size()).filter(|&size| size <= isize::MAX as usize - align)
        else {
            return false;
        };
        // SAFETY: an alignment of a type, and sizes that do not overflow.
        let (old, new) = unsafe {
            (
                Layout::from_size_align_unchecked(old, align),
                Layout::from_size_align_unchecked(new, align),
            )
        };
        // SAFETY: what there is was allocated with the old layout, and no layout that is used
        // has a size of zero. Without memory the pointer is not used, only not null.
        let start = unsafe {
            if new.size() == 0 {
                if old.size() > 0 {
                    dealloc(self.start.as_ptr(), old);
                }
                core::ptr::without_provenance_mut(align)
            } else if old.size() == 0 {
                alloc(new)
            } else {
                realloc(self.start.as_ptr(), old, new.size())
            }
        };
        let Some(start) = NonNull::new(start) else { return false };
        self.start = start;
        self.room = room;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::String, string::ToString, vec};

    #[test]
    fn appends_inserts_and_takes() {
        let mut list = List::new();
        for value in 0..100u8 {
            list.put(value).expect("there is memory");
        }
        list.put_at(0, 200).expect("there is memory");
        list.put_at(101, 201).expect("there is memory");
        list.put_times(7, 3).expect("there is memory");
        assert_eq!((list[0], list[1], list[100], list[101]), (200, 0, 99, 201));
        assert_eq!(list[102..], [7, 7, 7]);
        assert_eq!(list.pop(), Some(7));
        list.truncate(4);
        list.retain(|value| *value != 1);
        assert_eq!(*list, [200, 0, 2]);
        list.truncate(2);
        let boxed = list.into_boxed_slice().expect("there is memory");
        assert_eq!(*boxed, [200, 0]);
        assert_eq!(List::<u8>::new().pop(), None);
    }

    #[test]
    fn values_are_dropped_once() {
        let one = alloc::rc::Rc::new(());
        let mut list = List::with_room(2).expect("there is memory");
        for _ in 0..10 {
            list.put(one.clone()).expect("there is memory");
        }
        list.truncate(8);
        drop(list.pop());
        assert_eq!(alloc::rc::Rc::strong_count(&one), 8);
        let vec = Vec::from(list);
        assert_eq!(alloc::rc::Rc::strong_count(&one), 8);
        let boxed = List::from(vec).into_boxed_slice().expect("there is memory");
        assert_eq!((boxed.len(), alloc::rc::Rc::strong_count(&one)), (7, 8));
        drop(boxed);
        assert_eq!(alloc::rc::Rc::strong_count(&one), 1);
        let empty = List::<String>::with_room(3).expect("there is memory").into_boxed_slice();
        assert_eq!(empty.map(|it| it.len()), Ok(0));
    }

    #[test]
    fn is_as_a_vector() {
        let texts = vec!["a".to_string(), "b".to_string()];
        let list = List::from(texts.clone());
        assert_eq!((list.clone(), &list[1]), (list.clone(), &texts[1]));
        assert_eq!(list.into_iter().collect::<Vec<_>>(), texts);
    }

    #[test]
    fn what_is_too_large_is_refused() {
        assert!(List::<u64>::with_room(usize::MAX / 4).is_err());
        let mut list = List::from(vec![1u64]);
        assert_eq!(list.put_times(0, usize::MAX / 4), Err(OutOfMemory));
        assert_eq!(list.put_times(0, usize::MAX), Err(OutOfMemory));
        assert_eq!(*list, [1]);
    }
}
