//! Builds the `no_std` crates for a Cortex-M4F and prints their code size.
//!
//! The figures are those of the compiled crates before linking: an embedder
//! that leaves parts unused links less, and generic code that it instantiates
//! is its own. They show growth, and that nothing needs `std`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, bail};
use object::{
    Object, ObjectSection, SectionKind,
    read::{File, archive::ArchiveFile},
};

use crate::{project, system};

const TARGET: &str = "thumbv7em-none-eabihf";
const CRATES: &[&str] = &["sampan-wasm", "sampan-engine"];
/// Debian's second toolchain, which can build `core` from its sources.
const DEBIAN: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];

/// `cargo xtask sizes`.
#[derive(clap::Args)]
pub struct Options {
    /// Build the target's standard library from source with Debian's toolchain, even if rustup has it
    #[arg(long)]
    debian: bool,
}

/// Prints one line for each crate.
pub fn run(options: &Options) -> Result<ExitCode> {
    let target_dir = project::target_dir()?.join("sizes");
    let mut build = toolchain(options)?;
    build.current_dir(project::root()).args([
        "build",
        "--release",
        "--no-default-features",
        "--target",
        TARGET,
    ]);
    build.arg("--target-dir").arg(&target_dir);
    for name in CRATES {
        build.args(["--package", name]);
    }
    // Machine code rather than bitcode, and small rather than fast, as a device wants it.
    build.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s");
    project::run(&mut build)?;

    println!("{TARGET}, opt-level s, before linking:");
    println!("{:<16}{:>10}{:>10}{:>10}{:>10}", "crate", "text", "rodata", "data", "bss");
    for name in CRATES {
        let file = target_dir
            .join(TARGET)
            .join("release")
            .join(format!("lib{}.rlib", name.replace('-', "_")));
        let sizes = Sizes::of(&file)?;
        let Sizes { text, rodata, data, bss } = sizes;
        println!("{name:<16}{text:>10}{rodata:>10}{data:>10}{bss:>10}");
    }
    Ok(ExitCode::SUCCESS)
}

/// A cargo that can build for the target: rustup's if it has or gets the
/// target, else Debian's.
fn toolchain(options: &Options) -> Result<Command> {
    if !options.debian && (has_target()? || add_target()) {
        return Ok(project::cargo());
    }
    eprintln!("building core and alloc for {TARGET} with Debian's toolchain");
    let cargo = Path::new("/usr/bin/cargo");
    let sources = Path::new("/usr/lib/rustlib/src/rust/library/core");
    if !cargo.exists() || !sources.exists() {
        system::install(DEBIAN)?;
    }
    let mut command = Command::new(cargo);
    for (name, _) in std::env::vars_os() {
        // What rustup's cargo sets for its children would lead back to it.
        if name.to_string_lossy().starts_with("CARGO") && name != "CARGO_HOME"
            || name == "RUSTUP_TOOLCHAIN"
        {
            command.env_remove(name);
        }
    }
    command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
    command.args(["-Zbuild-std=core,alloc", "-Zbuild-std-features=optimize_for_size"]);
    Ok(command)
}

fn has_target() -> Result<bool> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let dir = project::output(Command::new(rustc).args([
        "--print",
        "target-libdir",
        "--target",
        TARGET,
    ]))?;
    let Ok(mut entries) = PathBuf::from(dir.trim()).read_dir() else {
        return Ok(false);
    };
    Ok(entries.any(|entry| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libcore"))
    }))
}

fn add_target() -> bool {
    let added = Command::new("rustup").args(["target", "add", TARGET]).status();
    added.is_ok_and(|status| status.success()) && has_target().unwrap_or(false)
}

/// Bytes of each kind.
#[derive(Default)]
struct Sizes {
    text: u64,
    rodata: u64,
    data: u64,
    bss: u64,
}

impl Sizes {
    /// Adds up the sections of the objects in an archive.
    fn of(path: &Path) -> Result<Sizes> {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let archive = ArchiveFile::parse(&*bytes)?;
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        let mut objects = 0;
        for member in archive.members() {
            let member = member?;
            // The crate's metadata is in the archive too.
            let Ok(object) = File::parse(member.data(&*bytes)?) else {
                continue;
            };
            objects += 1;
            for section in object.sections() {
                let kind = match section.kind() {
                    SectionKind::Text => "text",
                    SectionKind::ReadOnlyData
                    | SectionKind::ReadOnlyString
                    | SectionKind::ReadOnlyDataWithRel => "rodata",
                    SectionKind::Data => "data",
                    SectionKind::UninitializedData => "bss",
                    _ => continue,
                };
                // Unwinding tables count as read-only data, but no device links them.
                if !section.name().unwrap_or_default().starts_with(".ARM.ex") {
                    *kinds.entry(kind).or_default() += section.size();
                }
            }
        }
        if objects == 0 {
            bail!("{} holds no object files", path.display());
        }
        let size = |kind| kinds.get(kind).copied().unwrap_or_default();
        Ok(Sizes {
            text: size("text"),
            rodata: size("rodata"),
            data: size("data"),
            bss: size("bss"),
        })
    }
}
