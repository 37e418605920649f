//! Builds the library for processors without an operating system, so that a port is not lost
//! unnoticed, and checks it with each of its features alone, so that none comes to need another.
//! What the ports need beside is in docs/porting.md.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{
    project,
    sizes::{budgets::Budgets, toolchain},
};

/// The targets, and whether each has what shared state needs: see `sync.rs` of the engine.
const TARGETS: &[&str] = &[
    // No compare-and-swap.
    "thumbv6m-none-eabi",
    "riscv32imc-unknown-none-elf",
    "thumbv7m-none-eabi",
    "thumbv7em-none-eabihf",
    "aarch64-unknown-none",
    "mipsel-unknown-none",
    "x86_64-fortanix-unknown-sgx",
];

/// What is built: all that is meant for devices.
const FEATURES: &str = "sampan/classic,sampan/fast,sampan/float,sampan/tail-calls,\
    sampan/bulk-memory,sampan/reference-types,sampan/custom-page-sizes";

/// `cargo xtask ports`.
pub fn run() -> Result<ExitCode> {
    let target_dir = project::target_dir()?.join("sizes");
    for target in TARGETS {
        println!("{target}");
        let mut build = toolchain::cargo(&[])?;
        build
            .current_dir(project::root())
            .args(["build", "--quiet", "--release", "--locked", "--target", target])
            .args(["--package", "sampan", "--package", "sampan-arena"])
            .args(["--no-default-features", "--features", FEATURES])
            .arg("-Zbuild-std=core,alloc")
            // Libraries alone: what counts is that they build.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .arg("--target-dir")
            .arg(&target_dir);
        project::run(&mut build).with_context(|| format!("{target} does not build"))?;
    }
    features()
}

/// Checks the library with each feature of the menu beside an interpreter and nothing else.
fn features() -> Result<ExitCode> {
    let budgets = Budgets::read()?;
    for feature in &budgets.additions {
        println!("{}, {feature}", budgets.base.join(", "));
        let features = format!("{},{feature}", budgets.base.join(","));
        let mut check = project::cargo();
        check
            .current_dir(project::root())
            .args(["check", "--quiet", "--locked", "--package", "sampan"])
            .args(["--no-default-features", "--features", &features]);
        project::run(&mut check).with_context(|| format!("{feature} does not build alone"))?;
    }
    Ok(ExitCode::SUCCESS)
}
