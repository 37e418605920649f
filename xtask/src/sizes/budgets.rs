//! `budgets.toml`: configurations, and how large each may be.

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::project;

/// The file's content.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// The features of the smallest configuration.
    pub base: Vec<String>,
    /// Features whose cost beside it is measured.
    pub additions: Vec<String>,
    /// Each in every run.
    #[serde(rename = "configuration")]
    pub configurations: Vec<Budget>,
}

/// A configuration of the embedder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    pub name: String,
    pub features: Vec<String>,
    pub bytes: u64,
}

impl Budgets {
    /// Reads the file.
    pub fn read() -> Result<Budgets> {
        let path = project::root().join("budgets.toml");
        let text = std::fs::read_to_string(&path).context("cannot read budgets.toml")?;
        Ok(toml::from_str(&text)?)
    }
}
