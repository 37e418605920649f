//! Rust files: their length, where `unsafe` is, where systems are named.

use anyhow::Result;

use super::{Allowed, Entry, Problem, tokens};
use crate::project;

/// Above this, a file is asked which second concept is inside.
const LONG: usize = 500;
/// Above this, only tables.
const TOO_LONG: usize = 800;

/// Checks every Rust file of the workspace, and every entry of `tidy.toml`.
pub fn check(allowed: &Allowed, allowed_text: &str, problems: &mut Vec<Problem>) -> Result<()> {
    let mut used = Used::default();
    for path in project::files(project::root(), "rs")? {
        let file = project::shown(&path);
        let text = std::fs::read_to_string(&path)?;
        let code = tokens::code_only(&text);
        // The peers' and the fuzzers' workspaces are bound by length only.
        let house = file.starts_with("crates/") || file.starts_with("xtask/");

        check_length(&file, text.lines().count(), allowed, &mut used, problems);
        if house {
            let lines = |found: fn(&str) -> Option<&'static str>| {
                let numbered = code.lines().enumerate();
                numbered
                    .filter_map(move |(index, line)| Some((index + 1, found(line)?)))
                    .collect::<Vec<_>>()
            };
            let findings = lines(tokens::unsafe_code);
            report(
                &file,
                findings,
                &allowed.unsafe_files,
                "[[unsafe]]",
                &mut used.unsafe_files,
                problems,
            );
            let findings = lines(tokens::system_name);
            report(
                &file,
                findings,
                &allowed.platform_files,
                "[[platform]]",
                &mut used.platform_files,
                problems,
            );
        }
        let is_crate_root = file.ends_with("/src/lib.rs") || file.ends_with("/src/main.rs");
        if house && is_crate_root && !forbids_unsafe(&code) {
            let folder = file.rsplit_once('/').expect("ends in /src/...").0;
            if !allowed.unsafe_files.iter().any(|entry| entry.path.starts_with(folder)) {
                let message = "a crate without unsafe code says so: #![forbid(unsafe_code)]".into();
                problems.push(Problem { file, line: 1, message });
            }
        }
    }
    check_entries(
        &allowed.unsafe_files,
        &used.unsafe_files,
        "holds no unsafe code",
        allowed_text,
        problems,
    );
    check_entries(
        &allowed.platform_files,
        &used.platform_files,
        "names no operating system",
        allowed_text,
        problems,
    );
    check_entries(&allowed.tables, &used.tables, "is not long", allowed_text, problems);
    Ok(())
}

/// The files that needed their entry.
#[derive(Default)]
struct Used {
    unsafe_files: Vec<String>,
    platform_files: Vec<String>,
    tables: Vec<String>,
}

fn check_length(
    file: &str,
    lines: usize,
    allowed: &Allowed,
    used: &mut Used,
    problems: &mut Vec<Problem>,
) {
    if lines <= LONG {
        return;
    }
    if allowed.tables.iter().any(|entry| entry.path == file) {
        used.tables.push(file.into());
    } else if lines > TOO_LONG {
        let message =
            format!("{lines} lines; past {TOO_LONG} only tables ([[table]] in tidy.toml)");
        problems.push(Problem { file: file.into(), line: 1, message });
    } else {
        eprintln!("{file}:1: warning: {lines} lines; which second concept is inside?");
    }
}

fn report(
    file: &str,
    findings: Vec<(usize, &'static str)>,
    allowed: &[Entry],
    list: &str,
    used: &mut Vec<String>,
    problems: &mut Vec<Problem>,
) {
    if findings.is_empty() {
        return;
    }
    if allowed.iter().any(|entry| entry.path == file) {
        used.push(file.into());
        return;
    }
    let (line, what) = findings[0];
    let places = match findings.len() {
        1 => String::new(),
        count => format!(" (and on {} more lines)", count - 1),
    };
    let message = format!("`{what}`{places} in a file that tidy.toml does not list under {list}");
    problems.push(Problem { file: file.into(), line, message });
}

fn check_entries(
    entries: &[Entry],
    used: &[String],
    unneeded: &str,
    text: &str,
    problems: &mut Vec<Problem>,
) {
    for (index, Entry { path, reason }) in entries.iter().enumerate() {
        let line = text
            .lines()
            .position(|line| line.contains(&format!("\"{path}\"")))
            .map_or(1, |index| index + 1);
        let message = if !project::root().join(path).is_file() {
            format!("{path} does not exist")
        } else if !used.contains(path) {
            format!("{path} {unneeded} any more: remove the entry")
        } else if reason.trim().is_empty() {
            format!("{path}: the reason is missing")
        } else if index > 0 && entries[index - 1].path >= *path {
            // So that additions of several branches do not meet at the end of the file, and
            // nothing stands twice.
            format!("{path} stands twice or out of order: the list is sorted by path")
        } else {
            continue;
        };
        problems.push(Problem { file: "tidy.toml".into(), line, message });
    }
}

fn forbids_unsafe(code: &str) -> bool {
    code.lines().any(|line| line.starts_with("#![forbid(unsafe_code)]"))
}
