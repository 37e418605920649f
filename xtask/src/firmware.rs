//! Boots the firmware examples on an emulated Cortex-M3 and compares what they print.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSymbol};

use crate::{project, sizes::toolchain, system};

const TARGET: &str = "thumbv7m-none-eabi";
const QEMU: &str = "qemu-system-arm";

/// What ends a program for lack of memory. Nothing in the firmware leads there: an allocation
/// that fails is an error like others.
const NO_MEMORY: &[&str] = &["raw_vec12handle_error", "handle_alloc_error", "alloc_error_handler"];

/// Builds the programs, runs them, and fails where the output is another than `expected.txt`, or
/// where an allocation that fails would end the program.
pub fn run() -> Result<ExitCode> {
    system::ensure(QEMU, &[QEMU])?;
    for package in ["demo", "small"] {
        let firmware = build(package)?;
        check_allocations(&firmware)?;
        boot(package, &firmware)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn build(package: &str) -> Result<PathBuf> {
    let target_dir = project::target_dir()?.join("sizes");
    let mut build = toolchain::cargo(&[])?;
    build
        .current_dir(project::root().join("firmware"))
        .args(["build", "--quiet", "--locked", "--release", "--package", package])
        .args(["--target", TARGET, "-Zbuild-std=core,alloc"])
        .arg("-Zbuild-std-features=optimize_for_size")
        .arg("--target-dir")
        .arg(&target_dir);
    project::run(&mut build)?;
    Ok(target_dir.join(TARGET).join("release").join(package))
}

fn boot(package: &str, firmware: &Path) -> Result<()> {
    // An endless loop in the firmware must not become one here.
    let output = Command::new("timeout")
        .args(["120", QEMU, "-machine", "lm3s6965evb", "-nographic", "-monitor", "none"])
        .args(["-serial", "none", "-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(firmware)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {QEMU}"))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    print!("{printed}");
    if !output.status.success() {
        bail!("{QEMU}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let expected = format!("firmware/{package}/expected.txt");
    let expected_text = std::fs::read_to_string(project::root().join(&expected))?;
    // Figures are shown and not compared: each compiler makes others.
    let compared = printed.lines().filter(|line| !line.starts_with("bytes: "));
    if !compared.eq(expected_text.lines()) {
        bail!("{expected} says otherwise:\n{expected_text}");
    }
    println!("firmware: {package} as expected\n");
    Ok(())
}

fn check_allocations(firmware: &Path) -> Result<()> {
    let bytes = std::fs::read(firmware)?;
    let file = object::read::File::parse(&*bytes)?;
    for name in file.symbols().filter_map(|symbol| symbol.name().ok().map(str::to_owned)) {
        if NO_MEMORY.iter().any(|end| name.contains(end)) {
            bail!("{name} is linked: something allocates that cannot fail; see sampan_wasm::room");
        }
    }
    Ok(())
}
