//! What an arena gives out is aligned, apart, and usable again.

use sampan_arena::Arena;
use std::alloc::{GlobalAlloc, Layout};

#[test]
fn many_sizes_in_any_order() {
    // SAFETY: one thread.
    let arena: Box<Arena<65536>> = Box::new(unsafe { Arena::new() });
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let mut held: Vec<(*mut u8, Layout, u8)> = Vec::new();
    for round in 0..20_000 {
        if next() % 2 == 0 || held.is_empty() {
            let align = 1 << (next() % 7);
            let layout = Layout::from_size_align((next() % 600) as usize, align).unwrap();
            // SAFETY: the size may be zero, which this allocator allows.
            let at = unsafe { arena.alloc(layout) };
            if at.is_null() {
                continue;
            }
            assert_eq!(at.align_offset(align), 0);
            let fill = round as u8;
            // SAFETY: it is that large.
            unsafe { at.write_bytes(fill, layout.size()) };
            held.push((at, layout, fill));
        } else {
            let (at, layout, fill) = held.swap_remove(next() as usize % held.len());
            // SAFETY: it was filled, and is given back once.
            unsafe {
                let bytes = std::slice::from_raw_parts(at, layout.size());
                assert!(bytes.iter().all(|&byte| byte == fill), "something else wrote there");
                arena.dealloc(at, layout);
            }
        }
    }
    for (at, layout, _) in held {
        // SAFETY: given back once.
        unsafe { arena.dealloc(at, layout) };
    }
    assert_eq!((arena.used(), arena.gaps()), (0, 1));
    assert!(arena.peak() <= 65536);
}

#[test]
fn too_much_is_refused() {
    // SAFETY: one thread.
    let arena: Box<Arena<1024>> = Box::new(unsafe { Arena::new() });
    for size in [1025, isize::MAX as usize] {
        // SAFETY: not zero.
        assert!(unsafe { arena.alloc(Layout::from_size_align(size, 1).unwrap()) }.is_null());
    }
    let all = Layout::from_size_align(1024, 8).unwrap();
    // SAFETY: not zero; given back once.
    unsafe {
        let at = arena.alloc(all);
        assert!(!at.is_null());
        assert!(arena.alloc(Layout::new::<u8>()).is_null());
        arena.dealloc(at, all);
    }
    assert_eq!(arena.used(), 0);
}
