//! Real programs, run through the command line as a user runs them.
//!
//! `programs.toml` says what to run and what must come out; each case runs once
//! in each mode, or in those that it names. Any command that takes `run [--mode M] [--dir HOST::GUEST]...
//! [--env K=V]... FILE [ARGS...]` can stand in for sampan, which is how the
//! expectations themselves were checked.

mod case;
mod child;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    fetch::{self, Catalogue},
    project,
};
use case::{Case, Step};

/// `cargo xtask programs`.
#[derive(clap::Args)]
pub struct Options {
    /// Only cases whose name contains one of these
    names: Vec<String>,
    /// Run this command instead of sampan
    #[arg(long, value_name = "COMMAND")]
    runner: Option<PathBuf>,
    /// Only this mode
    #[arg(long)]
    mode: Option<String>,
}

/// How many went which way.
#[derive(Clone, Copy, Default)]
pub struct Tally {
    pub passed: u32,
    pub failed: u32,
}

/// The modes of execution that programs run in. `jit` is not among them: it would spend most of
/// the time on functions that a program never calls, and `auto` runs its code.
pub const MODES: [&str; 3] = ["classic", "fast", "auto"];

/// Runs the cases that were asked for.
pub fn run(options: &Options) -> Result<ExitCode> {
    let runner = match &options.runner {
        Some(runner) => runner.clone(),
        None => project::build_sampan()?,
    };
    let chosen = options.mode.as_deref();
    let modes = chosen.as_ref().map_or(&MODES[..], std::slice::from_ref);
    let tally = run_all(&runner, modes, &options.names)?;
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs every case whose name contains one of `names` (all, if there are none)
/// in each of `modes`.
pub fn run_all(runner: &Path, modes: &[&str], names: &[String]) -> Result<Tally> {
    let catalogue = Catalogue::load()?;
    let cases = case::load()?;
    let chosen =
        |case: &&Case| names.is_empty() || names.iter().any(|name| case.name.contains(name));
    let mut tally = Tally::default();
    for case in cases.iter().filter(chosen) {
        let runs = |mode: &&&str| {
            case.modes.as_ref().is_none_or(|modes| modes.iter().any(|it| it == **mode))
        };
        for mode in modes.iter().filter(runs) {
            let start = Instant::now();
            match run_case(case, runner, mode, &catalogue) {
                Ok(()) => {
                    tally.passed += 1;
                    println!(
                        "program {} ({mode}) ... ok, {:.1} s",
                        case.name,
                        start.elapsed().as_secs_f32()
                    );
                }
                Err(error) => {
                    tally.failed += 1;
                    println!("program {} ({mode}) ... FAILED\n{error:#}", case.name);
                }
            }
        }
    }
    Ok(tally)
}

fn run_case(case: &Case, runner: &Path, mode: &str, catalogue: &Catalogue) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    for (name, text) in &case.files {
        std::fs::write(scratch.path().join(name), text)?;
    }
    for step in &case.steps {
        run_step(step, scratch.path(), runner, mode, catalogue)
            .with_context(|| format!("step {}", step.args.first().unwrap_or(&step.program)))?;
    }
    Ok(())
}

fn run_step(
    step: &Step,
    scratch: &Path,
    runner: &Path,
    mode: &str,
    catalogue: &Catalogue,
) -> Result<()> {
    let mut command = Command::new(runner);
    command.args(["run", "--mode", mode]);
    let mut args = Vec::new();
    let module = match step.program.strip_prefix("scratch:") {
        Some(made) => scratch.join(made),
        None => {
            let program = catalogue.program(&step.program)?;
            for (host, guest) in &program.dirs {
                command.arg("--dir").arg(format!("{}::{guest}", host.display()));
            }
            args = program.args;
            program.module
        }
    };
    command.arg("--dir").arg(format!("{}::/scratch", scratch.display()));
    for (key, value) in &step.env {
        command.arg("--env").arg(format!("{key}={value}"));
    }
    command.arg(module).args(args).args(&step.args);

    let end = child::run(&mut command, &step.stdin, Duration::from_secs(step.seconds))?;
    let mut problems = Vec::new();
    if end.code != Some(step.exit) {
        problems.push(match end.code {
            Some(code) => format!("exit code {code}, expected {}", step.exit),
            None => format!("killed by a signal, or not done after {} s", step.seconds),
        });
    }
    if let Some(expected) = &step.stdout
        && end.stdout != *expected
    {
        problems.push(format!("standard output:\n{}\nexpected:\n{expected}", end.stdout));
    }
    if let Some(expected) = &step.stderr_contains
        && !end.stderr.contains(expected)
    {
        problems.push(format!("expected on standard error: {expected}"));
    }
    for (name, expected) in &step.sha256 {
        match fetch::sha256(&scratch.join(name)) {
            Ok(found) if found == *expected => {}
            Ok(found) => problems.push(format!("sha256 of {name}: {found}, expected {expected}")),
            Err(error) => problems.push(format!("{name}: {error}")),
        }
    }
    if !problems.is_empty() {
        let tail =
            &end.stderr[end.stderr.ceil_char_boundary(end.stderr.len().saturating_sub(2000))..];
        bail!("{}\nstandard error:\n{tail}", problems.join("\n"));
    }
    Ok(())
}
