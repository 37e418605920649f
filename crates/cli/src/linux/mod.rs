//! `sampan linux`: a Linux program, or an image of a system, on sampan's kernel.

mod host;
mod platform;

use crate::args::Linux;
use crate::report::{self, Exit};
use host::Terminal;
use sampan_linux::machine::Interpreter;
use sampan_linux::start::Program;
use sampan_linux::syscall::{Abi, Row};
use sampan_linux::{Config, Kernel, Status};

/// Turns of threads between two looks at the host.
const TURNS: u32 = 64;

/// Runs a program.
pub fn linux(args: &Linux) -> Exit {
    match try_run(args) {
        Ok(status) => Exit::Guest(status),
        Err(text) => {
            report::message(text);
            Exit::BadInput
        }
    }
}

fn try_run(args: &Linux) -> Result<u8, String> {
    refuse_missing(args)?;
    let file =
        std::fs::read(&args.image).map_err(|error| format!("{}: {error}", args.image.display()))?;
    if !file.starts_with(b"\x7fELF") {
        return Err(format!(
            "{}: not an ELF file; disk images are not supported yet",
            args.image.display()
        ));
    }
    let config = Config {
        memory: args.memory,
        hostname: b"sampan".to_vec(),
        trace: args.trace,
        new_machine: Interpreter::create,
    };
    let mut kernel = Kernel::new(Box::new(Terminal::new()), config);
    let name = args.image.file_name().map_or(b"program".to_vec(), platform::bytes);
    kernel.add_file(&name, 0o755, &file).map_err(|errno| format!("minimal root: {errno}"))?;
    drop(file);
    let path = [b"/", &name[..]].concat();
    let mut argv = vec![path.clone()];
    argv.extend(args.program.iter().map(|arg| platform::bytes(arg)));
    let mut envp =
        vec![b"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_vec()];
    envp.extend(args.env.iter().map(|(name, value)| format!("{name}={value}").into_bytes()));
    let cwd = args.cwd.clone().unwrap_or_else(|| "/".into()).into_bytes();
    let program = Program { path, argv, envp, cwd, user: args.user };
    kernel.start(program).map_err(|errno| format!("{}: {errno}", args.image.display()))?;
    let status = run(&mut kernel);
    if args.report {
        print_report(&kernel);
    }
    Ok(status)
}

/// Runs until the first process ends; its status as a shell would tell it.
fn run(kernel: &mut Kernel) -> u8 {
    loop {
        match kernel.run(TURNS) {
            Status::Exited(status) => {
                let signal = status & 0x7f;
                return if signal == 0 { (status >> 8) as u8 } else { 128 + signal as u8 };
            }
            Status::Runnable => {}
            Status::Idle(until) => {
                let streams = kernel.waits_for_host();
                if until.is_none() && !streams {
                    eprintln!("sampan: every process waits for something that cannot happen");
                    return 1;
                }
                platform::wait(streams, until);
            }
        }
        if kernel.waits_for_host() {
            kernel.host_ready();
        }
    }
}

/// What is written and does not work yet must not look as if it did.
fn refuse_missing(args: &Linux) -> Result<(), String> {
    let missing = [
        (args.overlay.is_some(), "--overlay"),
        (args.ephemeral, "--ephemeral"),
        (!args.mounts.is_empty(), "--mount"),
        (args.net != "none", "--net host"),
        (!args.publish.is_empty(), "--publish"),
        (args.strict, "--strict"),
    ];
    match missing.into_iter().find(|(given, _)| *given) {
        Some((_, option)) => Err(format!("{option} is not supported yet")),
        None => Ok(()),
    }
}

fn print_report(kernel: &Kernel) {
    eprintln!("sampan: system calls that were missing: {}", kernel.missing.len());
    for ((i386, number), count) in &kernel.missing {
        let (abi, label) = if *i386 { (Abi::I386, "i386") } else { (Abi::Amd64, "x86-64") };
        let name = Row::find(abi, *number).map_or("unknown", |row| row.name);
        eprintln!("  {name} ({label} {number}): {count}");
    }
    for note in &kernel.notes {
        eprintln!("  {note}");
    }
}
