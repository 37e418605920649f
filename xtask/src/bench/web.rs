//! Linux in a browser: kernels in Chromium and under node over native, programs of a Debian over
//! the same ones natively, and what a visitor of the page waits for.
//!
//! Kernels and programs are those of `cargo xtask bench linux`. A kernel's time is what it says
//! itself; a program's is from its start in a running machine to its end, as a page sees it.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::linux::{
    IN_MEAN, KERNELS, Kernel, build, checked,
    figures::{geometric_mean, machine, median, number},
    some_text,
};
use crate::{debian, platform, project, system, web};

/// `cargo xtask bench web`.
#[derive(clap::Args)]
pub struct Web {
    /// One round instead of three, and bench/WEB.md stays as it is
    #[arg(long)]
    quick: bool,
}

const ENGINES: [&str; 2] = ["chromium", "node"];
/// Programs of the Debian. `TEXT` is a file of 4 MB.
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
    ("python3 starts", &["python3", "-c", "pass"]),
    ("bash -c exit", &["bash", "-c", "exit"]),
];

/// What `web/bench/page.mjs` tells.
#[derive(Deserialize)]
struct Page {
    starts: BTreeMap<String, Starts>,
    memory: f64,
    idle: Vec<f64>,
    busy: Vec<f64>,
    programs: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct Starts {
    cold: Vec<Start>,
    warm: Vec<Start>,
}

/// Milliseconds, and bytes of the page and of the image.
#[derive(Deserialize)]
struct Start {
    milliseconds: f64,
    page: f64,
    image: f64,
}

/// Builds what is missing and measures.
pub fn run(options: &Web) -> Result<()> {
    if std::env::var_os("CHROMIUM").is_none() {
        system::ensure("chromium", &["chromium"])?;
    }
    let sampan = project::build_sampan()?;
    web::build()?;
    let (image, chunks) = (debian::i386_image(&sampan)?, debian::i386_chunks(&sampan)?);
    let scratch = project::target_dir()?.join("bench/linux");
    std::fs::create_dir_all(&scratch)?;
    let words = scratch.join("text");
    std::fs::write(&words, some_text(4_000_000))?;
    let rounds = if options.quick { 1 } else { 3 };

    let mut text = String::from("# Linux in a browser, measured\n\n");
    writeln!(
        text,
        "`cargo xtask bench web` wrote this on: {}; {},\nnode {}. \
         Medians of {rounds} rounds; below 20 % is noise.",
        machine(),
        version(&std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".into()))?,
        version(&platform::executable("node"))?,
    )?;
    let page = measure_page(rounds, &image, &chunks, &words)?;
    visit(&mut text, &page)?;
    for (i386, title) in [(false, "amd64"), (true, "i386")] {
        kernels(&mut text, title, i386, &scratch, rounds)?;
    }
    programs(&mut text, &page, &words, rounds)?;
    println!("{text}");
    if !options.quick {
        std::fs::write(project::root().join("bench/WEB.md"), text)?;
    }
    Ok(())
}

fn version(program: &str) -> Result<String> {
    let text = project::output(Command::new(program).arg("--version"))?;
    Ok(text.split(" built on").next().unwrap_or_default().trim().to_string())
}

fn measure_page(rounds: usize, image: &Path, chunks: &Path, words: &Path) -> Result<Page> {
    let programs: Vec<_> = PROGRAMS
        .iter()
        .map(|(name, command)| {
            let words =
                |word: &&str| if *word == "TEXT" { "/data/text".into() } else { word.to_string() };
            (name, command.iter().map(words).collect::<Vec<_>>())
        })
        .collect();
    let mut node = Command::new(platform::executable("node"));
    node.arg(project::root().join("web/bench/page.mjs"));
    node.arg(rounds.to_string()).args([image, chunks, words]);
    let output = node
        .arg(serde_json::to_string(&programs)?)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run node")?;
    if !output.status.success() {
        bail!("web/bench/page.mjs failed: {}", output.status);
    }
    serde_json::from_slice(&output.stdout).context("web/bench/page.mjs tells something else")
}

fn visit(text: &mut String, page: &Page) -> Result<()> {
    writeln!(
        text,
        "\n## A visit\n\n\
         From opening the page to the prompt of a login shell in a Debian for i386, served by this\n\
         machine without compression. Warm: opened again, with what the browser keeps.\n\n\
         | image | | ms to the prompt | KB of the page | KB of the image |\n|---|---|---:|---:|---:|"
    )?;
    let middle = |of: &[Start], what: fn(&Start) -> f64| median(of.iter().map(what).collect());
    for (name, starts) in &page.starts {
        for (when, starts) in [("cold", &starts.cold), ("warm", &starts.warm)] {
            let kilobytes = |what| middle(starts, what).unwrap_or_default() / 1024.0;
            writeln!(
                text,
                "| {name} | {when} | {:.0} | {:.0} | {:.0} |",
                middle(starts, |start| start.milliseconds).unwrap_or_default(),
                kilobytes(|start| start.page),
                kilobytes(|start| start.image),
            )?;
        }
    }
    let worst = |of: &[f64]| of.iter().copied().fold(0.0, f64::max);
    writeln!(
        text,
        "\nMemory of the page's process at the prompt, above that of an empty page: {:.0} MB.\n\
         From a key to what it shows: {} ms (at most {}) at an idle prompt, {} ms (at most {})\n\
         beside a loop that never rests.",
        page.memory / f64::from(1 << 20),
        number(median(page.idle.clone())),
        number(Some(worst(&page.idle))),
        number(median(page.busy.clone())),
        number(Some(worst(&page.busy))),
    )?;
    Ok(())
}

/// Kernels: engines take turns within a round; a figure is the median of ratios within a round.
fn kernels(
    text: &mut String,
    title: &str,
    i386: bool,
    scratch: &Path,
    rounds: usize,
) -> Result<()> {
    write!(text, "\n## Kernels, {title}, over native `gcc -O2`\n\n| | native s |")?;
    writeln!(text, " {} |\n|---|---:|{}", ENGINES.join(" | "), "---:|".repeat(ENGINES.len()))?;
    let mut lines = Vec::new();
    for Kernel(name, args, about) in KERNELS {
        let program = build(name, i386, scratch)?;
        eprintln!("{}", program.file_name().unwrap_or_default().display());
        let mut native = Vec::new();
        let mut ratios = ENGINES.map(|_| Some(Vec::new()));
        for _ in 0..rounds {
            let (expected, seconds) = once(Command::new(&program).args(*args))?;
            native.push(seconds);
            for (engine, ratios) in ENGINES.iter().zip(&mut ratios) {
                let Some(all) = ratios else { continue };
                let script = if *engine == "node" { "run.mjs" } else { "chromium.mjs" };
                let mut node = Command::new(platform::executable("node"));
                node.arg(project::root().join("web/bench").join(script)).arg("auto");
                let answer = once(node.arg(&program).args(*args)).and_then(|(printed, own)| {
                    // A machine of this kind has the program itself and no other to start.
                    if printed != expected {
                        bail!("something else is printed: {}", String::from_utf8_lossy(&printed));
                    }
                    Ok(own)
                });
                match answer {
                    Ok(own) => all.push(own / seconds),
                    Err(error) => {
                        eprintln!("  {engine}: {error:#}");
                        *ratios = None;
                    }
                }
            }
        }
        lines.push((format!("{name}: {about}"), median(native), ratios.map(|all| median(all?))));
    }
    for (n, (label, native, ratios)) in lines.iter().enumerate() {
        write!(text, "| {label} | {} |", number(*native))?;
        for ratio in ratios {
            write!(text, " {} |", number(*ratio))?;
        }
        writeln!(text)?;
        if n + 1 == IN_MEAN {
            write!(text, "| **geometric mean** | |")?;
            for engine in 0..ENGINES.len() {
                let mean = geometric_mean(lines[..IN_MEAN].iter().map(|line| line.2[engine]));
                write!(text, " **{}** |", number(mean))?;
            }
            writeln!(text)?;
        }
    }
    Ok(())
}

/// Runs a kernel: what it prints but for its time, and that.
fn once(command: &mut Command) -> Result<(Vec<u8>, f64)> {
    let output = command.stdin(Stdio::null()).output().context("cannot run a kernel")?;
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    let (printed, own) = checked(&output.stdout);
    Ok((printed, own.context("a kernel tells no time")?))
}

fn programs(text: &mut String, page: &Page, words: &Path, rounds: usize) -> Result<()> {
    writeln!(
        text,
        "\n## Programs of the Debian for i386, in Chromium\n\n\
         The same files natively, and the ratios to that of three runs in one machine.\n\n\
         | | native s | first | second | third |\n|---|---:|---:|---:|---:|"
    )?;
    let root = debian::i386()?;
    for (name, command) in PROGRAMS {
        let mut native = Vec::new();
        for _ in 0..rounds.max(3) {
            // Its own loader finds its libraries there.
            let mut program = Command::new(root.join("usr/lib/ld-linux.so.2"));
            let libraries = root.join("usr/lib/i386-linux-gnu");
            program.arg("--library-path").arg(libraries).arg(root.join("usr/bin").join(command[0]));
            for word in &command[1..] {
                program.arg(if *word == "TEXT" { words.as_os_str() } else { word.as_ref() });
            }
            program.env("LC_ALL", "C").env("PYTHONHOME", root.join("usr"));
            let start = Instant::now();
            let output = program.stdin(Stdio::null()).output().context("cannot run a program")?;
            native.push(start.elapsed().as_secs_f64());
            if !output.status.success() {
                bail!("{name} fails natively: {}", String::from_utf8_lossy(&output.stderr));
            }
        }
        let native = median(native).context("it ran")?;
        write!(text, "| {name} | {} |", number(Some(native)))?;
        let runs = page.programs.get(*name).with_context(|| format!("{name} was not measured"))?;
        for seconds in runs {
            write!(text, " {} |", number(Some(seconds / native)))?;
        }
        writeln!(text)?;
    }
    Ok(())
}
