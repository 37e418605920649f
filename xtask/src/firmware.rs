//! Boots the firmware example on an emulated Cortex-M3 and compares what it prints.

use std::{
    path::Path,
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

/// Builds it, runs it, and fails where the output is another than `expected.txt`, or where an
/// allocation that fails would end the program.
pub fn run() -> Result<ExitCode> {
    system::ensure(QEMU, &[QEMU])?;
    let folder = project::root().join("firmware");
    let target_dir = project::target_dir()?.join("sizes");
    let mut build = toolchain::cargo(&[])?;
    build
        .current_dir(&folder)
        .args(["build", "--quiet", "--locked", "--release", "--package", "demo"])
        .args(["--target", TARGET, "-Zbuild-std=core,alloc"])
        .arg("-Zbuild-std-features=optimize_for_size")
        .arg("--target-dir")
        .arg(&target_dir);
    project::run(&mut build)?;
    let firmware = target_dir.join(TARGET).join("release").join("demo");
    check_allocations(&firmware)?;

    // An endless loop in the firmware must not become one here.
    let output = Command::new("timeout")
        .args(["120", QEMU, "-machine", "lm3s6965evb", "-nographic", "-monitor", "none"])
        .args(["-serial", "none", "-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(&firmware)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {QEMU}"))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    print!("{printed}");
    if !output.status.success() {
        bail!("{QEMU}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let expected = std::fs::read_to_string(folder.join("demo/expected.txt"))?;
    if printed != expected {
        bail!("firmware/demo/expected.txt says otherwise:\n{expected}");
    }
    println!("firmware: as expected");
    Ok(ExitCode::SUCCESS)
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
