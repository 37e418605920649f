//! The guest's root, and its first program: a directory or an image with a system in it, or
//! one file.

use super::image::{self, Keeper};
use super::platform;
use crate::args::Linux;
use sampan_hostfs::{Access, HostFs};
use sampan_linux::Kernel;
use sampan_linux::fs::FileSystem;
use sampan_linux::fs::tmpfs::Tmpfs;
use sampan_linux::start::Program;
use std::fs::File;
use std::io::Read;
use std::rc::Rc;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Sets the root up and says what runs in it, and what keeps changes of it.
pub fn set_up(kernel: &mut Kernel, args: &Linux) -> Result<(Program, Option<Keeper>), String> {
    let shown = args.image.display();
    let metadata = std::fs::metadata(&args.image).map_err(|error| format!("{shown}: {error}"))?;
    let arguments: Vec<Vec<u8>> = args.program.iter().map(|arg| platform::bytes(arg)).collect();
    let is_system = metadata.is_dir() || !is_elf(args)?;
    let mut keeper = None;
    let (path, argv) = if is_system {
        keeper = system(kernel, args, metadata.is_dir())?;
        match arguments.first() {
            Some(path) => (path.clone(), arguments),
            None => (b"/bin/bash".to_vec(), vec![b"-bash".to_vec()]),
        }
    } else {
        if args.overlay.is_some() {
            return Err(format!("{shown}: --overlay is for disk images; this is an ELF file"));
        }
        let name = elf_file(kernel, args)?;
        let mut argv = vec![name.clone()];
        argv.extend(arguments);
        (name, argv)
    };
    kernel.mount_standard().map_err(|errno| format!("{shown}: /dev, /proc: {errno}"))?;
    let cwd = args.cwd.clone().unwrap_or_else(|| "/".into()).into_bytes();
    let terminals = platform::terminals();
    let user = args.user;
    Ok((Program { path, argv, envp: environment(args), cwd, user, terminals }, keeper))
}

/// Mounts a system: an image that keeps changes, or one or a directory with changes in memory
/// above it.
fn system(kernel: &mut Kernel, args: &Linux, is_directory: bool) -> Result<Option<Keeper>, String> {
    let fail = |error: String| format!("{}: {error}", args.image.display());
    let dev = kernel.new_dev();
    let lower: Rc<dyn FileSystem> = if is_directory {
        if args.overlay.is_some() {
            return Err(fail("--overlay is for disk images; this is a directory".into()));
        }
        HostFs::open(&args.image, Access::ReadOnly, dev).map_err(|error| fail(error.to_string()))?
    } else {
        let fs = image::open(args, dev)?;
        if !args.ephemeral {
            kernel.mount_root(fs.clone(), 0, b"/dev/root");
            return Ok(Some(Keeper::new(fs)));
        }
        fs
    };
    let (memory, dev) = (kernel.config.memory / 2, kernel.new_dev());
    let root = kernel
        .set_up(|cx| Tmpfs::over(cx, dev, memory, &lower))
        .map_err(|errno| fail(errno.to_string()))?;
    kernel.mount_root(root, 0, b"overlay");
    Ok(None)
}

fn is_elf(args: &Linux) -> Result<bool, String> {
    let mut start = Vec::new();
    File::open(&args.image)
        .and_then(|file| file.take(4).read_to_end(&mut start))
        .map_err(|error| format!("{}: {error}", args.image.display()))?;
    Ok(start == b"\x7fELF")
}

/// Puts the file into an empty root; its name there.
fn elf_file(kernel: &mut Kernel, args: &Linux) -> Result<Vec<u8>, String> {
    let shown = args.image.display();
    let file = std::fs::read(&args.image).map_err(|error| format!("{shown}: {error}"))?;
    let name = args.image.file_name().map_or(b"program".to_vec(), platform::bytes);
    kernel.add_file(&name, 0o755, &file).map_err(|errno| format!("minimal root: {errno}"))?;
    Ok([b"/", &name[..]].concat())
}

/// What a login would set, and then what was asked for.
fn environment(args: &Linux) -> Vec<Vec<u8>> {
    let is_root = args.user.0 == 0;
    let home = if is_root { "/root" } else { "/" };
    let mut list = vec![("PATH".to_owned(), PATH.to_owned()), ("HOME".into(), home.into())];
    if is_root {
        list.push(("USER".into(), "root".into()));
        list.push(("LOGNAME".into(), "root".into()));
    }
    // What the terminal understands is for the guest to know.
    for name in ["TERM", "COLORTERM"] {
        if let Ok(value) = std::env::var(name) {
            list.push((name.into(), value));
        }
    }
    for (name, value) in &args.env {
        list.retain(|(old, _)| old != name);
        list.push((name.clone(), value.clone()));
    }
    list.into_iter().map(|(name, value)| format!("{name}={value}").into_bytes()).collect()
}
