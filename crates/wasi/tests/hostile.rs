//! Arguments chosen to break things: every function, any numbers.

mod common;

use common::{CREAT, Guest, READ, WRITE};
use sampan_wasi::{Abi, DirPerms, Errno, GuestMemory, OutputPipe, WasiCtx, functions};

/// A small generator (xorshift64), the same numbers each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Something that might be a descriptor, an address, a length or a flag.
    fn argument(&mut self, memory: u64) -> u64 {
        match self.below(12) {
            0..=3 => self.below(10),
            4..=6 => self.below(memory),
            7 => memory - self.below(70),
            8 => u64::from(u32::MAX) - self.below(70),
            9 => 1 << self.below(64),
            10 => u64::MAX - self.below(4),
            _ => self.next(),
        }
    }
}

/// The most memory that this process has used so far, in bytes, where the
/// host says so.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kilobytes.map_or(0, |count| count.parse::<u64>().unwrap() << 10)
}

fn context(dir: &std::path::Path) -> WasiCtx {
    let mut builder = WasiCtx::builder();
    builder
        .args(["program", "argument"])
        .env("A", "B")
        .stdin(std::io::repeat(b'x'))
        .stdout(OutputPipe::new(1 << 16))
        .preopened_dir(dir, "/", DirPerms::ReadWrite)
        .preopened_dir(dir, "/ro", DirPerms::ReadOnly)
        .max_fds(12);
    builder.build().unwrap()
}

#[test]
fn no_arguments_do_harm() {
    const MEMORY: u64 = 1 << 16;

    let mut numbers = Numbers(0x5EED);
    let start = peak_memory();
    for round in 0..80 {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "a").unwrap();
        std::fs::create_dir(dir.path().join("b")).unwrap();
        let mut ctx = context(dir.path());
        let mut mem = vec![0; MEMORY as usize];
        for _ in 0..300 {
            // Names, small numbers and pointers all over the memory.
            for _ in 0..16 {
                let at = numbers.below(MEMORY - 8) as usize;
                let value = match numbers.below(4) {
                    0 => numbers.next(),
                    1 => u64::from_le_bytes(*b"../a/b/c"),
                    2 => u64::from(b"ab./"[numbers.below(4) as usize]),
                    _ => numbers.below(MEMORY) | numbers.below(300) << 32,
                };
                mem[at..at + 8].copy_from_slice(&value.to_le_bytes());
            }
            let table = functions(Abi::ALL[round % 2]);
            let function = &table[numbers.below(table.len() as u64) as usize];
            // What these do is take room on the disk and wait, for as much
            // and as long as they are told.
            if matches!(function.name, "poll_oneoff" | "fd_allocate") {
                continue;
            }
            let count = match numbers.below(50) {
                0 => 0,
                _ => function.params.len(),
            };
            let args: Vec<u64> = (0..count).map(|_| numbers.argument(MEMORY)).collect();
            let _ = (function.call)(&mut ctx, &mut GuestMemory::new(&mut mem), &args);
        }
    }
    // Much less than any of the lengths that were asked for; other tests of
    // this file run at the same time.
    let growth = peak_memory() - start;
    assert!(growth < 64 << 20, "{growth} bytes");
}

/// A list of subscriptions, all of which end at once.
#[test]
fn no_subscriptions_do_harm() {
    let dir = tempfile::tempdir().unwrap();
    let mut numbers = Numbers(0xF00D);
    let mut guest = Guest::new(context(dir.path()));
    for _ in 0..3000 {
        guest.abi = Abi::ALL[numbers.below(2) as usize];
        for at in (0..4096).step_by(8) {
            let value = match numbers.below(3) {
                0 => numbers.next(),
                1 => numbers.below(8),
                _ => 0,
            };
            guest.mem[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        // The first never waits.
        guest.mem[0..48].fill(0);
        let count = 1 + numbers.below(8);
        guest.call("poll_oneoff", &[0, 8192, count, 24]);
        let args = [0; 4].map(|_: i32| numbers.argument(1 << 20) | 1 << 19);
        guest.call("poll_oneoff", &args);
    }
}

#[test]
fn addresses_out_of_bounds_are_faults_everywhere() {
    let host = tempfile::tempdir().unwrap();
    std::fs::write(host.path().join("a"), "text").unwrap();
    let mut guest = Guest::new(context(host.path()));
    let fd = guest.open("a", CREAT, READ | WRITE).unwrap();
    let name = guest.put(b"a");
    let to = guest.put(&[0; 64]);
    let iovs = guest.iovecs(&[(to, 1)]);
    let (bad, dir) = (u64::from(u32::MAX) - 1, 3);
    let wild = guest.iovecs(&[(to, 1), (bad, 4)]);
    for (function, args) in [
        ("args_get", vec![bad, to]),
        ("args_get", vec![to, bad]),
        ("args_sizes_get", vec![bad, to]),
        ("args_sizes_get", vec![to, bad]),
        ("environ_get", vec![bad, to]),
        ("environ_get", vec![to, bad]),
        ("environ_sizes_get", vec![bad, to]),
        ("environ_sizes_get", vec![to, bad]),
        ("clock_res_get", vec![0, bad]),
        ("clock_time_get", vec![0, 0, bad]),
        ("fd_fdstat_get", vec![fd, bad]),
        ("fd_filestat_get", vec![fd, bad]),
        ("fd_pread", vec![fd, iovs, 1, 0, bad]),
        ("fd_pread", vec![fd, bad, 1, 0, to]),
        ("fd_pread", vec![fd, wild, 2, 0, to]),
        ("fd_pread", vec![fd, iovs, bad, 0, to]),
        ("fd_prestat_get", vec![dir, bad]),
        ("fd_prestat_dir_name", vec![dir, bad, 1]),
        ("fd_pwrite", vec![fd, iovs, 1, 0, bad]),
        ("fd_pwrite", vec![fd, wild, 2, 0, to]),
        ("fd_read", vec![fd, iovs, 1, bad]),
        ("fd_read", vec![fd, wild, 2, to]),
        ("fd_read", vec![fd, iovs, 1 << 29, to]),
        ("fd_readdir", vec![dir, bad, 64, 0, to]),
        ("fd_readdir", vec![dir, to, 64, 0, bad]),
        ("fd_readdir", vec![dir, to, bad, 0, to]),
        ("fd_seek", vec![fd, 0, 0, bad]),
        ("fd_tell", vec![fd, bad]),
        ("fd_write", vec![fd, iovs, 1, bad]),
        ("fd_write", vec![fd, wild, 2, to]),
        ("path_create_directory", vec![dir, bad, 1]),
        ("path_create_directory", vec![dir, name, bad]),
        ("path_filestat_get", vec![dir, 0, bad, 1, to]),
        ("path_filestat_get", vec![dir, 0, name, 1, bad]),
        ("path_filestat_set_times", vec![dir, 0, bad, 1, 0, 0, 0]),
        ("path_link", vec![dir, 0, bad, 1, dir, name, 1]),
        ("path_link", vec![dir, 0, name, 1, dir, bad, 1]),
        ("path_open", vec![dir, 0, bad, 1, 0, 0, 0, 0, to]),
        ("path_open", vec![dir, 0, name, 1, 0, 0, 0, 0, bad]),
        ("path_readlink", vec![dir, bad, 1, to, 8, to]),
        ("path_readlink", vec![dir, name, 1, to, 8, bad]),
        ("path_remove_directory", vec![dir, bad, 1]),
        ("path_rename", vec![dir, bad, 1, dir, name, 1]),
        ("path_rename", vec![dir, name, 1, dir, bad, 1]),
        ("path_symlink", vec![bad, 1, dir, name, 1]),
        ("path_symlink", vec![name, 1, dir, bad, 1]),
        ("path_unlink_file", vec![dir, bad, 1]),
        ("poll_oneoff", vec![bad, to, 1, to]),
        ("poll_oneoff", vec![to, bad, 1, to]),
        ("poll_oneoff", vec![to, to, 1, bad]),
        ("random_get", vec![bad, 8]),
        ("random_get", vec![to, bad]),
    ] {
        assert_eq!(guest.call(function, &args), Errno::Fault, "{function} {args:?}");
    }
    assert_eq!(std::fs::read(host.path().join("a")).unwrap(), b"text");
}
