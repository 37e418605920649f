//! Every test there is, with one sum at the end.
//!
//! What executes modules, the official suite included, runs a second time with
//! optimisation: the engine's dispatch differs there, and it is what users run.

use std::{
    io::{BufRead, BufReader},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result};

use crate::{
    debian, emulated,
    programs::{self, Tally},
    project, system, web,
};

/// `cargo xtask test`.
#[derive(clap::Args)]
pub struct Options {
    /// Leave out the real programs, and so the network
    #[arg(long)]
    offline: bool,
}

/// Programs that `crates/cli/tests/linux` runs in the sandbox, with their Debian packages.
const GUESTS: &[(&str, &str)] = &[
    ("busybox", "busybox-static"),
    ("bzip2", "bzip2"),
    ("cc", "gcc"),
    ("git", "git"),
    ("less", "less"),
    ("lua5.4", "lua5.4"),
    ("make", "make"),
    ("man", "man-db"),
    ("nano", "nano"),
    ("node", "nodejs"),
    ("openssl", "openssl"),
    ("perl", "perl"),
    ("python3", "python3"),
    ("ruby", "ruby"),
    ("script", "bsdutils"),
    ("sqlite3", "sqlite3"),
    ("ssh-keygen", "openssh-client"),
    ("stress-ng", "stress-ng"),
    ("tmux", "tmux"),
    ("top", "procps"),
    ("vim", "vim"),
    ("xz", "xz-utils"),
    ("zstd", "zstd"),
];

/// Runs all parts, also after one has failed.
pub fn run(options: &Options) -> Result<ExitCode> {
    if std::env::consts::OS == "linux" {
        for (command, package) in GUESTS {
            system::ensure(command, &[package])?;
        }
    }
    let i386 = match std::env::consts::OS {
        "linux" => debian::i386().map(drop),
        _ => Ok(()),
    };
    let mut all = Tally::default();
    let mut add = |part: &str, result: Result<Tally>| match result {
        Ok(tally) => {
            println!("-- {part}: {} passed, {} failed\n", tally.passed, tally.failed);
            all = sum(all, tally);
        }
        Err(error) => {
            all.failed += 1;
            println!("-- {part}: {error:#}\n");
        }
    };

    add("tests", cargo_test(&["--workspace"], false, i386.is_ok()));
    let mut optimised = vec!["--profile", "test-release"];
    optimised.extend(
        ["sampan-engine", "sampan", "sampan-cli"].map(|name| ["--package", name]).as_flattened(),
    );
    add("optimised tests", cargo_test(&optimised, false, i386.is_ok()));
    let small = ["--package", "sampan-cli", "--test", "spec"];
    add("the suite in the form for small devices", cargo_test(&small, true, true));
    if std::env::consts::OS == "linux" {
        add("compiled code for other processors", emulated::test());
    }
    add("Linux in WebAssembly", web::test(i386.is_ok()));
    if !options.offline {
        let programs = project::build_sampan()
            .and_then(|sampan| programs::run_all(&sampan, &programs::MODES, &[]));
        add("real programs", programs);
    }

    if let Err(error) = i386 {
        println!(
            "left out: the programs of a Debian for i386, here and in a browser, which cannot be made: {error:#}"
        );
    }
    println!("{} passed, {} failed", all.passed, all.failed);
    Ok(if all.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs `cargo test` with arguments. `small` builds the interpreters in the form that they have
/// where size counts; without `i386`, what needs the Debian for it is left out.
fn cargo_test(args: &[&str], small: bool, i386: bool) -> Result<Tally> {
    let mut cargo = project::cargo();
    if !i386 {
        cargo.env("SAMPAN_WITHOUT_I386", "1");
    }
    cargo.env("SAMPAN_SMALL", if small { "1" } else { "0" });
    tests(cargo.args(["test", "--no-fail-fast"]).args(args))
}

/// The results of two parts together.
pub fn sum(a: Tally, b: Tally) -> Tally {
    Tally { passed: a.passed + b.passed, failed: a.failed + b.failed }
}

/// Runs `cargo test` as given, shows its output as it comes and adds up its results.
pub fn tests(command: &mut Command) -> Result<Tally> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot run cargo test")?;
    let mut tally = Tally::default();
    for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
        let line = line?;
        if let Some((passed, failed)) = test_result(&line) {
            tally.passed += passed;
            tally.failed += failed;
        }
        println!("{line}");
    }
    // A test program that does not build, or dies, prints no result.
    if !child.wait()?.success() && tally.failed == 0 {
        tally.failed = 1;
    }
    Ok(tally)
}

/// Reads libtest's `test result: ok. 5 passed; 0 failed; ...`, or the line
/// `5 passed, 0 failed` of a test program without its harness.
fn test_result(line: &str) -> Option<(u32, u32)> {
    let counts = match line.strip_prefix("test result: ") {
        Some(rest) => rest.split_once(". ")?.1,
        None => line,
    };
    let mut words = counts.split([';', ',']).map(|part| part.trim().split_once(' '));
    let mut count = |name| match words.next()?? {
        (number, found) if found == name => number.parse().ok(),
        _ => None,
    };
    Some((count("passed")?, count("failed")?))
}

#[cfg(test)]
mod tests {
    use super::test_result;

    #[test]
    fn reads_libtest() {
        let line = "test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(test_result(line), Some((5, 2)));
        assert_eq!(test_result("21926 passed, 0 failed"), Some((21926, 0)));
        assert_eq!(test_result("test a ... ok"), None);
    }
}
