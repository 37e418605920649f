//! Runs the kernels side by side in sampan, its peers and as native programs,
//! and writes a table.
//!
//! The machines that this runs on are noisy. So engines take turns within each
//! round, every figure is a median over rounds, and ratios are taken within a
//! round before the median.
#![forbid(unsafe_code)]

mod embedding;
mod engine;
mod figures;
mod kernels;
mod measure;
mod options;
mod report;

use std::{collections::BTreeMap, process::ExitCode};

use engine::Engine;
use kernels::KERNELS;
use measure::Measured;
use options::Options;

fn main() -> ExitCode {
    match Options::read().and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Everything that was measured.
#[derive(Default)]
struct Results {
    /// By kernel and engine: the runs, one for each round.
    kernels: BTreeMap<(&'static str, &'static str), Vec<Measured>>,
    /// By engine: runs of the trivial program.
    hello: BTreeMap<&'static str, Vec<Measured>>,
    /// By engine: seconds to validate and translate all of the large module.
    load: BTreeMap<&'static str, Vec<Measured>>,
    /// By engine: what instances and calls cost.
    embedding: BTreeMap<&'static str, Vec<embedding::Costs>>,
}

fn run(options: Options) -> Result<(), String> {
    let engines = Engine::all(&options);
    let mut results = Results::default();
    for kernel in KERNELS.iter().filter(|kernel| options.wants_kernel(kernel.name)) {
        run_kernel(kernel, &engines, &options, &mut results)?;
    }
    if options.kernels_named.is_empty() {
        run_hello(&engines, &options, &mut results)?;
        run_load(&engines, &options, &mut results);
        results.embedding = embedding::run(&engines, &options)?;
    }
    let table = report::table(&results, &engines, &options);
    println!("{table}");
    if let Some(path) = &options.output {
        std::fs::write(path, table).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn run_kernel(
    kernel: &kernels::Kernel,
    engines: &[Engine],
    options: &Options,
    results: &mut Results,
) -> Result<(), String> {
    let mut expected: Option<String> = None;
    let mut out = Vec::new();
    for round in 0..options.rounds {
        eprint!("\r{:<16} round {} of {}   ", kernel.name, round + 1, options.rounds);
        for engine in engines {
            if out.contains(&engine.name) {
                continue;
            }
            let measured = match measure::run(&mut engine.run(kernel, options), options) {
                Ok(measured) => measured,
                // wasm3, for one, has no SIMD.
                Err(message) => {
                    eprintln!("\n{} in {}: {}", kernel.name, engine.name, first_line(&message));
                    out.push(engine.name);
                    continue;
                }
            };
            let expected = expected.get_or_insert_with(|| measured.stdout.clone());
            if *expected != measured.stdout {
                return Err(format!(
                    "{} printed\n{}in {}, but before\n{expected}",
                    kernel.name, measured.stdout, engine.name
                ));
            }
            results.kernels.entry((kernel.name, engine.name)).or_default().push(measured);
        }
    }
    eprintln!();
    Ok(())
}

fn run_hello(engines: &[Engine], options: &Options, results: &mut Results) -> Result<(), String> {
    // Short enough that many rounds cost nothing.
    for _ in 0..options.rounds * 8 {
        for engine in engines {
            let measured = measure::run(&mut engine.run(&kernels::HELLO, options), options)?;
            results.hello.entry(engine.name).or_default().push(measured);
        }
    }
    Ok(())
}

fn run_load(engines: &[Engine], options: &Options, results: &mut Results) {
    for engine in engines {
        // Seconds for some and minutes for others: the slow ones once.
        let rounds = if engine.compiles { 1 } else { options.rounds };
        for _ in 0..rounds {
            let Some(mut command) = engine.load(&options.large, options) else {
                break;
            };
            eprint!("\rloading in {:<16}", engine.name);
            match measure::run(&mut command, options) {
                Ok(measured) => results.load.entry(engine.name).or_default().push(measured),
                Err(message) => {
                    eprintln!("\nloading in {}: {}", engine.name, first_line(&message));
                    break;
                }
            }
        }
    }
    eprintln!();
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
