//! What tests of whole programs share: a host that keeps what is written, and `gcc`.

use sampan_linux::{Host, Stream, StreamResult};
use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Keeps what is written; there is no input.
pub struct Capture {
    output: Rc<RefCell<Vec<u8>>>,
    started: Instant,
    /// Nanoseconds that were skipped, as if time had passed.
    pub skipped: Rc<Cell<u64>>,
}

impl Capture {
    /// A host, and what will be written.
    pub fn new() -> (Capture, Rc<RefCell<Vec<u8>>>) {
        let output = Rc::new(RefCell::new(Vec::new()));
        let host =
            Capture { output: output.clone(), started: Instant::now(), skipped: Rc::default() };
        (host, output)
    }
}

impl Host for Capture {
    fn realtime_ns(&mut self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        now.as_nanos() as u64 + self.skipped.get()
    }
    fn monotonic_ns(&mut self) -> u64 {
        self.started.elapsed().as_nanos() as u64 + self.skipped.get()
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

/// Compiles a C program for an ABI (`-m64`, `-m32`), as one static file.
pub fn compile(source: &Path, flag: &str) -> PathBuf {
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
