//! The shape of `programs.toml`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

/// One test.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows, in words.
    pub name: String,
    /// Files in a fresh directory that the guest sees as `/scratch`.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The modes in which it runs, if not in all: what takes long in one runs in another.
    pub modes: Option<Vec<String>>,
    /// What runs, one after the other, in that directory.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

/// One run of a program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// A program of `packages.toml`, or `scratch:FILE` for one that an earlier step
    /// made.
    pub program: String,
    #[serde(default)]
    pub args: Vec<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    pub stdin: String,
    /// All of standard output; anything goes when it is left out.
    pub stdout: Option<String>,
    /// Part of standard error.
    pub stderr_contains: Option<String>,
    /// The SHA-256 of files that it leaves in `/scratch`.
    #[serde(default)]
    pub sha256: BTreeMap<String, String>,
    #[serde(default)]
    pub exit: i32,
    /// The time after which it counts as hung.
    #[serde(default = "default_seconds")]
    pub seconds: u64,
}

/// Reads the table.
pub fn load() -> Result<Vec<Case>> {
    #[derive(Deserialize)]
    struct File {
        case: Vec<Case>,
    }
    let file: File =
        toml::from_str(include_str!("../../programs.toml")).context("xtask/programs.toml")?;
    Ok(file.case)
}

fn default_seconds() -> u64 {
    120
}
