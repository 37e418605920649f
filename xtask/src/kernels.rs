//! The benchmark kernels: C sources in `bench/kernels/`, with their built
//! modules beside them so that nobody needs a C compiler for wasm to run them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{platform, project, system};

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
        let mut clang = Command::new("clang-19");
        clang.args(flags).args(own_flags.split_whitespace()).arg(&source).arg("-o").arg(&module);
        project::run(&mut clang)?;
        println!("{}", project::shown(&module));
    }
    Ok(())
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
        project::run(cc()?.arg("-O3").arg(&source).arg("-o").arg(&program).arg("-lm"))?;
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
