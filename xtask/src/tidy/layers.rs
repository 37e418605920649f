//! Crates depend only on floors below their own.
//!
//! Dev-dependencies are free: a test may bring in whatever shows that the crate
//! works.

use anyhow::{Context, Result};
use serde_json::Value;

use super::Problem;
use crate::project;

/// The floors, lowest first. ARCHITECTURE.md says what each is for.
const FLOORS: &[(&str, u32)] = &[
    ("sampan-arena", 0),
    ("sampan-wasm", 0),
    ("sampan-disk", 0),
    ("sampan-engine", 1),
    ("sampan-compile", 2),
    ("sampan-x86", 1),
    ("sampan-linux", 2),
    // Host functions over a memory and a file system: it knows no engine.
    ("sampan-wasi", 1),
    // Functions over a memory: it knows no engine.
    ("sampan-libc", 1),
    ("sampan-hostfs", 3),
    ("sampan-translated", 3),
    ("sampan", 4),
    ("sampan-cli", 5),
    // Habits stand outside the house and import nothing of it.
    ("xtask", 0),
];

/// Reports dependencies that lead upwards or sideways, and crates without a floor.
pub fn check(problems: &mut Vec<Problem>) -> Result<()> {
    let metadata = project::metadata()?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    for package in packages {
        let name = text(package, "name")?;
        let manifest = std::path::PathBuf::from(text(package, "manifest_path")?);
        let manifest_text = std::fs::read_to_string(&manifest)?;
        let file = project::shown(&manifest);
        let Some(own) = floor(name) else {
            let message = format!(
                "{name} has no floor: add it to FLOORS in xtask/src/tidy/layers.rs and to ARCHITECTURE.md"
            );
            problems.push(Problem { file, line: 1, message });
            continue;
        };
        for dependency in package["dependencies"].as_array().context("no dependencies")? {
            // Ours are those with a path; a null kind is an ordinary dependency.
            if dependency["path"].is_null() || dependency["kind"] == "dev" {
                continue;
            }
            let other = text(dependency, "name")?;
            // One without a floor is reported where it stands itself.
            if floor(other).is_some_and(|floor| floor >= own) {
                let message = format!(
                    "{name} (floor {own}) depends on {other} (floor {}); only floors below its own may be used",
                    floor(other).unwrap_or_default()
                );
                problems.push(Problem {
                    file: file.clone(),
                    line: line_of(&manifest_text, other),
                    message,
                });
            }
        }
    }
    Ok(())
}

fn floor(name: &str) -> Option<u32> {
    FLOORS.iter().find(|(found, _)| *found == name).map(|(_, floor)| *floor)
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key].as_str().with_context(|| format!("cargo metadata: no {key}"))
}

/// The line on which a manifest names a dependency.
fn line_of(manifest: &str, dependency: &str) -> usize {
    let names = |line: &str| {
        line.trim_start()
            .strip_prefix(dependency)
            .is_some_and(|rest| rest.trim_start().starts_with(['=', '.']))
    };
    manifest.lines().position(names).map_or(1, |index| index + 1)
}
