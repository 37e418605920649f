//! The command line as a user meets it: output, messages, exit codes.

mod bad_input;
mod image;
mod inspect;
mod limits;
mod oci;
mod relay;
mod run;
mod threads;
mod wast;
mod web;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A directory with files, and the program to run on them.
struct Bench {
    dir: TempDir,
}

/// What a run left behind.
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Bench {
    fn new() -> Bench {
        Bench { dir: TempDir::new().expect("a temporary directory") }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file and gives its name, which holds in the program's working directory.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).expect("a file can be written");
        path
    }

    /// Runs `sampan` in the directory, with no standard input.
    fn sampan(&self, args: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_sampan"))
            .args(args)
            .current_dir(self.path())
            // Where compiled code is kept.
            .env("XDG_CACHE_HOME", self.path())
            .stdin(Stdio::null())
            .output();
        output.expect("the program can be started").into()
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        Run {
            code: output.status.code().expect("ended by itself"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Run {
    /// Checks the exit code, and that nothing but these lines was said on standard error.
    #[track_caller]
    fn fails(&self, code: i32, stderr: &[&str]) {
        assert_eq!(self.stderr.lines().collect::<Vec<_>>(), stderr);
        assert_eq!(self.code, code);
    }

    /// Checks that all went well and what was printed.
    #[track_caller]
    fn prints(&self, stdout: &str) {
        assert_eq!((self.stdout.as_str(), self.stderr.as_str(), self.code), (stdout, "", 0));
    }
}

/// All modes, as the option names them.
const MODES: [&str; 4] = ["classic", "fast", "jit", "auto"];
