//! What the command line takes.

mod image;

pub use image::{Build, Chunk, Extract, From, Image, ImageCommand, Profile};

use crate::relay::Rule;
use clap::{ArgMatches, Args, FromArgMatches, Parser, Subcommand, ValueEnum};
use sampan::{Feature, Mode};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "sampan", version, about, long_about = ABOUT, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Runs WebAssembly modules and Linux x86 programs in a sandbox
const ABOUT: &str = "Runs WebAssembly modules and Linux x86 programs in a sandbox.

A module has only what it is given: directories with --dir, variables with --env, its \
arguments, and the terminal. Wherever a module is taken, its text format (.wat) is too.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a program (a WASI command), or one function of a module
    #[command(after_long_help = RUN_HELP)]
    #[command(override_usage = "sampan run [OPTIONS] <FILE> [ARGS]...")]
    Run(Deferred<Run>),
    /// Run a Linux for x86 or x86-64, or one program of it, on sampan's own kernel
    #[command(override_usage = "sampan linux [OPTIONS] <IMAGE|DIRECTORY|ELF-FILE> [-- PROGRAM ARGS...]", after_help = LINUX_HELP)]
    Linux(Deferred<Linux>),
    /// Make a disk image for `sampan linux`, or look into one
    Image(Deferred<Image>),
    /// Serve a page with Linux in it, and a disk image, to a browser on this machine
    Web(Deferred<Web>),
    /// Give machines in browsers connections to the network, as far as allowed
    #[command(after_help = RELAY_HELP)]
    Relay(Deferred<Relay>),
    /// Run spec scripts (.wast); the last line is `N passed, N failed`
    Wast(Deferred<Wast>),
    /// Check modules; exit 1 and one line per problem
    Validate(Deferred<Validate>),
    /// Show a module's sections, types, imports, exports and sizes
    Inspect(Deferred<Inspect>),
    /// Print a completion script for a shell
    ///
    /// For bash: `sampan completions bash > ~/.local/share/bash-completion/completions/sampan`
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// The arguments of a command that are defined only where that command is given: to define
/// those of all commands takes longer than to run a small program.
#[derive(Debug)]
pub struct Deferred<T>(pub Box<T>);

impl<T: Args> Args for Deferred<T> {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.defer(T::augment_args)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        command.defer(T::augment_args_for_update)
    }
}

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(Box::new(T::from_arg_matches(matches)?)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

const RUN_HELP: &str = "\
Exit codes:
  the program's own where it ends itself; 0 where it returns
  1    the module cannot be used: malformed, invalid, imports missing, no such file
  2    wrong usage of this command
  124  the time of --timeout is over
  128+N  the program ended itself with signal N
  134  trap: the reason and the calls that led there are printed

Examples:
  sampan run hello.wasm
  sampan run --dir . --env LANG=C python.wasm script.py
  sampan run --invoke add adder.wat 40 2
  sampan run --fuel 1000000 --max-memory 64M --timeout 5 untrusted.wasm";

/// `sampan run`.
#[derive(Args, Debug)]
pub struct Run {
    /// How to execute
    #[arg(long, value_enum, default_value_t = ModeArg::Auto)]
    pub mode: ModeArg,

    /// Keep compiled code in this folder [default: sampan-code in the user's cache folder]
    ///
    /// Used with `--mode jit` and `--mode auto`. Whoever can write to the folder decides what is executed.
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,

    /// Give the program a directory of the host, under the name GUEST (by default the same)
    ///
    /// May be given several times. The program can read and write all that is below it, and
    /// nothing outside: neither `..` nor symbolic links lead out.
    #[arg(long = "dir", value_name = "HOST[::GUEST]", value_parser = dir)]
    pub dirs: Vec<(PathBuf, String)>,

    /// Set an environment variable of the program; it has none else
    #[arg(long = "env", value_name = "K=V", value_parser = variable)]
    pub env: Vec<(String, String)>,

    /// Call this exported function instead of `_start`
    ///
    /// ARGS are its arguments, parsed by the parameters' types; each result is printed on a
    /// line. If the module exports `_initialize` and no `_start`, that is called before.
    #[arg(long, value_name = "EXPORT")]
    pub invoke: Option<String>,

    /// Give the module the built-in C library, whatever else it imports
    ///
    /// A module that imports functions of it from `env`, and no WASI, gets it in any case. Its
    /// `main` is called where it has no `_start`; the result is the exit code.
    #[arg(long)]
    pub libc: bool,

    /// Trap when about this many instructions were executed
    #[arg(long, value_name = "N")]
    pub fuel: Option<u64>,

    /// Stop after this time, wherever the program is; exit code 124
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,

    /// Let all linear memories together grow to this size; K, M and G are powers of 1024
    ///
    /// Growing beyond fails, which programs take as being out of memory; a module that needs
    /// more from the start is not run.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_memory: Option<u64>,

    /// How many threads a program may have at a time, beside its first (wasi-threads)
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub max_threads: usize,

    /// The module, in binary or in text, and the program's arguments: all that follows FILE
    /// is theirs
    // One list, because what follows the first value must not be taken for our options.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    #[arg(value_names = ["FILE", "ARGS"], value_hint = clap::ValueHint::FilePath)]
    pub program: Vec<OsString>,
}

impl Run {
    /// The module.
    pub fn file(&self) -> &Path {
        Path::new(&self.program[0])
    }

    /// The program's arguments.
    pub fn args(&self) -> &[OsString] {
        &self.program[1..]
    }
}

const LINUX_HELP: &str = "\
Exit codes:
  the program's own; 128+N if signal N ended it
  1    it cannot be run
  2    wrong usage of this command

Examples:
  sampan linux debian.ext2
  sampan linux debian/
  sampan linux debian/ -- ls -l /usr
  echo hello | sampan linux --mount .:/work debian/ -- wc -c
  sampan linux /bin/busybox -- sh";

/// A directory of the host for the guest.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Where it is on the host.
    pub host: PathBuf,
    /// Where the guest sees it.
    pub guest: String,
    /// Whether the guest may only read it.
    pub read_only: bool,
}

/// `sampan linux`.
#[derive(Args, Debug)]
pub struct Linux {
    /// Memory for all processes together; K, M and G are powers of 1024
    #[arg(long, value_name = "SIZE", value_parser = bytes, default_value = "1G")]
    pub memory: u64,
    /// Keep changes of the image in this file, which is made if it is not there; removing it
    /// discards them
    #[arg(long, value_name = "FILE", conflicts_with = "ephemeral")]
    pub overlay: Option<PathBuf>,
    /// Forget changes of the image at the end
    #[arg(long)]
    pub ephemeral: bool,
    /// Give a directory of the host, under the name GUEST
    ///
    /// May be given several times. The guest can read and write (`:ro`: only read) all that is
    /// below it, and nothing outside.
    #[arg(long = "mount", value_name = "HOST:GUEST[:ro]", value_parser = mount)]
    pub mounts: Vec<Mount>,
    /// Set an environment variable
    #[arg(long = "env", value_name = "K=V", value_parser = variable)]
    pub env: Vec<(String, String)>,
    /// The directory to start in
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<String>,
    /// The user and group to run as
    #[arg(long, value_name = "UID[:GID]", value_parser = user, default_value = "0")]
    pub user: (u32, u32),
    /// Network: none, or TCP and UDP to the outside through the host's sockets; 10.0.2.2 is the
    /// host itself
    #[arg(long, value_parser = ["none", "host"], default_value = "none")]
    pub net: String,
    /// Let a port of this machine lead to one of the guest: [ADDRESS:]HOST:GUEST, by TCP; the
    /// address is 127.0.0.1 unless given
    #[arg(long, value_name = "HOST:GUEST", value_parser = publish)]
    pub publish: Vec<(SocketAddr, u16)>,
    /// Print each system call
    #[arg(long)]
    pub trace: bool,
    /// List at the end what was missing, and why translated code was left
    #[arg(long)]
    pub report: bool,
    /// How to execute
    #[arg(long, value_enum, default_value_t = LinuxMode::Auto)]
    pub mode: LinuxMode,
    /// Check every memory access (not a choice yet: every mode does)
    #[arg(long)]
    pub strict: bool,
    /// The root: an ext2 image with a system in it, which keeps changes; a directory with one,
    /// whose changes are in memory and forgotten at the end; or an ELF file, which runs with
    /// nothing around it but /dev and /proc
    #[arg(value_name = "IMAGE|DIRECTORY|ELF-FILE", value_hint = clap::ValueHint::AnyPath)]
    pub image: PathBuf,
    /// In a system, a program and its arguments (by default a login shell); else the ELF file's
    /// arguments
    #[arg(last = true, value_name = "ARGS")]
    pub program: Vec<OsString>,
}

/// `sampan web`.
#[derive(Args, Debug)]
pub struct Web {
    /// The port, at 127.0.0.1 only; 0 takes any that is free
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,
    /// The built page [default: share/sampan/page or web/page/dist beside or above the program]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub page: Option<PathBuf>,
    /// Also run a relay, so that the machine reaches this of the network; see `sampan relay --help`
    #[arg(long, value_name = "WHAT[:PORT]")]
    pub allow: Vec<Rule>,
    /// A disk image with a system in it (ext2), or a folder of chunks of one. It is only read:
    /// each browser keeps its changes
    #[arg(value_name = "IMAGE", value_hint = clap::ValueHint::FilePath)]
    pub image: PathBuf,
}

/// `sampan relay`.
#[derive(Args, Debug)]
pub struct Relay {
    /// Where browsers reach it; from other machines, they should through a server with TLS
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
    /// What may be reached (may be repeated): a NAME, *.NAME, ADDRESS or ADDRESS/BITS, or * for
    /// all that is public. Addresses that are not public are reached only by number
    #[arg(long, value_name = "WHAT[:PORT]", required = true)]
    pub allow: Vec<Rule>,
}

const RELAY_HELP: &str = "Prints what is put behind the page's address, in which the token is that \
clients must have: SAMPAN_RELAY_TOKEN of the environment, or a new one. Machines reach this one as \
10.0.2.2 where 127.0.0.1 is allowed.";

/// How to execute Linux programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LinuxMode {
    /// Interpret
    Interpreter,
    /// Begin to interpret, and translate what runs often in the background
    Auto,
    /// Translate what is reached at once, and wait for it: for tests
    #[value(hide = true)]
    Eager,
}

/// `sampan wast`.
#[derive(Args, Debug)]
pub struct Wast {
    /// How to execute
    #[arg(long, value_enum, default_value_t = ModeArg::Fast)]
    pub mode: ModeArg,
    /// The scripts
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `sampan validate`.
#[derive(Args, Debug)]
pub struct Validate {
    /// Switch a proposal on that is not part of WebAssembly 3.0
    #[arg(long, value_name = "PROPOSAL", value_parser = proposal)]
    pub enable: Vec<Feature>,
    /// The modules, in binary or in text
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `sampan inspect`.
#[derive(Args, Debug)]
pub struct Inspect {
    /// Show the code of all functions too
    #[arg(long)]
    pub code: bool,
    /// The module, in binary or in text
    pub file: PathBuf,
}

/// How to execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// The interpreter that takes the least memory
    Classic,
    /// The interpreter that is faster
    Fast,
    /// Machine code, made of everything before it runs
    Jit,
    /// Begins in the fast interpreter, and compiles what runs often
    Auto,
}

impl ModeArg {
    /// The mode that is meant.
    pub fn mode(self) -> Mode {
        match self {
            ModeArg::Classic => Mode::Classic,
            ModeArg::Jit => Mode::Jit,
            ModeArg::Fast => Mode::Fast,
            ModeArg::Auto => Mode::Auto,
        }
    }
}

fn dir(text: &str) -> Result<(PathBuf, String), String> {
    let (host, guest) = text.split_once("::").unwrap_or((text, text));
    if host.is_empty() || guest.is_empty() {
        return Err("expected HOST or HOST::GUEST".into());
    }
    Ok((host.into(), guest.into()))
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("expected K=V".into()),
    }
}

fn user(text: &str) -> Result<(u32, u32), String> {
    let (uid, gid) = text.split_once(':').unwrap_or((text, text));
    match (uid.parse(), gid.parse()) {
        (Ok(uid), Ok(gid)) => Ok((uid, gid)),
        _ => Err("expected UID or UID:GID, as numbers".into()),
    }
}

/// `[ADDRESS:]HOST:GUEST`.
fn publish(text: &str) -> Result<(SocketAddr, u16), String> {
    let parse = || {
        let (host, guest) = text.rsplit_once(':')?;
        let host = match host.parse() {
            Ok(port) => SocketAddr::from(([127, 0, 0, 1], port)),
            Err(_) => host.parse().ok()?,
        };
        let guest: u16 = guest.parse().ok()?;
        (guest != 0 && host.port() != 0).then_some((host, guest))
    };
    parse().ok_or_else(|| "expected [ADDRESS:]HOST:GUEST, with ports from 1 to 65535".into())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn bytes(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let count: u64 = digits.parse().map_err(|_| "expected a number of bytes, such as 64M")?;
    count.checked_mul(1 << shift).ok_or_else(|| "too many bytes".into())
}

fn proposal(text: &str) -> Result<Feature, String> {
    let found = Feature::ALL.iter().copied().find(|feature| feature.name() == text);
    found.ok_or_else(|| {
        let names: Vec<&str> = Feature::ALL.iter().map(|feature| feature.name()).collect();
        format!("expected one of: {}", names.join(", "))
    })
}

fn mount(text: &str) -> Result<Mount, String> {
    let (rest, read_only) = match text.strip_suffix(":ro") {
        Some(rest) => (rest, true),
        None => (text.strip_suffix(":rw").unwrap_or(text), false),
    };
    match rest.rsplit_once(':') {
        Some((host, guest)) if !host.is_empty() && guest.starts_with('/') => {
            Ok(Mount { host: host.into(), guest: guest.into(), read_only })
        }
        _ => Err("expected HOST:/GUEST, and :ro behind it to forbid changes".into()),
    }
}
