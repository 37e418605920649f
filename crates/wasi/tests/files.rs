//! Open files: reading, writing, positions, sizes, times, flags and rights.

mod common;

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use common::{APPEND, CREAT, DIRECTORY, EXCL, Guest, READ, ROOT, TRUNC, WRITE};
use sampan_wasi::{Abi, Errno, rights};

const SET: u64 = 0;
const CUR: u64 = 1;
const END: u64 = 2;

#[test]
fn bytes_written_are_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut guest = Guest::with_dir(dir.path());
    let fd = guest.open("a", CREAT, READ | WRITE).unwrap();
    assert_eq!(guest.write(fd, b"hello, world"), Ok(12));
    assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"hello, world");
    assert_eq!(guest.read(fd, 10).unwrap(), b"");
    assert_eq!(guest.seek(fd, 7, SET), Ok(7));
    assert_eq!(guest.read(fd, 10).unwrap(), b"world");
    guest.ok("fd_datasync", &[fd]);
    guest.ok("fd_sync", &[fd]);
    guest.ok("fd_sync", &[ROOT]);
    guest.close(fd);
    assert_eq!(guest.read(fd, 1), Err(Errno::Badf));
}

#[test]
fn several_buffers_keep_the_order_of_the_guest() {
    let dir = tempfile::tempdir().unwrap();
    let mut guest = Guest::with_dir(dir.path());
    let fd = guest.open("a", CREAT, READ | WRITE).unwrap();

    let text = guest.put(b"abcdef");
    // Overlapping and empty ones are fine to write from.
    let iovs = guest.iovecs(&[(text + 3, 3), (text, 0), (text, 4)]);
    guest.ok("fd_write", &[fd, iovs, 3, 24]);
    assert_eq!(guest.u32(24), 7);
    assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"defabcd");

    let to = guest.alloc(16);
    let iovs = guest.iovecs(&[(to + 8, 3), (to + 15, 0), (to, 2), (to + 4, 4)]);
    guest.ok("fd_pread", &[fd, iovs, 4, 0, 24]);
    assert_eq!(guest.u32(24), 7);
    assert_eq!(guest.bytes(to, 16), b"ab\0\0cd\0\0def\0\0\0\0\0");

    // Of overlapping ones, the first is filled.
    let iovs = guest.iovecs(&[(to + 2, 4), (to, 4)]);
    guest.ok("fd_pread", &[fd, iovs, 2, 1, 24]);
    assert_eq!(guest.u32(24), 4);
    assert_eq!(guest.bytes(to, 6), b"abefab");

    let iovs = guest.iovecs(&[(text, 1), (text + 5, 1)]);
    guest.ok("fd_pwrite", &[fd, iovs, 2, 9, 24]);
    assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"defabcd\0\0af", "a hole is zeros");
    assert_eq!(guest.seek(fd, 0, CUR), Ok(7), "positioned calls don't move");
}

#[test]
fn thousands_of_buffers_lead_to_a_short_write() {
    let dir = tempfile::tempdir().unwrap();
    let mut guest = Guest::with_dir(dir.path());
    let fd = guest.open("a", CREAT, READ | WRITE).unwrap();
    let text = guest.put(b"x");
    let iovs = guest.iovecs(&vec![(text, 1); 3000]);
    guest.ok("fd_write", &[fd, iovs, 3000, 24]);
    assert_eq!(guest.u32(24), 1024);
}

#[test]
fn seeking_matches_lseek_in_both_snapshots() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "0123456789").unwrap();
    let mut guest = Guest::with_dir(dir.path());
    let fd = guest.open("a", 0, READ).unwrap();
    assert_eq!(guest.seek(fd, -3, END), Ok(7));
    assert_eq!(guest.seek(fd, -2, CUR), Ok(5));
    guest.ok("fd_tell", &[fd, 0]);
    assert_eq!(guest.u64(0), 5);
    assert_eq!(guest.seek(fd, 100, SET), Ok(100));
    assert_eq!(guest.read(fd, 1).unwrap(), b"");
    assert_eq!(guest.seek(fd, -1, SET), Err(Errno::Inval));
    assert_eq!(guest.seek(fd, -101, CUR), Err(Errno::Inval));
    assert_eq!(guest.seek(fd, 0, 3), Err(Errno::Inval));

    guest.abi = Abi::Unstable;
    assert_eq!(guest.seek(fd, 4, 2), Ok(4), "set");
    assert_eq!(guest.seek(fd, 1, 0), Ok(5), "cur");
    assert_eq!(guest.seek(fd, -1, 1), Ok(9), "end");
}

#[test]
fn appending_goes_to_the_end() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "one").unwrap();
    let mut guest = Guest::with_dir(dir.path());
    let fd = guest.open_with(ROOT, "a", true, 0, READ | WRITE, APPEND).unwrap();
    assert_eq!(guest.fdstat(fd).1, APPEND as u16);
    guest.write(fd, b"two").unwrap();
    guest.seek(fd, 0, SET).unwrap();
    guest.write(fd, b"three").unwrap();
    assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"onetwothree");

    guest.ok("fd_fdstat_set_flags", &[fd, 0]);
    guest.seek(fd, 0, SET).unwrap();
    guest.write(fd, b"ONE").unwrap();
    assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"ONEtwothree");
    assert_eq!(guest.call("fd_fdstat_set_flags", &[fd, 16]), Errno::Inval);
    assert_eq!(guest.call("fd_fdstat_set_flags", &[fd, 32]), Errno::Inval);
    assert_eq!(guest.call("fd_fdstat_set_flags", &[ROOT, 0]), Errno::Badf);

    let cut = guest.open_with(ROOT, "a", true, TRUNC, WRITE, APPEND).unwrap();
    guest.write(cut, b"1").unwrap();
    guest.seek(cut, 0, SET).unwrap();
    guest.write(cut, b"2").unwrap();
    assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"12");
}

#[test]
fn sizes_change() {
    let dir = tempfile::tempdir().unwrap();
    let mut guest = Guest::with_dir(dir.path());
    let fd = guest.open("a", CREAT, READ | WRITE).unwrap();
    guest.ok("fd_filestat_set_size", &[fd, 100]);
    assert_eq!(fs::metadata(dir.path().join("a")).unwrap().len(), 100);
    guest.ok("fd_allocate", &[fd, 50, 100]);
    assert_eq!(fs::metadata(dir.path().join("a")).unwrap().len(), 150);
    guest.ok("fd_allocate", &[fd, 0, 10]);
    assert_eq!(fs::metadata(dir.path().join("a")).unwrap().len(), 150);
    guest.ok("fd_filestat_set_size", &[fd, 3]);
    assert_eq!(fs::metadata(dir.path().join("a")).unwrap().len(), 3);

    assert_eq!(guest.call("fd_allocate", &[fd, 0, 0]), Errno::Inval);
    assert_eq!(guest.call("fd_allocate", &[fd, u64::MAX, 1]), Errno::Inval);
    let huge = i64::MAX as u64;
    assert_eq!(guest.call("fd_allocate", &[fd, huge, huge]), Errno::Fbig);
    assert_eq!(guest.call("fd_filestat_set_size", &[fd, u64::MAX]), Errno::Inval);
    for advice in 0..6 {
        guest.ok("fd_advise", &[fd, 0, 0, advice]);
    }
    assert_eq!(guest.call("fd_advise", &[fd, 0, 0, 6]), Errno::Inval);
    assert_eq!(guest.call("fd_advise", &[fd, u64::MAX, 1, 0]), Errno::Inval);
}

#[cfg(unix)]
#[test]
fn attributes_are_the_hosts() {
    use std::os::unix::fs::MetadataExt;

    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "12345").unwrap();
    fs::hard_link(dir.path().join("a"), dir.path().join("b")).unwrap();
    let host = fs::metadata(dir.path().join("a")).unwrap();
    let time = |seconds: i64, nanoseconds: i64| (seconds * 1_000_000_000 + nanoseconds) as u64;
    let expected = [
        host.dev(),
        host.ino(),
        4,
        2,
        5,
        time(host.atime(), host.atime_nsec()),
        time(host.mtime(), host.mtime_nsec()),
        time(host.ctime(), host.ctime_nsec()),
    ];

    let mut guest = Guest::with_dir(dir.path());
    let fd = guest.open("a", 0, READ).unwrap();
    let fields = |guest: &Guest| [0, 8, 16, 24, 32, 40, 48, 56].map(|at| guest.u64(64 + at));
    guest.ok("fd_filestat_get", &[fd, 64]);
    assert_eq!(fields(&guest), expected);
    assert_eq!(guest.on_path("path_filestat_get", &[ROOT, 0], "b", &[64]), Errno::Success);
    assert_eq!(fields(&guest), expected);

    guest.abi = Abi::Unstable;
    guest.mem[64..192].fill(0xEE);
    guest.ok("fd_filestat_get", &[fd, 64]);
    assert_eq!(guest.on_path("path_filestat_get", &[ROOT, 0], "b", &[128]), Errno::Success);
    for at in [64, 128] {
        let [dev, ino, _, nlink, size, atim, mtim, ctim] = expected;
        assert_eq!([guest.u64(at), guest.u64(at + 8)], [dev, ino]);
        assert_eq!(guest.mem[at as usize + 16], 4);
        assert_eq!(u64::from(guest.u32(at + 20)), nlink);
        assert_eq!([24, 32, 40, 48].map(|field| guest.u64(at + field)), [size, atim, mtim, ctim]);
        assert_eq!(guest.bytes(at + 56, 8), [0xEE; 8]);
    }
}

#[test]
fn times_change() {
    const ATIM: u64 = 1;
    const MTIM: u64 = 4;
    const MTIM_NOW: u64 = 8;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    fs::write(&path, "").unwrap();
    let mut guest = Guest::with_dir(dir.path());
    let fd = guest.open("a", 0, READ | WRITE).unwrap();
    let time = |nanoseconds| UNIX_EPOCH + Duration::from_nanos(nanoseconds);

    guest.ok("fd_filestat_set_times", &[fd, 1_000_000_007, 2_000_000_000, ATIM | MTIM]);
    let host = fs::metadata(&path).unwrap();
    assert_eq!(host.accessed().unwrap(), time(1_000_000_007));
    assert_eq!(host.modified().unwrap(), time(2_000_000_000));

    let after = [5_000_000_000, 0, ATIM];
    assert_eq!(guest.on_path("path_filestat_set_times", &[ROOT, 1], "a", &after), Errno::Success);
    let host = fs::metadata(&path).unwrap();
    assert_eq!(host.accessed().unwrap(), time(5_000_000_000));
    assert_eq!(host.modified().unwrap(), time(2_000_000_000), "untouched");

    guest.ok("fd_filestat_set_times", &[fd, 0, 0, MTIM_NOW]);
    let host = fs::metadata(&path).unwrap();
    assert!(host.modified().unwrap().elapsed().unwrap_or_default().as_secs() < 60);
    assert_eq!(host.accessed().unwrap(), time(5_000_000_000));

    let both = MTIM | MTIM_NOW;
    assert_eq!(guest.call("fd_filestat_set_times", &[fd, 0, 0, both]), Errno::Inval);
    assert_eq!(guest.call("fd_filestat_set_times", &[fd, 0, 0, 16]), Errno::Inval);
    guest.ok("fd_filestat_set_times", &[ROOT, 0, 9_000_000_000, MTIM]);
    assert_eq!(fs::metadata(dir.path()).unwrap().modified().unwrap(), time(9_000_000_000));
}

#[test]
fn opening_honours_every_flag() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    fs::write(dir.path().join("f"), "old").unwrap();
    let mut guest = Guest::with_dir(dir.path());

    assert_eq!(guest.open("missing", 0, READ), Err(Errno::NoEnt));
    assert_eq!(guest.open("f", CREAT | EXCL, WRITE), Err(Errno::Exist));
    assert_eq!(guest.open("f", DIRECTORY, READ), Err(Errno::NotDir));
    assert_eq!(guest.open("d", CREAT | DIRECTORY, READ), Err(Errno::Inval));
    assert_eq!(guest.open("d", 0, READ | WRITE), Err(Errno::IsDir));
    assert_eq!(guest.open("d", CREAT, READ | WRITE), Err(Errno::IsDir));
    assert_eq!(guest.open("f/", 0, READ), Err(Errno::NotDir));
    assert_eq!(guest.open("f/x", 0, READ), Err(Errno::NotDir));
    assert_eq!(guest.open("", 0, READ), Err(Errno::NoEnt));
    assert_eq!(guest.open("f\0", 0, READ), Err(Errno::Inval));
    assert_eq!(guest.open(&"x".repeat(300), 0, READ), Err(Errno::NameTooLong));
    assert_eq!(guest.open(&"x/".repeat(3000), 0, READ), Err(Errno::NameTooLong));
    assert_eq!(guest.open("f", 16, READ), Err(Errno::Inval));
    assert!(guest.open("new/", CREAT, READ | WRITE).is_err());
    assert!(!dir.path().join("new").exists());

    // Created, though only to be read.
    let fd = guest.open("new", CREAT, READ).unwrap();
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Badf));
    assert_eq!(guest.read(fd, 1).unwrap(), b"");
    let fd = guest.open("newer", CREAT | EXCL, READ).unwrap();
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Badf));

    let fd = guest.open("f", TRUNC, WRITE).unwrap();
    assert_eq!(fs::read(dir.path().join("f")).unwrap(), b"");
    assert_eq!(guest.read(fd, 1), Err(Errno::Badf));
    for path in ["d", "d/", "./d/.", "d/../d"] {
        for oflags in [0, DIRECTORY] {
            let fd = guest.open(path, oflags, READ).unwrap();
            assert_eq!(guest.fdstat(fd).0, 3, "{path}");
            guest.close(fd);
        }
    }
    // An error in the result pointer comes before any effect.
    let errno = guest.on_path("path_open", &[ROOT, 0], "never", &[CREAT, WRITE, 0, 0, 0xFFFF_FFFE]);
    assert_eq!(errno, Errno::Fault);
    assert!(!dir.path().join("never").exists());
}

#[test]
fn rights_are_reported_and_only_shrink() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "text").unwrap();
    let mut guest = Guest::with_dir(dir.path());

    let (filetype, _, base, inheriting) = guest.fdstat(ROOT);
    assert_eq!(filetype, 3);
    assert_eq!(base & rights::FD_SEEK, 0);
    assert_ne!(inheriting & rights::FD_SEEK, 0);

    let fd = guest.open("a", 0, READ).unwrap();
    let (filetype, _, base, inheriting) = guest.fdstat(fd);
    assert_eq!((filetype, inheriting), (4, 0));
    assert_ne!(base & rights::FD_READ, 0);
    assert_eq!(base & rights::FILE_MODIFY, 0);
    assert_eq!(guest.call("fd_filestat_set_size", &[fd, 0]), Errno::Inval);

    assert_eq!(guest.call("fd_fdstat_set_rights", &[fd, base | WRITE, 0]), Errno::NotCapable);
    guest.ok("fd_fdstat_set_rights", &[fd, base & !rights::FD_SEEK, 0]);
    assert_eq!(guest.seek(fd, 1, SET), Err(Errno::NotCapable));
    assert_eq!(guest.seek(fd, 0, CUR), Ok(0));
    assert_eq!(guest.call("fd_fdstat_set_rights", &[fd, base, 0]), Errno::NotCapable);

    let (_, _, base, inheriting) = guest.fdstat(ROOT);
    guest
        .ok("fd_fdstat_set_rights", &[ROOT, base & !rights::PATH_CREATE_FILE, inheriting & !WRITE]);
    assert_eq!(guest.open("b", CREAT, READ), Err(Errno::NotCapable));
    assert_eq!(guest.open("a", 0, READ | WRITE), Err(Errno::NotCapable));
    assert!(guest.open("a", 0, READ).is_ok());
}

#[test]
fn descriptors_are_reused_from_the_lowest() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "a").unwrap();
    fs::write(dir.path().join("b"), "b").unwrap();
    let mut guest = Guest::with_dir(dir.path());
    assert_eq!(guest.open("a", 0, READ), Ok(4));
    assert_eq!(guest.open("a", 0, READ), Ok(5));
    assert_eq!(guest.open("b", 0, READ), Ok(6));
    guest.close(4);
    assert_eq!(guest.open("a", 0, READ), Ok(4));

    guest.ok("fd_renumber", &[6, 4]);
    assert_eq!(guest.read(4, 1).unwrap(), b"b");
    assert_eq!(guest.call("fd_close", &[6]), Errno::Badf);
    guest.ok("fd_renumber", &[4, 4]);
    assert_eq!(guest.call("fd_renumber", &[4, 6]), Errno::Badf);
    assert_eq!(guest.call("fd_renumber", &[6, 4]), Errno::Badf);
    assert_eq!(guest.open("a", 0, READ), Ok(6));
}

#[test]
fn the_number_of_descriptors_is_limited() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "a").unwrap();
    let mut builder = sampan_wasi::WasiCtx::builder();
    builder.preopened_dir(dir.path(), ".", sampan_wasi::DirPerms::ReadWrite).max_fds(5);
    let mut guest = Guest::new(builder.build().unwrap());
    assert_eq!(guest.open("a", 0, READ), Ok(4));
    assert_eq!(guest.open("b", CREAT, WRITE), Err(Errno::Mfile));
    assert!(!dir.path().join("b").exists());
    guest.close(0);
    assert_eq!(guest.open("a", 0, READ), Ok(0));
}

#[test]
fn directories_are_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut guest = Guest::with_dir(dir.path());
    assert_eq!(guest.read(ROOT, 1), Err(Errno::Badf));
    assert_eq!(guest.write(ROOT, b"x"), Err(Errno::Badf));
    assert_eq!(guest.seek(ROOT, 0, SET), Err(Errno::Badf));
    assert_eq!(guest.call("fd_tell", &[ROOT, 0]), Errno::Badf);
    assert_eq!(guest.call("fd_allocate", &[ROOT, 0, 1]), Errno::Badf);
    assert_eq!(guest.call("fd_advise", &[ROOT, 0, 1, 0]), Errno::Badf);
    assert_eq!(guest.call("fd_filestat_set_size", &[ROOT, 0]), Errno::Badf);
}
