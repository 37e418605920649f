//! The Debians whose programs are compared: this machine, and a directory with one for i386.
//!
//! Outside of the sandbox the programs of the second are run in a `chroot` of a user namespace,
//! where nothing can change it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{ENVIRONMENT, Seen, finish, sampan};

/// Where programs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debian {
    /// This machine.
    Here,
    /// What `cargo xtask fetch debian-i386` makes.
    I386,
}

impl Debian {
    /// Whether it is compared. Where `cargo xtask test` cannot make the one for i386, it says so
    /// and leaves it out.
    pub fn is_compared(self) -> bool {
        self == Debian::Here || std::env::var_os("SAMPAN_WITHOUT_I386").is_none()
    }

    /// Those that are compared.
    pub fn all() -> impl Iterator<Item = Debian> {
        [Debian::Here, Debian::I386].into_iter().filter(|debian| debian.is_compared())
    }

    /// Its files.
    pub fn root(self) -> PathBuf {
        match self {
            Debian::Here => PathBuf::from("/"),
            Debian::I386 => {
                let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
                let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
                let cache = cache.or_else(home).expect("HOME is set");
                let root = cache.join("sampan/debian-i386");
                assert!(root.exists(), "`cargo xtask fetch debian-i386` makes {}", root.display());
                root
            }
        }
    }

    /// The name that the working directory `dir` has for a program.
    fn name_of(self, dir: &Path) -> String {
        match self {
            Debian::Here => dir.to_str().expect("a name in UTF-8").into(),
            Debian::I386 => "/mnt".into(),
        }
    }

    /// In the sandbox, with `dir` as its working directory.
    pub fn inside(self, mode: &str, dir: &Path, program: &[&str], input: &str) -> Seen {
        let name = self.name_of(dir);
        let mount = format!("{}:{name}", dir.display());
        let mut command = sampan(&["--mode", mode, "--cwd", &name, "--mount", &mount]);
        command.arg(self.root()).arg("--").args(program);
        finish(command, input)
    }

    /// Without the sandbox.
    fn outside(self, dir: &Path, program: &[&str], input: &str) -> Seen {
        let mut command = match self {
            Debian::Here => Command::new(program[0]),
            Debian::I386 => {
                let mut command = Command::new("unshare");
                command.args(["--map-root-user", "--mount", "sh", "-euc", CHROOT, "sh"]);
                command.arg(self.root()).arg(dir).arg(program[0]);
                command
            }
        };
        command.args(&program[1..]).current_dir(dir).env_clear().envs(ENVIRONMENT);
        finish(command, input)
    }

    /// Runs a program outside and inside, in directories of their own with the same files.
    #[track_caller]
    pub fn same(self, files: &[(&str, &str)], program: &[&str], input: &str) {
        let folder = || {
            let folder = tempfile::tempdir().expect("a temporary directory");
            for (name, content) in files {
                std::fs::write(folder.path().join(name), content).expect("a file can be written");
            }
            folder
        };
        let expected = self.outside(folder().path(), program, input);
        for &mode in self.modes() {
            let seen = self.inside(mode, folder().path(), program, input);
            assert_eq!(seen, expected, "{program:?} ({self:?}, {mode})");
        }
    }

    /// As [`Debian::same`], for a script of bash.
    #[track_caller]
    pub fn same_script(self, script: &str) {
        self.same(&[], &["bash", "-c", script], "");
    }

    /// How its programs are executed. `auto` interprets too: all that isn't hot.
    fn modes(self) -> &'static [&'static str] {
        match self {
            Debian::Here => &["interpreter", "auto"],
            Debian::I386 => &["auto"],
        }
    }
}

/// Runs a program, with `$1` as a root that it can't change and `$2` as `/mnt`, where it starts.
const CHROOT: &str = r#"
    root=$1 dir=$2; shift 2
    mount --bind "$root" "$root"
    mount -o remount,bind,ro "$root"
    mount --rbind /proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/tmp"
    mount --bind "$dir" "$root/mnt"
    exec chroot "$root" bash -c 'cd /mnt && exec "$@"' bash "$@"
"#;
