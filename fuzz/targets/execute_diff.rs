//! Generated modules behave the same in both of sampan's interpreters and in wasmtime, with
//! canonical NaNs down to the last bit.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sampan_fuzz::choice::Choice;
use sampan_fuzz::shape::{self, Nans};
use sampan_fuzz::{compare_with_wasmtime, smith};

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let module = match first % 3 {
        0 => smith::module(rest),
        1 => match smith::newest(rest) {
            Some(module) => module,
            None => return,
        },
        _ => shape::module(&mut Choice::new(rest), Nans::Seen),
    };
    if let Err(what) = compare_with_wasmtime(&module) {
        panic!("{what}");
    }
});
