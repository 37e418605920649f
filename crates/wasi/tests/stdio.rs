//! Standard streams: captured, given, and inherited.

mod common;

use std::io::Cursor;

use common::Guest;
use sampan_wasi::{Errno, OutputPipe, WasiCtx};

#[test]
fn streams_can_be_given_and_captured() {
    let (out, err) = (OutputPipe::new(8), OutputPipe::new(100));
    let mut builder = WasiCtx::builder();
    builder.stdin(Cursor::new("typed in")).stdout(out.clone()).stderr(err.clone());
    let mut guest = Guest::new(builder.build().unwrap());

    assert_eq!(guest.read(0, 5).unwrap(), b"typed");
    assert_eq!(guest.read(0, 50).unwrap(), b" in");
    assert_eq!(guest.read(0, 50).unwrap(), b"");
    assert_eq!(guest.write(1, b"hello"), Ok(5));
    assert_eq!(guest.write(1, b" world"), Ok(3), "up to the capacity");
    assert_eq!(guest.write(1, b"x"), Err(Errno::NoSpc));
    assert_eq!(guest.write(2, b"oh"), Ok(2));
    assert_eq!(out.contents(), b"hello wo");
    assert_eq!(err.take(), b"oh");
    assert_eq!(err.take(), b"");

    assert_eq!(guest.write(0, b"x"), Err(Errno::Badf));
    assert_eq!(guest.read(1, 1), Err(Errno::Badf));
    for fd in 0..3 {
        assert_eq!(guest.seek(fd, 0, 1), Err(Errno::Spipe));
        assert_eq!(guest.fdstat(fd).0, 0);
        guest.ok("fd_filestat_get", &[fd, 64]);
        assert_eq!(guest.on_path("path_create_directory", &[fd], "d", &[]), Errno::NotDir);
    }
}

#[test]
fn without_anything_given_there_is_nothing() {
    let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
    assert_eq!(guest.read(0, 5).unwrap(), b"");
    assert_eq!(guest.write(1, b"hello"), Ok(5));
    assert_eq!(guest.call("fd_prestat_get", &[3, 0]), Errno::Badf);
}

/// Runs this test again as a process of its own, with streams that are known.
#[cfg(unix)]
#[test]
fn streams_of_the_process_are_inherited() {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    if std::env::var_os("IN_CHILD").is_some() {
        return child();
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("err");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "streams_of_the_process_are_inherited"])
        .env("IN_CHILD", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(File::create(&path).unwrap())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"ready") {
        let mut byte = [0];
        output.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    child.stdin.take().unwrap().write_all(b"input").unwrap();
    output.read_to_end(&mut seen).unwrap();
    let seen = String::from_utf8(seen).unwrap();
    assert!(child.wait().unwrap().success(), "{seen}");
    assert!(seen.contains("got input"), "{seen}");
    assert_eq!(std::fs::read_to_string(path).unwrap(), "Error");
}

#[cfg(unix)]
fn child() {
    use common::NONBLOCK;
    use sampan_wasi::rights;

    let ctx = WasiCtx::builder().inherit_stdio().build().unwrap();
    let mut guest = Guest::new(ctx);
    guest.ok("fd_fdstat_set_flags", &[0, NONBLOCK]);
    assert_eq!(guest.read(0, 9), Err(Errno::Again));
    guest.write(1, b"ready").unwrap();
    guest.ok("fd_fdstat_set_flags", &[0, 0]);
    let input = guest.read(0, 9).unwrap();
    guest.write(1, &[b"got ", &input[..]].concat()).unwrap();
    assert_eq!(guest.read(0, 9).unwrap(), b"");

    // Standard output is a pipe here, standard error a file.
    assert_eq!(guest.fdstat(1).0, 0);
    assert_eq!(guest.seek(1, 0, 1), Err(Errno::Spipe));
    let (filetype, _, base, _) = guest.fdstat(2);
    assert_eq!(filetype, 4);
    assert_ne!(base & rights::FD_SEEK, 0);
    guest.write(2, b"error").unwrap();
    assert_eq!(guest.seek(2, 0, 0), Ok(0));
    guest.write(2, b"E").unwrap();
    guest.close(1);
    assert_eq!(guest.write(1, b"x"), Err(Errno::Badf));
}

/// A C library takes what is a character device and can't seek for a terminal.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_is_recognised() {
    use std::process::{Command, Stdio};

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use sampan_wasi::rights;

    if std::env::var_os("IN_CHILD").is_some() {
        let ctx = WasiCtx::builder().inherit_stdio().build().unwrap();
        let mut guest = Guest::new(ctx);
        let not_seeking = |base: u64| base & (rights::FD_SEEK | rights::FD_TELL) == 0;
        let (terminal, null) = (guest.fdstat(0), guest.fdstat(2));
        assert!(terminal.0 == 2 && not_seeking(terminal.2));
        assert!(null.0 == 2 && !not_seeking(null.2));
        return;
    }
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let terminal = std::fs::File::open(name.to_str().unwrap()).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_terminal_is_recognised"])
        .env("IN_CHILD", "1")
        .stdin(terminal)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success());
}
