//! Checks what no compiler checks. Each problem is one line, `file:line: message`.
//!
//! What is allowed where is said in `tidy.toml`, with a reason for each entry;
//! an entry that nothing needs any more is a problem too.

mod layers;
mod source;
mod tokens;

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::project;

/// A place and what is wrong there.
struct Problem {
    file: String,
    line: usize,
    message: String,
}

/// `tidy.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    /// Files that may hold `unsafe`.
    #[serde(default, rename = "unsafe")]
    unsafe_files: Vec<Entry>,
    /// Files that may name an operating system.
    #[serde(default, rename = "platform")]
    platform_files: Vec<Entry>,
    /// Tables, which may be long.
    #[serde(default, rename = "table")]
    tables: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: String,
    reason: String,
}

/// Runs every check.
pub fn run() -> Result<ExitCode> {
    let text = std::fs::read_to_string(project::root().join("tidy.toml"))
        .context("cannot read tidy.toml")?;
    let allowed: Allowed = toml::from_str(&text).context("tidy.toml")?;
    let mut problems = Vec::new();
    layers::check(&mut problems)?;
    source::check(&allowed, &text, &mut problems)?;
    for Problem { file, line, message } in &problems {
        println!("{file}:{line}: {message}");
    }
    if problems.is_empty() {
        println!("tidy");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} problems", problems.len());
    Ok(ExitCode::FAILURE)
}
