//! Any calls on an ext2 image that is damaged in any way.

#![no_main]

#[path = "../../crates/disk/tests/damaged/actions.rs"]
mod actions;

use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};
use std::sync::OnceLock;

static INTACT: OnceLock<Vec<u8>> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let mut u = Unstructured::new(bytes);
    let mut image = INTACT.get_or_init(actions::image).clone();
    for _ in 0..u.int_in_range(0..=30).unwrap_or(0) {
        let at = u.int_in_range(0..=image.len() - 1).unwrap_or(0);
        image[at] = u.arbitrary().unwrap_or(0);
    }
    // It ends when the bytes do.
    let mut choose =
        |below: u64| if u.is_empty() { None } else { u.int_in_range(0..=below - 1).ok() };
    actions::act(image, &mut choose);
});
