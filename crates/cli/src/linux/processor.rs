//! The processor that executes a guest's programs, by `--mode`.

use crate::args::LinuxMode;
use sampan_linux::NewMachine;
use sampan_linux::machine::{Interpreter, Options};
use sampan_translated::Native;

/// How processes get their machine.
pub fn of(mode: LinuxMode) -> NewMachine {
    match mode {
        LinuxMode::Interpreter => Interpreter::create,
        LinuxMode::Auto => || Interpreter::translating(Native::create, Options::default()),
        LinuxMode::Eager => || {
            let options = Options { turn: 0, samples: 1, wait: true, ..Options::default() };
            Interpreter::translating(Native::create, options)
        },
    }
}
