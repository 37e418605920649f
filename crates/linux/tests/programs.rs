//! Each C program of `tests/c` runs on this machine's kernel and on ours, for both
//! ABIs, and must print the same and end the same way; on ours also with translated code.

mod common;

use common::{Capture, compile};
use sampan_disk::{Device, Memory, ext2};
use sampan_linux::fs::ext2::Ext2Fs;
use sampan_linux::machine::{Interpreter, Machine, MapError, Options};
use sampan_linux::start::Program;
use sampan_linux::{Config, Kernel, NewMachine, Status};
use sampan_translated::Native;
use std::cell::RefCell;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// What a program prints on this machine, and its status as `wait` tells it.
fn native(program: &Path) -> (String, i32) {
    use std::os::unix::process::ExitStatusExt;
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(program);
    let output = command.current_dir(folder.path()).output().expect("it runs");
    let status = output.status.into_raw() & !0x80;
    (String::from_utf8_lossy(&output.stdout).into_owned(), status)
}

/// With code translated as soon as it is met a second time.
fn translating() -> Result<Box<dyn Machine>, MapError> {
    let options = Options { turn: 400, samples: 1, price: 0, wait: true, ..Options::default() };
    Interpreter::translating(Native::create, options)
}

fn run(program: &Path, memory: u64) -> (String, i32) {
    run_on(Interpreter::create, program, memory)
}

fn run_on(new_machine: NewMachine, program: &Path, memory: u64) -> (String, i32) {
    run_in(new_machine, program, memory, None)
}

/// Runs it in the root, or in the root directory of an image.
fn run_in(
    new_machine: NewMachine,
    program: &Path,
    memory: u64,
    image: Option<Rc<Ext2Fs>>,
) -> (String, i32) {
    let (host, output) = Capture::new();
    let config = Config {
        memory,
        hostname: b"test".to_vec(),
        trace: std::env::var_os("SAMPAN_TRACE").is_some(),
        new_machine,
    };
    let mut kernel = Kernel::new(Box::new(host), config);
    let content = std::fs::read(program).expect("it was compiled");
    kernel.add_file(b"program", 0o755, &content).expect("the root has room");
    kernel.mount_proc(b"/proc").expect("there is room");
    let cwd: &[u8] = if image.is_some() { b"/image" } else { b"/" };
    if let Some(image) = image {
        kernel.mount_at(cwd, image, 0, b"image").expect("there is room");
    }
    let program = Program {
        path: b"/program".to_vec(),
        argv: vec![b"program".to_vec()],
        envp: Vec::new(),
        cwd: cwd.to_vec(),
        user: (0, 0),
        terminals: [false; 3],
    };
    kernel.start(program).expect("it starts");
    let limit = Instant::now() + Duration::from_secs(60);
    let status = loop {
        match kernel.run(100) {
            Status::Exited(status) => break status,
            Status::Runnable => {}
            // No status of a program: every thread waits for ever.
            Status::Idle(None) => break -1,
            Status::Idle(Some(_)) => std::thread::sleep(Duration::from_millis(1)),
        }
        if Instant::now() >= limit {
            break -2;
        }
    };
    let text = String::from_utf8_lossy(&output.borrow()).into_owned();
    (text, status)
}

#[test]
fn same_as_this_machines_kernel() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c");
    // One program alone, while it is being worked on.
    let only = std::env::var("SAMPAN_PROGRAM").ok();
    let machines: [(&str, NewMachine); 2] =
        [("interpreter", Interpreter::create), ("translated", translating)];
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let source = entry.expect("it can be read").path();
        let stem = source.file_stem().expect("a file").to_string_lossy().into_owned();
        if only.as_ref().is_some_and(|only| *only != stem) {
            continue;
        }
        for flag in ["-m64", "-m32"] {
            let program = compile(&source, flag);
            let here = native(&program);
            for (name, machine) in machines {
                let mut there = run_on(machine, &program, 256 << 20);
                if here != there && name == "translated" {
                    // Waiting for the compiler shows in clocks. Now its modules are there.
                    there = run_on(machine, &program, 256 << 20);
                }
                if here == there {
                    continue;
                }
                // Both whole, for a `diff`.
                let _ = std::fs::write(program.with_extension("here"), &here.0);
                let _ = std::fs::write(program.with_extension("there"), &there.0);
                panic!(
                    "{stem} {flag} ({name}) differs, status {:#x} and {:#x}:\n{}",
                    here.1,
                    there.1,
                    difference(&here.0, &there.0)
                );
            }
            count += 1;
        }
    }
    assert!(count >= 2);
}

/// Those that are about files run on a disk image, too, which is sound afterwards.
#[test]
fn same_on_an_image() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c");
    // `files` asks for `fallocate`, which ext2 does not have.
    for stem in ["attributes", "inotify", "tmpfile", "users"] {
        for flag in ["-m64", "-m32"] {
            let program = compile(&folder.join(stem).with_extension("c"), flag);
            // From this size on blocks have 4 KiB, as this machine's.
            let device = Memory::new(512 << 20);
            let device = ext2::format(device, &ext2::Format::default()).expect("there is room");
            let kept = Kept(Rc::new(RefCell::new(device)));
            let image = Ext2Fs::open(Box::new(kept.clone()), 99).expect("it was just made");
            let there = run_in(Interpreter::create, &program, 256 << 20, Some(image.clone()));
            let here = native(&program);
            let lines = difference(&here.0, &there.0);
            assert!(here == there, "{stem} {flag}, status {:#x}:\n{lines}", there.1);
            image.finish().expect("it is written");
            let found = |finding| panic!("{stem} {flag}: {finding}");
            ext2::check::check(kept, &mut { found }).expect("an image");
        }
    }
}

/// A device that is looked at behind a file system's back.
#[derive(Clone)]
struct Kept(Rc<RefCell<Memory>>);

impl Device for Kept {
    fn size(&self) -> u64 {
        self.0.borrow().size()
    }
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> sampan_disk::Result<()> {
        self.0.borrow_mut().read_at(offset, buffer)
    }
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> sampan_disk::Result<()> {
        self.0.borrow_mut().write_at(offset, bytes)
    }
    fn flush(&mut self) -> sampan_disk::Result<()> {
        self.0.borrow_mut().flush()
    }
}

/// The first lines that differ, with the one before.
fn difference(here: &str, there: &str) -> String {
    let (here, there): (Vec<_>, Vec<_>) = (here.lines().collect(), there.lines().collect());
    let same = here.iter().zip(&there).take_while(|(a, b)| a == b).count();
    let part = |lines: &[&str]| {
        lines.iter().skip(same).take(8).map(|l| format!("  {l}\n")).collect::<String>()
    };
    let before = if same > 0 { here[same - 1] } else { "" };
    format!("after {before}\nthis machine:\n{}sampan:\n{}", part(&here), part(&there))
}

#[test]
fn too_much_memory_ends_the_process() {
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hungry.c");
    let text = "#include <stdio.h>\n#include <string.h>\n#include <sys/mman.h>\n\
        int main(void) { for (int i = 0; i < 40; i++) \
        memset(mmap(0, 1 << 20, 3, 34, -1, 0), 1, 1 << 20); puts(\"done\"); }";
    std::fs::write(&source, text).expect("the folder can be written");
    let program = compile(&source, "-m64");
    assert_eq!(run(&program, 20 << 20), (String::new(), 9));
    assert_eq!(run(&program, 100 << 20), ("done\n".into(), 0));
}

/// Of a mapping of more than 2 GB only what is touched counts, also in a child; and that does.
#[test]
fn only_touched_pages_of_large_mappings_count() {
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("large.c");
    let text = "#define _GNU_SOURCE\n#include <fcntl.h>\n#include <stdio.h>\n#include <stdlib.h>\n\
        #include <sys/mman.h>\n#include <sys/wait.h>\n#include <unistd.h>\n\
        #define SIZE 2200000000ul\n\
        int main(void) { int fd = open(\"f\", O_CREAT | O_RDWR, 0600); ftruncate(fd, SIZE); \
        for (int how = 0; how < 3; how++) { \
        char *p = mmap(0, SIZE, 3, how == 0 ? MAP_PRIVATE | MAP_NORESERVE : how == 1 ? MAP_SHARED : \
        MAP_SHARED | MAP_ANONYMOUS, how == 2 ? -1 : fd, 0); if (p == MAP_FAILED) return 3; \
        if (fork() == 0) { for (unsigned long at = 0; at < SIZE; at += SIZE / 50) p[at]++; _exit(0); } \
        int status; wait(&status); unsigned long sum = 0; \
        for (unsigned long at = 0; at < SIZE; at += SIZE / 50) sum += p[at]; \
        printf(\"%d %lu\\n\", status, sum); fflush(stdout); munmap(p, SIZE); } \
        char *p = mmap(0, SIZE, 3, MAP_PRIVATE | MAP_NORESERVE, fd, 0); \
        for (unsigned long at = 0; at < 60 << 20; at += 4096) p[at] = 1; puts(\"done\"); }";
    std::fs::write(&source, text).expect("the folder can be written");
    let program = compile(&source, "-m64");
    let shown = "0 0\n0 50\n0 50\n";
    for machine in [Interpreter::create, translating] as [NewMachine; 2] {
        assert_eq!(run_on(machine, &program, 40 << 20), (shown.into(), 9));
        assert_eq!(run_on(machine, &program, 120 << 20), (format!("{shown}done\n"), 0));
    }
}

/// Programs that take whatever there is get errors, and everything works again when they gave
/// it back.
#[test]
fn what_is_used_up_is_an_error() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exhaust/greedy.c");
    for flag in ["-m64", "-m32"] {
        let program = compile(&source, flag);
        let expected = "disk 28\nnames 28\ndescriptors 24\npipes 1\nsockets 1\nsegments 28\n\
                        shared 1\nprocesses 11\nstill here\n";
        assert_eq!(run(&program, 24 << 20), (expected.into(), 0), "{flag}");
    }
}

/// The page of all calls is the table's; `UPDATE_EXPECT=1` writes it anew.
#[test]
fn the_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("SYSCALLS.md");
    let page = sampan_linux::syscall::markdown();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &page).expect("it can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == page, "SYSCALLS.md is old: UPDATE_EXPECT=1 cargo test -p sampan-linux");
}
