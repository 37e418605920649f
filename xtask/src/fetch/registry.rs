//! Downloads through the registries' own clients, which know the user's
//! mirrors, proxies and credentials.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{platform, project, system};

/// Where a package comes from.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registry {
    /// `npm pack`
    Npm,
    /// `pip download`, the source archive
    Pypi,
    /// `pip download`, the wheel, which must be one for every platform
    Wheel,
}

/// Downloads one package's archive into `folder` and returns its path.
pub fn download(registry: Registry, name: &str, version: &str, folder: &Path) -> Result<PathBuf> {
    match registry {
        Registry::Npm => {
            system::ensure(platform::NPM, &["npm"])?;
            let spec = format!("{name}@{version}");
            project::output(
                Command::new(platform::NPM)
                    .args(["pack", "--silent", "--pack-destination"])
                    .arg(folder)
                    .arg(spec),
            )?;
        }
        Registry::Pypi | Registry::Wheel => {
            let spec = format!("{name}=={version}");
            let form = match registry {
                Registry::Wheel => "--only-binary",
                _ => "--no-binary",
            };
            project::output(
                pip()?
                    .args(["download", "--quiet", "--no-deps", form, ":all:", "--dest"])
                    .arg(folder)
                    .arg(spec),
            )?;
        }
    }
    let mut files: Vec<PathBuf> =
        folder.read_dir()?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    match files.len() {
        1 => Ok(files.remove(0)),
        count => bail!("{name} {version}: the client left {count} files, expected one"),
    }
}

fn pip() -> Result<Command> {
    for python in ["python3", "python"] {
        let mut command = Command::new(python);
        command.args(["-m", "pip", "--disable-pip-version-check"]);
        if project::output(Command::new(python).args(["-m", "pip", "--version"])).is_ok() {
            return Ok(command);
        }
    }
    system::install(&["python3-pip"])?;
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "--disable-pip-version-check"]);
    project::output(Command::new("python3").args(["-m", "pip", "--version"]))
        .context("pip does not start")?;
    Ok(command)
}
