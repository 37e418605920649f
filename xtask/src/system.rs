//! Programs of the system that a habit needs: found, installed where we may, or
//! asked for by name.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::project;

/// Whether a command exists.
pub fn has(command: &str) -> bool {
    Command::new(command)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

/// Sees to it that `command` exists: with Debian's `packages` when we are root
/// on such a system, else by telling the user.
pub fn ensure(command: &str, packages: &[&str]) -> Result<()> {
    if has(command) {
        return Ok(());
    }
    install(packages)?;
    if !has(command) {
        bail!("{command} is still missing after the installation of {}", packages.join(" "));
    }
    Ok(())
}

/// Installs Debian packages, or says which to install.
pub fn install(packages: &[&str]) -> Result<()> {
    let root = project::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !root || !has("apt-get") {
        bail!("please install {} (on Debian: apt-get install {0})", packages.join(" "));
    }
    eprintln!("installing {}", packages.join(" "));
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq").stdout(Stdio::null());
        apt
    };
    // The lists may be absent or old; a failure shows in the next step.
    let _ = apt().arg("update").status();
    project::run(apt().args(["install", "--yes", "--no-install-recommends"]).args(packages))
}
