//! Generated modules behave the same in both of sampan's interpreters and in wasmi: results,
//! traps, and what is in memories and globals after each call.
//!
//! Half of them come from `wasm-smith`, half from a generator of our own that stresses what
//! the fast interpreter's translation has to get right; real programs with damaged bytes are
//! compared between our interpreters only. The seeds are fixed, so that a
//! failure shows up again; `SAMPAN_DIFF_SECONDS` and `SAMPAN_DIFF_SEED` set the time and the
//! first seed of a longer search. A failing module is left in the temporary directory.

mod body;
mod choice;
mod compare;
mod mutated;
mod outcome;
mod sampan_engine;
mod shape;
mod smith;
mod wasmi_engine;

use choice::Choice;
use compare::{Tally, compare};
use shape::Nans;
use std::time::{Duration, Instant};

#[test]
fn shaped_modules_behave_the_same() {
    search_generated("shaped", |bytes, seed| {
        let nans = if seed % 4 == 0 { Nans::Seen } else { Nans::Hidden };
        (shape::module(&mut Choice::new(bytes), nans), nans)
    });
}

#[test]
fn smiths_modules_behave_the_same() {
    search_generated("smith", |bytes, _| (smith::module(bytes), Nans::Native));
}

#[test]
fn damaged_programs_stay_within_their_limits() {
    let programs = mutated::programs();
    let mut tally = mutated::Tally::default();
    search("damaged", |bytes, _| {
        let module = mutated::damaged(&programs, &mut Choice::new(bytes));
        let result = mutated::compare(&module, &mut tally);
        (module, result)
    });
    println!("{tally:?}");
    assert!(tally.refused > 0 && tally.ran > 0 && tally.stopped > 0, "all ends occur");
}

#[test]
fn modules_with_gc_exceptions_and_threads_behave_the_same() {
    let mut tally = Tally::default();
    search("newest", |bytes, _| match smith::newest(bytes) {
        None => (Vec::new(), Ok(())),
        Some(module) => {
            let result = compare::compare_ours(&module, &mut tally);
            (module, result)
        }
    });
    println!("newest: {tally:?}");
    assert!(tally.returned > 0 && tally.trapped > 0, "both ends occur");
}

/// Generates modules and runs them everywhere.
fn search_generated(name: &str, generate: impl Fn(&[u8], u64) -> (Vec<u8>, Nans)) {
    let mut tally = Tally::default();
    search(name, |bytes, seed| {
        let (module, nans) = generate(bytes, seed);
        let result = compare(&module, nans, &mut tally);
        (module, result)
    });
    println!("{name}: {tally:?}");
    assert!(tally.returned > 0 && tally.trapped > 0, "both ends occur");
}

/// Lets `attempt` make a module and run it, until the time is over.
fn search(name: &str, mut attempt: impl FnMut(&[u8], u64) -> (Vec<u8>, Result<(), String>)) {
    let number = |name, default| match std::env::var(name) {
        Ok(value) => value.parse().expect("a number"),
        Err(_) => default,
    };
    let time = Duration::from_secs(number("SAMPAN_DIFF_SECONDS", 7));
    let first = number("SAMPAN_DIFF_SEED", 1);
    let start = Instant::now();
    let mut failures = Vec::new();
    for seed in first.. {
        if start.elapsed() > time || failures.len() > 10 {
            break;
        }
        let (module, result) = attempt(&random_bytes(seed), seed);
        if let Err(what) = result {
            let file = std::env::temp_dir().join(format!("sampan-{name}-{seed}.wasm"));
            std::fs::write(&file, &module).expect("the temporary directory can be written");
            failures.push(format!("seed {seed} ({} bytes): {what}", module.len()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Some bytes from Marsaglia's xorshift64.
fn random_bytes(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 24
    };
    let len = 500 + next() % 8000;
    (0..len).map(|_| next() as u8).collect()
}
