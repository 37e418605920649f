//! Random system calls with wild arguments, in both ABIs: the kernel neither panics nor
//! hangs, and keeps within its memory. `SAMPAN_FUZZ_SEED` and `SAMPAN_FUZZ_CHILDREN` let it
//! search elsewhere and longer.

mod common;

use common::{Capture, compile};
use sampan_linux::machine::Interpreter;
use sampan_linux::start::Program;
use sampan_linux::{Config, Kernel, Status};
use std::path::Path;
use std::time::{Duration, Instant};

const MEMORY: u64 = 64 << 20;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Runs it; what it printed, and how it ended.
fn search(program: &Path, seed: u64, children: u64, steps: u64) -> (String, i32) {
    let (host, output) = Capture::new();
    let skipped = host.skipped.clone();
    let config = Config {
        memory: MEMORY,
        hostname: b"fuzz".to_vec(),
        trace: std::env::var_os("SAMPAN_TRACE").is_some(),
        new_machine: Interpreter::create,
    };
    let mut kernel = Kernel::new(Box::new(host), config);
    let content = std::fs::read(program).expect("it was compiled");
    kernel.add_file(b"program", 0o755, &content).expect("the root has room");
    let arguments = ["program", &seed.to_string(), &children.to_string(), &steps.to_string()];
    let first = Program {
        path: b"/program".to_vec(),
        argv: arguments.iter().map(|text| text.as_bytes().to_vec()).collect(),
        envp: Vec::new(),
        cwd: b"/".to_vec(),
        user: (0, 0),
        terminals: [false; 3],
    };
    kernel.start(first).expect("it starts");
    let limit = Instant::now() + Duration::from_secs(20 + children);
    let status = loop {
        match kernel.run(50) {
            Status::Exited(status) => break status,
            Status::Runnable => {}
            Status::Idle(None) => panic!("seed {seed}: all wait for ever: {:?}", waits(&kernel)),
            // Nobody waits for time to pass.
            Status::Idle(Some(when)) => {
                let now = kernel.host.monotonic_ns();
                skipped.set(skipped.get() + when.saturating_sub(now));
            }
        }
        assert!(Instant::now() < limit, "seed {seed}: it does not end");
        // One turn may touch more before it is looked at.
        assert!(kernel.memory_used() < MEMORY + (64 << 20), "seed {seed}: too much memory");
    };
    (String::from_utf8_lossy(&output.borrow()).into_owned(), status)
}

/// Which thread is in which call.
fn waits(kernel: &Kernel) -> Vec<String> {
    let of = |thread: &std::rc::Rc<sampan_linux::task::Thread>| {
        let call = thread.call.borrow();
        let row = call.as_ref().and_then(|call| call.row).map_or("none", |row| row.name);
        format!("{} {:?} {row} {:?}", thread.tid, thread.state.get(), thread.process.exiting.get())
    };
    kernel.threads.values().map(of).collect()
}

#[test]
fn random_calls() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/calls.c");
    let (seed, children) = (number("SAMPAN_FUZZ_SEED", 1), number("SAMPAN_FUZZ_CHILDREN", 150));
    for flag in ["-m64", "-m32"] {
        let program = compile(&source, flag);
        let (output, status) = search(&program, seed, children, 150);
        assert!(output == "done\n" && status == 0, "{flag}: status {status:#x}");
    }
}

#[test]
fn random_tracers() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/tracers.c");
    let (seed, rounds) = (number("SAMPAN_FUZZ_SEED", 1), number("SAMPAN_FUZZ_CHILDREN", 25));
    for flag in ["-m64", "-m32"] {
        let program = compile(&source, flag);
        let (output, status) = search(&program, seed, rounds, 400);
        assert!(output == "done\n" && status == 0, "{flag}: status {status:#x}");
    }
}
