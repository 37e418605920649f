//! Each instruction runs on the real processor and on ours, from the same state, and must
//! leave the same: registers, flags but those that the manual leaves undefined, memory, and the
//! same fault.
//!
//! Instructions are random bytes that the decoder takes for one of the extensions that we
//! advertise; their memory operands are steered into a page of data most of the time. For a
//! longer search: `SAMPAN_ORACLE_CASES=1000000 SAMPAN_ORACLE_SEED=7 cargo test ... --test oracle`.
#![cfg(target_arch = "x86_64")]

mod case;
mod compare;
mod host;

use compare::Execution;
use sampan_x86::Mode;

/// Cases by default: as many as a few seconds allow.
const CASES: usize = 60_000;

/// Of translated code, whose modules must be compiled.
const TRANSLATED_CASES: usize = 2_500;

fn search(mode: Mode, execution: Execution) {
    let number = |name: &str, default: usize| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let cases = match execution {
        Execution::Interpreted => number("SAMPAN_ORACLE_CASES", CASES),
        Execution::Translated => number("SAMPAN_ORACLE_TRANSLATED_CASES", TRANSLATED_CASES),
    };
    let seed = number("SAMPAN_ORACLE_SEED", 1) as u64;
    let native = host::Native::build(mode, &format!("{execution:?}"));
    let mut failures = compare::Failures::default();
    let (mut done, mut ran) = (0, 0);
    while done < cases {
        let batch = (cases - done).min(10_000);
        let tests: Vec<_> = (0..batch)
            .map(|i| case::random(mode, seed.wrapping_mul(0x1_0000_0000) + (done + i) as u64))
            .collect();
        let results = native.run(&tests);
        for (test, expected) in tests.iter().zip(&results) {
            ran += usize::from(compare::check(mode, execution, test, expected, &mut failures));
        }
        done += batch;
    }
    assert!(ran > cases / 10, "{ran} of {cases} cases ran");
    failures.report(ran);
}

#[test]
fn amd64_as_the_processor() {
    search(Mode::Amd64, Execution::Interpreted);
}

#[test]
fn i386_as_the_processor() {
    search(Mode::I386, Execution::Interpreted);
}

#[test]
fn amd64_translated_as_the_processor() {
    search(Mode::Amd64, Execution::Translated);
}

#[test]
fn i386_translated_as_the_processor() {
    search(Mode::I386, Execution::Translated);
}
