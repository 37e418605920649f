//! The project's habits: `cargo xtask --help`.
//!
//! One file for each habit. What they share: `project` (where things are, how
//! to run a command), `platform` (all that differs between systems), `fetch`
//! (programs from package registries, checked by hash).
#![forbid(unsafe_code)]

mod bench;
mod debian;
mod demo;
mod emulated;
mod fetch;
mod firmware;
mod kernels;
mod platform;
mod ports;
mod programs;
mod project;
mod sizes;
mod system;
mod test;
mod tidy;
mod web;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's habits. Each sets up what it misses.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    habit: Habit,
}

#[derive(Subcommand)]
enum Habit {
    /// Run a Debian shell in sampan, or with --wasi CPython; reads the terminal or a pipe
    Demo(demo::Options),
    /// Run every test; the last line is `N passed, N failed`
    Test(test::Options),
    /// Check what no compiler checks: floors, file sizes, where `unsafe` and systems' names are
    Tidy,
    /// Link a small embedder for a Cortex-M4F, and check its code size against budgets.toml
    Sizes(sizes::Options),
    /// Build the library for processors without an operating system
    Ports,
    /// Boot the firmware example in QEMU, and compare what it prints
    Firmware,
    /// Run compiled code for AArch64 and RISC-V in QEMU's user mode
    Emulated(emulated::Options),
    /// Build the part for browsers into web/dist
    Web,
    /// Fetch the real programs that tests run, and print where they are
    Fetch(fetch::Options),
    /// Run the real programs only, in sampan or in another command of the same shape
    Programs(programs::Options),
    /// Measure sampan beside its peers
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let done = match Xtask::parse().habit {
        Habit::Demo(options) => demo::run(&options),
        Habit::Test(options) => test::run(&options),
        Habit::Tidy => tidy::run(),
        Habit::Sizes(options) => sizes::run(&options),
        Habit::Firmware => firmware::run(),
        Habit::Ports => ports::run(),
        Habit::Emulated(options) => emulated::run(&options),
        Habit::Web => web::build().map(|()| ExitCode::SUCCESS),
        Habit::Fetch(options) => fetch::run(&options),
        Habit::Programs(options) => programs::run(&options),
        Habit::Bench(options) => bench::run(&options),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
