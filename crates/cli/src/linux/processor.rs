//! The processor that executes a guest's programs, by `--mode`.

use super::exits;
use crate::args::LinuxMode;
use sampan_linux::NewMachine;
use sampan_linux::machine::{Interpreter, Options};
use sampan_translated::Native;

/// How processes get their machine; with a report they tell [`exits`] what they did.
pub fn of(mode: LinuxMode, report: bool) -> NewMachine {
    match (mode, report) {
        (LinuxMode::Interpreter, _) => Interpreter::create,
        (LinuxMode::Auto, false) => || Interpreter::translating(Native::create, tuned()),
        (LinuxMode::Auto, true) => {
            || Interpreter::translating(Native::create, observed(tuned()))
        }
        (LinuxMode::Eager, false) => || Interpreter::translating(Native::create, eager()),
        (LinuxMode::Eager, true) => || Interpreter::translating(Native::create, observed(eager())),
    }
}

fn tuned() -> Options {
    let get = |n: &str, d: u64| std::env::var(n).ok().and_then(|t| t.parse().ok()).unwrap_or(d);
    sampan_linux::machine::KNOBS[0].store(get("LEAVING", 40), std::sync::atomic::Ordering::Relaxed);
    sampan_linux::machine::KNOBS[1].store(get("LIMIT", 1200), std::sync::atomic::Ordering::Relaxed);
    sampan_linux::machine::KNOBS[3].store(get("LAZY", 2), std::sync::atomic::Ordering::Relaxed);
    sampan_linux::machine::KNOBS[4].store(get("SMALL", 60), std::sync::atomic::Ordering::Relaxed);
    sampan_linux::machine::KNOBS[2].store(get("ENOUGH", 150), std::sync::atomic::Ordering::Relaxed);
    Options { turn: get("TURN", 4000), samples: get("SAMPLES", 24) as u32, chained: get("CHAINED", 1) != 0, memory: if get("XPLAIN", 0) != 0 { sampan_linux::machine::Memory::Plain } else { sampan_linux::machine::Memory::Strict }, price: get("PRICE", 3000), ..Options::default() }
}

fn eager() -> Options {
    Options { turn: 0, samples: 1, price: 0, wait: true, ..Options::default() }
}

fn observed(options: Options) -> Options {
    Options { observe: Some(exits::note), ..options }
}
