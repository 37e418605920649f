//! Images that `mke2fs` made of a folder are read back and compared with it; damaged ones
//! end in errors; and a device that is late at random changes nothing.

use sampan_disk::ext2::{Ext2, Ino, Kind, Options, ROOT};
use sampan_disk::{Device, Error, Memory, Result};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What is in a tree: by path, the content, or the target of a link, or nothing.
type Tree = BTreeMap<String, (Kind, Vec<u8>)>;

fn run(command: &mut Command) {
    let output = command.output().expect("e2fsprogs are installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn mke2fs() -> Command {
    let mut command = Command::new("mke2fs");
    command.env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
    command
}

/// A folder with a bit of everything, and the same in our terms.
fn folder(at: &Path) -> Tree {
    let mut tree = Tree::new();
    let pattern = |len: usize| (0..len).map(|i| (i * 31 + i / 251) as u8).collect::<Vec<u8>>();
    let mut file = |name: &str, content: Vec<u8>| {
        std::fs::write(at.join(name), &content).expect("written");
        tree.insert(format!("/{name}"), (Kind::File, content));
    };
    file("empty", Vec::new());
    file("small", b"hello".to_vec());
    // Direct blocks, and trees of one and two levels with blocks of 1 KiB.
    file("direct", pattern(12 * 1024));
    file("single", pattern(200_001));
    file("double", pattern(1_500_000));
    let mut sparse = vec![0; 3_000_000];
    sparse[2_900_000..].copy_from_slice(&pattern(100_000));
    sparse[..10].copy_from_slice(b"begin here");
    file("sparse", sparse);
    std::fs::create_dir(at.join("many")).expect("made");
    for i in 0..700 {
        file(&format!("many/a file with a rather long name {i}"), format!("{i}").into_bytes());
    }
    tree.insert("/many".into(), (Kind::Directory, Vec::new()));
    for (name, target) in [("short", "small".to_string()), ("long", "x/".repeat(200))] {
        std::os::unix::fs::symlink(&target, at.join(name)).expect("linked");
        tree.insert(format!("/{name}"), (Kind::Symlink, target.into_bytes()));
    }
    tree.insert("/lost+found".into(), (Kind::Directory, Vec::new()));
    tree
}

fn image(options: &[&str]) -> (Tree, Vec<u8>) {
    let place = tempfile::tempdir().expect("a folder");
    let (source, file) = (place.path().join("source"), place.path().join("image"));
    std::fs::create_dir(&source).expect("made");
    let tree = folder(&source);
    run(mke2fs()
        .args(["-q", "-F", "-t", "ext2", "-d"])
        .arg(&source)
        .args(options)
        .arg(&file)
        .arg("16M"));
    (tree, std::fs::read(file).expect("an image"))
}

/// Makes a call again until the device is ready.
fn wait<R>(mut call: impl FnMut() -> Result<R>) -> Result<R> {
    loop {
        match call() {
            Err(Error::NotReady) => {}
            result => return result,
        }
    }
}

fn mount<D: Device>(mut device: D) -> Result<Ext2<D>> {
    loop {
        match Ext2::mount(device, Options { cache_bytes: 1 << 18, ..Options::default() }) {
            Ok(fs) => return Ok(fs),
            Err(failed) if failed.error == Error::NotReady => device = failed.device,
            Err(failed) => return Err(failed.error),
        }
    }
}

fn content<D: Device>(fs: &mut Ext2<D>, ino: Ino, max: u64) -> Result<Vec<u8>> {
    let size = wait(|| fs.getattr(ino))?.size;
    let mut all = Vec::new();
    while (all.len() as u64) < size.min(max) {
        let mut part = vec![0; 70_000];
        let offset = all.len() as u64;
        let count = wait(|| fs.read(ino, offset, &mut part))?;
        if count == 0 {
            break;
        }
        all.extend_from_slice(&part[..count]);
    }
    Ok(all)
}

fn walk<D: Device>(fs: &mut Ext2<D>, most: usize) -> Result<Tree> {
    let mut tree = Tree::new();
    let mut open = vec![(String::new(), ROOT)];
    while let Some((path, directory)) = open.pop() {
        let (mut cookie, mut list) = (0, Vec::new());
        loop {
            let from = cookie;
            let mut room = 50;
            let before = list.len();
            cookie = wait(|| {
                list.truncate(before);
                room = 50;
                fs.readdir(directory, from, &mut |entry| {
                    room -= 1;
                    if room >= 0 {
                        list.push((entry.name.to_vec(), entry.ino));
                    }
                    room >= 0
                })
            })?;
            if room >= 0 || list.len() > most {
                break;
            }
        }
        for (name, ino) in list {
            wait(|| fs.lookup(directory, &name))?;
            if name == b"." || name == b".." {
                continue;
            }
            let path = format!("{path}/{}", String::from_utf8_lossy(&name));
            let kind = wait(|| fs.getattr(ino))?.kind;
            let content = match kind {
                Kind::File => content(fs, ino, 4 << 20)?,
                Kind::Symlink => wait(|| fs.readlink(ino))?,
                _ => Vec::new(),
            };
            if kind == Kind::Directory && tree.len() < most {
                open.push((path.clone(), ino));
            }
            tree.insert(path, (kind, content));
        }
        if tree.len() > most {
            break;
        }
    }
    Ok(tree)
}

fn differences(expected: &Tree, found: &Tree) -> Vec<String> {
    let names: std::collections::BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    names.into_iter().filter(|name| expected.get(*name) != found.get(*name)).cloned().collect()
}

#[test]
fn reads_what_mke2fs_wrote() {
    for options in [
        &["-b", "1024"][..],
        &["-b", "4096"],
        &["-b", "2048", "-I", "128"],
        &["-r", "0", "-b", "1024"],
    ] {
        let (tree, bytes) = image(options);
        let mut fs = mount(Memory::from(bytes)).expect("mounts");
        let found = walk(&mut fs, 10_000).expect("reads");
        assert_eq!(differences(&tree, &found), Vec::<String>::new(), "{options:?}");
        assert_eq!(fs.lookup(ROOT, b"absent"), Err(Error::NotFound));
        let stat = fs.statfs();
        assert!(stat.free_blocks > 0 && stat.free_blocks < stat.blocks);
    }
}

#[test]
fn refuses_what_it_does_not_know_by_name() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("image");
    for (options, word) in [
        (&["-t", "ext4"][..], "extents"),
        (&["-t", "ext2", "-O", "meta_bg,^resize_inode"], "meta_bg"),
    ] {
        run(mke2fs().args(["-q", "-F"]).args(options).arg(&file).arg("16M"));
        let error = mount(Memory::from(std::fs::read(&file).expect("image"))).expect_err("refused");
        assert!(error.to_string().contains(word), "{error}");
    }
    let error = mount(Memory::new(1 << 20)).expect_err("no file system");
    assert!(error.to_string().contains("superblock"), "{error}");
}

/// A device that is late at random, and counts.
struct Late {
    inner: Memory,
    state: u64,
}

impl Device for Late {
    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        if next(&mut self.state).is_multiple_of(3) {
            return Err(Error::NotReady);
        }
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&mut self, _: u64, _: &[u8]) -> Result<()> {
        Err(Error::ReadOnly)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[test]
fn a_late_device_changes_nothing() {
    let (tree, bytes) = image(&["-b", "1024"]);
    let mut fs = mount(Late { inner: Memory::from(bytes), state: 7 }).expect("mounts");
    let found = walk(&mut fs, 10_000).expect("reads");
    assert_eq!(differences(&tree, &found), Vec::<String>::new());
}

/// Metadata with changed bytes: no panic, and an end. Bytes are changed where tables and
/// directories are.
#[test]
fn damaged_images_end() {
    let (_, bytes) = image(&["-b", "1024", "-N", "1024"]);
    let mut state = 1;
    let mut failed = 0;
    for _ in 0..300 {
        let mut damaged = bytes.clone();
        for _ in 0..1 + next(&mut state) % 40 {
            let at = match next(&mut state) % 4 {
                0 => 1024 + next(&mut state) % 400,
                1 => 2048 + next(&mut state) % 128,
                _ => next(&mut state) % (1 << 19),
            };
            damaged[at as usize] = match next(&mut state) % 3 {
                0 => 0xff,
                1 => 0,
                _ => next(&mut state) as u8,
            };
        }
        let tree = mount(Memory::from(damaged)).and_then(|mut fs| walk_leniently(&mut fs));
        failed += u32::from(tree.is_err());
    }
    assert!(failed > 30, "damage is met: {failed}");
}

/// All calls on all inodes, whatever they answer.
fn walk_leniently<D: Device>(fs: &mut Ext2<D>) -> Result<()> {
    let inodes = fs.statfs().inodes.min(1100) as u32;
    let mut first = Ok(());
    for ino in 0..=inodes {
        let mut buffer = [0; 5000];
        let results = [
            fs.lookup(ino, b"absent").map(drop),
            fs.read(ino, 0, &mut buffer).map(drop),
            fs.read(ino, 1_200_000, &mut buffer).map(drop),
            fs.read(ino, u64::MAX - 3, &mut buffer).map(drop),
            fs.readlink(ino).map(drop),
            fs.readdir(ino, 37, &mut |_| true).map(drop),
        ];
        let damage = |result: &Result<()>| matches!(result, Err(Error::Corrupt { .. }));
        first = first.and(results.into_iter().find(damage).unwrap_or(Ok(())));
    }
    first
}
