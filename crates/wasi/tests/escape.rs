//! Attempts to get out of a preopened directory.
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{CREAT, DIRECTORY, Guest, READ, ROOT, TRUNC, WRITE};
use sampan_wasi::Errno;

const SECRET: &str = "secret of the host";

/// A host with a sandbox beside things that are none of the guest's business.
fn host() -> tempfile::TempDir {
    let host = tempfile::tempdir().unwrap();
    fs::create_dir_all(host.path().join("box/d/e")).unwrap();
    fs::create_dir(host.path().join("outside")).unwrap();
    fs::write(host.path().join("outside/secret"), SECRET).unwrap();
    fs::write(host.path().join("box/f"), "mine").unwrap();
    host
}

/// Every way to use a path; none may do anything.
#[track_caller]
fn nothing_works(guest: &mut Guest, dir: u64, path: &str) {
    let mut results = Vec::new();
    for oflags in [0, CREAT, TRUNC, CREAT | TRUNC, DIRECTORY] {
        for access in [READ, READ | WRITE] {
            for follow in [true, false] {
                let result = guest.open_with(dir, path, follow, oflags, access, 0);
                results.push(("path_open", result.err()));
            }
        }
    }
    let local = guest.put(b"f");
    let other = guest.put(b"stolen");
    let buf = guest.alloc(64);
    for (function, before, after) in [
        ("path_filestat_get", vec![dir, 1], vec![buf]),
        ("path_filestat_set_times", vec![dir, 1], vec![0, 0, 5]),
        ("path_create_directory", vec![dir], vec![]),
        ("path_remove_directory", vec![dir], vec![]),
        ("path_unlink_file", vec![dir], vec![]),
        ("path_readlink", vec![dir], vec![buf, 64, 24]),
        ("path_rename", vec![dir], vec![ROOT, other, 6]),
        ("path_rename", vec![ROOT, local, 1, dir], vec![]),
        ("path_link", vec![dir, 0], vec![ROOT, other, 6]),
        ("path_link", vec![ROOT, 0, local, 1, dir], vec![]),
        ("path_symlink", vec![local, 1, dir], vec![]),
    ] {
        let errno = guest.on_path(function, &before, path, &after);
        results.push((function, (errno != Errno::Success).then_some(errno)));
    }
    for (function, errno) in results {
        assert!(errno.is_some(), "{function} of {path:?} worked");
    }
}

#[track_caller]
fn outside_is_untouched(host: &Path) {
    let names: Vec<_> = fs::read_dir(host.join("outside"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["secret"]);
    assert_eq!(fs::read_to_string(host.join("outside/secret")).unwrap(), SECRET);
    assert_eq!(fs::read_dir(host).unwrap().count(), 2);
}

#[test]
fn dots_and_absolute_paths_lead_nowhere() {
    let host = host();
    let mut guest = Guest::with_dir(&host.path().join("box"));
    let absolute = host.path().join("outside/secret");
    for path in [
        "..",
        "../",
        "../outside",
        "../outside/secret",
        "../outside/new",
        "./../outside/secret",
        "d/../../outside/secret",
        "d/e/../../../outside/secret",
        "d/e/../../../../../../../../../../etc/passwd",
        "../box/f",
        "d/../../box/f",
        "/",
        "/etc/passwd",
        "//etc/passwd",
        "/proc/self/root/etc/passwd",
        absolute.to_str().unwrap(),
    ] {
        nothing_works(&mut guest, ROOT, path);
    }
    // Nor from a directory below.
    let sub = guest.open("d", DIRECTORY, READ).unwrap();
    for path in ["..", "../f", "../../outside/secret", "e/../../f"] {
        nothing_works(&mut guest, sub, path);
    }
    assert_eq!(guest.open("../outside/secret", 0, READ), Err(Errno::Perm));
    assert_eq!(guest.open("/etc/passwd", 0, READ), Err(Errno::Perm));
    assert!(guest.open("d/../f", 0, READ).is_ok(), "inside it is fine");
    outside_is_untouched(host.path());
}

#[test]
fn links_of_the_host_lead_nowhere() {
    let host = host();
    let sandbox = host.path().join("box");
    let link = |target: &Path, name: &str| symlink(target, sandbox.join(name)).unwrap();
    link(Path::new("../outside"), "relative");
    link(&host.path().join("outside"), "absolute");
    link(Path::new("relative"), "chain");
    link(Path::new("d/../chain"), "longer-chain");
    link(Path::new(".."), "up");
    link(Path::new("/"), "top");
    link(Path::new("/proc/self/cwd"), "magic");
    let mut guest = Guest::with_dir(&sandbox);
    for path in [
        "relative/secret",
        "absolute/secret",
        "chain/secret",
        "longer-chain/secret",
        "up/outside/secret",
        "d/../up/outside/new",
        "up/up/up/etc/passwd",
        "top/etc/passwd",
        "magic/f",
    ] {
        nothing_works(&mut guest, ROOT, path);
    }
    for path in ["relative", "absolute", "chain", "up", "top", "magic"] {
        assert!(guest.open(path, 0, READ).is_err(), "{path}");
        assert!(guest.open(path, DIRECTORY, READ).is_err(), "{path}");
    }
    outside_is_untouched(host.path());
}

#[test]
fn links_of_the_guest_lead_nowhere() {
    let host = host();
    let mut guest = Guest::with_dir(&host.path().join("box"));
    for (target, path) in [
        ("../outside/secret", "a"),
        ("../../outside", "d/b"),
        ("d/b/secret", "c"),
        ("../../../../../../../etc", "d/e/x"),
    ] {
        let (target_ptr, path_ptr) = (guest.put(target.as_bytes()), guest.put(path.as_bytes()));
        let (target_len, path_len) = (target.len() as u64, path.len() as u64);
        guest.ok("path_symlink", &[target_ptr, target_len, ROOT, path_ptr, path_len]);
    }
    for path in ["a", "d/b", "c", "d/e/x", "d/b/secret", "d/b/new", "d/e/x/passwd"] {
        for oflags in [0, CREAT, TRUNC, DIRECTORY] {
            for access in [READ, READ | WRITE] {
                let result = guest.open(path, oflags, access);
                assert!(result.is_err(), "{path}");
            }
        }
        let errno = guest.on_path("path_filestat_get", &[ROOT, 1], path, &[64]);
        assert_ne!(errno, Errno::Success, "{path}");
    }
    // A directory that moves takes no open way out with it.
    let e = guest.open("d/e", DIRECTORY, READ).unwrap();
    fs::rename(host.path().join("box/d/e"), host.path().join("box/e")).unwrap();
    nothing_works(&mut guest, e, "../../outside/secret");
    nothing_works(&mut guest, e, "../f");
    outside_is_untouched(host.path());
}

/// A thread of the host keeps swapping a directory for a link to the outside
/// while the guest reads and writes below it.
#[test]
fn no_race_leads_out() {
    let host = host();
    let sandbox = host.path().join("box");
    fs::create_dir(sandbox.join("real")).unwrap();
    fs::write(sandbox.join("real/secret"), "harmless").unwrap();
    symlink("../outside", sandbox.join("bad")).unwrap();
    let mut guest = Guest::with_dir(&sandbox);
    let stop = AtomicBool::new(false);

    let (mut inside, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let [flip, real, bad] = ["flip", "real", "bad"].map(|name| sandbox.join(name));
            while !stop.load(Ordering::Relaxed) {
                for way_out in [&real, &bad] {
                    fs::rename(way_out, &flip).unwrap();
                    std::thread::yield_now();
                    fs::rename(&flip, way_out).unwrap();
                }
            }
        });

        let end = Instant::now() + Duration::from_millis(1500);
        let mut round = 0;
        while Instant::now() < end {
            round += 1;
            let path = ["flip/secret", "d/../flip/secret", "flip/../flip/secret"][round % 3];
            match guest.open(path, 0, READ) {
                Ok(fd) => {
                    inside += 1;
                    assert_eq!(guest.read(fd, 64).unwrap(), b"harmless");
                    guest.close(fd);
                }
                Err(_) => refused += 1,
            }
            let new = format!("flip/new{}", round % 8);
            if let Ok(fd) = guest.open(&new, CREAT | TRUNC, WRITE) {
                guest.write(fd, b"mine").unwrap();
                guest.close(fd);
            }
            guest.on_path("path_create_directory", &[ROOT], "flip/sub", &[]);
            guest.on_path("path_remove_directory", &[ROOT], "flip/sub", &[]);
            guest.on_path("path_unlink_file", &[ROOT], &new, &[]);
            let stolen = guest.on_path("path_filestat_get", &[ROOT, 1], "flip/secret", &[64]);
            if stolen == Errno::Success {
                assert_eq!(guest.u64(64 + 32), 8, "size of the harmless one");
            }
            if let Ok(fd) = guest.open("flip", DIRECTORY, READ) {
                // Whatever it was when it was opened, it stays below the box.
                if let Ok(secret) = guest.open_with(fd, "secret", true, 0, READ, 0) {
                    assert_eq!(guest.read(secret, 64).unwrap(), b"harmless");
                    guest.close(secret);
                }
                guest.close(fd);
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(inside > 0 && refused > 0, "{inside} inside, {refused} refused");
    outside_is_untouched(host.path());
}
