//! `sampan image`: what goes in is there, twice the same, and `e2fsck` finds nothing.

use super::Bench;
use std::path::Path;
use std::process::Command;
use tar::{Builder, EntryType, Header};

/// An archive with a file of each kind.
fn archive() -> Builder<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    add(&mut tar, "./etc/", EntryType::Directory, 0o750, b"");
    add(&mut tar, "etc/hello", EntryType::Regular, 0o4755, b"hello\n");
    let mut sparse = vec![0; 3_000_000];
    sparse.extend_from_slice(b"end\n");
    add(&mut tar, "var/sparse", EntryType::Regular, 0o644, &sparse);
    add(&mut tar, "dev/console", EntryType::Char, 0o600, b"");
    add(&mut tar, "run/pipe", EntryType::Fifo, 0o622, b"");
    for (name, target, kind) in [
        ("etc/again", "etc/hello", EntryType::Link),
        ("bin", "/usr/bin", EntryType::Symlink),
        (
            "long",
            "0123456789/0123456789/0123456789/0123456789/0123456789/abcdef",
            EntryType::Symlink,
        ),
    ] {
        let mut header = header(kind, 0o777, 0);
        tar.append_link(&mut header, name, target).expect("added");
    }
    // The link leads to where it does in the image, whatever the host has there.
    add(&mut tar, "usr/bin/", EntryType::Directory, 0o755, b"");
    add(&mut tar, "bin/tool", EntryType::Regular, 0o755, b"tool\n");
    for number in 0..700 {
        let name = format!("many/a file with a rather long name {number:05}");
        add(&mut tar, &name, EntryType::Regular, 0o644, name.as_bytes());
    }
    tar
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(7);
    header.set_gid(70_000);
    header.set_mtime(1_600_000_000);
    header.set_size(size);
    header
}

fn add(tar: &mut Builder<Vec<u8>>, name: &str, kind: EntryType, mode: u32, content: &[u8]) {
    let mut header = header(kind, mode, content.len() as u64);
    if kind == EntryType::Char {
        header.set_device_major(5).expect("a device");
        header.set_device_minor(1).expect("a device");
    }
    tar.append_data(&mut header, name, content).expect("added");
}

#[track_caller]
fn check(bench: &Bench, image: &str) {
    let mut command = Command::new("e2fsck");
    command.env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin").arg("-fn").arg(bench.path().join(image));
    let output = command.output().expect("e2fsprogs are installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn from_an_archive() {
    let bench = Bench::new();
    bench.file("in.tar", archive().into_inner().expect("an archive"));
    for image in ["one", "two"] {
        let run = bench.sampan(&["image", "build", "--from", "tar:in.tar", "-o", image]);
        assert_eq!((run.code, &run.stderr[..]), (0, ""));
        check(&bench, image);
    }
    let read = |image| std::fs::read(bench.path().join(image)).expect("an image");
    assert!(read("one") == read("two"));

    let ls = |path: &str| bench.sampan(&["image", "ls", "one", path]).stdout;
    assert_eq!(
        ls("/etc"),
        "-rwsr-xr-x   2     7 70000          6 again\n-rwsr-xr-x   2     7 70000          6 hello\n"
    );
    assert_eq!(ls("dev"), "crw-------   1     7 70000        5,1 console\n");
    assert_eq!(ls("/run/"), "prw--w--w-   1     7 70000          0 pipe\n");
    assert_eq!(ls("many").lines().count(), 700);
    let root = ls("/");
    assert!(root.contains(" bin -> /usr/bin\n"), "{root}");
    assert!(root.contains("0123456789/abcdef\n"), "{root}");
    assert!(root.contains("drwxr-x---"), "{root}");
    let run =
        bench.sampan(&["image", "cat", "one", "/bin/../bin/tool", "usr/bin/tool", "etc/again"]);
    assert_eq!((run.code, &run.stdout[..]), (0, "tool\ntool\nhello\n"));
    let sparse = bench.sampan(&["image", "cat", "one", "var/sparse"]).stdout;
    assert!(sparse.len() == 3_000_004 && sparse.ends_with("\0end\n"));
}

#[test]
fn from_a_directory() {
    let bench = Bench::new();
    let folder = bench.path().join("in/below");
    std::fs::create_dir_all(&folder).expect("made");
    std::fs::write(folder.join("file"), "content").expect("written");
    let value = [7, 0, 255];
    xattr::set(folder.join("file"), "user.name", &value).expect("the disk has attributes");
    let build = ["image", "build", "--from", "dir:in", "--size", "4M", "-o", "image"];
    assert_eq!(bench.sampan(&build).code, 0);
    check(&bench, "image");
    // Into an archive, into an image, into an archive: the same.
    let extract = |image: &str, tar: &str| {
        let run = bench.sampan(&["image", "extract", image, "-o", tar]);
        assert_eq!((run.code, &run.stderr[..]), (0, ""));
        std::fs::read(bench.path().join(tar)).expect("an archive")
    };
    let tar = extract("image", "one.tar");
    let name = b"SCHILY.xattr.user.name=";
    let at = tar.windows(name.len()).position(|part| part == name).expect("the attribute");
    assert_eq!(tar[at + name.len()..][..3], value);
    let build = ["image", "build", "--from", "tar:one.tar", "--size", "4M", "-o", "again"];
    assert_eq!(bench.sampan(&build).code, 0);
    assert!(extract("again", "two.tar") == tar);
    assert_eq!(bench.sampan(&["image", "cat", "image", "below/file"]).stdout, "content");
    assert_eq!(std::fs::metadata(bench.path().join("image")).expect("there").len(), 4 << 20);
}

/// What an archive says of each file, and the content.
fn listed(tar: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().expect("an archive").map(|entry| {
        let mut entry = entry.expect("sound");
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).expect("whole");
        let header = entry.header().clone();
        let device = (header.device_major().ok().flatten(), header.device_minor().ok().flatten());
        format!(
            "{} {:?} {:?} {:o} {}:{} {} {device:?} {:x?}",
            String::from_utf8_lossy(&entry.path_bytes()).trim_end_matches('/'),
            header.entry_type(),
            entry.link_name_bytes().map(|name| String::from_utf8_lossy(&name).into_owned()),
            header.mode().expect("a number"),
            header.uid().expect("a number"),
            header.gid().expect("a number"),
            header.mtime().expect("a number"),
            content
                .iter()
                .fold(content.len(), |sum, &byte| sum.wrapping_mul(31) + usize::from(byte)),
        )
    });
    entries.collect()
}

#[test]
fn what_was_put_in_comes_out() {
    let bench = Bench::new();
    let mut tar = archive();
    let long = format!("etc/{}/{}", "n".repeat(90), "m".repeat(200));
    add(&mut tar, &long, EntryType::Regular, 0o640, b"long");
    let tar = tar.into_inner().expect("an archive");
    bench.file("in.tar", &tar);
    assert_eq!(bench.sampan(&["image", "build", "--from", "tar:in.tar", "-o", "image"]).code, 0);
    let run = bench.sampan(&["image", "extract", "image", "-o", "out.tar"]);
    assert_eq!((run.code, &run.stderr[..]), (0, ""));
    let out = std::fs::read(bench.path().join("out.tar")).expect("an archive");
    let found = listed(&out);
    // Of two names of a file, the first in order is the file.
    let expected = listed(&tar).into_iter().filter(|line| {
        !line.starts_with("etc/again ")
            && !line.starts_with("etc/hello ")
            && !line.starts_with("./")
    });
    for line in expected {
        let line = line.replace("bin/tool", "usr/bin/tool").replace("usr/usr", "usr");
        assert!(found.contains(&line), "{line}\n{found:#?}");
    }
    assert!(found.iter().any(|line| line.starts_with("etc/again Regular None 4755 7:70000")));
    assert!(found.iter().any(|line| line.starts_with("etc/hello Link Some(\"etc/again\")")));
    assert!(found.is_sorted());

    let run = bench.sampan(&["image", "extract", "image", "etc", "-o", "-"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let part = listed(run.stdout.as_bytes());
    assert_eq!(part.len(), 4, "{part:?}");
    assert!(part[0].starts_with("again Regular"), "{part:?}");

    let run = bench.sampan(&["image", "extract", "image", "-o", "out/"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("2 files are left out"), "{}", run.stderr);
    let read = |name: &str| std::fs::read(bench.path().join("out").join(name)).expect("there");
    assert_eq!((&read("etc/hello")[..], &read(&long)[..]), (&b"hello\n"[..], &b"long"[..]));
    assert!(read("var/sparse").len() == 3_000_004);
    assert_eq!(
        std::fs::read_link(bench.path().join("out/bin")).expect("a link"),
        Path::new("/usr/bin")
    );

    let fails = |args: &[&str], expected: &str| {
        let run = bench.sampan(&[&["image", "extract"], args].concat());
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    };
    fails(&["image", "absent", "-o", "x"], "absent: ");
    fails(&["image", "etc/hello", "-o", "x"], "not a directory");
    fails(&["in.tar", "-o", "x"], "ext2");
    fails(&["image", "-o", "absent/x"], "absent/");
    assert!(!bench.path().join("x").exists());
}

#[test]
fn what_cannot_be() {
    let bench = Bench::new();
    let mut tar = archive();
    let mut outside = header(EntryType::Regular, 0o644, 0);
    outside.as_old_mut().name[..7].copy_from_slice(b"../evil");
    outside.set_cksum();
    tar.append(&outside, &b""[..]).expect("added");
    bench.file("in.tar", tar.into_inner().expect("an archive"));
    let fails = |from: &str, size: &str, expected: &str| {
        let run = bench.sampan(&["image", "build", "--from", from, "--size", size, "-o", "image"]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
        assert!(!bench.path().join("image").exists());
    };
    fails("tar:in.tar", "64M", "../evil: a path with '..'");
    fails("tar:in.tar", "1500K", "no space left");
    fails("tar:in.tar", "20K", "no space left");
    fails("tar:absent", "20M", "absent: ");
    fails("dir:in.tar", "20M", "in.tar: not a directory");
    let garbage = bench.file("garbage", vec![7; 5000]);
    fails("tar:garbage", "20M", "garbage: ");
    let run = bench.sampan(&["image", "ls", garbage.to_str().expect("text")]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("without an ext2 superblock"), "{}", run.stderr);
    // Nothing that was unfinished is left.
    let left = std::fs::read_dir(bench.path()).expect("a folder").count();
    assert_eq!(left, 2);
}

/// Files below a folder, with their content.
fn tree(folder: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").to_owned();
                found.insert(name, std::fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

#[test]
fn chunks() {
    let bench = Bench::new();
    let tar = archive().into_inner().expect("an archive");
    std::fs::write(bench.path().join("in.tar"), tar).expect("written");
    let build = ["image", "build", "--from", "tar:in.tar", "--size", "4M", "-o", "image"];
    assert_eq!(bench.sampan(&build).code, 0);
    for folder in ["one", "two"] {
        let run = bench.sampan(&["image", "chunk", "image", "-o", folder]);
        assert_eq!((run.code, &*run.stderr), (0, ""));
    }
    let one = tree(&bench.path().join("one"));
    assert_eq!(one, tree(&bench.path().join("two")));
    let names: Vec<_> = one.keys().map(|name| name.to_string_lossy().into_owned()).collect();
    // Most of the image is zeros.
    assert!((4..30).contains(&names.len()), "{names:?}");
    assert!(names.contains(&"index.json".into()));
    let wrong = |name: &&String| {
        let parts: Vec<&str> = name.split('/').collect();
        !matches!(&parts[..], ["index.json"] | ["maps", _])
            && !matches!(&parts[..], ["chunks", part, hash] if hash.len() == 64 && hash.starts_with(part))
    };
    assert_eq!(names.iter().find(wrong), None);

    // Without such a program nothing can be said about a start, and the index stays.
    let run = bench.sampan(&["image", "profile", "one"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("/bin/bash"), "{}", run.stderr);
    assert_eq!(one, tree(&bench.path().join("one")));
    for (name, content) in [("index.json", "{}"), ("index.json", "[")] {
        std::fs::write(bench.path().join("two").join(name), content).expect("written");
        let run = bench.sampan(&["image", "profile", "two"]);
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains("two/index.json: "), "{}", run.stderr);
    }
    let run = bench.sampan(&["image", "chunk", "in.tar", "-o", "three"]);
    assert!(run.code == 1 && !bench.path().join("three").exists(), "{}", run.stderr);
}

/// Makes changes of an image that no program of ours makes.
fn debugfs(bench: &Bench, image: &str, command: &str) {
    let mut tool = Command::new("debugfs");
    tool.env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin").args(["-w", "-R", command]);
    let output = tool.arg(bench.path().join(image)).output().expect("e2fsprogs are installed");
    assert!(output.status.success());
}

#[test]
fn check_tells_what_is_wrong() {
    let bench = Bench::new();
    bench.file("in.tar", archive().into_inner().expect("an archive"));
    assert_eq!(bench.sampan(&["image", "build", "--from", "tar:in.tar", "-o", "image"]).code, 0);
    let run = bench.sampan(&["image", "check", "image"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    // Reserved ones, `lost+found`, the many and all others.
    let inodes = 10 + 1 + 700 + 14;
    assert!(run.stdout.starts_with(&format!("image: {inodes} of ")), "{}", run.stdout);
    assert!(run.stdout.ends_with(" blocks in use; clean\n"), "{}", run.stdout);
    let before = std::fs::read(bench.path().join("image")).expect("an image");

    debugfs(&bench, "image", "sif /etc/hello links_count 9");
    debugfs(&bench, "image", "unlink /usr/bin/tool");
    let run = bench.sampan(&["image", "check", "image"]);
    assert_eq!((run.code, &run.stderr[..]), (4, ""));
    assert!(run.stdout.contains(": has 2 names, but says 9\n"), "{}", run.stdout);
    assert!(run.stdout.contains(": is in use, but has no name\n"), "{}", run.stdout);
    assert!(run.stdout.ends_with("; 2 problems\n"), "{}", run.stdout);
    let run = bench.sampan(&["image", "resize", "image", "200M"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("it is damaged"), "{}", run.stderr);

    for (file, expected) in [("in.tar", "without an ext2 superblock"), ("absent", "absent: ")] {
        let run = bench.sampan(&["image", "check", file]);
        assert_eq!((run.code, &run.stdout[..]), (8, ""));
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
    std::fs::write(bench.path().join("image"), &before[..before.len() / 2]).expect("written");
    let run = bench.sampan(&["image", "check", "image"]);
    assert_eq!(run.code, 4);
    assert!(run.stdout.contains("is the image cut off?"), "{}", run.stdout);
}

#[test]
fn resize_keeps_everything() {
    let bench = Bench::new();
    bench.file("in.tar", archive().into_inner().expect("an archive"));
    let build = ["image", "build", "--from", "tar:in.tar", "--size", "100M", "-o", "image"];
    assert_eq!(bench.sampan(&build).code, 0);
    debugfs(&bench, "image", "ea_set /etc/hello user.name value");
    let content = || {
        let run = bench.sampan(&["image", "extract", "image", "-o", "out.tar"]);
        assert_eq!((run.code, &run.stderr[..]), (0, ""));
        std::fs::read(bench.path().join("out.tar")).expect("an archive")
    };
    let before = content();
    // Blocks of 4 KiB, and of 1 KiB again.
    for size in ["600M", "7M", "30M"] {
        let run = bench.sampan(&["image", "resize", "image", size]);
        assert_eq!((run.code, &run.stderr[..]), (0, ""));
        check(&bench, "image");
        assert!(content() == before, "{size}");
    }
    assert_eq!(std::fs::metadata(bench.path().join("image")).expect("there").len(), 30 << 20);
    let mut tool = Command::new("debugfs");
    tool.env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin").args(["-R", "ea_list /etc/hello"]);
    let list = tool.arg(bench.path().join("image")).output().expect("e2fsprogs are installed");
    assert!(String::from_utf8_lossy(&list.stdout).contains("user.name (5) = \"value\""));

    let whole = std::fs::read(bench.path().join("image")).expect("an image");
    for size in ["900K", "700K", "10K"] {
        let run = bench.sampan(&["image", "resize", "image", size]);
        assert_eq!(run.code, 1, "{size}");
        assert!(run.stderr.contains("which do not fit into"), "{}", run.stderr);
    }
    assert!(std::fs::read(bench.path().join("image")).expect("an image") == whole);
    let left = std::fs::read_dir(bench.path()).expect("a folder").count();
    assert_eq!(left, 3);
}
