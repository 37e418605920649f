//! Functions by path, and listing directories.

mod common;

use std::fs;

use common::{CREAT, DIRECTORY, Guest, READ, ROOT, WRITE};
use sampan_wasi::{DirPerms, Errno, WasiCtx};

#[test]
fn directories_are_made_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let mut guest = Guest::with_dir(dir.path());
    let mut create = |path: &str| guest.on_path("path_create_directory", &[ROOT], path, &[]);
    assert_eq!(create("d"), Errno::Success);
    assert_eq!(create("d"), Errno::Exist);
    assert_eq!(create("d/e/"), Errno::Success);
    assert_eq!(create("x/y"), Errno::NoEnt);
    assert!(dir.path().join("d/e").is_dir());

    fs::write(dir.path().join("f"), "").unwrap();
    let mut remove = |path: &str| guest.on_path("path_remove_directory", &[ROOT], path, &[]);
    assert_eq!(remove("d"), Errno::NotEmpty);
    assert_eq!(remove("f"), Errno::NotDir);
    assert_eq!(remove("x"), Errno::NoEnt);
    assert_eq!(remove("d/e"), Errno::Success);
    assert_eq!(remove("d/"), Errno::Success);
    assert!(!dir.path().join("d").exists());
}

#[test]
fn files_are_unlinked_but_directories_are_not() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    fs::write(dir.path().join("f"), "").unwrap();
    let mut guest = Guest::with_dir(dir.path());
    let mut unlink = |path: &str| guest.on_path("path_unlink_file", &[ROOT], path, &[]);
    assert_eq!(unlink("d"), Errno::IsDir);
    assert_eq!(unlink("d/"), Errno::IsDir);
    assert_eq!(unlink("f/"), Errno::NotDir);
    assert_eq!(unlink("x"), Errno::NoEnt);
    assert_eq!(unlink("f"), Errno::Success);
    assert!(!dir.path().join("f").exists());
}

#[test]
fn renaming_replaces_as_on_the_host() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name| dir.path().join(name);
    fs::write(path("a"), "a").unwrap();
    fs::write(path("b"), "b").unwrap();
    fs::create_dir(path("d")).unwrap();
    fs::create_dir(path("e")).unwrap();
    let mut guest = Guest::with_dir(dir.path());
    let sub = guest.open("d", DIRECTORY, READ).unwrap();

    let mut rename = |from: &str, to_fd: u64, to: &str| {
        let new = guest.put(to.as_bytes());
        guest.on_path("path_rename", &[ROOT], from, &[to_fd, new, to.len() as u64])
    };
    assert_eq!(rename("a", ROOT, "b"), Errno::Success);
    assert_eq!(fs::read(path("b")).unwrap(), b"a");
    assert_eq!(rename("b", ROOT, "d"), Errno::IsDir);
    assert_eq!(rename("d", ROOT, "b"), Errno::NotDir);
    assert_eq!(rename("b", sub, "c"), Errno::Success);
    assert_eq!(fs::read(path("d/c")).unwrap(), b"a");
    assert_eq!(rename("e", ROOT, "d"), Errno::NotEmpty);
    assert_eq!(rename("d/c/", ROOT, "x"), Errno::NotDir);
    assert_eq!(rename("e/", ROOT, "z/"), Errno::Success);
    assert!(path("z").is_dir());
    assert_eq!(rename("nothing", ROOT, "x"), Errno::NoEnt);
    assert_eq!(rename("d/c", 77, "x"), Errno::Badf);
}

#[test]
fn hard_links_share_a_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "a").unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    let mut guest = Guest::with_dir(dir.path());
    let mut link = |from: &str, follow: u64, to: &str| {
        let new = guest.put(to.as_bytes());
        guest.on_path("path_link", &[ROOT, follow], from, &[ROOT, new, to.len() as u64])
    };
    assert_eq!(link("a", 0, "b"), Errno::Success);
    assert_eq!(link("a", 0, "b"), Errno::Exist);
    assert_eq!(link("a", 1, "c"), Errno::Inval);
    assert_eq!(link("x", 0, "c"), Errno::NoEnt);
    assert_eq!(link("d", 0, "c"), Errno::Perm);
    assert_ne!(link("a", 0, "c/"), Errno::Success);
    fs::write(dir.path().join("a"), "changed").unwrap();
    assert_eq!(fs::read(dir.path().join("b")).unwrap(), b"changed");
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_made_read_and_followed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("f"), "text").unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    std::os::unix::fs::symlink("/etc", dir.path().join("absolute")).unwrap();
    let mut guest = Guest::with_dir(dir.path());
    let mut symlink = |target: &str, path: &str| {
        let new = guest.put(path.as_bytes());
        let target_ptr = guest.put(target.as_bytes());
        let target_len = target.len() as u64;
        guest.call("path_symlink", &[target_ptr, target_len, ROOT, new, path.len() as u64])
    };
    assert_eq!(symlink("f", "to-file"), Errno::Success);
    assert_eq!(symlink("f", "to-file"), Errno::Exist);
    assert_eq!(symlink("d", "to-dir"), Errno::Success);
    assert_eq!(symlink("self", "self"), Errno::Success);
    assert_eq!(symlink("missing", "dangling"), Errno::Success);
    assert_eq!(symlink("/etc/passwd", "p"), Errno::Perm);
    assert_eq!(symlink("", "p"), Errno::NoEnt);
    assert_eq!(fs::read_link(dir.path().join("to-file")).unwrap().to_str(), Some("f"));

    let buf = guest.alloc(16);
    let readlink = |guest: &mut Guest, path: &str, len: u64| match guest.on_path(
        "path_readlink",
        &[ROOT],
        path,
        &[buf, len, 24],
    ) {
        Errno::Success => Ok(guest.bytes(buf, guest.u32(24) as usize).to_vec()),
        errno => Err(errno),
    };
    assert_eq!(readlink(&mut guest, "dangling", 16).unwrap(), b"missing");
    assert_eq!(readlink(&mut guest, "dangling", 4).unwrap(), b"miss");
    assert_eq!(readlink(&mut guest, "dangling", 0).unwrap(), b"");
    assert_eq!(readlink(&mut guest, "f", 16), Err(Errno::Inval));
    assert_eq!(readlink(&mut guest, "x", 16), Err(Errno::NoEnt));
    assert_eq!(readlink(&mut guest, "absolute", 16), Err(Errno::Perm));

    let fd = guest.open("to-file", 0, READ).unwrap();
    assert_eq!(guest.read(fd, 9).unwrap(), b"text");
    let nofollow = |guest: &mut Guest, path, oflags| {
        guest.open_with(ROOT, path, false, oflags, READ, 0).unwrap_err()
    };
    assert_eq!(nofollow(&mut guest, "to-file", 0), Errno::Loop);
    assert!(matches!(nofollow(&mut guest, "to-dir", DIRECTORY), Errno::Loop | Errno::NotDir));
    assert_eq!(guest.open("self", 0, READ), Err(Errno::Loop));
    assert_eq!(guest.open("dangling", 0, READ), Err(Errno::NoEnt));

    let mut filetype = |path, follow| {
        let errno = guest.on_path("path_filestat_get", &[ROOT, follow], path, &[64]);
        (errno == Errno::Success).then(|| guest.mem[80]).ok_or(errno)
    };
    assert_eq!(filetype("to-dir", 0), Ok(7));
    assert_eq!(filetype("to-dir", 1), Ok(3));
    assert_eq!(filetype("to-dir/", 0), Ok(3));
    assert_eq!(filetype("to-dir/.", 0), Ok(3));
    assert_eq!(filetype("dangling", 0), Ok(7));
    assert_eq!(filetype("dangling", 1), Err(Errno::NoEnt));
    assert_eq!(filetype("self", 1), Err(Errno::Loop));
    assert_eq!(filetype("f", 2), Err(Errno::Inval));
    assert_eq!(filetype("f/", 1), Err(Errno::NotDir));

    assert_eq!(guest.on_path("path_unlink_file", &[ROOT], "to-dir/", &[]), Errno::NotDir);
    assert_eq!(guest.on_path("path_remove_directory", &[ROOT], "to-dir/", &[]), Errno::NotDir);
    assert_eq!(guest.on_path("path_readlink", &[ROOT], "to-dir/", &[buf, 16, 24]), Errno::Inval);
    for path in ["to-dir/", "to-dir/."] {
        let opened = guest.open_with(ROOT, path, false, DIRECTORY, READ, 0).unwrap();
        guest.close(opened);
    }
    assert_eq!(guest.on_path("path_unlink_file", &[ROOT], "to-dir", &[]), Errno::Success);
    assert!(dir.path().join("d").is_dir());
}

#[test]
fn listings_are_whole_at_any_buffer_size() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    let mut expected = vec![".".to_string(), "..".into(), "sub".into()];
    for index in 0..50 {
        let name = format!("{}{index}", "file".repeat(index % 7));
        fs::write(dir.path().join(&name), "").unwrap();
        expected.push(name);
    }
    expected.sort();
    let mut guest = Guest::with_dir(dir.path());

    let whole = guest.readdir(ROOT, 1 << 16);
    assert_eq!(whole[0].3, ".");
    assert_eq!(whole[1].3, "..");
    for (_, ino, filetype, name) in &whole {
        let directory = matches!(name.as_str(), "." | ".." | "sub");
        assert_eq!(*filetype, if directory { 3 } else { 4 }, "{name}");
        #[cfg(unix)]
        if name != ".." {
            use std::os::unix::fs::MetadataExt;
            assert_eq!(*ino, fs::metadata(dir.path().join(name)).unwrap().ino());
        }
        #[cfg(not(unix))]
        let _ = ino;
    }
    for len in [60, 64, 100, 333, 4096] {
        let entries = guest.readdir(ROOT, len);
        assert_eq!(entries, whole, "by {len} bytes");
    }
    let mut names: Vec<_> = whole.into_iter().map(|entry| entry.3).collect();
    names.sort();
    assert_eq!(names, expected);

    // A buffer too small even for the header is filled to its end.
    let buf = guest.alloc(8);
    guest.ok("fd_readdir", &[ROOT, buf, 3, 0, 24]);
    assert_eq!(guest.u32(24), 3);
    assert_eq!(guest.bytes(buf, 4), [1, 0, 0, 0]);
    guest.ok("fd_readdir", &[ROOT, buf, 8, u64::MAX, 24]);
    assert_eq!(guest.u32(24), 0);
    let file = guest.open("sub/x", CREAT, WRITE).unwrap();
    assert_eq!(guest.call("fd_readdir", &[file, buf, 8, 0, 24]), Errno::NotDir);
}

#[test]
fn a_listing_survives_the_removal_of_what_it_listed() {
    let dir = tempfile::tempdir().unwrap();
    for index in 0..100 {
        fs::write(dir.path().join(format!("file{index}")), "").unwrap();
    }
    let mut guest = Guest::with_dir(dir.path());
    let buf = guest.alloc(100);
    let (mut cookie, mut removed) = (0, 0);
    loop {
        guest.ok("fd_readdir", &[ROOT, buf, 100, cookie, 24]);
        let used = guest.u32(24);
        if used < 24 {
            break;
        }
        let namlen = guest.u32(buf + 16) as usize;
        let name = String::from_utf8(guest.bytes(buf + 24, namlen).to_vec()).unwrap();
        cookie = guest.u64(buf);
        if name.starts_with("file") {
            assert_eq!(guest.on_path("path_unlink_file", &[ROOT], &name, &[]), Errno::Success);
            removed += 1;
        }
    }
    assert_eq!(removed, 100);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    assert_eq!(guest.readdir(ROOT, 100).len(), 2, "a new reading sees it");
}

#[test]
fn preopened_directories_are_found_by_number() {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = WasiCtx::builder();
    builder.preopened_dir(dir.path(), "/data", DirPerms::ReadWrite).preopened_dir(
        dir.path(),
        ".",
        DirPerms::ReadOnly,
    );
    let mut guest = Guest::new(builder.build().unwrap());
    guest.ok("fd_prestat_get", &[3, 0]);
    assert_eq!(guest.u64(0), 5 << 32);
    guest.ok("fd_prestat_dir_name", &[3, 16, 5]);
    assert_eq!(guest.bytes(16, 6), b"/data\0");
    assert_eq!(guest.call("fd_prestat_dir_name", &[3, 16, 4]), Errno::NameTooLong);
    guest.ok("fd_prestat_get", &[4, 0]);
    for fd in [0, 1, 2, 5] {
        assert_eq!(guest.call("fd_prestat_get", &[fd, 0]), Errno::Badf);
    }
    // One that was opened by path is none.
    fs::create_dir(dir.path().join("d")).unwrap();
    let fd = guest.open("d", DIRECTORY, READ).unwrap();
    assert_eq!(guest.call("fd_prestat_get", &[fd, 0]), Errno::Badf);
    guest.close(3);
    assert_eq!(guest.call("fd_prestat_get", &[3, 0]), Errno::Badf);
}

#[test]
fn a_read_only_directory_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    fs::write(dir.path().join("f"), "text").unwrap();
    let before = fs::metadata(dir.path().join("f")).unwrap().modified().unwrap();
    let mut guest = Guest::read_only(dir.path());

    let fd = guest.open("f", 0, READ).unwrap();
    assert_eq!(guest.read(fd, 9).unwrap(), b"text");
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Badf));
    assert_eq!(guest.call("fd_filestat_set_times", &[fd, 0, 0, 5]), Errno::NotCapable);
    assert_eq!(guest.call("fd_filestat_set_size", &[fd, 0]), Errno::Inval);
    assert_eq!(guest.call("fd_allocate", &[fd, 0, 9]), Errno::NotCapable);
    assert_eq!(guest.open("f", 0, READ | WRITE), Err(Errno::Perm));
    assert_eq!(guest.open("f", common::TRUNC, READ), Err(Errno::Perm));
    assert_eq!(guest.open("n", CREAT, READ), Err(Errno::Perm));
    assert_eq!(guest.call("fd_filestat_set_times", &[ROOT, 0, 0, 5]), Errno::Perm);

    // What is below is read-only, too.
    let sub = guest.open("d", DIRECTORY, READ).unwrap();
    assert_eq!(guest.open_with(sub, "n", true, CREAT, WRITE, 0), Err(Errno::Perm));
    let name = guest.put(b"new");
    for (function, before, after) in [
        ("path_create_directory", vec![ROOT], vec![]),
        ("path_remove_directory", vec![ROOT], vec![]),
        ("path_unlink_file", vec![ROOT], vec![]),
        ("path_rename", vec![ROOT], vec![ROOT, name, 3]),
        ("path_link", vec![ROOT, 0], vec![ROOT, name, 3]),
        ("path_symlink", vec![], vec![ROOT, name, 3]),
        ("path_filestat_set_times", vec![ROOT, 0], vec![0, 0, 5]),
    ] {
        assert_eq!(guest.on_path(function, &before, "f", &after), Errno::Perm, "{function}");
    }
    let after = fs::metadata(dir.path().join("f")).unwrap();
    assert_eq!((after.modified().unwrap(), after.len()), (before, 4));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}
