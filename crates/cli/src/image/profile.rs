//! `sampan image profile`: runs a program of an image in chunks until it waits for input, and
//! notes in the index which chunks that needs, in their order. A browser then fetches them
//! without waiting to be asked for each.

use super::chunk::write_index;
use super::chunks::Folder;
use crate::args::{LinuxMode, Profile};
use crate::linux::processor;
use crate::report::{self, Exit};
use sampan_linux::fs::ext2::Ext2Fs;
use sampan_linux::fs::tmpfs::Tmpfs;
use sampan_linux::start::Program;
use sampan_linux::{Config, Host, Kernel, Status, Stream, StreamResult};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

/// Bytes of memory of the guest.
const MEMORY: u64 = 1 << 30;
const TURNS: u32 = 16;
/// What the page's shell has.
const ENVIRONMENT: [&str; 7] = [
    "HOME=/root",
    "USER=root",
    "LOGNAME=root",
    "TERM=xterm-256color",
    "LANG=C.UTF-8",
    "SHELL=/bin/bash",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
];

/// Runs it, and writes the index anew.
pub fn profile(args: &Profile) -> Result<Exit, String> {
    let shown = args.folder.display();
    let folder = Folder::open(&args.folder)?;
    let (mut index, needed) = (folder.index.clone(), folder.needed.clone());
    let config = Config {
        memory: MEMORY,
        hostname: b"sampan".to_vec(),
        trace: false,
        new_machine: processor::of(LinuxMode::Auto, false),
    };
    let mut kernel = Kernel::new(Box::new(Nobody(Instant::now())), config);
    let dev = kernel.new_dev();
    let fs = Ext2Fs::open(Box::new(folder), dev).map_err(|error| format!("{shown}: {error}"))?;
    let dev = kernel.new_dev();
    let root = kernel
        .set_up(|cx| Tmpfs::over(cx, dev, MEMORY / 2, &(fs as Rc<_>)))
        .map_err(|errno| format!("{shown}: {errno}"))?;
    kernel.mount_root(root, 0, b"overlay");
    kernel.mount_standard().map_err(|errno| format!("{shown}: /dev, /proc: {errno}"))?;
    let argv: Vec<Vec<u8>> = match args.program.is_empty() {
        true => [&b"/bin/bash"[..], b"--login"].map(<[u8]>::to_vec).into(),
        false => args.program.iter().map(|arg| arg.clone().into_bytes()).collect(),
    };
    let program = Program {
        path: argv[0].clone(),
        argv,
        envp: ENVIRONMENT.map(|text| text.as_bytes().to_vec()).into(),
        cwd: b"/root".to_vec(),
        user: (0, 0),
        terminals: [true; 3],
    };
    let name = String::from_utf8_lossy(&program.path).into_owned();
    kernel.start(program).map_err(|errno| format!("{name}: {errno}"))?;
    let end = Instant::now() + Duration::from_secs(args.seconds);
    loop {
        match kernel.run(TURNS) {
            Status::Runnable => {}
            // It waits for keys, or it has ended.
            Status::Idle(None) | Status::Exited(_) => break,
            Status::Idle(Some(_)) => std::thread::sleep(Duration::from_millis(1)),
        }
        if Instant::now() > end {
            report::message(format!("{name} did not wait for input within {} s", args.seconds));
            break;
        }
    }
    drop(kernel);
    index.preload = needed.take();
    let mut seen = std::collections::HashSet::new();
    index.preload.retain(|&chunk| seen.insert(chunk));
    write_index(&args.folder, &index)?;
    let text = format!("{} of {} chunks\n", index.preload.len(), index.count());
    Ok(report::print(text.as_bytes()))
}

/// A host with a terminal at which nobody sits.
struct Nobody(Instant);

impl Host for Nobody {
    fn realtime_ns(&mut self) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default().as_nanos() as u64
    }

    fn monotonic_ns(&mut self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }

    fn random(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the system has randomness");
    }

    fn console_write(&mut self, _: &[u8]) {}

    fn stream_read(&mut self, _: Stream, _: &mut [u8]) -> StreamResult {
        StreamResult::Done(0)
    }

    fn stream_write(&mut self, _: Stream, bytes: &[u8]) -> StreamResult {
        StreamResult::Done(bytes.len())
    }

    fn stream_ready(&mut self, _: Stream, _: bool) -> bool {
        true
    }

    fn log(&mut self, line: String) {
        report::message(line);
    }
}
