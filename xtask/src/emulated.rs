//! Compiled code on processors that this machine is not, in QEMU's user mode.

use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};

use crate::{
    programs::Tally,
    project, system,
    test::{sum, tests},
};

/// `cargo xtask emulated`.
#[derive(clap::Args)]
pub struct Options {
    /// Only this target (may be repeated)
    #[arg(long, value_name = "TRIPLE")]
    target: Vec<String>,
    /// The official suite too, which takes an hour for each target
    #[arg(long)]
    suite: bool,
}

/// A target that programs are linked for statically, with Rust's own linker: Debian's cross
/// compilers can't stand beside gcc-multilib.
struct Machine {
    target: &'static str,
    qemu: &'static str,
    libc: Libc,
}

/// Where a program's C library comes from.
enum Libc {
    /// With Rust's library for the target.
    Rust,
    /// From Debian's packages for `arch`, in folders called `triple`.
    Debian { arch: &'static str, triple: &'static str },
}

const MACHINES: [Machine; 2] = [
    Machine { target: "aarch64-unknown-linux-musl", qemu: "qemu-aarch64", libc: Libc::Rust },
    Machine {
        target: "riscv64gc-unknown-linux-gnu",
        qemu: "qemu-riscv64",
        libc: Libc::Debian { arch: "riscv64", triple: "riscv64-linux-gnu" },
    },
];

/// The tests of the compiler, or the suite as well, on each machine.
pub fn run(options: &Options) -> Result<ExitCode> {
    let mut all = Tally::default();
    for machine in &MACHINES {
        if options.target.is_empty() || options.target.iter().any(|name| name == machine.target) {
            all = sum(all, machine.compiler()?);
            if options.suite {
                all = sum(all, machine.suite()?);
            }
        }
    }
    println!("{} passed, {} failed", all.passed, all.failed);
    Ok(if all.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The tests of the compiler on every machine.
pub fn test() -> Result<Tally> {
    MACHINES.iter().try_fold(Tally::default(), |all, machine| Ok(sum(all, machine.compiler()?)))
}

impl Machine {
    fn compiler(&self) -> Result<Tally> {
        tests(self.cargo_test()?.args(["--package", "sampan-compile", "--no-fail-fast"]))
    }

    /// One file at a time: before its version 8, QEMU keeps a record of every page that was ever
    /// reserved, and each memory reserves gigabytes.
    fn suite(&self) -> Result<Tally> {
        let spec = || -> Result<Command> {
            let mut test = self.cargo_test()?;
            test.args(["--quiet", "--package", "sampan-cli", "--test", "spec", "--"]);
            Ok(test)
        };
        let files = project::output(spec()?.arg("--list"))?;
        files.lines().try_fold(Tally::default(), |all, file| {
            println!("{}: {file}", self.target);
            Ok(sum(all, tests(spec()?.arg(file))?))
        })
    }

    /// `cargo test` that runs in QEMU.
    fn cargo_test(&self) -> Result<Command> {
        system::ensure(self.qemu, &["qemu-user"])?;
        project::run(Command::new("rustup").args(["--quiet", "target", "add", self.target]))
            .with_context(|| format!("Rust's library for {} is missing", self.target))?;
        let mut flags = vec!["-Ctarget-feature=+crt-static".to_string()];
        match self.libc {
            Libc::Rust => flags.push("-Clink-self-contained=yes".into()),
            Libc::Debian { arch, triple } => flags.extend(debian_libc(arch, triple)?),
        }
        let name = self.target.to_uppercase().replace('-', "_");
        let mut test = project::cargo();
        test.args(["test", "--target", self.target]);
        test.env(format!("CARGO_TARGET_{name}_LINKER"), "rust-lld");
        test.env(format!("CARGO_TARGET_{name}_RUSTFLAGS"), flags.join(" "));
        test.env(format!("CARGO_TARGET_{name}_RUNNER"), self.qemu);
        // Tests that start themselves.
        test.env("SAMPAN_TEST_RUNNER", self.qemu);
        Ok(test)
    }
}

/// Flags that link with the C library of Debian's cross packages.
fn debian_libc(arch: &str, triple: &str) -> Result<Vec<String>> {
    let libc = PathBuf::from("/usr").join(triple).join("lib");
    let compiler = PathBuf::from("/usr/lib/gcc-cross").join(triple);
    if !libc.join("libc.a").exists() || !compiler.exists() {
        let version = project::output(Command::new("gcc").arg("-dumpversion"))?;
        system::install(&[
            &format!("libc6-dev-{arch}-cross"),
            &format!("libgcc-{}-dev-{arch}-cross", version.trim()),
        ])?;
    }
    let mut versions = compiler.read_dir().context("the C compiler's library is missing")?;
    let compiler = versions.next().context("the C compiler's library is missing")??.path();
    let mut flags: Vec<String> =
        ["-Clinker-flavor=ld.lld", "-Crelocation-model=static"].map(String::from).into();
    for folder in [&libc, &compiler] {
        flags.push(format!("-Lnative={}", folder.display()));
    }
    for name in ["crt1.o", "crti.o", "crtn.o"] {
        flags.push(format!("-Clink-arg={}", libc.join(name).display()));
    }
    for name in ["crtbeginT.o", "crtend.o"] {
        flags.push(format!("-Clink-arg={}", compiler.join(name).display()));
    }
    Ok(flags)
}
