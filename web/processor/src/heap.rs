//! The processor's own heap: decoded code above all, which the cache bounds.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, Ordering};
use dlmalloc::{Allocator, Dlmalloc};

/// Bytes. What is not used takes nothing of the host's memory.
const SIZE: usize = 80 << 20;

#[repr(C, align(4096))]
struct Array(UnsafeCell<MaybeUninit<[u8; SIZE]>>);

// SAFETY: an instance has one thread, and only the allocator hands parts of it out.
unsafe impl Sync for Array {}

static ARRAY: Array = Array(UnsafeCell::new(MaybeUninit::uninit()));

/// Gives the array away, once.
struct Once(AtomicBool);

// SAFETY: the array is given once, whole, and lives for ever.
unsafe impl Allocator for Once {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        if size > SIZE || self.0.swap(true, Ordering::Relaxed) {
            return (core::ptr::null_mut(), 0, 0);
        }
        (ARRAY.0.get().cast(), SIZE, 0)
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        core::ptr::null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        4096
    }
}

struct Heap(UnsafeCell<Dlmalloc<Once>>);

// SAFETY: an instance has one thread.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap =
    Heap(UnsafeCell::new(Dlmalloc::new_with_allocator(Once(AtomicBool::new(false)))));

// SAFETY: as Dlmalloc's methods promise; one thread calls them.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread; the caller's promise on the layout.
        unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as above, and the pointer is from here.
        unsafe { (*self.0.get()).free(ptr, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { (*self.0.get()).realloc(ptr, layout.size(), layout.align(), size) }
    }
}
