//! The benchmark kernels: sources in C or in text in `bench/kernels/`, with their built
//! modules beside them so that nobody needs a C compiler for wasm to run them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{fetch::Catalogue, platform, project, system};

/// Debian's compiler for wasm and what it needs to link.
const PACKAGES: &[&str] = &["clang-19", "lld-19", "wasi-libc", "libclang-rt-19-dev-wasm32"];

/// Rebuilds the modules that are committed.
pub fn build_wasm() -> Result<()> {
    system::ensure("clang-19", PACKAGES)?;
    for source in project::files(&folder(), "c")? {
        let text = std::fs::read_to_string(&source)?;
        let own_flags =
            text.lines().find_map(|line| line.strip_prefix("// cflags for wasm: ")).unwrap_or("");
        // Without reference types calls through tables are encoded as wasm3 reads them.
        let flags = [
            "--target=wasm32-wasi",
            "--sysroot=/usr",
            "-O3",
            "-mno-reference-types",
            "-Wl,--strip-debug",
        ];
        let module = source.with_extension("wasm");
        if text.lines().any(|line| line.starts_with(THREADS)) {
            build_threads(&source, &module)?;
            println!("{}", project::shown(&module));
            continue;
        }
        let mut clang = Command::new("clang-19");
        clang.args(flags).args(own_flags.split_whitespace()).arg(&source).arg("-o").arg(&module);
        project::run(&mut clang)?;
        println!("{}", project::shown(&module));
    }
    for source in project::files(&folder(), "wat")? {
        let module = source.with_extension("wasm");
        std::fs::write(&module, wat::parse_file(&source)?)?;
        println!("{}", project::shown(&module));
    }
    Ok(())
}

/// A source with a line that begins so starts threads.
const THREADS: &str = "// threads: ";

/// The target of programs that start threads.
const THREADS_TARGET: &str = "wasm32-wasip1-threads";

/// Builds a program that starts threads. The C library is the one that Rust's target brings,
/// its headers those of a package with a whole C compiler.
fn build_threads(source: &Path, module: &Path) -> Result<()> {
    project::run(Command::new("rustup").args(["target", "add", THREADS_TARGET]))?;
    let sysroot = project::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let library = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(THREADS_TARGET)
        .join("lib/self-contained");
    let resources = project::output(Command::new("clang-19").arg("--print-resource-dir"))?;
    let builtins = Path::new(resources.trim()).join("lib/wasi/libclang_rt.builtins-wasm32.a");
    let headers = Catalogue::load()?.package("@yowasp/clang")?.folder()?;
    let mut clang = Command::new("clang-19");
    clang.arg(format!("--target={THREADS_TARGET}"));
    clang.args(["-pthread", "-O3", "-mno-reference-types", "-nostdlib", "-isystem"]);
    clang.arg(headers.join("llvm-files/include/wasm32-wasip1"));
    clang.arg(library.join("crt1-command.o")).arg(source);
    clang.arg(library.join("libc.a")).arg(builtins);
    clang.arg("-Wl,--strip-debug,--import-memory,--export-memory,--shared-memory");
    clang.arg("-Wl,--max-memory=16777216").arg("-o").arg(module);
    project::run(&mut clang)
}

/// Builds the same sources for this machine, for the kernels' ratios, and the
/// small program that measures a child's time and memory.
pub fn build_native(output: &Path) -> Result<()> {
    std::fs::create_dir_all(output)?;
    let mut sources = project::files(&folder(), "c")?;
    sources.push(project::root().join("bench/measure.c"));
    for source in sources {
        let program = output.join(platform::executable(&stem(&source)?));
        if is_newer(&program, &source) {
            continue;
        }
        let mut cc = cc()?;
        project::run(cc.args(["-O3", "-pthread"]).arg(&source).arg("-o").arg(&program).arg("-lm"))?;
    }
    Ok(())
}

/// The compiler of this machine: `$CC`, else `cc`.
pub fn cc() -> Result<Command> {
    if let Some(cc) = std::env::var_os("CC").filter(|cc| !cc.is_empty()) {
        return Ok(Command::new(cc));
    }
    system::ensure("cc", &["gcc", "libc6-dev"])?;
    Ok(Command::new("cc"))
}

/// Whether what was built from a source exists and is newer.
pub fn is_newer(built: &Path, source: &Path) -> bool {
    let time = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    time(built).zip(time(source)).is_some_and(|(built, source)| built > source)
}

/// Where the kernels are.
pub fn folder() -> PathBuf {
    project::root().join("bench/kernels")
}

fn stem(path: &Path) -> Result<String> {
    Ok(path.file_stem().context("a source has a name")?.to_string_lossy().into_owned())
}
