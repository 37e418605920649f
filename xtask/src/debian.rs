//! A Debian for i386 in a directory: its programs are run in the sandbox and on this machine.
//!
//! Made once with mmdebstrap, and kept beside the other packages.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::{fetch, project, system};

/// Its name for `cargo xtask fetch`, and of its directory.
pub const I386: &str = "debian-i386";

/// What `crates/cli/tests/linux` runs of it.
const PACKAGES: &[&str] = &[
    "busybox-static",
    "bzip2",
    "g++",
    "gawk",
    "git",
    "less",
    "libpython3.11-testsuite",
    "lua5.4",
    "make",
    "man-db",
    "nano",
    "nodejs",
    "openssh-client",
    "openssl",
    "perl",
    "procps",
    "python3",
    "ruby",
    "sqlite3",
    "stress-ng",
    "tmux",
    "vim",
    "xz-utils",
    "zstd",
];

/// Its directory, made if it is not there.
pub fn i386() -> Result<PathBuf> {
    let root = fetch::cache_dir()?.join(I386);
    if root.exists() {
        return Ok(root);
    }
    system::ensure("mmdebstrap", &["mmdebstrap", "uidmap"])?;
    eprintln!("making a Debian for i386 in {} (once, some minutes)", root.display());
    let parent = root.parent().context("the cache has a parent")?;
    std::fs::create_dir_all(parent)?;
    // A mirror that is being renewed may fail once.
    let new = make(parent).or_else(|error| {
        eprintln!("{error:#}; once more");
        make(parent)
    })?;
    let renamed = std::fs::rename(new.keep(), &root);
    // Another process may have been faster.
    if !root.exists() {
        renamed.with_context(|| format!("cannot make {}", root.display()))?;
    }
    Ok(root)
}

/// The same in a disk image, which is made anew where the directory is younger.
pub fn i386_image(sampan: &Path) -> Result<PathBuf> {
    let root = i386()?;
    let image = fetch::cache_dir()?.join(format!("{I386}.ext2"));
    let age = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    if age(&image) < age(&root) {
        let mut build = Command::new(sampan);
        build.args(["image", "build", "--size", "1G", "--from"]);
        build.arg(format!("dir:{}", root.display()));
        project::run(build.arg("--output").arg(&image))?;
    }
    Ok(image)
}

/// That image in a folder of chunks, with a profile of a start; made anew where the image is
/// younger.
pub fn i386_chunks(sampan: &Path) -> Result<PathBuf> {
    let image = i386_image(sampan)?;
    let folder = fetch::cache_dir()?.join(format!("{I386}.chunks"));
    let age = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    if age(&folder.join("index.json")) < age(&image) {
        eprintln!("cutting the image into chunks in {} (once, a minute)", folder.display());
        let mut chunk = Command::new(sampan);
        chunk.args(["image", "chunk"]).arg(&image).arg("--output").arg(&folder);
        project::run(&mut chunk)?;
        let mut profile = Command::new(sampan);
        project::run(profile.args(["image", "profile"]).arg(&folder))?;
    }
    Ok(folder)
}

/// Makes it in a directory below `parent`.
fn make(parent: &Path) -> Result<TempDir> {
    let new = tempfile::tempdir_in(parent)?;
    let mut debootstrap = Command::new("mmdebstrap")
        .args(["--quiet", "--variant=minbase", "--arch=i386", "--format=tar"])
        // Whether this machine runs such programs, its tests find out.
        .arg("--skip=check/qemu")
        // The release alone: it stays as it is, so that the same programs are compared.
        .arg("--setup-hook=sed -i /bookworm-/d \"$1\"/etc/apt/sources.list")
        .args(
            ["/usr/share/doc/*", "/usr/share/locale/*"]
                .map(|what| format!("--dpkgopt=path-exclude={what}")),
        )
        .arg(format!("--include={}", PACKAGES.join(",")))
        .args(["bookworm", "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run mmdebstrap")?;
    let archive = debootstrap.stdout.take().context("it is piped")?;
    // The files become the user's own, and only root could make devices.
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--no-same-owner", "--exclude=./dev/*", "--directory"]);
    let unpacked = project::run(tar.arg(new.path()).stdin(archive));
    if !debootstrap.wait()?.success() {
        bail!("mmdebstrap failed");
    }
    unpacked?;
    Ok(new)
}
