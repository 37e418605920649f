//! The `sampan` command line.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    sampan_cli::main()
}
