//! Boots the firmware example on an emulated Cortex-M3 and compares what it prints.

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::{project, sizes::toolchain, system};

const TARGET: &str = "thumbv7m-none-eabi";
const QEMU: &str = "qemu-system-arm";

/// Builds it, runs it, and fails where the output is another than `expected.txt`.
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

    // An endless loop in the firmware must not become one here.
    let output = Command::new("timeout")
        .args(["120", QEMU, "-machine", "lm3s6965evb", "-nographic", "-monitor", "none"])
        .args(["-serial", "none", "-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(target_dir.join(TARGET).join("release").join("demo"))
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
