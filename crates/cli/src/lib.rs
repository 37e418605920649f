//! The `sampan` command line, as a library so that tests can use its parts.
//!
//! Nothing here is meant for other programs.

#![forbid(unsafe_code)]

mod args;
mod image;
mod inspect;
mod linux;
mod relay;
mod report;
mod run;
pub mod spec;
mod validate;
mod wast;
mod web;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use report::Exit;
use std::process::ExitCode;

/// Does what the arguments of this process say.
pub fn main() -> ExitCode {
    let exit = match Cli::parse().command {
        Command::Run(args) => run::run(*args.0),
        Command::Linux(args) => linux::linux(&args.0),
        Command::Image(args) => image::image(&args.0),
        Command::Web(args) => web::web(&args.0),
        Command::Relay(args) => relay::relay(&args.0),
        Command::Wast(args) => wast::wast(*args.0),
        Command::Validate(args) => validate::validate(*args.0),
        Command::Inspect(args) => inspect::inspect(&args.0),
        Command::Completions { shell } => completions(shell),
    };
    exit.into()
}

fn completions(shell: clap_complete::Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sampan", &mut script);
    report::print(&script)
}
