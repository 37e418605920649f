//! Messages and exit codes.

use sampan::wasi::RaisedSignal;
use sampan::{Error, ErrorKind};
use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Success,
    /// The input is bad: modules, files.
    BadInput,
    /// The time of `--timeout` is over; the number is that of coreutils' `timeout`.
    Timeout,
    /// The guest trapped; the number is that of a process that aborts.
    Trap,
    /// A check found something wrong; the number is that of `e2fsck`.
    Damaged,
    /// Nothing could be checked; as `e2fsck`.
    NotChecked,
    /// What the guest chose.
    Guest(u8),
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::BadInput => 1,
            Exit::Damaged => 4,
            Exit::NotChecked => 8,
            Exit::Timeout => 124,
            Exit::Trap => 134,
            Exit::Guest(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        exit.code().into()
    }
}

/// Prints a message to standard error.
pub fn message(text: impl Display) {
    // There is nobody left to tell that it failed.
    let _ = writeln!(std::io::stderr(), "sampan: {text}");
}

/// Says that there is something wrong with a file.
pub fn bad_file(path: &Path, problem: impl Display) -> Exit {
    message(format_args!("{}: {problem}", path.display()));
    Exit::BadInput
}

/// Writes to standard output. A reader that has seen enough is no error.
pub fn print(bytes: &[u8]) -> Exit {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Exit::Success,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Success,
        Err(error) => {
            message(format_args!("cannot write to standard output: {error}"));
            Exit::BadInput
        }
    }
}

/// Says what an error is and which exit code goes with it.
pub fn error(path: &Path, error: &Error) -> Exit {
    match error.kind() {
        ErrorKind::Link(imports) => {
            for import in imports {
                bad_file(path, import);
            }
            Exit::BadInput
        }
        ErrorKind::Trap(trap) => {
            message(format_args!("trap: {trap}"));
            backtrace(error)
        }
        ErrorKind::Host(_) if error.i32_exit_status().is_some() => {
            // Codes that a process can't have are wrapped as the system does.
            Exit::Guest(error.i32_exit_status().unwrap_or(0) as u8)
        }
        ErrorKind::Host(reason) => {
            if let Some(&RaisedSignal(signal)) = error.downcast_ref() {
                message(reason);
                return Exit::Guest(128u8.saturating_add(signal));
            }
            message(format_args!("trap: a host function failed: {reason}"));
            backtrace(error)
        }
        ErrorKind::Exception => {
            // With its tag and the calls that led there.
            message(error);
            Exit::Trap
        }
        _ => bad_file(path, error),
    }
}

fn backtrace(error: &Error) -> Exit {
    if !error.backtrace().frames().is_empty() {
        let _ = writeln!(std::io::stderr(), "{}", error.backtrace());
    }
    Exit::Trap
}
