//! Generated modules behave the same in both of sampan's interpreters and in wasmi: results,
//! traps, and what is in memories and globals after each call.
//!
//! Half of them come from `wasm-smith`, half from a generator of our own that stresses what
//! the fast interpreter's translation has to get right. The seeds are fixed, so that a
//! failure shows up again; `SAMPAN_DIFF_SECONDS` and `SAMPAN_DIFF_SEED` set the time and the
//! first seed of a longer search. A failing module is left in the temporary directory.

mod body;
mod choice;
mod compare;
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
    search("shaped", |bytes, seed| {
        let nans = if seed % 4 == 0 { Nans::Seen } else { Nans::Hidden };
        (shape::module(&mut Choice::new(bytes), nans), nans)
    });
}

#[test]
fn smiths_modules_behave_the_same() {
    search("smith", |bytes, _| (smith::module(bytes), Nans::Native));
}

fn search(name: &str, generate: impl Fn(&[u8], u64) -> (Vec<u8>, Nans)) {
    let number = |name, default| match std::env::var(name) {
        Ok(value) => value.parse().expect("a number"),
        Err(_) => default,
    };
    let time = Duration::from_secs(number("SAMPAN_DIFF_SECONDS", 7));
    let first = number("SAMPAN_DIFF_SEED", 1);
    let start = Instant::now();
    let (mut tally, mut failures) = (Tally::default(), Vec::new());
    for seed in first.. {
        if start.elapsed() > time || failures.len() > 10 {
            break;
        }
        let (module, nans) = generate(&random_bytes(seed), seed);
        if let Err(what) = compare(&module, nans, &mut tally) {
            let file = std::env::temp_dir().join(format!("sampan-{name}-{seed}.wasm"));
            std::fs::write(&file, &module).expect("the temporary directory can be written");
            failures.push(format!("seed {seed} ({} bytes): {what}", module.len()));
        }
    }
    println!("{name}: {tally:?}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(tally.returned > 0 && tally.trapped > 0, "both ends occur");
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
