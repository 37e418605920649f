//! Compares engines on generated modules for a long time: `search SECONDS FIRST_SEED
//! [BYTES]`. Modules on which they differ are left in the directory `failures`. The feature
//! `wasmtime` adds that peer.

use sampan_fuzz::choice::Choice;
use sampan_fuzz::compare::{Tally, compare, compare_ours};
use sampan_fuzz::shape::Nans;
use sampan_fuzz::{shape, smith};
use std::time::{Duration, Instant};

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u64>().expect("a number"));
    let seconds = Duration::from_secs(args.next().unwrap_or(60));
    let first = args.next().unwrap_or(1_000_000);
    let bytes = args.next().unwrap_or(8000);
    // Only differences are of interest, not wasmi's panics.
    std::panic::set_hook(Box::new(|info| {
        if !info.location().is_some_and(|at| at.file().contains("wasmi")) {
            eprintln!("{info}");
        }
    }));
    std::fs::create_dir_all("failures").expect("it can be made");
    let start = Instant::now();
    let (mut tally, mut failures) = (Tally::default(), 0);
    for seed in first.. {
        if start.elapsed() > seconds {
            break;
        }
        let random = random_bytes(seed, bytes);
        if seed % 8 >= 5 {
            let Some(module) = smith::newest(&random) else { continue };
            if let Err(what) = compare_ours(&module, &mut tally).and_then(|()| wasmtime(&module)) {
                failures += 1;
                let file = format!("failures/newest-{seed}.wasm");
                println!("{file} ({} bytes): {what}", module.len());
                std::fs::write(file, &module).expect("it can be written");
            }
            continue;
        }
        let (kind, nans, module) = match seed % 8 {
            0 => ("smith", Nans::Native, smith::module(&random)),
            1 | 2 => ("seen", Nans::Seen, shape::module(&mut Choice::new(&random), Nans::Seen)),
            _ => ("hidden", Nans::Hidden, shape::module(&mut Choice::new(&random), Nans::Hidden)),
        };
        let file = format!("failures/{kind}-{seed}.wasm");
        if std::env::var_os("SAMPAN_KEEP").is_some() {
            std::fs::write("failures/last.wasm", &module).expect("it can be written");
        }
        if let Err(what) = compare(&module, nans, &mut tally).and_then(|()| wasmtime(&module)) {
            failures += 1;
            println!("{file} ({} bytes): {what}", module.len());
            std::fs::write(file, &module).expect("it can be written");
        }
    }
    println!("{failures} differences, {tally:?}");
}

/// Compares both interpreters with wasmtime, with canonical NaNs.
#[cfg(feature = "wasmtime")]
fn wasmtime(module: &[u8]) -> Result<(), String> {
    sampan_fuzz::compare_with_wasmtime(module)
}

/// There is no such peer in this build.
#[cfg(not(feature = "wasmtime"))]
fn wasmtime(_: &[u8]) -> Result<(), String> {
    Ok(())
}

/// Some bytes from Marsaglia's xorshift64.
fn random_bytes(seed: u64, most: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 24
    };
    let len = 300 + next() % most;
    (0..len).map(|_| next() as u8).collect()
}
