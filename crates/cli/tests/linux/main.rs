//! `sampan linux` over this machine's own root, and over a Debian for i386: what programs print
//! in the sandbox, and how they end, is what they print and how they end outside.
//!
//! Needs a Debian-like machine; what is missing there is an error, and never passed over.
#![cfg(target_os = "linux")]

mod debian;
mod files;
mod network;
mod programs;
mod python_modules;
mod terminal;

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Standard output, and the exit code as a shell has it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    stdout: String,
    code: Option<i32>,
}

/// What every program is started with, here and there.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("HOME", "/tmp"),
    ("LC_ALL", "C.UTF-8"),
    ("TZ", "UTC"),
];

fn sampan(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sampan"));
    command.arg("linux");
    for (name, value) in ENVIRONMENT {
        command.arg("--env").arg(format!("{name}={value}"));
    }
    command.args(options);
    command
}

fn finish(mut command: Command, input: &str) -> Seen {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let mut stdin = child.stdin.take().expect("it is a pipe");
    // Who does not read its input may have closed it.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    if !stderr.is_empty() {
        eprintln!("{}", String::from_utf8_lossy(&stderr));
    }
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    let code = status.code().or(signal.map(|signal| 128 + signal));
    Seen { stdout: String::from_utf8_lossy(&stdout).into_owned(), code }
}
