//! Generated modules behave the same in both of sampan's interpreters and in wasmtime, with
//! canonical NaNs down to the last bit.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sampan::{Mode, Preparation};
use sampan_fuzz::choice::Choice;
use sampan_fuzz::sampan_engine::{self, Setup};
use sampan_fuzz::shape::{self, Nans};
use sampan_fuzz::{smith, wasmtime_engine};

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let module = match first % 2 {
        0 => smith::module(rest),
        _ => shape::module(&mut Choice::new(rest), Nans::Seen),
    };
    let theirs = wasmtime_engine::run(&module).expect("generated modules are valid");
    if theirs.is_stopped() {
        return;
    }
    for mode in [Mode::Fast, Mode::Classic] {
        let setup = Setup { canonical_nans: true, ..Setup::new(mode, Preparation::Lazy) };
        let ours = sampan_engine::run(&module, setup).expect("generated modules are valid");
        if let Some(difference) = theirs.difference(&ours) {
            panic!("{mode:?}: {difference}");
        }
    }
});
