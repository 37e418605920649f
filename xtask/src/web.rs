//! The part for browsers: the kernel and the processor as WebAssembly, the npm package
//! around them, the page, and their tests under node and in Chromium.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};

use crate::{debian, platform, programs::Tally, project, sizes::toolchain, system};

const TARGET: &str = "wasm32-unknown-unknown";
/// Every browser of the last years has these.
const CPU: &str =
    "-Ctarget-feature=+bulk-memory,+mutable-globals,+nontrapping-fptoint,+sign-ext,+simd128";

/// Builds the package in `web/dist` and the page in `web/page/dist`, and prints how large what
/// a visitor loads is.
pub fn build() -> Result<()> {
    package()?;
    project::run(npm(&project::root().join("web")).args(["run", "--silent", "page"]))
}

/// Builds the package in `web/dist`.
pub fn package() -> Result<()> {
    system::ensure(platform::NPM, &["npm"])?;
    let folder = project::root().join("web");
    let target_dir = project::target_dir()?.join("web");
    let mut cargo = toolchain::cargo(&[CPU])?;
    cargo
        .current_dir(&folder)
        .args(["build", "--quiet", "--locked", "--release", "--target", TARGET])
        .arg("-Zbuild-std=std,panic_abort")
        .arg("--target-dir")
        .arg(&target_dir);
    project::run(&mut cargo)?;

    // What npm installed says so there; an older list than ours lacks something.
    let age = |file: &str| folder.join(file).metadata().and_then(|file| file.modified()).ok();
    if age("node_modules/.package-lock.json") < age("package-lock.json") {
        let mut npm = npm(&folder);
        project::run(npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    }
    project::run(npm(&folder).args(["run", "--silent", "build"]))?;
    for module in ["kernel", "processor"] {
        let built = target_dir.join(TARGET).join(format!("release/sampan_web_{module}.wasm"));
        let to = folder.join(format!("dist/{module}.wasm"));
        std::fs::copy(&built, to).with_context(|| format!("cannot copy {}", built.display()))?;
        println!("{:>8}  {module}.wasm", built.metadata()?.len());
    }
    Ok(())
}

/// Builds, and runs the tests under node, some of which drive a browser; those with a Debian
/// only if there is one.
pub fn test(with_debian: bool) -> Result<Tally> {
    build()?;
    let sampan = project::build_sampan()?;
    system::ensure("busybox", &["busybox-static"])?;
    // sbin may not be in a user's PATH.
    system::ensure("/usr/sbin/mke2fs", &["e2fsprogs"])?;
    // Another one is named by a variable.
    if std::env::var_os("CHROMIUM").is_none() {
        system::ensure("chromium", &["chromium"])?;
    }
    let folder = project::root().join("web");
    let mut tests: Vec<_> = std::fs::read_dir(folder.join("test"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    tests.sort();
    let mut node = Command::new(platform::executable("node"));
    node.env("SAMPAN", &sampan);
    if with_debian {
        node.env("SAMPAN_DEBIAN", debian::i386_image(&sampan)?);
        node.env("SAMPAN_DEBIAN_CHUNKS", debian::i386_chunks(&sampan)?);
    } else {
        tests.retain(|path| !path.to_string_lossy().contains("debian"));
    }
    let output = node
        .current_dir(&folder)
        // For a file with all its tests, of which each has its own limit.
        .args(["--test", "--test-reporter=tap", "--test-timeout=400000"])
        .args(&tests)
        .output()
        .context("cannot run node")?;
    let printed = String::from_utf8_lossy(&output.stdout);
    print!("{printed}");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    let count = |name: &str| -> u32 {
        let line = printed.lines().find_map(|line| line.strip_prefix(&format!("# {name} ")));
        line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
    };
    let mut tally = Tally { passed: count("pass"), failed: count("fail") };
    // Node that dies, or finds no test, is a failure too.
    if tally.failed == 0 && (tally.passed == 0 || !output.status.success()) {
        tally.failed = 1;
    }
    Ok(tally)
}

fn npm(folder: &Path) -> Command {
    let mut npm = Command::new(platform::NPM);
    npm.current_dir(folder);
    npm
}
