//! Each C program of `tests/c` runs on this machine's kernel and on ours, for both
//! ABIs, and must print the same and end the same way.

use sampan_linux::machine::Interpreter;
use sampan_linux::start::Program;
use sampan_linux::{Config, Host, Kernel, Status, Stream, StreamResult};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Keeps what is written; there is no input.
struct Capture {
    output: Rc<RefCell<Vec<u8>>>,
    started: Instant,
}

impl Host for Capture {
    fn realtime_ns(&mut self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64
    }
    fn monotonic_ns(&mut self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }
    fn random(&mut self, bytes: &mut [u8]) {
        bytes.fill(0x5a);
    }
    fn console_write(&mut self, bytes: &[u8]) {
        self.output.borrow_mut().extend_from_slice(bytes);
    }
    fn stream_read(&mut self, _: Stream, _: &mut [u8]) -> StreamResult {
        StreamResult::Done(0)
    }
    fn stream_write(&mut self, _: Stream, bytes: &[u8]) -> StreamResult {
        self.output.borrow_mut().extend_from_slice(bytes);
        StreamResult::Done(bytes.len())
    }
    fn stream_ready(&mut self, _: Stream, _: bool) -> bool {
        true
    }
    fn log(&mut self, line: String) {
        eprintln!("{line}");
    }
}

fn compile(source: &Path, flag: &str) -> PathBuf {
    let name = source.file_stem().expect("a file").to_str().expect("a name");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}{flag}"));
    let status = Command::new("gcc")
        .args(["-O1", "-w", "-static", "-pthread", flag, "-o"])
        .arg(&target)
        .arg(source)
        .status()
        .expect("gcc runs");
    assert!(status.success(), "gcc {flag} fails; packages gcc, libc6-dev, gcc-multilib are needed");
    target
}

/// What a program prints on this machine, and its status as `wait` tells it.
fn native(program: &Path) -> (String, i32) {
    use std::os::unix::process::ExitStatusExt;
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(program);
    let output = command.current_dir(folder.path()).output().expect("it runs");
    let status = output.status.into_raw() & !0x80;
    (String::from_utf8_lossy(&output.stdout).into_owned(), status)
}

fn emulated(program: &Path) -> (String, i32) {
    run(program, 256 << 20)
}

fn run(program: &Path, memory: u64) -> (String, i32) {
    let output = Rc::new(RefCell::new(Vec::new()));
    let host = Capture { output: output.clone(), started: Instant::now() };
    let config = Config {
        memory,
        hostname: b"test".to_vec(),
        trace: std::env::var_os("SAMPAN_TRACE").is_some(),
        new_machine: Interpreter::create,
    };
    let mut kernel = Kernel::new(Box::new(host), config);
    let content = std::fs::read(program).expect("it was compiled");
    kernel.add_file(b"program", 0o755, &content).expect("the root has room");
    let program = Program {
        path: b"/program".to_vec(),
        argv: vec![b"program".to_vec()],
        envp: Vec::new(),
        cwd: b"/".to_vec(),
        user: (0, 0),
    };
    kernel.start(program).expect("it starts");
    let limit = Instant::now() + Duration::from_secs(60);
    let status = loop {
        match kernel.run(100) {
            Status::Exited(status) => break status,
            Status::Runnable => {}
            Status::Idle(None) => panic!("every thread waits for ever"),
            Status::Idle(Some(_)) => std::thread::sleep(Duration::from_millis(1)),
        }
        assert!(Instant::now() < limit, "it does not end");
    };
    let text = String::from_utf8_lossy(&output.borrow()).into_owned();
    (text, status)
}

#[test]
fn same_as_this_machines_kernel() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c");
    // One program alone, while it is being worked on.
    let only = std::env::var("SAMPAN_PROGRAM").ok();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let source = entry.expect("it can be read").path();
        let stem = source.file_stem().expect("a file").to_string_lossy().into_owned();
        if only.as_ref().is_some_and(|only| *only != stem) {
            continue;
        }
        for flag in ["-m64", "-m32"] {
            let program = compile(&source, flag);
            let (here, there) = (native(&program), emulated(&program));
            if here != there {
                panic!(
                    "{stem} {flag} differs, status {:#x} and {:#x}:\n{}",
                    here.1,
                    there.1,
                    difference(&here.0, &there.0)
                );
            }
            count += 1;
        }
    }
    assert!(count >= 2);
}

/// The first lines that differ, with the one before.
fn difference(here: &str, there: &str) -> String {
    let (here, there): (Vec<_>, Vec<_>) = (here.lines().collect(), there.lines().collect());
    let same = here.iter().zip(&there).take_while(|(a, b)| a == b).count();
    let part = |lines: &[&str]| {
        lines.iter().skip(same).take(8).map(|l| format!("  {l}\n")).collect::<String>()
    };
    let before = if same > 0 { here[same - 1] } else { "" };
    format!("after {before}\nthis machine:\n{}sampan:\n{}", part(&here), part(&there))
}

#[test]
fn too_much_memory_ends_the_process() {
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hungry.c");
    let text = "#include <stdio.h>\n#include <string.h>\n#include <sys/mman.h>\n\
        int main(void) { for (int i = 0; i < 40; i++) \
        memset(mmap(0, 1 << 20, 3, 34, -1, 0), 1, 1 << 20); puts(\"done\"); }";
    std::fs::write(&source, text).expect("the folder can be written");
    let program = compile(&source, "-m64");
    assert_eq!(run(&program, 20 << 20), (String::new(), 9));
    assert_eq!(run(&program, 100 << 20), ("done\n".into(), 0));
}
