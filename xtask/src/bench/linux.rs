//! Linux programs in sampan, natively, in QEMU's user mode, and in sampan under node.
//!
//! The kernels in `bench/linux/` are built for both ABIs; programs are those of this machine.
//! All run with this machine's files as their root. Engines take turns within a round; a figure
//! is the median over rounds of the ratio within a round, in time of the whole process; under
//! node in what a kernel itself says it took, as a page pays for the start of a machine once.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::{kernels, platform, project, system, web};

#[path = "../../../bench/src/figures.rs"]
pub(super) mod figures;

use figures::{geometric_mean, machine, median, number};

/// `cargo xtask bench linux`.
#[derive(clap::Args)]
pub struct Linux {
    /// One round instead of three, and bench/LINUX.md stays as it is
    #[arg(long)]
    quick: bool,
    /// Only what has this in its name (may be repeated)
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
}

/// A program of `bench/linux/`, its arguments, and what it mostly does.
pub(super) struct Kernel(
    pub(super) &'static str,
    pub(super) &'static [&'static str],
    pub(super) &'static str,
);

pub(super) const KERNELS: &[Kernel] = &[
    Kernel("intmix", &["1800"], "lists, matrices, a state machine, checksums"),
    Kernel("sieve", &[], "bytes in memory"),
    Kernel("sha256", &[], "32-bit integers"),
    Kernel("nbody", &["500000"], "floating point: x87 on i386, SSE2 on amd64"),
    Kernel("qsortk", &[], "calls through a pointer"),
    Kernel("memcpyk", &[], "copies, large and small"),
    Kernel("vmloop", &["30000000"], "a switch in a loop"),
    Kernel("calls", &["35"], "direct calls"),
    Kernel("mallock", &[], "malloc and free"),
    Kernel("syscalls", &["300000"], "system calls"),
    Kernel("forkonly", &["200"], "fork, exit, wait"),
    Kernel("forkexec", &["100"], "fork and exec"),
    Kernel("pipepp", &[], "two processes over pipes"),
    Kernel("fileio", &["16"], "a file of 16 MB written and read"),
];

/// How many of the kernels compute and count in the geometric mean.
pub(super) const IN_MEAN: usize = 9;

/// Programs of a Debian: a name, the command, and its arguments. `TEXT` stands for a file.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("python3: a sum of squares", &["python3", "-c", "print(sum(i*i for i in range(1000000)))"]),
    ("perl: a loop", &["perl", "-e", "my $s = 0; $s += $_ * $_ % 7 for 1..1000000; print $s"]),
    (
        "bash: a loop",
        &["bash", "-c", "for ((i = 0; i < 30000; i++)); do ((x += i)); done; echo $x"],
    ),
    ("gzip -9, 4 MB", &["gzip", "-9", "-c", "TEXT"]),
    ("sha256sum, 4 MB", &["sha256sum", "TEXT"]),
    ("sort, 4 MB", &["sort", "TEXT"]),
    ("gcc -O1, a file", &["gcc", "-O1", "-S", "-o", "-", "SOURCE"]),
    ("python3 starts", &["python3", "-c", "pass"]),
    ("bash -c exit", &["bash", "-c", "exit"]),
];

/// What runs a program.
#[derive(Clone, Copy, PartialEq)]
enum Engine {
    Native,
    Sampan(&'static str),
    Qemu,
    /// The npm package; for static programs that need no files.
    Node,
}

const ENGINES: [Engine; 5] = [
    Engine::Native,
    Engine::Sampan("interpreter"),
    Engine::Sampan("auto"),
    Engine::Qemu,
    Engine::Node,
];

impl Engine {
    fn name(self) -> &'static str {
        match self {
            Engine::Native => "native",
            Engine::Sampan(mode) => mode,
            Engine::Qemu => "qemu-user",
            Engine::Node => "node, auto",
        }
    }

    fn command(self, sampan: &Path, program: &Path, i386: bool) -> Command {
        match self {
            Engine::Native => Command::new(program),
            Engine::Sampan(mode) => {
                let mut command = Command::new(sampan);
                command.args(["linux", "--mode", mode, "/", "--"]).arg(program);
                command
            }
            Engine::Qemu => {
                let mut command = Command::new(if i386 { "qemu-i386" } else { "qemu-x86_64" });
                command.arg(program);
                command
            }
            Engine::Node => {
                let mut command = Command::new(platform::executable("node"));
                command.arg(project::root().join("web/bench/run.mjs")).arg("auto").arg(program);
                command
            }
        }
    }
}

/// Seconds that a run took: as a process, and as the program says.
#[derive(Clone, Copy)]
struct Time {
    whole: f64,
    own: Option<f64>,
}

/// By engine: each round's time; none for an engine that failed.
type Times = [Option<Vec<Time>>; ENGINES.len()];

/// Builds what is missing and measures.
pub fn run(options: &Linux) -> Result<()> {
    system::ensure("qemu-x86_64", &["qemu-user"])?;
    let sampan = project::build_sampan()?;
    web::package()?;
    let scratch = project::target_dir()?.join("bench/linux");
    std::fs::create_dir_all(&scratch)?;
    let rounds = if options.quick { 1 } else { 3 };
    let wanted = |name: &str| {
        options.only.is_empty() || options.only.iter().any(|part| name.contains(part.as_str()))
    };

    let mut text = String::from("# Linux programs, measured\n\n");
    writeln!(
        text,
        "`cargo xtask bench linux` wrote this on: {}. Medians of {rounds} rounds, engines taking\n\
         turns. Time of the whole process over that of the native one; below 20 % is noise.\n\
         Under node it is the time that the kernel itself prints, over the native one's; the start\n\
         of node and of a machine is not in it. qemu-user runs natively what a program starts: in `forkexec`, and in gcc.",
        machine()
    )?;
    for (i386, title) in [(false, "amd64"), (true, "i386")] {
        let mut lines = Vec::new();
        for Kernel(name, args, about) in KERNELS.iter().filter(|kernel| wanted(kernel.0)) {
            let program = build(name, i386, &scratch)?;
            let label = format!("{name}: {about}");
            lines.push((label, measure(&ENGINES, &sampan, &program, args, i386, rounds)?));
        }
        table(&mut text, &format!("Kernels, {title}, `gcc -O2`"), &lines, options.only.is_empty())?;
    }
    let (words, source) = (scratch.join("text"), project::root().join("bench/linux/intmix.c"));
    std::fs::write(&words, some_text(4_000_000))?;
    let mut lines = Vec::new();
    for (name, command) in PROGRAMS.iter().filter(|(name, _)| wanted(name)) {
        let path = find(command[0])?;
        let args: Vec<&str> = command[1..]
            .iter()
            .map(|&arg| match arg {
                "TEXT" => words.to_str().context("a path that is text"),
                "SOURCE" => source.to_str().context("a path that is text"),
                _ => Ok(arg),
            })
            .collect::<Result<_>>()?;
        // Under node a program would have no files.
        let engines = &ENGINES[..ENGINES.len() - 1];
        lines.push((name.to_string(), measure(engines, &sampan, &path, &args, false, rounds)?));
    }
    table(&mut text, "Programs, amd64", &lines, false)?;
    println!("{text}");
    if !options.quick && options.only.is_empty() {
        std::fs::write(project::root().join("bench/LINUX.md"), text)?;
    }
    Ok(())
}

/// A kernel for one ABI, static, so that it starts alike everywhere.
pub(super) fn build(name: &str, i386: bool, folder: &Path) -> Result<PathBuf> {
    let source = project::root().join("bench/linux").join(name).with_extension("c");
    let program = folder.join(format!("{name}-{}", if i386 { 32 } else { 64 }));
    if !kernels::is_newer(&program, &source) {
        let mut cc = kernels::cc()?;
        cc.args(["-O2", "-static"]).arg(if i386 { "-m32" } else { "-m64" });
        cc.arg(source).arg("-o").arg(&program).arg("-lm");
        project::run(&mut cc).context("on Debian, gcc-multilib has what -m32 needs")?;
    }
    Ok(program)
}

/// The time of each of some engines in each round.
fn measure(
    engines: &[Engine],
    sampan: &Path,
    program: &Path,
    args: &[&str],
    i386: bool,
    rounds: usize,
) -> Result<Times> {
    let mut seconds = ENGINES.map(|engine| engines.contains(&engine).then(Vec::new));
    let mut expected = None;
    eprintln!("{}", program.file_name().unwrap_or_default().display());
    for _ in 0..rounds {
        for (engine, seconds) in ENGINES.iter().zip(&mut seconds) {
            let Some(times) = seconds else { continue };
            let mut command = engine.command(sampan, program, i386);
            command.args(args).env("LC_ALL", "C").stdin(Stdio::null());
            let start = Instant::now();
            let output = command.output().context("cannot run an engine")?;
            let whole = start.elapsed().as_secs_f64();
            let (printed, own) = checked(&output.stdout);
            if *engine == Engine::Native && expected.is_none() {
                if !output.status.success() {
                    bail!("{} fails natively: {}", program.display(), output.status);
                }
                expected = Some(printed);
            } else if !output.status.success() || expected.as_ref() != Some(&printed) {
                let error = String::from_utf8_lossy(&output.stderr);
                eprintln!("  {} is wrong: {} {}", engine.name(), output.status, error.trim());
                *seconds = None;
                continue;
            }
            times.push(Time { whole, own });
        }
    }
    Ok(seconds)
}

/// What must be the same everywhere: all but the second word of a kernel's line, its own time,
/// which is the other result.
pub(super) fn checked(stdout: &[u8]) -> (Vec<u8>, Option<f64>) {
    let text = String::from_utf8_lossy(stdout);
    let words: Vec<&str> = text.split(' ').collect();
    match words[..] {
        [name, time, sum] if let Ok(time) = time.parse() => {
            (format!("{name} {sum}").into_bytes(), Some(time))
        }
        _ => (stdout.to_vec(), None),
    }
}

type Line = (String, Times);

fn table(text: &mut String, title: &str, lines: &[Line], with_mean: bool) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    write!(text, "\n## {title}\n\n| | native s |")?;
    for engine in &ENGINES[1..] {
        write!(text, " {} |", engine.name())?;
    }
    writeln!(text, "\n|---|---:{}", "|---:".repeat(ENGINES.len() - 1) + "|")?;
    let ratio = |of: &Times, engine: usize| {
        let (native, times) = (of[0].as_ref()?, of[engine].as_ref()?);
        let of_round = |(time, native): (&Time, &Time)| match ENGINES[engine] {
            Engine::Node => Some(time.own? / native.own?),
            _ => Some(time.whole / native.whole),
        };
        median(times.iter().zip(native).map(of_round).collect::<Option<_>>()?)
    };
    let seconds = |of: &Times| median(of[0].as_ref()?.iter().map(|time| time.whole).collect());
    for (n, (label, times)) in lines.iter().enumerate() {
        write!(text, "| {label} | {} |", number(seconds(times)))?;
        for engine in 1..ENGINES.len() {
            write!(text, " {} |", number(ratio(times, engine)))?;
        }
        writeln!(text)?;
        if with_mean && n + 1 == IN_MEAN {
            write!(text, "| **geometric mean** | |")?;
            for engine in 1..ENGINES.len() {
                let mean =
                    geometric_mean(lines[..IN_MEAN].iter().map(|(_, times)| ratio(times, engine)));
                write!(text, " **{}** |", number(mean))?;
            }
            writeln!(text)?;
        }
    }
    Ok(())
}

/// A program in the search path.
fn find(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name));
    found
        .into_iter()
        .find(|program| program.exists())
        .with_context(|| format!("{name} is not installed"))
}

/// Lines of words, always the same.
pub(super) fn some_text(bytes: usize) -> String {
    let words = ["sand", "box", "kernel", "page", "fault", "signal", "the", "of", "a", "thread"];
    let (mut text, mut state) = (String::with_capacity(bytes + 16), 1_u32);
    while text.len() < bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(words[(state >> 16) as usize % words.len()]);
        let _ = write!(text, "{}", state >> 24);
        text.push(if state >> 13 & 7 == 0 { '\n' } else { ' ' });
    }
    text
}
