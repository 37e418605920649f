//! `sampan linux`: a Linux program, or a whole system, on sampan's kernel.

mod exits;
mod host;
mod image;
pub mod network;
mod platform;
pub mod processor;
mod root;

use crate::args::Linux;
use crate::report::{self, Exit};
use host::Terminal;
use sampan_hostfs::{Access, HostFs};
use sampan_linux::fs::mount::mount_flags;
use sampan_linux::syscall::{Abi, Row};
use sampan_linux::{Config, Kernel, Status};

/// Turns of threads between two looks at the host.
const TURNS: u32 = 16;

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
    let config = Config {
        memory: args.memory,
        hostname: b"sampan".to_vec(),
        trace: args.trace,
        new_machine: processor::of(args.mode, args.report),
    };
    let network = network::HostNetwork::new(args.net == "host", &args.publish)?;
    let mut kernel = Kernel::new(Box::new(Terminal::new(network)), config);
    let (program, mut keeper) = root::set_up(&mut kernel, args)?;
    if args.net == "host" {
        kernel
            .cover_file(b"/etc/resolv.conf", network::RESOLVER.as_bytes())
            .map_err(|errno| format!("/etc/resolv.conf: {errno}"))?;
    }
    mount(&mut kernel, args)?;
    let terminals = program.terminals;
    let name = String::from_utf8_lossy(&program.path).into_owned();
    if let Some((rows, columns)) = platform::window_size() {
        kernel.console_resize(rows, columns);
    }
    kernel.start(program).map_err(|errno| format!("{name}: {errno}"))?;
    // From here on keys belong to the guest.
    let session = platform::Session::begin(terminals[0])
        .map_err(|error| format!("the terminal cannot be set up: {error}"))?;
    let status = run(&mut kernel, &session, keeper.as_mut());
    drop(session);
    if let Some(keeper) = keeper {
        keeper.finish()?;
    }
    if args.report {
        print_report(&kernel);
        // Processes that still ran at the end tell what they did when they go.
        drop(kernel);
        exits::print();
    }
    Ok(status)
}

/// Directories of the host.
fn mount(kernel: &mut Kernel, args: &Linux) -> Result<(), String> {
    for mount in &args.mounts {
        let (access, flags) = match mount.read_only {
            true => (Access::ReadOnly, mount_flags::RDONLY),
            false => (Access::ReadWrite, 0),
        };
        let flags = flags | mount_flags::NOSUID | mount_flags::NODEV;
        let fs = HostFs::open(&mount.host, access, kernel.new_dev())
            .map_err(|error| format!("--mount {}: {error}", mount.host.display()))?;
        kernel
            .mount_at(mount.guest.as_bytes(), fs, flags, b"host")
            .map_err(|errno| format!("--mount {}: {errno}", mount.guest))?;
    }
    Ok(())
}

/// Runs until the first process ends; its status as a shell would tell it.
fn run(
    kernel: &mut Kernel,
    session: &platform::Session,
    mut keeper: Option<&mut image::Keeper>,
) -> u8 {
    loop {
        let status = kernel.run(TURNS);
        let news = session.news(kernel.console_room());
        let heard = !news.is_empty();
        for news in news {
            match news {
                platform::News::Input(bytes) => kernel.console_input(&bytes),
                platform::News::Resized(rows, columns) => kernel.console_resize(rows, columns),
                platform::News::HungUp => kernel.console_hangup(),
            }
        }
        let idle = matches!(status, Status::Idle(_)) && !heard;
        let soon = keeper.as_mut().and_then(|keeper| keeper.tick(idle));
        match status {
            Status::Exited(status) => {
                let signal = status & 0x7f;
                return if signal == 0 { (status >> 8) as u8 } else { 128 + signal as u8 };
            }
            Status::Runnable => {}
            // What came may have woken someone.
            Status::Idle(_) if heard => {}
            Status::Idle(until) => {
                let streams = kernel.waits_for_host();
                if until.is_none() && !streams && !session.can_have_news() {
                    eprintln!("sampan: every process waits for something that cannot happen");
                    return 1;
                }
                let soon = soon.map(|soon| (platform::START.elapsed() + soon).as_nanos() as u64);
                let until = until.into_iter().chain(soon).min();
                session.wait(streams, kernel.console_room() > 0, until);
            }
        }
        if kernel.waits_for_host() {
            kernel.host_ready();
        }
    }
}

/// What is written and does not work yet must not look as if it did.
fn refuse_missing(args: &Linux) -> Result<(), String> {
    if args.strict {
        return Err("--strict is not supported yet".into());
    }
    Ok(())
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
