//! A small Debian, made by the tools that Debian has for it.

use super::source::Source;
use std::path::Path;
use std::process::{Command, Stdio};

/// Files that Debian's installer writes. The tools leave them out, so that not even `localhost`
/// is an address, or take them from this machine.
pub const FILES: [(&str, &str); 3] = [
    (
        "etc/hosts",
        "127.0.0.1\tlocalhost\n\
         127.0.1.1\tsampan\n\
         ::1\tlocalhost ip6-localhost ip6-loopback\n\
         ff02::1\tip6-allnodes\n\
         ff02::2\tip6-allrouters\n",
    ),
    ("etc/hostname", "sampan\n"),
    ("etc/resolv.conf", "# `sampan linux --net host` has its own in this place.\n"),
];

/// Makes it in `folder`: with mmdebstrap, which needs no root; else with debootstrap.
pub fn make(
    suite: &str,
    architecture: &str,
    include: &[String],
    folder: &Path,
) -> Result<Source, String> {
    let exists = |name: &str| {
        let mut command = Command::new(name);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok()
    };
    let (tool, target) = if exists("mmdebstrap") {
        ("mmdebstrap", folder.join("debian.tar"))
    } else if exists("debootstrap") {
        ("debootstrap", folder.join("debian"))
    } else {
        return Err("debian: needs mmdebstrap, or debootstrap and root; please install one of \
                    them (on Debian: apt-get install mmdebstrap uidmap)"
            .to_owned());
    };
    let mut command = Command::new(tool);
    command.arg("--variant=minbase").arg(format!("--arch={architecture}"));
    if !include.is_empty() {
        command.arg(format!("--include={}", include.join(",")));
    }
    // A folder that others cannot enter would stop apt's own user.
    command.arg(suite).arg(&target).stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.status().map_err(|error| format!("{tool}: {error}"))?;
    if !status.success() {
        return Err(format!("debian: {tool} failed: {status}"));
    }
    // The first makes an archive, the second a directory.
    Ok(if target.is_dir() { Source::Directory(target) } else { Source::Tar(target) })
}
