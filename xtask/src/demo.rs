//! The main job on real input: a shell in an unmodified Debian; or an interactive CPython as a
//! WebAssembly module.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};

use crate::{
    fetch::{self, Catalogue},
    project, system,
};

/// `cargo xtask demo`.
#[derive(clap::Args)]
pub struct Options {
    /// CPython as a WebAssembly module instead of Debian, which needs none of Debian's tools
    #[arg(long)]
    wasi: bool,
    /// How Python is executed, as `sampan run` takes it
    #[arg(long, default_value = "auto", requires = "wasi")]
    mode: String,
    /// A program of the Debian and its arguments, or arguments for Python; without any, a shell
    /// or Python that reads the terminal or a pipe
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Sets up what is missing and runs it; its exit code is ours.
pub fn run(options: &Options) -> Result<ExitCode> {
    if !options.wasi {
        return debian(options);
    }
    let python = Catalogue::load()?.program("python")?;
    let sampan = project::build_sampan()?;
    let scratch = fetch::cache_dir()?.join("demo");
    std::fs::create_dir_all(&scratch)
        .with_context(|| format!("cannot create {}", scratch.display()))?;

    let mut command = Command::new(sampan);
    command.args(["run", "--mode", &options.mode]);
    command.arg("--dir").arg(format!("{}::/scratch", scratch.display()));
    command.arg(python.module);
    if options.args.is_empty() && std::io::stdin().is_terminal() {
        eprintln!(
            "CPython 3.12 in sampan. It sees one directory, /scratch, which is {}",
            scratch.display()
        );
        eprintln!("Leave with exit().");
        command.args(["-q", "-i"]);
    }
    let status = command.args(&options.args).status().context("cannot run sampan")?;
    Ok(status.code().map_or(ExitCode::FAILURE, |code| ExitCode::from(code as u8)))
}

/// A small Debian in a disk image, which is made once, and a shell in it.
fn debian(options: &Options) -> Result<ExitCode> {
    let sampan = project::build_sampan()?;
    let image = debian_image(&sampan)?;
    let mut command = Command::new(sampan);
    command.arg("linux").arg(image).arg("--");
    if options.args.is_empty() {
        // A shell that reads a pipe must not take that for somebody who types.
        let interactive = std::io::stdin().is_terminal();
        command.args(if interactive { &["bash", "-l"][..] } else { &["bash"] });
    }
    let status = command.args(&options.args).status().context("cannot run sampan")?;
    Ok(status.code().map_or(ExitCode::FAILURE, |code| ExitCode::from(code as u8)))
}

/// The image of a small Debian.
fn debian_image(sampan: &Path) -> Result<PathBuf> {
    let image = fetch::cache_dir()?.join("debian-amd64.ext2");
    if image.exists() {
        return Ok(image);
    }
    system::ensure("mmdebstrap", &["mmdebstrap", "uidmap"])
        .context("it makes the Debian; `cargo xtask demo --wasi` needs no such tool")?;
    eprintln!("making a small Debian in {} (once, some minutes)", image.display());
    std::fs::create_dir_all(image.parent().context("the cache has a parent")?)?;
    let mut command = Command::new(sampan);
    command.args(["image", "build", "--from", "debian:bookworm", "--size", "1G"]);
    command.arg("--include=less,perl,procps,python3-minimal,vim-tiny");
    project::run(command.arg("--output").arg(&image))?;
    Ok(image)
}
