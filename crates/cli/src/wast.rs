//! `sampan wast`.

use crate::args::Wast;
use crate::report::{self, Exit};
use crate::spec;
use sampan::{Feature, Features};
use std::fmt::Write;

/// Runs scripts and prints what fails, and how many passed.
pub fn wast(args: Wast) -> Exit {
    let features = Features::WASM3.with(Feature::CustomPageSizes).with(Feature::WideArithmetic);
    let (mut passed, mut failed) = (0, 0);
    let mut exit = Exit::Success;
    for path in &args.files {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                failed += 1;
                exit = report::bad_file(path, error);
                continue;
            }
        };
        let outcome = spec::run(&text, args.mode.mode(), features);
        passed += outcome.passed;
        failed += outcome.failures.len();
        let mut text = String::new();
        for (line, reason) in &outcome.failures {
            exit = Exit::BadInput;
            writeln!(text, "{}:{line}: {reason}", path.display()).expect("strings take everything");
        }
        if outcome.skipped > 0 {
            let proposals: Vec<&str> = outcome.unsupported.into_iter().collect();
            let (count, proposals) = (outcome.skipped, proposals.join(", "));
            let what = "skipped: modules that need proposals which are not executed";
            writeln!(text, "{}: {count} {what}: {proposals}", path.display())
                .expect("strings take everything");
        }
        report::print(text.as_bytes());
    }
    report::print(format!("{passed} passed, {failed} failed\n").as_bytes());
    exit
}
