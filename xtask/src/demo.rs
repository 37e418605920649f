//! The main job on real input: an interactive CPython in the sandbox.

use std::{
    io::IsTerminal,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};

use crate::{
    fetch::{self, Catalogue},
    project,
};

/// `cargo xtask demo`.
#[derive(clap::Args)]
pub struct Options {
    /// Which interpreter runs it
    #[arg(long, default_value = "auto")]
    mode: String,
    /// Arguments for Python; without any it reads a program or a session from standard input
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Sets up what is missing and runs Python; its exit code is ours.
pub fn run(options: &Options) -> Result<ExitCode> {
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
