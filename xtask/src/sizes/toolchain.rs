//! A cargo that builds `core` from its sources.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{platform, project, system};

/// Debian's second toolchain, which has the sources.
const DEBIAN: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];

/// The installed toolchain with its sources, which rustup can add, else Debian's. `flags` are
/// the compiler's.
pub fn cargo(flags: &[&str]) -> Result<Command> {
    let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?);
    let sources = sysroot.join("lib/rustlib/src/rust/library/core");
    let mut command =
        if sources.exists() || add_sources(&sources) { project::cargo() } else { debian()? };
    let host = rustc(&["-vV"])?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV")?;
    let lld =
        sysroot.join("lib/rustlib").join(host).join("bin").join(platform::executable("rust-lld"));
    let mut flags = [flags, &["-Csymbol-mangling-version=v0"]].concat().join(" ");
    if lld.exists() {
        flags.push_str(&format!(" -Clinker={}", lld.display()));
    }
    command.env("RUSTFLAGS", flags).env("RUSTC_BOOTSTRAP", "1");
    Ok(command)
}

fn rustc(args: &[&str]) -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    Ok(project::output(Command::new(rustc).args(args))?.trim().to_owned())
}

fn add_sources(sources: &Path) -> bool {
    let added = Command::new("rustup").args(["component", "add", "rust-src"]).status();
    added.is_ok_and(|status| status.success()) && sources.exists()
}

fn debian() -> Result<Command> {
    let cargo = Path::new("/usr/bin/cargo");
    if !cargo.exists() || !Path::new("/usr/lib/rustlib/src/rust/library/core").exists() {
        system::install(DEBIAN)?;
    }
    let mut command = Command::new(cargo);
    for (name, _) in std::env::vars_os() {
        // What rustup's cargo sets for its children would lead back to it.
        if name.to_string_lossy().starts_with("CARGO") && name != "CARGO_HOME"
            || name == "RUSTUP_TOOLCHAIN"
        {
            command.env_remove(name);
        }
    }
    command.env("RUSTC", "/usr/bin/rustc");
    Ok(command)
}
