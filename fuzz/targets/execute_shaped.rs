//! Modules from our own generator behave the same in all modes of sampan and in wasmi. It
//! needs no heavy peer, and the fuzzer steers the generator.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sampan_fuzz::choice::Choice;
use sampan_fuzz::compare::{Tally, compare};
use sampan_fuzz::shape::{self, Nans};

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let nans = if first % 4 == 0 { Nans::Seen } else { Nans::Hidden };
    let module = shape::module(&mut Choice::new(rest), nans);
    if let Err(what) = compare(&module, nans, &mut Tally::default()) {
        panic!("{what}");
    }
});
