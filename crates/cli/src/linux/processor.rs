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
        (LinuxMode::Auto, false) => || Interpreter::translating(Native::create, Options::default()),
        (LinuxMode::Auto, true) => {
            || Interpreter::translating(Native::create, observed(Options::default()))
        }
        (LinuxMode::Eager, false) => || Interpreter::translating(Native::create, eager()),
        (LinuxMode::Eager, true) => || Interpreter::translating(Native::create, observed(eager())),
    }
}

fn eager() -> Options {
    Options { turn: 0, samples: 1, price: 0, wait: true, ..Options::default() }
}

fn observed(options: Options) -> Options {
    Options { observe: Some(exits::note), ..options }
}
