//! The real processor: a helper program, built from `native.c` for either instruction set.

use crate::case::{State, Test};
use sampan_x86::Mode;
use std::path::PathBuf;
use std::process::Command;

/// The built helper.
pub struct Native {
    folder: PathBuf,
    program: PathBuf,
}

/// What it saw.
#[derive(Clone)]
#[repr(C)]
pub struct Outcome {
    pub trap: u64,
    pub error: u64,
    pub cr2: u64,
    pub after: State,
}

impl Native {
    /// Builds the helper with the system's C compiler, for a test of this name: others run at the
    /// same time.
    pub fn build(mode: Mode, test: &str) -> Self {
        let (name, flag) = match mode {
            Mode::Amd64 => ("native64", "-m64"),
            Mode::I386 => ("native32", "-m32"),
        };
        let folder =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("oracle-{name}-{test}"));
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        let program = folder.join(name);
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/native.c");
        let status = Command::new("cc")
            .args([
                flag,
                "-O1",
                "-static",
                "-no-pie",
                "-Wl,-Ttext-segment=0x5a000000",
                source,
                "-o",
            ])
            .arg(&program)
            .status()
            .expect("a C compiler is installed");
        assert!(status.success(), "cc {flag} failed; 32-bit programs need gcc-multilib");
        Self { folder, program }
    }

    /// Runs all tests.
    pub fn run(&self, tests: &[Test]) -> Vec<Outcome> {
        let (input, output) = (self.folder.join("cases"), self.folder.join("results"));
        let mut bytes = Vec::new();
        for test in tests {
            bytes.extend(test.code);
            test.before.write(&mut bytes);
        }
        std::fs::write(&input, bytes).expect("the target folder can be written");
        let status = Command::new(&self.program).args([&input, &output]).status().expect("it runs");
        assert!(status.success(), "the helper failed: {status}");
        let bytes = std::fs::read(&output).expect("it wrote its results");
        let size = 24 + State::SIZE;
        assert_eq!(bytes.len(), size * tests.len(), "one result for each case");
        let word = |at: &[u8], i: usize| {
            u64::from_le_bytes(at[8 * i..8 * i + 8].try_into().expect("eight bytes"))
        };
        bytes
            .chunks_exact(size)
            .map(|chunk| Outcome {
                trap: word(chunk, 0),
                error: word(chunk, 1),
                cr2: word(chunk, 2),
                after: State::read(&chunk[24..]),
            })
            .collect()
    }
}
