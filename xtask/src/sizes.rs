//! Links a small embedder for a Cortex-M4F in many configurations, prints what each takes,
//! and fails where a budget is passed.
//!
//! What counts is text and constants of the linked program. Compiler builtins (memcpy,
//! division, software floats) are left out, as a C compiler's library would be; `core` and
//! `alloc` count. `core` is built from its sources, so that it is optimised for size and
//! that a panic is a trap without a message.

mod budgets;
mod table;
pub mod toolchain;

use std::{path::Path, process::ExitCode};

use anyhow::{Context, Result};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, read::File};

use crate::project;
use budgets::{Budget, Budgets};

const TARGET: &str = "thumbv7em-none-eabihf";

/// `cargo xtask sizes`.
#[derive(clap::Args)]
pub struct Options {
    /// Also measure what each cargo feature adds to the smallest configuration
    #[arg(long)]
    features: bool,
    /// Also write what was measured, and that of features, into README.md
    #[arg(long)]
    write: bool,
}

/// Prints a line for each configuration.
pub fn run(options: &Options) -> Result<ExitCode> {
    let budgets = Budgets::read()?;
    println!("{TARGET}, optimised for size, bytes of text and constants:");
    println!("{:>8}{:>9}  configuration", "linked", "budget");
    let mut passed = true;
    let mut configurations = Vec::new();
    for Budget { name, features, bytes: budget } in &budgets.configurations {
        let bytes = measure(features)?;
        println!("{bytes:>8}{budget:>9}  {name}");
        configurations.push((features.as_slice(), bytes));
        if bytes > *budget {
            println!(
                "{:>8} bytes too many: make it smaller, or say in budgets.toml why not",
                bytes - budget
            );
            passed = false;
        }
    }
    if options.features || options.write {
        let base = measure(&budgets.base)?;
        println!(
            "\nbeside {} ({base} bytes), each adds with what it needs:",
            budgets.base.join(", ")
        );
        let mut additions = Vec::new();
        for feature in &budgets.additions {
            let mut features = budgets.base.clone();
            features.push(feature.clone());
            let more = measure(&features)? as i64 - base as i64;
            println!("{more:>+8}  {feature}");
            additions.push((feature.as_str(), more));
        }
        if options.write {
            table::write(&configurations, &additions)?;
        }
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Builds the embedder with features and gives its size in bytes.
fn measure(features: &[String]) -> Result<u64> {
    let target_dir = project::target_dir()?.join("sizes");
    let mut build = toolchain::cargo(&["-Zunstable-options", "-Cpanic=immediate-abort"])?;
    build
        .current_dir(project::root().join("firmware"))
        .args(["build", "--quiet", "--release", "--package", "embedder", "--target", TARGET])
        .args(["-Zbuild-std=core,alloc", "-Zbuild-std-features=optimize_for_size"])
        .arg("-Zpanic-immediate-abort")
        .env("CARGO_PROFILE_RELEASE_PANIC", "immediate-abort")
        .arg("--target-dir")
        .arg(&target_dir)
        .args(["--features", &features.join(",")]);
    project::run(&mut build)?;
    size(&target_dir.join(TARGET).join("release").join("embedder"))
}

fn size(path: &Path) -> Result<u64> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = File::parse(&*bytes)?;
    let mut total = 0;
    for section in file.sections() {
        // Unwinding tables count as read-only data, but no device links them.
        let unwinding = section.name().unwrap_or_default().starts_with(".ARM.ex");
        let kind = section.kind();
        let counts = matches!(
            kind,
            SectionKind::Text | SectionKind::ReadOnlyData | SectionKind::ReadOnlyString
        );
        if counts && !unwinding {
            total += section.size();
        }
    }
    let builtins = file.symbols().filter(|symbol| symbol.name().is_ok_and(is_builtin));
    Ok(total - builtins.map(|symbol| symbol.size()).sum::<u64>())
}

/// Whether a symbol is the compiler's own. Two names may stand for the same code, as
/// `__aeabi_memcpy` and `memcpy` do; then one of them has no size.
fn is_builtin(name: &str) -> bool {
    name.starts_with("__")
        || name.contains("compiler_builtins")
        || matches!(name, "memcpy" | "memmove" | "memset" | "memcmp" | "bcmp")
}
